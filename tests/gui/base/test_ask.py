from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.base.ask import ask_files, ask_folder, ask_target, ask_text, ask_whether
from tests.gui.driver import press


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


def test_a_question_does_nothing_unless_the_answer_is_yes(qtbot: QtBot, parent: QWidget) -> None:
    said: list[str] = []
    box = ask_whether(parent, "Delete", "<b>For good?</b>", "Delete", lambda: said.append("yes"))
    assert box.defaultButton() is box.escapeButton() is not None
    assert box.text() == "<b>For good?</b>"
    box.defaultButton().click()
    assert said == []
    qtbot.waitUntil(lambda: not parent.findChildren(QMessageBox))
    box = ask_whether(parent, "Close", "Stop?", "Stop", lambda: said.append("yes"), "Go on")
    assert box.defaultButton().text() == "Go on"
    press(box, "Stop")
    assert said == ["yes"]
    qtbot.waitUntil(lambda: not parent.findChildren(QMessageBox))


def test_the_suffix_of_a_target_follows_its_kind(
    qtbot: QtBot, parent: QWidget, tmp_path: Path
) -> None:
    said: list[Path] = []
    kinds = ("All numbers (*.npz)", "Only this map (*.npy)")
    ask_target(parent, "Save", "cat.maps.npz", kinds, said.append, str(tmp_path))
    [dialog] = parent.findChildren(QFileDialog)
    assert Path(dialog.selectedFiles()[0]) == tmp_path / "cat.maps.npz"
    assert dialog.defaultSuffix() == "npz"
    dialog.filterSelected.emit(kinds[1])
    assert Path(dialog.selectedFiles()[0]) == tmp_path / "cat.maps.npy"
    assert dialog.defaultSuffix() == "npy"
    dialog.fileSelected.emit(str(tmp_path / "x.npy"))
    assert said == [tmp_path / "x.npy"]
    dialog.close()


def test_folders_files_and_texts_are_handed_on(
    qtbot: QtBot, parent: QWidget, tmp_path: Path
) -> None:
    said: list[object] = []
    ask_folder(parent, "Folder", said.append, str(tmp_path))
    ask_files(parent, "Files", ("Pictures (*.png)",), said.append, str(tmp_path))
    folder, files = parent.findChildren(QFileDialog)
    assert folder.fileMode() is QFileDialog.FileMode.Directory
    assert files.fileMode() is QFileDialog.FileMode.ExistingFiles
    folder.fileSelected.emit(str(tmp_path))
    files.filesSelected.emit([str(tmp_path / "a.png"), str(tmp_path / "b.png")])
    ask_text(parent, "Name", "Name:", "mine", said.append)
    [line] = parent.findChildren(QInputDialog)
    assert line.textValue() == "mine"
    line.accept()
    assert said == [tmp_path, [tmp_path / "a.png", tmp_path / "b.png"], "mine"]
    for dialog in (folder, files):
        dialog.close()
