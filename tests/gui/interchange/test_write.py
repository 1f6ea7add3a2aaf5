"""Labels are written from the window after a preview, as one reviews, and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import WRITE_CONTINUOUSLY
from csra_gui.interchange.write_dialog import WriteDialog
from engine.library.values import Verdict
from engine.metadata import xmp
from tests.gui.driver import Start, row, trigger, wait_until_tagged


@pytest.fixture
def application(qtbot: QtBot, start: Start, photos: Path) -> Application:
    opened = start([photos])
    wait_until_tagged(qtbot, opened)
    return opened


def decide(application: Application, name: str, label: str, verdict: Verdict) -> None:
    application.session.decisions.decide([row(application, name)], {label: verdict}, caption="Test")


def asked(qtbot: QtBot, application: Application) -> WriteDialog:
    trigger(application, "write_labels")
    [dialog] = application.window.findChildren(WriteDialog)
    qtbot.waitUntil(lambda: dialog.summary.text().startswith("Would be"))
    return dialog


def keywords(path: Path) -> set[str]:
    return set(xmp.parsed(path.read_bytes()).keywords)


def test_what_is_shown_is_written_and_taken_back(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    before = {path: path.read_bytes() for path in photos.iterdir() if path.is_file()}
    decide(application, "dog.jpg", "Rex", Verdict.ADDED)
    (photos / "cat.jpg.xmp").write_bytes(b"broken")
    decide(application, "cat.jpg", "Mia", Verdict.ADDED)
    dialog = asked(qtbot, application)
    model = dialog.changes
    shown = {
        model.index(place, 0).data(): model.index(place, 1).data()
        for place in range(model.rowCount())
    }
    assert shown["dog.jpg"] == "+ Rex"
    assert "left alone" in shown["cat.jpg"]
    writes = application.window.interchange.writes
    with qtbot.waitSignal(writes.ended):
        qtbot.mouseClick(dialog.write, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: writes.last is not None and not writes.is_busy)
    assert keywords(photos / "dog.jpg.xmp") == {"Rex"}
    assert (photos / "cat.jpg.xmp").read_bytes() == b"broken"
    trigger(application, "undo_write")
    [box] = application.window.findChildren(QMessageBox)
    [undo] = [button for button in box.buttons() if button.text() == "&Undo the write"]
    with qtbot.waitSignal(writes.ended):
        qtbot.mouseClick(undo, Qt.MouseButton.LeftButton)
    (photos / "cat.jpg.xmp").unlink()
    assert {path: path.read_bytes() for path in photos.iterdir() if path.is_file()} == before
    qtbot.waitUntil(lambda: writes.last is None and not writes.is_busy)


def test_a_table_of_names_that_is_none_is_told_and_nothing_can_be_written(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    decide(application, "dog.jpg", "Rex", Verdict.ADDED)
    dialog = asked(qtbot, application)
    dialog.renaming.setText(str(tmp_path / "nothing.csv"))
    dialog.renaming.editingFinished.emit()
    assert "cannot be read" in dialog.summary.text()
    assert not dialog.write.isEnabled()
    dialog.reject()


def written_by_itself(qtbot: QtBot, application: Application) -> None:
    """Let the time pass after which what waits is written."""
    continuous = application.window.interchange.continuous
    qtbot.waitUntil(lambda: bool(continuous.awaited))
    with qtbot.waitSignals([application.window.interchange.writes.ended, continuous.changed]):
        continuous.timer.timeout.emit()
    qtbot.waitUntil(lambda: not application.window.interchange.writes.is_busy)


def test_reviewed_photos_are_written_by_themselves_if_wished(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    continuous = application.window.interchange.continuous
    decide(application, "dog.jpg", "Rex", Verdict.ADDED)
    assert not continuous.timer.isActive()
    application.settings.set_value(WRITE_CONTINUOUSLY, True)
    decide(application, "dog.jpg", "Bello", Verdict.ADDED)
    assert continuous.timer.isActive()
    written_by_itself(qtbot, application)
    assert keywords(photos / "dog.jpg.xmp") == {"Rex", "Bello"}
    qtbot.waitUntil(lambda: not continuous.awaited)
    assert application.window.interchange.not_written.isHidden()


def test_what_was_decided_while_it_was_written_waits_on(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    continuous = application.window.interchange.continuous
    application.settings.set_value(WRITE_CONTINUOUSLY, True)
    decide(application, "dog.jpg", "Rex", Verdict.ADDED)
    qtbot.waitUntil(lambda: bool(continuous.awaited))
    writes = application.window.interchange.writes
    with qtbot.waitSignal(writes.ended):
        continuous.timer.timeout.emit()
        decide(application, "dog.jpg", "Bello", Verdict.ADDED)
    written_by_itself(qtbot, application)
    assert keywords(photos / "dog.jpg.xmp") == {"Rex", "Bello"}
    qtbot.waitUntil(lambda: not continuous.awaited)


def test_a_photo_that_could_not_be_written_says_why_and_is_tried_again(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    interchange = application.window.interchange
    application.settings.set_value(WRITE_CONTINUOUSLY, True)
    (photos / "dog.jpg.xmp").write_bytes(b"broken")
    decide(application, "dog.jpg", "Rex", Verdict.ADDED)
    decide(application, "cat.jpg", "Mia", Verdict.ADDED)
    qtbot.waitUntil(lambda: len(interchange.continuous.awaited) == 2)
    written_by_itself(qtbot, application)
    qtbot.waitUntil(lambda: bool(interchange.continuous.not_written))
    assert interchange.continuous.timer.isActive()
    button = interchange.not_written
    assert button.text() == "1 not written"
    assert "dog.jpg.xmp was left alone" in button.toolTip().replace("\n", " ")
    button.click()
    (photos / "dog.jpg.xmp").unlink()
    with qtbot.waitSignal(interchange.writes.ended):
        interchange.continuous.try_again()
    qtbot.waitUntil(lambda: not interchange.continuous.awaited)
    assert keywords(photos / "dog.jpg.xmp") == {"Rex"}
    assert button.isHidden()


@pytest.mark.slow
def test_what_waits_is_written_after_a_restart(
    qtbot: QtBot, application: Application, start: Start, photos: Path
) -> None:
    application.settings.set_value(WRITE_CONTINUOUSLY, True)
    decide(application, "dog.jpg", "Rex", Verdict.ADDED)
    qtbot.waitUntil(lambda: bool(application.window.interchange.continuous.awaited))
    application.window.close()
    assert application.shut_down()
    again = start([photos], settings=application.settings)
    wait_until_tagged(qtbot, again)
    qtbot.waitUntil(lambda: bool(again.window.interchange.continuous.timer.isActive()))
    written_by_itself(qtbot, again)
    assert keywords(photos / "dog.jpg.xmp") == {"Rex"}
