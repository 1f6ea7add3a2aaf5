"""A line that narrows the list of labels by their names, and what is said when nothing fits."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.tool_tips import tool_tip
from csra_gui.review.label_list_model import LabelRow
from csra_gui.review.unknown_label import UnknownLabel
from engine.api.label_names import LabelNames
from engine.library.filters.completion import fitting

_MAX_LENGTH = 200
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
    found = fitting(tuple(by_name), typed, names)
    meant = None if found else names.search(typed.strip(), by_name)  # "cats" is "cat"
    return [by_name[name] for name in found or ([meant] if meant else [])]


class LabelSearch(QWidget):
    """The line; below it, while no label is what is looked for, that and what can be done.

    Signals:
        changed: another text is looked for.
        entered: the person goes on to the list.
        add_requested: what was looked for shall become a label.
        teach_requested: the model shall learn it.
    """

    changed = Signal()
    entered = Signal()
    add_requested = Signal(str)
    teach_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = _SearchLine(self)
        self.unknown = UnknownLabel(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.line)
        layout.addWidget(self.unknown)
        self.line.textChanged.connect(self.changed)
        self.line.entered.connect(self.entered)
        self.unknown.add_requested.connect(self._on_unknown_add_requested)
        self.unknown.teach_requested.connect(self._on_unknown_teach_requested)

    @property
    def wanted(self) -> str:
        """What is looked for, without outer spaces; empty if all labels are."""
        return self.line.text().strip()

    def clear(self) -> None:
        """Look for nothing."""
        self.line.clear()

    def tell(self, unknown: str, *, can_teach: bool = False) -> None:
        """Say that no label is what is looked for; nothing if ``unknown`` is empty.

        Args:
            unknown: a sentence or two.
            can_teach: whether the model can learn it.
        """
        self.unknown.say(unknown, can_teach=can_teach, add=self.wanted if unknown else "")

    @Slot()
    def _on_unknown_add_requested(self) -> None:
        wanted = self.wanted
        self.clear()
        self.add_requested.emit(wanted)

    @Slot()
    def _on_unknown_teach_requested(self) -> None:
        wanted = self.wanted
        self.clear()
        self.teach_requested.emit(wanted)


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
