"""How many photos are tagged, with which model, on what."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from csra_gui.session import ModelState, Session
from engine.texts import display_text


class StatusPanel(QWidget):
    """Lives in the status bar."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._counts = QLabel(self)
        self._model = QLabel(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.setSpacing(18)
        for label in (self._counts, self._model):
            label.setTextFormat(Qt.TextFormat.PlainText)
            layout.addWidget(label)
        self._counts.setAccessibleName("Tagged photos")
        self._model.setAccessibleName("Model")
        session.photos_reset.connect(self._update_counts)
        session.photos_added.connect(self._update_counts)
        session.predictions_changed.connect(self._update_counts)
        session.model_changed.connect(self._update_model)
        self._update_counts()
        self._update_model()

    @Slot()
    def _update_counts(self) -> None:
        photos = self._session.photos
        parts = [f"{photos.tagged_count():,} of {len(photos):,} tagged"]
        if photos.errors:
            parts.append(f"{len(photos.errors):,} unreadable")
        self._counts.setText(" · ".join(parts) if len(photos) else "")

    @Slot()
    def _update_model(self) -> None:
        model = self._session.model
        if self._session.model_state is ModelState.LOADING:
            self._model.setText("Loading the model…")
        elif model is None:
            self._model.setText("No model")
        else:
            self._model.setText(f"{display_text(model.name)} on {display_text(model.device)}")
