"""Which model is in use: opens it, remembers it, and keeps the old one until a new one is there."""

from __future__ import annotations

import logging
from enum import Enum, auto

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.engine_client import EngineClient
from csra_gui.base.settings import Settings
from engine.api.errors import EngineError, EngineStoppedError
from engine.api.values import ModelInfo
from engine.texts import display_text

_log = logging.getLogger(__name__)


class ModelState(Enum):
    """Whether there is a model to ask."""

    LOADING = auto()
    READY = auto()
    FAILED = auto()


class ActiveModel(QObject):
    """Changes the model in use, and never leaves the person without one that worked.

    Signals:
        about_to_switch: ``model`` is the old one for the last time.
        switched: ``model`` is the new one; carries the old one, or ``None``.
        state_changed: the ``ModelState``; also when another model is being opened, or was not.
        refused: why a model is not used, and which one is instead.
        note_taken: what happened while one was opened that the person should know.
    """

    about_to_switch = Signal()
    switched = Signal(object)
    state_changed = Signal(object)
    refused = Signal(str)
    note_taken = Signal(str)

    def __init__(self, engine: EngineClient, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._engine = engine
        self._settings = settings
        self._refusal = ""
        self.model: ModelInfo | None = None
        self.state = ModelState.LOADING
        self.error = ""
        self.opening = ""
        engine.opening_started.connect(self._on_engine_opening_started)
        engine.model_opened.connect(self._on_engine_model_opened)
        engine.model_failed.connect(self._on_engine_model_failed)

    def start(self) -> None:
        """Open the model that was used last, or the one that ships; also after a failure."""
        self._engine.open(self._settings.model or None)

    def use(self, source: str) -> None:
        """Open another model and use it once it is there.

        Args:
            source: its name, or its file; empty for the one that ships.
        """
        self._engine.open(source or None)

    @Slot(object)
    def _on_engine_opening_started(self, source: str | None) -> None:
        self.opening = display_text(source or "")
        if self.model is None:
            self.state = ModelState.LOADING
        self.state_changed.emit(self.state)

    @Slot(object, object)
    def _on_engine_model_opened(self, source: str | None, info: ModelInfo) -> None:
        self.about_to_switch.emit()
        old, self.model = self.model, info
        self.state, self.error, self.opening = ModelState.READY, "", ""
        self._settings.set_model(source or "")
        self.switched.emit(old)
        self.state_changed.emit(self.state)
        refusal, self._refusal = self._refusal, ""
        if refusal:
            self.refused.emit(refusal)
        if info.note:
            self.note_taken.emit(info.note)

    @Slot(object, object)
    def _on_engine_model_failed(self, source: str | None, error: EngineError) -> None:
        _log.info("A model could not be opened: %s", error)
        self.opening = ""
        if self.model is not None:
            self.state_changed.emit(self.state)
            self.refused.emit(f"{error} {display_text(self.model.name)} stays in use.")
        elif source is not None and not isinstance(error, EngineStoppedError):
            self._refusal = f"{error} The model that ships with the program is used instead."
            self._engine.open(None)
        else:
            self.state, self.error = ModelState.FAILED, str(error)
            self.state_changed.emit(self.state)
