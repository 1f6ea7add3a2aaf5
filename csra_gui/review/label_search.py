"""A line that narrows the list of labels by their names, and what is said when nothing fits."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.tool_tips import tool_tip
from csra_gui.review.label_list_model import LabelRow
from csra_gui.widgets.labels import plain_label
from engine.api.label_names import LabelNames
from engine.library.filters.completion import fitting
from engine.texts import display_text

_MAX_LENGTH = 200
#: Around the text of a button, in pixels.
_BUTTON_EDGES = 24
_INTO_LIST = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down})


def found_rows(
    rows: Sequence[LabelRow], known: Sequence[str], typed: str, names: LabelNames
) -> list[LabelRow]:
    """The labels that a typed text stands in, likeliest first, as it is when a label is added.

    Args:
        rows: all labels that the model has a score for, and those that the person gave.
        known: labels that can be given besides; they have no score.
        typed: case and outer spaces do not count.
        names: what else the labels are called.
    """
    by_name = {row.category: row for row in rows}
    of = rows[0].of if rows else 1
    for name in known:
        by_name.setdefault(name, LabelRow(-1, name, math.nan, 0.0, of=of))
    return [by_name[name] for name in fitting(tuple(by_name), typed, names)]


class LabelSearch(QWidget):
    """The line; below it, while no label fits, why the list is empty and what can be done.

    Signals:
        changed: another text is looked for.
        entered: the person goes on to the list.
        add_requested: what was looked for shall become a label.
    """

    changed = Signal()
    entered = Signal()
    add_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = _SearchLine(self)
        self.nothing = plain_label("", self)
        self.add = QPushButton(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.line)
        layout.addWidget(self.nothing)
        layout.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self.line.textChanged.connect(self.changed)
        self.line.entered.connect(self.entered)
        self.add.clicked.connect(self._on_add_clicked)
        self.tell_found(is_found=True)

    @property
    def wanted(self) -> str:
        """What is looked for, without outer spaces; empty if all labels are."""
        return self.line.text().strip()

    def clear(self) -> None:
        """Look for nothing."""
        self.line.clear()

    def tell_found(self, *, is_found: bool) -> None:
        """Whether any label fits; if not, offer to make it one."""
        self.nothing.setVisible(not is_found)
        self.add.setVisible(not is_found)
        if is_found:
            return
        shown = display_text(self.wanted)
        self.nothing.setText(f"No label is called “{shown}”. Add it as a label of your own?")
        text = self.add.fontMetrics().elidedText(
            f"Add “{shown}”", Qt.TextElideMode.ElideRight, max(self.width() - _BUTTON_EDGES, 120)
        )
        self.add.setText(text.replace("&", "&&"))
        self.add.setAccessibleName(f"Add {shown}")

    @Slot()
    def _on_add_clicked(self) -> None:
        wanted = self.wanted
        self.clear()
        self.add_requested.emit(wanted)


class _SearchLine(QLineEdit):
    """Escape empties it; in an empty line, Escape leads to the list as Return does."""

    entered = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMaxLength(_MAX_LENGTH)
        self.setPlaceholderText("Search for a label")
        self.setAccessibleName("Search in the list of labels")
        self.setToolTip(
            tool_tip("Lists all labels with this name, also those below the threshold.")
        )
        self.setClearButtonEnabled(True)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _INTO_LIST:
            self.entered.emit()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() == Qt.Key.Key_Escape:
            self.entered.emit()
        else:
            super().keyPressEvent(event)
