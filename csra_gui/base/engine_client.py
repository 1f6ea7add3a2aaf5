"""The engine as the window sees it: questions are work for jobs, and nothing here blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from csra_gui.base.jobs import Job, JobRunner, Work
from engine.api.engine import TaggingEngine
from engine.api.errors import EngineError, EngineStoppedError
from engine.api.values import ModelInfo, PositionScores

EngineFactory = Callable[[], TaggingEngine]


class EngineClient(QObject):
    """Makes the engine, opens its model, and asks it things, all in worker threads.

    Signals:
        opening_started: the engine is being made and a model loaded; its name or file, or
            ``None`` for the one that ships.
        model_opened: the same, and its ``ModelInfo``; from now on it is the one that is asked.
        model_failed: the same, and the ``EngineError``; the model before is still asked.
        scores_explained: the ``PositionScores`` of the photo asked for last.
        explain_failed: the ``Path`` asked for last, and the ``EngineError``.
    """

    opening_started = Signal(object)
    model_opened = Signal(object, object)
    model_failed = Signal(object, object)
    scores_explained = Signal(object)
    explain_failed = Signal(object, object)

    def __init__(self, factory: EngineFactory, jobs: JobRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._factory = factory
        self._jobs = jobs
        self._engine: TaggingEngine | None = None
        self._closed = False
        self._making = threading.Lock()
        self._opening: Job | None = None
        self._next_source: tuple[str | None] | None = None
        self._unused: set[str] = set()
        self._is_explaining = False
        self._wanted: Path | None = None
        self.model: ModelInfo | None = None

    @property
    def jobs(self) -> JobRunner:
        """What runs the calls, for work that belongs to them."""
        return self._jobs

    def open(self, source: str | None = None) -> None:
        """Make the engine if there is none, and load a model; the one asked for last wins.

        Args:
            source: its name or file; ``None`` is the one that ships.
        """
        if self._closed:
            return
        if self._opening is not None:
            self._next_source = (source,)
            return
        self._start_opening(source)

    def _start_opening(self, source: str | None) -> None:
        work = self.ask(lambda engine: engine.open_model(source))
        self._opening = job = self._jobs.prepare(work, "open model")
        job.returned.connect(lambda info: self._on_model_opened(source, info))
        job.failed.connect(lambda error: self._on_model_failed(source, error))
        job.finished.connect(lambda: self._on_opening_finished(job))
        self.opening_started.emit(source)
        job.start()

    def ask(self, question: Callable[[TaggingEngine], Any]) -> Work:
        """Work for a job that asks the engine, which is made if there is none.

        Args:
            question: runs in the worker; may ask several things, and return a generator.
        """
        return lambda: question(self._made_engine())

    def explain(self, path: Path | None) -> None:
        """Ask where the labels of a photo are; the photo asked for last wins.

        One call runs at a time. ``None`` withdraws what was asked.
        """
        self._wanted = path
        self._explain_wanted()

    def release(self, model_id: str) -> None:
        """Free the memory of a model that was looked at beside the one in use."""
        if self._closed or (self.model is not None and self.model.id == model_id):
            return
        self._unused.add(model_id)
        if self._opening is None:
            self._close_unused()

    def close(self, timeout_s: float) -> bool:
        """Close the engine; ``False`` if it has not closed after that many seconds."""
        self._closed = True
        closer = threading.Thread(target=self._close_engine, name="close engine", daemon=True)
        closer.start()
        closer.join(timeout_s)
        return not closer.is_alive()

    # In worker threads.

    def _made_engine(self) -> TaggingEngine:
        with self._making:  # two jobs at once must not make two
            if self._engine is None and not self._closed:
                self._engine = self._factory()
            if self._engine is None or self._closed:
                raise EngineStoppedError("The engine is closed. Start the program again.")
            return self._engine

    def _close_engine(self) -> None:
        with self._making:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    # In the GUI thread.

    def _on_model_opened(self, source: str | None, info: ModelInfo) -> None:
        if self._next_source is not None:  # another one was asked for meanwhile
            self._unused.add(info.id)
            return
        if self.model is not None:
            self._unused.add(self.model.id)
        self.model = info
        self.model_opened.emit(source, info)
        self._explain_wanted()

    def _on_model_failed(self, source: str | None, error: EngineError) -> None:
        if self._next_source is None:
            self._opening = None  # so that whoever hears of it can try another
            self.model_failed.emit(source, error)

    def _on_opening_finished(self, job: Job) -> None:
        if self._opening is job:
            self._opening = None
        if self._opening is not None or self._closed:
            return
        if self.model is not None:
            self._unused.discard(self.model.id)
        if self._unused:
            self._close_unused()
        elif self._next_source is not None:
            (source,), self._next_source = self._next_source, None
            self._start_opening(source)

    def _close_unused(self) -> None:
        """Free memory; in turn with opening, or a model opened again could be closed after it."""
        unused, self._unused = self._unused, set()

        def close(engine: TaggingEngine) -> None:
            for model_id in unused:
                engine.close_model(model_id)

        self._opening = job = self._jobs.prepare(self.ask(close), "close models")
        job.finished.connect(lambda: self._on_opening_finished(job))
        job.start()

    def _explain_wanted(self) -> None:
        path, model = self._wanted, self.model
        if self._is_explaining or path is None or model is None or self._closed:
            return
        self._wanted, self._is_explaining = None, True
        self._jobs.run(
            self.ask(lambda engine: engine.explain(model.id, path)),
            "explain",
            self._take_scores,
            lambda error: self._take_error(path, error),
            self._explain_next,
        )

    def _take_scores(self, scores: PositionScores) -> None:
        if self._wanted is None:
            self.scores_explained.emit(scores)

    def _take_error(self, path: Path, error: EngineError) -> None:
        if self._wanted is None:
            self.explain_failed.emit(path, error)

    def _explain_next(self) -> None:
        self._is_explaining = False
        self._explain_wanted()
