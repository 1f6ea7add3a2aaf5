"""Questions to the person: yes or no, a file, a folder, a line of text.

None of them waits: the window stays usable, and ``then`` is called with the answer; if the person
cancels, nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog, QMessageBox, QWidget


def ask_whether(
    parent: QWidget,
    title: str,
    text: str,
    yes: str,
    then: Callable[[], object],
    no: str = "",
) -> QMessageBox:
    """Ask before something is lost.

    Args:
        parent: of the question.
        title: of its window.
        text: the question, shown as it is.
        yes: caption of the button that does it.
        then: called if it is pressed.
        no: caption of the other button; "Cancel" if empty.
    """
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(text)
    does = box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
    if no:
        does_not = box.addButton(no, QMessageBox.ButtonRole.RejectRole)
    else:
        does_not = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(does_not)
    box.setEscapeButton(does_not)
    does.clicked.connect(lambda _checked=False: then())
    _open(box)
    return box


def ask_folder(
    parent: QWidget | None, title: str, then: Callable[[Path], object], start: str = ""
) -> None:
    """Ask for a folder that is there; ``start`` is shown first."""
    dialog = QFileDialog(parent, title, start)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(lambda name: then(Path(name)))
    _open(dialog)


def ask_files(
    parent: QWidget | None,
    title: str,
    filters: Sequence[str],
    then: Callable[[list[Path]], object],
    start: str = "",
    *,
    several: bool = True,
) -> None:
    """Ask for files that are there.

    Args:
        parent: of the dialog.
        title: of the dialog.
        filters: kinds of files: "Pictures (*.png)".
        then: takes their paths.
        start: the folder that is shown first.
        several: whether more than one may be chosen.
    """
    dialog = QFileDialog(parent, title, start, ";;".join(filters))
    modes = QFileDialog.FileMode
    dialog.setFileMode(modes.ExistingFiles if several else modes.ExistingFile)
    dialog.filesSelected.connect(lambda names: then([Path(name) for name in names]))
    _open(dialog)


def ask_target(
    parent: QWidget | None,
    title: str,
    name: str,
    filters: Sequence[str],
    then: Callable[[Path], object],
    start: str = "",
) -> QFileDialog:
    """Ask where to write a file; the suffix follows the kind that is chosen.

    Args:
        parent: of the dialog.
        title: of the dialog.
        name: that is suggested.
        filters: kinds of files, each with one suffix: "Pictures (*.png)".
        then: takes the path.
        start: the folder that is shown first.

    Returns:
        The dialog, for what else ends it.
    """
    return ask_target_and_kind(parent, title, name, filters, lambda path, _: then(path), start)


def ask_target_and_kind(
    parent: QWidget | None,
    title: str,
    name: str,
    filters: Sequence[str],
    then: Callable[[Path, str], object],
    start: str = "",
) -> QFileDialog:
    """As ``ask_target``, where kinds may share a suffix: ``then`` takes the chosen one, too."""
    dialog = QFileDialog(parent, title, start, ";;".join(filters))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(_suffix(filters[0]))
    dialog.selectFile(name)

    def follow(kind: str) -> None:
        dialog.setDefaultSuffix(_suffix(kind))
        chosen = Path(dialog.selectedFiles()[0])
        dialog.selectFile(chosen.with_suffix(_suffix(kind)).name)

    dialog.filterSelected.connect(follow)
    dialog.fileSelected.connect(lambda path: then(Path(path), dialog.selectedNameFilter()))
    _open(dialog)
    return dialog


def ask_text(
    parent: QWidget, title: str, label: str, text: str, then: Callable[[str], object]
) -> None:
    """Ask for a line of text, beginning with ``text``."""
    dialog = QInputDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setLabelText(label)
    dialog.setTextValue(text)
    dialog.textValueSelected.connect(then)
    _open(dialog)


def ask_choice(
    parent: QWidget, title: str, label: str, choices: Sequence[str], then: Callable[[int], object]
) -> None:
    """Ask for one of several things by their names; ``then`` takes its place among them."""
    dialog = QInputDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setLabelText(label)
    dialog.setOption(QInputDialog.InputDialogOption.UseListViewForComboBoxItems)
    unlike: list[str] = []
    for choice in choices:
        twins = sum(choice == other for other in choices[: len(unlike)])
        unlike.append(f"{choice} ({twins + 1})" if twins else choice)
    dialog.setComboBoxItems(unlike)
    dialog.textValueSelected.connect(lambda text: then(unlike.index(text)))
    _open(dialog)


def _open(dialog: QDialog) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()


def _suffix(kind: str) -> str:
    """The suffix that a kind of file stands for, with its dot."""
    return kind.rpartition("*")[2].rstrip(")")
