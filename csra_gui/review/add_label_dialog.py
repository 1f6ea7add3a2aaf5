"""Typing labels where the panel of labels is not there: over a photo on the whole screen."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from csra_gui.review.controller import ReviewController
from csra_gui.review.label_entry import LabelEntry
from csra_gui.review.typed_unknown import EntryHint
from csra_gui.session.session import Session
from csra_gui.widgets.labels import plain_label
from engine.texts import photos_text

_WIDTH = 380


class AddLabelDialog(QDialog):
    """One line; Return gives what is typed to the photos, Escape nothing.

    What the model shall learn closes the window beneath, where no photos can be selected.
    """

    def __init__(self, session: Session, review: ReviewController, parent: QWidget) -> None:
        super().__init__(parent)
        self._review = review
        self._covering = parent
        self.setWindowTitle("Add a label")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.entry = LabelEntry(lambda: review.known_labels, lambda: session.photos.names, self)
        self.hint = EntryHint(self.entry, review, self)
        layout = QVBoxLayout(self)
        if len(review.targets) > 1:
            layout.addWidget(plain_label(f"For {photos_text(len(review.targets))}."))
        layout.addWidget(self.entry)
        layout.addWidget(self.hint)
        self.setMinimumWidth(_WIDTH)
        self.entry.label_entered.connect(self._on_entry_label_entered)
        self.entry.left.connect(self.reject)
        self.hint.teach_requested.connect(self._on_hint_teach_requested)
        self.entry.setFocus()

    @Slot(str)
    def _on_entry_label_entered(self, typed: str) -> None:
        self._review.add(typed)
        self.accept()

    @Slot(str)
    def _on_hint_teach_requested(self, label: str) -> None:
        self.reject()
        self._covering.close()
        self._review.teach_requested.emit(label)
