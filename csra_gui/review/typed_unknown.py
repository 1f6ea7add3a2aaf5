"""What is said beside a line while a label is typed into it that the model does not know."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from csra_gui.review.controller import ReviewController
from csra_gui.review.label_entry import LabelEntry
from csra_gui.review.unknown_label import UnknownLabel


class EntryHint(QWidget):
    """Says so of the label that is being typed, and empties the line when it shall be taught.

    Signals:
        teach_requested: the model shall learn what is typed.
    """

    teach_requested = Signal(str)

    def __init__(self, entry: LabelEntry, review: ReviewController, parent: QWidget) -> None:
        super().__init__(parent)
        self._entry = entry
        self._review = review
        self._part = ""
        self.unknown = UnknownLabel(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.unknown)
        self.hide()
        entry.part_typed.connect(self._on_entry_part_typed)
        self.unknown.teach_requested.connect(self._on_unknown_teach_requested)

    @Slot(str, bool)
    def _on_entry_part_typed(self, part: str, is_offered: bool) -> None:
        self._part = part.strip()
        text, can_teach = "", False
        if self._part and self._review.is_lacking(self._part, is_offered):
            text, can_teach = self._review.tell_unknown(self._part, by_return=True)
        self.unknown.say(text, can_teach=can_teach)
        self.setVisible(bool(text))

    @Slot()
    def _on_unknown_teach_requested(self) -> None:
        part = self._part
        self._entry.clear()
        self.teach_requested.emit(part)
