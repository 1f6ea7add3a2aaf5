"""How many photos are tagged, with which model, on what."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from csra_gui.session.active_model import ModelState
from csra_gui.session.session import Session
from engine.texts import display_text

_MODEL_WIDTH = 320


class StatusPanel(QWidget):
    """Lives in the status bar.

    Signals:
        models_requested: the model was clicked.
    """

    models_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._counts = QLabel(self)
        self.model = QToolButton(self)
        self.model.setAutoRaise(True)
        self.model.setToolTip("Choose another model")
        self.model.clicked.connect(self.models_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.setSpacing(18)
        self._counts.setTextFormat(Qt.TextFormat.PlainText)
        layout.addWidget(self._counts)
        layout.addWidget(self.model)
        self._counts.setAccessibleName("Tagged photos")
        session.pipeline.photos_reset.connect(self._update_counts)
        session.pipeline.photos_added.connect(self._update_counts)
        session.pipeline.predictions_changed.connect(self._update_counts)
        session.models.state_changed.connect(self._update_model)
        self._update_counts()
        self._update_model()

    @Slot()
    def _update_counts(self) -> None:
        photos = self._session.photos
        count, unreadable = photos.present_count, len(photos.errors)
        parts = [f"{photos.tagged_count():,} of {count:,} tagged"]
        if unreadable:
            parts.append(f"{unreadable:,} unreadable")
        self._counts.setText(" · ".join(parts) if count else "")

    @Slot()
    def _update_model(self) -> None:
        model = self._session.models.model
        if self._session.models.state is ModelState.LOADING:
            text = "Loading the model…"
        elif model is None:
            text = "No model"
        else:
            text = f"{display_text(model.name)} on {display_text(model.device)}"
        middle = Qt.TextElideMode.ElideMiddle
        shown = self.model.fontMetrics().elidedText(text, middle, _MODEL_WIDTH)
        self.model.setText(shown.replace("&", "&&"))
        self.model.setAccessibleName(f"Model: {text}")
