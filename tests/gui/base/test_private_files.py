"""What the program keeps of a person is for that person alone."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from csra_gui import app
from csra_gui.base import settings as keys
from csra_gui.base.paths import LOG_NAME, keep_others_out, own_folders
from csra_gui.base.settings import Settings

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows keeps rights in another way")


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("was_there", [False, True])
def test_the_settings_are_the_owners_alone(tmp_path: Path, was_there: bool) -> None:
    file = tmp_path / "settings.ini"
    if was_there:
        file.write_text("[tags]\nthreshold=0.7\n")
        file.chmod(0o644)
    settings = Settings(file)
    settings.set_value(keys.THRESHOLD, 0.25)
    settings.save()
    assert Settings(file).value(keys.THRESHOLD) == 0.25
    assert rights(file) == 0o600


def test_nobody_else_can_enter_the_folders_of_the_program(
    tmp_path: Path, own_profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own_folders() == ()  # a variable names them: they may hold other things, too
    monkeypatch.delenv("CSRA_GUI_PROFILE")
    monkeypatch.delenv("CSRA_GUI_DATA")
    assert len(set(own_folders())) == 4
    for folder in own_folders():
        assert folder.is_relative_to(own_profile)  # and not anybody's own
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        keep_others_out(folder)
        assert rights(folder) == 0o700
    keep_others_out(tmp_path / "new")
    assert rights(tmp_path / "new") == 0o700


def test_a_folder_that_cannot_be_made_private_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    keep_others_out(tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == ""


def test_logs_are_the_owners_alone_and_do_not_grow_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_LOG_BYTES", 2_000)
    root = logging.getLogger()
    level = root.level
    handler = app._start_logging(tmp_path)
    try:
        for number in range(200):
            root.info("line %s of a long day with many photos", number)
    finally:
        root.removeHandler(handler)
        handler.close()
        root.setLevel(level)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [LOG_NAME, f"{LOG_NAME}.1", f"{LOG_NAME}.2"]
    assert all(file.stat().st_size <= 2_000 for file in files)
    assert {rights(file) for file in files} == {0o600}
