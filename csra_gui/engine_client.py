"""The engine as the window sees it: each call is a job, and nothing here ever blocks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.workers.job import Job, JobRunner
from engine.api import TaggingEngine
from engine.errors import EngineError, EngineStoppedError
from engine.values import ModelInfo, PositionScores, Prediction

_log = logging.getLogger(__name__)

EngineFactory = Callable[[], TaggingEngine]


class EngineClient(QObject):
    """Makes the engine, opens its model, and asks it things, all in worker threads.

    Signals:
        opening_started: the engine is being made and the model loaded.
        model_opened: a ``ModelInfo``; predictions may be asked for.
        model_failed: the ``EngineError`` why there is no model.
        scores_explained: the ``PositionScores`` of the photo asked for last.
        explain_failed: the ``Path`` asked for last, and the ``EngineError``.
    """

    opening_started = Signal()
    model_opened = Signal(object)
    model_failed = Signal(object)
    scores_explained = Signal(object)
    explain_failed = Signal(object, object)

    def __init__(self, factory: EngineFactory, jobs: JobRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._factory = factory
        self._jobs = jobs
        self._lock = threading.Lock()
        self._engine: TaggingEngine | None = None
        self._closed = False
        self._opening: Job | None = None
        self._explaining: Job | None = None
        self._explained_path: Path | None = None
        self._wanted: Path | None = None
        self.model: ModelInfo | None = None

    @property
    def is_opening(self) -> bool:
        """Whether the model is being loaded."""
        return self._opening is not None

    @Slot()
    def open(self) -> None:
        """Make the engine if there is none, and load the default model."""
        if self._opening is not None or self._closed:
            return
        self._opening = job = self._jobs.prepare(self._open_model, "open model")
        job.returned.connect(self._on_model_opened)
        job.failed.connect(self._on_model_failed)
        job.finished.connect(self._on_opening_finished)
        self.opening_started.emit()
        job.start()

    def predict(self, paths: Sequence[Path]) -> Job:
        """A job that yields one ``Prediction`` per photo; the caller connects and starts it."""
        paths = tuple(paths)

        def work() -> Generator[Prediction, None, None]:
            return self._open_engine().predict(self._model_id(), paths)

        return self._jobs.prepare(work, "predict")

    def explain(self, path: Path | None) -> None:
        """Ask where the labels of a photo are; the photo asked for last wins.

        One call runs at a time. ``None`` withdraws what was asked.
        """
        self._wanted = path
        if self._explaining is None:
            self._explain_wanted()

    def close(self, timeout_s: float) -> bool:
        """Close the engine; ``False`` if it has not closed after that many seconds."""
        with self._lock:
            self._closed = True
            engine, self._engine = self._engine, None
        if engine is None:
            return True
        closer = threading.Thread(target=engine.close, name="close engine", daemon=True)
        closer.start()
        closer.join(timeout_s)
        return not closer.is_alive()

    # In worker threads.

    def _open_model(self) -> ModelInfo:
        with self._lock:
            engine = self._engine
        if engine is None:
            engine = self._make_engine()
        return engine.open_model(None)

    def _make_engine(self) -> TaggingEngine:
        engine = self._factory()
        with self._lock:
            if not self._closed:
                self._engine = engine
                return engine
        engine.close()  # the window was closed while the engine was being made
        raise EngineStoppedError("The window was closed before the engine was ready.")

    def _open_engine(self) -> TaggingEngine:
        with self._lock:
            if self._engine is None:
                raise EngineStoppedError("The engine is closed. Start the program again.")
            return self._engine

    def _model_id(self) -> str:
        if self.model is None:
            raise EngineStoppedError("No model is loaded yet. Wait until it is, and try again.")
        return self.model.id

    # In the GUI thread.

    @Slot(object)
    def _on_model_opened(self, info: ModelInfo) -> None:
        self.model = info
        self.model_opened.emit(info)
        if self._explaining is None:
            self._explain_wanted()

    @Slot(object)
    def _on_model_failed(self, error: EngineError) -> None:
        _log.info("The model could not be opened: %s", error)
        self.model = None
        self._opening = None
        self.model_failed.emit(error)

    @Slot()
    def _on_opening_finished(self) -> None:
        self._opening = None

    def _explain_wanted(self) -> None:
        path, self._wanted = self._wanted, None
        if path is None or self._closed:
            return
        if self.model is None:
            self._wanted = path
            return
        self._explained_path = path
        self._explaining = job = self._jobs.prepare(
            lambda: self._open_engine().explain(self._model_id(), path), "explain"
        )
        job.returned.connect(self._on_scores_explained)
        job.failed.connect(self._on_explain_failed)
        job.finished.connect(self._on_explain_finished)
        job.start()

    @Slot(object)
    def _on_scores_explained(self, scores: PositionScores) -> None:
        if self._wanted is None:
            self.scores_explained.emit(scores)

    @Slot(object)
    def _on_explain_failed(self, error: EngineError) -> None:
        if self._wanted is None:
            self.explain_failed.emit(self._explained_path, error)

    @Slot()
    def _on_explain_finished(self) -> None:
        self._explaining = None
        self._explain_wanted()
