"""A drive is pulled out while its photos are tagged, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.paths import library_file
from csra_gui.browse import folder_watch
from csra_gui.session.change_job import Opened, look_for_changes
from csra_gui.session.photo_table import PhotoTable
from engine.api.passing import DISK_FAILS, FILE_GONE
from engine.api.values import Prediction
from engine.library.opening import open_library
from engine.library.values import Verdict, look_at
from tests.disks import FailingDisk, failing_disk
from tests.fakes import CATEGORIES, MODEL_ID, FakeEngine
from tests.gui.driver import Start, row, wait_until_tagged

NAMES = [f"cat-{number}.jpg" for number in range(8)]


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[FailingDisk]:
    with failing_disk(tmp_path / "drive") as made:
        (made.place / "photos").mkdir()
        for name in NAMES:
            (made.place / "photos" / name).write_text(name)
        yield made


def missing_while_away(prediction: Prediction) -> Prediction:
    if prediction.path.exists():
        return prediction
    return replace(prediction, scores=np.zeros(0, np.float32), error=FILE_GONE)


def said(application: Application) -> str:
    return " ".join(application.window.message_bar.texts())


def stored() -> tuple[int, int]:
    """How many photos the library has scores of, and how many errors."""
    with open_library(library_file()) as library:
        found = library.stored(list(library.files()), MODEL_ID)
        return len(found.scored), len(found.errors)


@pytest.mark.parametrize("opens_the_top", [False, True])
def test_a_drive_that_is_pulled_out_while_it_is_tagged_is_gone_on_with_when_it_is_back(
    qtbot: QtBot,
    start: Start,
    engine: FakeEngine,
    drive: FailingDisk,
    monkeypatch: pytest.MonkeyPatch,
    opens_the_top: bool,
) -> None:
    monkeypatch.setattr(folder_watch, "_SETTLE_MS", 50)
    monkeypatch.setattr(folder_watch, "_SHORTEST_PAUSE_S", 0.05)
    engine.predict_gate.clear()
    place = drive.place / "photos"
    engine.revise = missing_while_away
    application = start([drive.place if opens_the_top else place])
    session = application.session
    qtbot.waitUntil(lambda: bool(engine.predict_calls))
    drive.pull_out()
    engine.predict_gate.set()
    qtbot.waitUntil(lambda: "cannot be reached: its disk is away" in said(application))
    qtbot.waitUntil(lambda: not session.tagger.is_running)
    assert not session.photos.gone.any()
    cat = row(application, NAMES[0])
    session.decisions.decide([cat], {"zebra": Verdict.ADDED}, caption="Add zebra")
    drive.put_back()
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: not session.photos.errors)
    assert session.photos.verdicts(cat) == {"zebra": Verdict.ADDED}
    assert "cannot be reached" not in said(application)
    application.window.close()
    assert application.shut_down()
    assert stored() == (len(NAMES), 0)


def test_a_photo_whose_disk_failed_is_looked_at_again_when_it_can_be_read(tmp_path: Path) -> None:
    photo, other = tmp_path / "a.jpg", tmp_path / "b.jpg"
    for path in (photo, other):
        path.write_text(path.name)
    photos = PhotoTable()
    photos.add([photo, other], [look_at(photo), look_at(other)])
    photos.use_model(MODEL_ID, CATEGORIES, "")
    photos.set_error(0, DISK_FAILS)
    opened = Opened((tmp_path,), recursive=True, unread=(0,))
    found = list(look_for_changes([tmp_path], photos.files(), photos.gone, opened))
    assert [row for part in found for row in part.readable] == [0]


def test_a_folder_that_was_removed_is_not_said_to_be_on_a_disk_that_is_away(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    opened = Opened((root,), recursive=True, devices={root: root.stat().st_dev})
    assert not opened.is_away(root)
    root.rmdir()
    assert not opened.is_away(root)
    elsewhere = Opened((root,), recursive=True, devices={root: root.parent.stat().st_dev + 1})
    assert elsewhere.is_away(root)
