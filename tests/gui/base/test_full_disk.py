"""The disk of settings and log is full: old files stay, it is said once, the program goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from csra_gui import app
from csra_gui.base.settings import THEME, Settings
from csra_gui.base.settings_file import SettingsFile
from csra_gui.shell import settings_notice
from tests.disks import SmallDisk, small_disk
from tests.gui.driver import Start

LINE = "x" * 80


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small", mib=2) as made:
        yield made


def test_settings_stay_as_they_were_and_are_saved_when_there_is_room(
    qtbot: QtBot, disk: SmallDisk, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_notice, "SOON_MS", 10)
    monkeypatch.setattr(settings_notice, "AGAIN_MS", 50)
    file = disk.place / "settings.ini"
    settings = Settings(file)
    settings.set_value(THEME, "dark")
    settings.save()
    application = start(settings=settings)
    bar = application.window.message_bar
    before = file.read_bytes()
    names = {path.name for path in disk.place.iterdir()}
    disk.fill()
    settings.set_value(THEME, "light")
    qtbot.waitUntil(lambda: any("settings cannot be saved" in text for text in bar.texts()))
    assert len(bar.texts()) == 1
    assert file.read_bytes() == before
    assert {path.name for path in disk.place.iterdir()} == names | {"filler"}
    disk.make_room()
    qtbot.waitUntil(lambda: bar.texts() == ())
    assert Settings(file).value(THEME) == "light"
    assert {path.name for path in disk.place.iterdir()} == names


def test_settings_that_cannot_be_saved_are_told_of_once(qtbot: QtBot, disk: SmallDisk) -> None:
    settings = SettingsFile(disk.place / "settings.ini")
    told: list[str] = []
    settings.saving_failed.connect(lambda: told.append("failed"))
    settings.saved_again.connect(lambda: told.append("saved"))
    disk.fill()
    for number in range(3):
        settings.setValue("number", number)
        settings.save()
    disk.make_room()
    for _ in range(2):
        settings.save()
    disk.fill()
    settings.setValue("number", 4)
    settings.save()
    assert told == ["failed", "saved", "failed"]


def test_the_log_goes_on_after_its_disk_was_full(
    disk: SmallDisk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app, "_LOG_BYTES", 50_000)
    handler = app._start_logging(disk.place)
    try:
        log = logging.getLogger("csra_gui.test")
        for name in ("before", "full", "after", "full at the end"):
            (disk.fill if name.startswith("full") else disk.make_room)()
            for number in range(1000):
                log.info("%s %d %s", name, number, LINE)
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    kept = "".join(path.read_text(encoding="utf-8") for path in disk.place.glob("*.log*"))
    assert f"after 999 {LINE}\n" in kept
    assert capsys.readouterr().err == ""


def test_a_log_whose_disk_was_full_while_a_new_file_began_goes_on(
    disk: SmallDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = app._start_logging(disk.place)
    try:
        handler.stream.close()  # type: ignore[attr-defined]  # what a rollover leaves then
        log = logging.getLogger("csra_gui.test")
        log.info("lost")
        log.info("kept")
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    assert "kept" in (disk.place / "csra-gui.log").read_text(encoding="utf-8")
