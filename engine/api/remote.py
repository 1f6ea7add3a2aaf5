"""The engine in a child process: importing torch cannot freeze a window, a crash cannot end it.

Requests and answers are tuples over one pipe. Values of a generator are asked for one by one, so
a slow reader slows the engine down instead of filling the memory.

    parent → child   ("call", id, method, arguments) · ("next", id) · ("close", id) · ("stop",)
    child → parent   ("value", id, v) · ("done", id, v) · ("failed", id, error)

``serve`` is the child's side; it is given a factory, so this module never imports torch.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import multiprocessing
import queue
import threading
import traceback
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, cast

from engine.api.config import PredictConfig
from engine.api.engine import TaggingEngine
from engine.api.errors import EngineError, EngineStoppedError
from engine.api.evaluation import EvaluationDone, EvaluationProgress, EvaluationRequest
from engine.api.geometry import Box
from engine.api.teaching import TeachProgress, TeachReport, TeachRequest
from engine.api.training import TrainRequest
from engine.api.training_control import Wish
from engine.api.training_reports import TrainReport
from engine.api.values import (
    ModelImport,
    ModelInfo,
    PositionScores,
    Prediction,
    ThresholdsForModel,
    TrueBox,
)

_STOP_TIMEOUT_S = 2.0
_Message = tuple[Any, ...]
_CLOSED = "The engine is closed."
_CRASHED = (
    "The engine stopped unexpectedly. What was done so far is kept; start again and it goes on "
    "from there. If it keeps happening, there may be too little memory."
)


class RemoteEngine:
    """Implements ``TaggingEngine`` by a child process, started at the first call.

    If the child dies, what was running fails with ``EngineStoppedError``, and the next call
    starts a new one with the same models.

    Args:
        target: runs in the child with its end of the pipe; a module-level function that calls
            ``serve``.
        stop_timeout_s: the child may take so long to end politely, for example to save what it
            trains.
    """

    def __init__(
        self, target: Callable[[Connection], None], stop_timeout_s: float = _STOP_TIMEOUT_S
    ) -> None:
        self._target = target
        self._stop_timeout_s = stop_timeout_s
        self._lock = threading.RLock()
        self._child: _Child | None = None
        self._closed = False
        self._sources: dict[str, str | None] = {}

    def open_model(self, source: str | None = None) -> ModelInfo:
        """Load a model in the child; see ``TaggingEngine``."""
        info: ModelInfo = self._running_child().call("open_model", source)
        self._sources[info.id] = source
        return info

    def close_model(self, model_id: str) -> None:
        """Free a model's memory in the child; see ``TaggingEngine``."""
        self._sources.pop(model_id, None)
        self._running_child().call("close_model", model_id)

    def import_model(self, request: ModelImport) -> str:
        """Make a model of the person's own from a file; see ``TaggingEngine``."""
        name: str = self._running_child().call("import_model", request)
        return name

    def export_formats(self, source: str) -> tuple[str, ...]:
        """The suffixes a model can be exported to; see ``TaggingEngine``."""
        suffixes: tuple[str, ...] = self._running_child().call("export_formats", source)
        return suffixes

    def export_model(self, source: str, target: Path) -> None:
        """Write a model in another format; see ``TaggingEngine``."""
        self._running_child().call("export_model", source, target)

    def predict(
        self, model_id: str, paths: Sequence[Path], config: PredictConfig | None = None
    ) -> Generator[Prediction, None, None]:
        """Say what is in each image; see ``TaggingEngine``."""
        yield from self._running_child().iterate("predict", model_id, tuple(paths), config)

    def explain(
        self,
        model_id: str,
        path: Path,
        hidden: Box | None = None,
        input_size: int | None = None,
    ) -> PositionScores:
        """The position scores of one image; see ``TaggingEngine``."""
        scores: PositionScores = self._running_child().call(
            "explain", model_id, path, hidden, input_size
        )
        return scores

    def true_boxes(self, path: Path) -> tuple[TrueBox, ...] | None:
        """The objects of a photo of a data set; see ``TaggingEngine``."""
        boxes: tuple[TrueBox, ...] | None = self._running_child().call("true_boxes", path)
        return boxes

    def evaluate(
        self, request: EvaluationRequest
    ) -> Generator[EvaluationProgress | EvaluationDone, None, None]:
        """Measure a model on labelled images; see ``TaggingEngine``."""
        yield from self._running_child().iterate("evaluate", request)

    def save_thresholds(self, request: ThresholdsForModel) -> str:
        """Keep thresholds in a model file; see ``TaggingEngine``."""
        name: str = self._running_child().call("save_thresholds", request)
        return name

    def train(self, request: TrainRequest) -> Generator[TrainReport, None, None]:
        """Train a model; see ``TaggingEngine``."""
        yield from self._running_child().iterate("train", request)

    def steer_training(self, wish: Wish) -> None:
        """What is wanted of the trainings that go on; see ``TaggingEngine``."""
        self._running_child().call("steer_training", wish)

    def teach(self, request: TeachRequest) -> Generator[TeachProgress | TeachReport, None, None]:
        """Teach a model single categories; see ``TaggingEngine``."""
        yield from self._running_child().iterate("teach", request)

    def close(self) -> None:
        """End the child process; what is running fails with ``EngineStoppedError``."""
        # Without the lock: a restart may hold it for as long as a model takes to load.
        self._closed = True
        if self._child is not None:
            self._child.stop()

    def _running_child(self) -> _Child:
        with self._lock:
            if self._closed:
                raise EngineStoppedError(_CLOSED)
            if self._child is None or not self._child.is_alive:
                self._child = self._started_child()
            return self._child

    def _started_child(self) -> _Child:
        if self._child is not None:
            self._child.stop()
        self._child = child = _Child(self._target, self._stop_timeout_s)
        if self._closed:  # closed while it started: close() may have missed it
            child.stop()
        for source in self._sources.values():
            child.call("open_model", source)
        return child


