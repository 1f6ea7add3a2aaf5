"""What cannot be opened because of its kind is told by kind, and can be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.tagging import left_out_dialog
from csra_gui.tagging.left_out_dialog import LeftOutDialog
from tests.gui.driver import Start, wait_until_tagged


def add(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()


def open_folder(qtbot: QtBot, start: Start, folder: Path) -> Application:
    application = start([])
    with qtbot.waitSignal(application.session.pipeline.scan_finished):
        application.session.open([folder])
    return application


def action(application: Application) -> bool:
    return application.window.actions_table["show_left_out"].isEnabled()


def test_what_is_left_out_is_told_by_kind_with_a_list_to_look_at(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    add(photos, "b.MOV", "a.mov", "c.psd", "cat.xmp", "notes.txt")
    application = start([photos])
    wait_until_tagged(qtbot, application)
    bar = application.window.message_bar
    assert "3 files left out: 2 MOV, 1 PSD." in bar.texts()
    assert any("tagged" in text for text in bar.texts())

    [show] = [button for button in bar.findChildren(QPushButton) if button.text() == "Show"]
    show.click()

    [dialog] = application.window.findChildren(LeftOutDialog)
    model = dialog.list.model()
    rows = [[model.index(r, c).data() for c in range(3)] for r in range(model.rowCount())]
    assert rows == [
        [name, kind, str(photos)]
        for name, kind in (("a.mov", "MOV"), ("b.MOV", "MOV"), ("c.psd", "PSD"))
    ]
    dialog.close()


@pytest.mark.slow
def test_the_same_is_told_once_and_more_is_told_again(
    qtbot: QtBot, start: Start, photos: Path
) -> None:
    add(photos, "a.mov")
    said = []
    for new in ("", "", "b.mov"):
        if new:
            add(photos, new)
        application = start([photos])
        wait_until_tagged(qtbot, application)
        texts = application.window.message_bar.texts()
        said.append([text for text in texts if "left out" in text])
        assert action(application)
        application.window.close()
        application.shut_down()

    assert said == [["1 file left out: 1 MOV."], [], ["2 files left out: 2 MOV."]]


def test_the_list_gives_paths_to_copy_and_to_the_file_manager(
    qtbot: QtBot, start: Start, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(photos, "a.mov", "b.mov", "c.psd")
    application = open_folder(qtbot, start, photos)
    application.window.actions_table["show_left_out"].trigger()
    [dialog] = application.window.findChildren(LeftOutDialog)
    shown: list[list[Path]] = []
    opened: list[Path] = []
    monkeypatch.setattr(left_out_dialog, "show_files", shown.append)
    monkeypatch.setattr(left_out_dialog, "open_folder", opened.append)

    dialog.copy.click()
    assert QGuiApplication.clipboard().text().split("\n") == [
        str(photos / name) for name in ("a.mov", "b.mov", "c.psd")
    ]
    dialog.list.selectRow(1)
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == str(photos / "b.mov")
    dialog.show_in_files.click()
    qtbot.waitUntil(lambda: opened == [photos])
    assert shown == [[photos / "b.mov"]]
    dialog.close()


def test_a_folder_of_such_files_alone_says_so(qtbot: QtBot, start: Start, tmp_path: Path) -> None:
    add(tmp_path / "films", "a.mov", "b.mp4")
    application = open_folder(qtbot, start, tmp_path / "films")

    texts = [label.text() for label in application.window.findChildren(QLabel)]
    assert "No photos that can be opened were found here" in texts
    assert any("2 files left out: 1 MOV, 1 MP4." in text for text in texts)


def test_another_folder_forgets_and_the_same_again_counts_once(
    qtbot: QtBot, start: Start, photos: Path, tmp_path: Path
) -> None:
    add(tmp_path / "films", "a.mov")
    application = open_folder(qtbot, start, tmp_path / "films")
    pipeline = application.session.pipeline
    assert action(application)
    with qtbot.waitSignal(pipeline.scan_finished):
        pipeline.add([tmp_path / "films"])
    assert len(pipeline.left_out) == 1
    with qtbot.waitSignal(pipeline.scan_finished):
        application.session.open([photos])
    assert len(pipeline.left_out) == 0
    assert not action(application)
    assert not [t for t in application.window.message_bar.texts() if "left out" in t]
