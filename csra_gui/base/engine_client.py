"""The engine as the window sees it: each call is a job, and nothing here ever blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.jobs import Job, JobRunner, Work
from engine.api.engine import TaggingEngine
from engine.api.errors import EngineError, EngineStoppedError, ImageError
from engine.api.evaluation import EvaluationRequest
from engine.api.geometry import Box
from engine.api.values import (
    ModelImport,
    ModelInfo,
    PositionScores,
    Prediction,
    ThresholdsForModel,
)

EngineFactory = Callable[[], TaggingEngine]
_NO_MODEL = "No model is loaded yet. Wait until it is, and try again."


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
        self._lock = threading.Lock()
        self._engine: TaggingEngine | None = None
        self._closed = False
        self._making = threading.Lock()
        self._opening: Job | None = None
        self._next_source: tuple[str | None] | None = None
        self._unused: set[str] = set()
        self._explaining: Job | None = None
        self._explained_path: Path | None = None
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
        self._opening = job = self._jobs.prepare(
            lambda: self._made_engine().open_model(source), "open model"
        )
        job.returned.connect(lambda info: self._on_model_opened(source, info))
        job.failed.connect(lambda error: self._on_model_failed(source, error))
        job.finished.connect(lambda: self._on_opening_finished(job))
        self.opening_started.emit(source)
        job.start()

    def import_model(self, make_request: Callable[[], ModelImport]) -> Work:
        """Work that returns the name of a new model.

        Args:
            make_request: may read files: it runs in the worker.
        """
        return lambda: self._made_engine().import_model(make_request())

    def export_formats(self, source: str) -> Work:
        """Work that returns the suffixes a model can be exported to."""
        return lambda: self._made_engine().export_formats(source)

    def export_model(self, source: str, target: Path) -> Work:
        """Work that writes a model in another format."""
        return lambda: self._made_engine().export_model(source, target)

    def evaluate(self, request: EvaluationRequest) -> Work:
        """Work that yields how far an evaluation is."""
        return lambda: self._made_engine().evaluate(request)

    def save_thresholds(self, request: ThresholdsForModel) -> Work:
        """Work that returns the name of the model whose file has the thresholds."""
        return lambda: self._made_engine().save_thresholds(request)

    def predict(
        self,
        paths: Sequence[Path],
        keep: Callable[[Generator[Prediction, None, None]], Generator[object, None, None]],
    ) -> Job:
        """A job that asks the model in use; the caller connects and starts it.

        Args:
            paths: photos; read in the worker.
            keep: runs in the worker too: takes one ``Prediction`` per photo, in order, and says
                what the job yields.
        """
        model_id = self._model_id()

        def work() -> Generator[object, None, None]:
            return keep(self._open_engine().predict(model_id, tuple(paths)))

        return self._jobs.prepare(work, "predict")

    def predict_with(
        self,
        source: str | None,
        paths: Sequence[Path],
        keep: Callable[
            [ModelInfo, Generator[Prediction, None, None]], Generator[object, None, None]
        ],
    ) -> Job:
        """The same with any model, while the one in use stays; ``release`` frees it.

        Args:
            source: the model's name or file; ``None`` is the one in use.
            paths: photos; read in the worker.
            keep: is told which model it is, too.
        """
        in_use = self.model

        def work() -> Generator[object, None, None]:
            engine = self._open_engine()
            info = in_use if source is None else engine.open_model(source)
            if info is None:
                raise EngineStoppedError(_NO_MODEL)
            return keep(info, engine.predict(info.id, tuple(paths)))

        return self._jobs.prepare(work, "predict again")

    def explain(self, path: Path | None) -> None:
        """Ask where the labels of a photo are; the photo asked for last wins.

        One call runs at a time. ``None`` withdraws what was asked.
        """
        self._wanted = path
        if self._explaining is None:
            self._explain_wanted()

    def explain_otherwise(
        self, path: Path, hidden: Box | None = None, input_size: int | None = None
    ) -> Work:
        """Work that returns what the model in use says of a changed photo; see ``explain``.

        Args:
            path: of the photo.
            hidden: a part that the model does not get to see, in fractions.
            input_size: side of the network's input in pixels; ``None`` is the model's own.
        """
        model_id = self._model_id()
        return lambda: self._open_engine().explain(model_id, path, hidden, input_size)

    def explain_beside(self, source: str, path: Path) -> Work:
        """Work that returns another model's ``ModelInfo`` and what it says of a photo.

        The model in use stays. ``release`` frees the other one's memory.

        Args:
            source: its name or file; opened if it is not open.
            path: of the photo.
        """

        def work() -> tuple[ModelInfo, PositionScores]:
            engine = self._open_engine()
            info = engine.open_model(source)
            return info, engine.explain(info.id, path)

        return work

    def explain_each(
        self,
        paths: Sequence[Path],
        keep: Callable[
            [Generator[PositionScores | ImageError, None, None]], Generator[object, None, object]
        ],
    ) -> Work:
        """Work that explains many photos, and yields and returns what ``keep`` does.

        Args:
            paths: photos; one that cannot be read yields its error.
            keep: consumes the position scores, in the worker.
        """
        model_id = self._model_id()

        def explained() -> Generator[PositionScores | ImageError, None, None]:
            for path in paths:
                try:
                    yield self._open_engine().explain(model_id, path)
                except ImageError as error:
                    yield error

        return lambda: keep(explained())

    def true_boxes(self, path: Path) -> Work:
        """Work that returns the true boxes of a photo, ``None`` outside data sets."""
        return lambda: self._open_engine().true_boxes(path)

    def release(self, model_id: str) -> None:
        """Free the memory of a model that was looked at beside the one in use."""
        if self._closed or (self.model is not None and self.model.id == model_id):
            return
        self._unused.add(model_id)
        if self._opening is None:
            self._close_unused()

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

    def _made_engine(self) -> TaggingEngine:
        with self._making:  # two jobs at once must not make two
            with self._lock:
                engine = self._engine
            return self._make_engine() if engine is None else engine

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
            raise EngineStoppedError(_NO_MODEL)
        return self.model.id

    # In the GUI thread.

    def _on_model_opened(self, source: str | None, info: ModelInfo) -> None:
        if self._next_source is not None:  # another one was asked for meanwhile
            self._unused.add(info.id)
            return
        if self.model is not None:
            self._unused.add(self.model.id)
        self.model = info
        self.model_opened.emit(source, info)
        if self._explaining is None:
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

        def work() -> None:
            for model_id in unused:
                self._open_engine().close_model(model_id)

        self._opening = job = self._jobs.prepare(work, "close models")
        job.finished.connect(lambda: self._on_opening_finished(job))
        job.start()

    def _explain_wanted(self) -> None:
        path, self._wanted = self._wanted, None
        if path is None or self._closed:
            return
        if self.model is None:
            self._wanted = path
            return
        self._explained_path = path
        model_id = self.model.id
        self._explaining = job = self._jobs.prepare(
            lambda: self._open_engine().explain(model_id, path), "explain"
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