class _Child:
    """One child process, and the calls that wait for its answers."""

    def __init__(self, target: Callable[[Connection], None], stop_timeout_s: float) -> None:
        self._stop_timeout_s = stop_timeout_s
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=target, args=(theirs,), name="csra-engine"
        )
        self._process.start()
        theirs.close()
        self._ids = itertools.count()
        self._send_lock = threading.Lock()
        self._stop_lock = threading.Lock()
        self._stopped = False
        self._waiting: dict[int, queue.SimpleQueue[_Message]] = {}
        self.is_alive = True
        self._reader = threading.Thread(target=self._read, name="engine-answers", daemon=True)
        self._reader.start()

    def call(self, method: str, *arguments: object) -> Any:
        """Call a method and wait for what it returns."""
        with self._opened(method, arguments) as (_, answers):
            return _unwrap(answers.get())[1]

    def iterate(self, method: str, *arguments: object) -> Generator[Any, None, None]:
        """Call a method that is a generator, and yield its values."""
        with self._opened(method, arguments) as (call_id, answers):
            while True:
                self._send("next", call_id)
                kind, value = _unwrap(answers.get())
                if kind == "done":
                    return
                yield value

    def stop(self) -> None:
        """End the process: politely, then not; twice is harmless."""
        with self._stop_lock:
            if self._stopped:
                return
            self._stopped = True
            self._end_process()

    def _end_process(self) -> None:
        self._send("stop")
        self._process.join(self._stop_timeout_s)
        for end in (self._process.terminate, self._process.kill):
            if self._process.is_alive():
                end()
                self._process.join(_STOP_TIMEOUT_S)
        self._reader.join(_STOP_TIMEOUT_S)
        self._connection.close()
        self._process.close()

    @contextlib.contextmanager
    def _opened(
        self, method: str, arguments: tuple[object, ...]
    ) -> Generator[tuple[int, queue.SimpleQueue[_Message]], None, None]:
        call_id = next(self._ids)
        answers: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._waiting[call_id] = answers
        if not self.is_alive:  # the reader may have ended before this call was known to it
            answers.put(("failed", call_id, EngineStoppedError(_CRASHED)))
        self._send("call", call_id, method, arguments)
        try:
            yield call_id, answers
        finally:
            self._waiting.pop(call_id, None)
            self._send("close", call_id)

    def _send(self, *message: object) -> None:
        # A dead child is noticed by the reader, which fails everything that waits.
        with self._send_lock, contextlib.suppress(OSError):
            self._connection.send(message)

    def _read(self) -> None:
        try:
            while True:
                message = self._connection.recv()
                answers = self._waiting.get(message[1])
                if answers is not None:
                    answers.put(message)
        except (EOFError, OSError):
            self.is_alive = False
            for call_id, answers in list(self._waiting.items()):
                answers.put(("failed", call_id, EngineStoppedError(_CRASHED)))


def _unwrap(message: _Message) -> tuple[str, Any]:
    kind, _, value = message
    if kind == "failed":
        raise value
    return kind, value


def serve(connection: Connection, make_engine: Callable[[], TaggingEngine]) -> None:
    """Answer calls until the parent says stop or is gone; runs in the child process.

    Args:
        connection: the child's end of the pipe.
        make_engine: makes the engine, at the first call; what it raises, each call raises.
    """
    server = _Server(connection, make_engine)
    try:
        while (message := connection.recv())[0] != "stop":
            server.dispatch(message)
    except (EOFError, OSError):
        pass  # the parent is gone: end as if it had said stop
    finally:
        server.close()


class _Server:
    def __init__(self, connection: Connection, make_engine: Callable[[], TaggingEngine]) -> None:
        self._connection = connection
        self._make_engine = make_engine
        self._engine: TaggingEngine | None = None
        self._engine_lock = threading.Lock()
        self._send_lock = threading.Lock()
        self._inboxes: dict[int, queue.SimpleQueue[str]] = {}

    def dispatch(self, message: _Message) -> None:
        kind, call_id = message[0], message[1]
        if kind == "call":
            self._inboxes[call_id] = queue.SimpleQueue()
            threading.Thread(target=self._run, args=message[1:], daemon=True).start()
        elif call_id in self._inboxes:
            self._inboxes[call_id].put(kind)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()

    def _run(self, call_id: int, method: str, arguments: tuple[object, ...]) -> None:
        try:
            result = getattr(self._get_engine(), method)(*arguments)
            if inspect.isgenerator(result):
                self._serve_generator(call_id, cast("Generator[object, None, None]", result))
            else:
                self._send("done", call_id, result)
        except EngineError as error:
            self._send("failed", call_id, error)
        except Exception:  # noqa: BLE001  # a bug: its traceback belongs to the parent's log
            text = f"In the engine process:\n{traceback.format_exc()}"
            self._send("failed", call_id, RuntimeError(text))
        finally:
            self._inboxes.pop(call_id, None)

    def _serve_generator(self, call_id: int, values: Generator[object, None, None]) -> None:
        inbox = self._inboxes[call_id]
        with contextlib.closing(values):
            while inbox.get() == "next":
                try:
                    value = next(values)
                except StopIteration:
                    self._send("done", call_id, None)
                    return
                self._send("value", call_id, value)

    def _get_engine(self) -> TaggingEngine:
        with self._engine_lock:
            if self._engine is None:
                self._engine = self._make_engine()
            return self._engine

    def _send(self, *message: object) -> None:
        with self._send_lock, contextlib.suppress(OSError):
            self._connection.send(message)
