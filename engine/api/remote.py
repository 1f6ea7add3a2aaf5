"""The engine in a child process: importing torch cannot freeze a window, a crash cannot end it.

Requests and answers are tuples over one pipe. Values of a generator are asked for one by one, so
a slow reader slows the engine down instead of filling the memory.

    parent → child   ("call", id, method, args, kwargs) · ("next", id) · ("close", id) · ("stop",)
                     ("ping", 0), answered at once, while an answer is long in coming
    child → parent   ("value", id, v) · ("done", id, v) · ("failed", id, error) · ("bug", id, text)
                     ("pong", 0, None); checked, never unpickled (``engine.api.wire``)

``serve`` is the child's side; it is given a factory, so this module never imports torch.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import logging
import math
import multiprocessing
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, ParamSpec, cast, get_origin, get_type_hints

from engine.api import wire
from engine.api.config import PredictConfig
from engine.api.engine import TaggingEngine
from engine.api.errors import EngineError, EngineStoppedError, MemoryShortError
from engine.api.memory import is_memory_short
from engine.api.surviving import CrashedError, surviving
from engine.api.values import ModelInfo, Prediction
from engine.isolation.frames import BadMessageError, FrameReader
from engine.isolation.interrupts import interrupts_blocked

P = ParamSpec("P")
_log = logging.getLogger(__name__)
_STOP_TIMEOUT_S = 2.0
# So often an answer that is long in coming is asked after.
_ASK_AFTER_S = 5.0
# A process that says nothing at all for so long stands still; importing PyTorch takes less.
_SILENT_S = 180.0
# One photo, or a batch of them, takes less, also on a slow machine that is busy.
_PATIENCE_S = 600.0
# What has begun to come is there soon, unless who sends it stands still.
_MESSAGE_S = 120.0
_Message = tuple[Any, ...]
_CLOSED = "The engine is closed."
_END = object()
#: Whose values cost time and change nothing if nobody takes the last one.
_AHEAD = frozenset({"predict"})
_CRASHED = (
    "The engine stopped unexpectedly. What was done so far is kept; start again and it goes on "
    "from there. If it keeps happening, there may be too little memory."
)
_NOT_STARTED = (
    "The engine stopped unexpectedly, and again when it was started anew. What was done so far is "
    "kept. There may be too little memory, or the model's file may be damaged: try another model."
)
_NO_FURTHER = (
    "The work got no further for so long that its process was ended. What was done so far is kept; "
    "start it again and it goes on from there."
)
#: Questions that are answered within ``_PATIENCE_S``, or never.
_SOON = frozenset({"predict", "explain"})
#: Work whose values come image by image: ended if the next one takes longer than ``_LONG_S``. The
#: first values come before and after the data set is read, which may lie on a slow server. Training
#: is not among it: that says nothing while it judges images, which may be a million.
_STEADY = frozenset({"evaluate", "quantize"})
_LONG_S = 3600.0
_FIRST_VALUES = 2


class _RemoteEngine:
    """Implements ``TaggingEngine`` by a child process, started at the first call.

    What is not answered here is asked of the child, as the Protocol says it. If the child dies,
    what was running fails with ``EngineStoppedError``, and the next call starts a new one with
    the same models.

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
        self._sources: dict[str, Path | str | None] = {}

    def open_model(self, source: Path | str | None = None) -> ModelInfo:
        """Load a model in the child, and in each that takes its place."""
        info: ModelInfo = self._running_child().call("open_model", source)
        self._sources[info.id] = source
        return info

    def warm_up(self) -> None:
        """Start the child, which prepares itself meanwhile; it takes no time."""
        self._running_child()

    def predict(
        self, model_id: str, paths: Sequence[Path | str], config: PredictConfig | None = None
    ) -> Generator[Prediction, None, None]:
        """Say what is in each image; one that ends the child costs that image alone."""

        def ask(some: Sequence[Path | str]) -> Generator[Prediction, None, None]:
            try:
                yield from self._running_child().iterate("predict", model_id, some, config)
            except CrashedError as error:
                if self._closed:
                    raise EngineStoppedError(_CLOSED) from error
                raise

        yield from surviving(ask, model_id, paths)

    def close_model(self, model_id: str) -> None:
        """Free a model's memory in the child."""
        self._sources.pop(model_id, None)
        self._running_child().call("close_model", model_id)

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
        try:
            for source in self._sources.values():
                child.call("open_model", source)
        except CrashedError as error:
            raise EngineStoppedError(_CLOSED if self._closed else _NOT_STARTED) from error
        return child


def _asking(question: Callable[..., Any]) -> Callable[..., Any]:
    """A method of ``_RemoteEngine`` with the signature of one of the Protocol's."""
    name = question.__name__

    @functools.wraps(question)
    def call(self: _RemoteEngine, *args: object, **kwargs: object) -> Any:
        return self._running_child().call(name, *args, **kwargs)

    @functools.wraps(question)
    def iterate(self: _RemoteEngine, *args: object, **kwargs: object) -> Generator[Any, None, None]:
        yield from self._running_child().iterate(name, *args, **kwargs)

    is_generator = get_origin(get_type_hints(question)["return"]) is Generator
    return iterate if is_generator else call


def _complete(engine: Callable[P, object]) -> Callable[P, TaggingEngine]:
    """The class with every question of the Protocol that it does not answer itself."""
    for name, question in inspect.getmembers(TaggingEngine, inspect.isfunction):
        if not name.startswith("_") and not hasattr(engine, name):
            setattr(engine, name, _asking(question))
    return cast("Callable[P, TaggingEngine]", engine)


RemoteEngine = _complete(_RemoteEngine)


def started_engine(target: Callable[[Connection], None]) -> TaggingEngine:
    """A ``RemoteEngine`` whose child starts now, and prepares itself while nobody asks yet.

    Args:
        target: as for ``RemoteEngine``.
    """
    engine = _RemoteEngine(target)
    engine.warm_up()
    return cast("TaggingEngine", engine)


class _Child:
    """One child process, and the calls that wait for its answers."""

    def __init__(self, target: Callable[[Connection], None], stop_timeout_s: float) -> None:
        self._stop_timeout_s = stop_timeout_s
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=target, args=(theirs,), name="csra-engine"
        )
        if sys.platform != "win32":
            from multiprocessing import resource_tracker  # noqa: PLC0415  # not there on Windows

            resource_tracker.ensure_running()  # else it is started in between, and unblocks
        with interrupts_blocked():
            self._process.start()
        theirs.close()
        self._ids = itertools.count(1)  # 0 is nobody's: pings have it
        self._send_lock = threading.Lock()
        self._stop_lock = threading.Lock()
        self._stopped = False
        self._waiting: dict[int, queue.SimpleQueue[_Message]] = {}
        self.is_alive = True
        self._reason = _CRASHED
        self._heard = 0
        self._reader = threading.Thread(target=self._read, name="engine-answers", daemon=True)
        self._reader.start()

    def call(self, method: str, *args: object, **kwargs: object) -> Any:
        """Call a method and wait for what it returns."""
        with self._opened(method, args, kwargs) as (_, answers):
            return self._answer(method, answers)[1]

    def iterate(self, method: str, *args: object, **kwargs: object) -> Generator[Any, None, None]:
        """Call a method that is a generator, and yield its values."""
        with self._opened(method, args, kwargs) as (call_id, answers):
            for number in itertools.count():
                self._send("next", call_id)
                is_steady = method in _STEADY and number >= _FIRST_VALUES
                kind, value = self._answer(method, answers, is_steady=is_steady)
                if kind == "done":
                    return
                yield value

    def _answer(
        self, method: str, answers: queue.SimpleQueue[_Message], *, is_steady: bool = False
    ) -> tuple[str, Any]:
        """Wait for what comes next; a process that stands still is ended, and says nothing more.

        Time is counted in turns of waiting: that this program itself was stopped does not count.
        """
        limit = _PATIENCE_S if method in _SOON else _LONG_S if is_steady else math.inf
        heard, silent, waited = self._heard, 0.0, 0.0
        while True:
            with contextlib.suppress(queue.Empty):
                return _unwrap(answers.get(timeout=_ASK_AFTER_S))
            self._send("ping", 0)
            waited += _ASK_AFTER_S
            silent = silent + _ASK_AFTER_S if heard == self._heard else 0.0
            heard = self._heard
            if silent >= _SILENT_S or waited >= limit:
                _log.warning("The engine did not answer (%s) and was ended.", method)
                if is_steady and waited >= limit:
                    self._reason = _NO_FURTHER
                self._process.kill()

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
        if not self._process.is_alive():  # else it is slow to die; the system looks after it
            self._process.close()

    @contextlib.contextmanager
    def _opened(
        self, *call: object
    ) -> Generator[tuple[int, queue.SimpleQueue[_Message]], None, None]:
        call_id = next(self._ids)
        answers: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._waiting[call_id] = answers
        if not self.is_alive:  # the reader may have ended before this call was known to it
            answers.put(("failed", call_id, CrashedError(self._reason)))
        self._send("call", call_id, *call)
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
        reader = FrameReader(self._connection)
        try:
            while True:
                self._connection.poll(None)
                message = _checked(wire.from_bytes(reader.receive(wire.MOST_BYTES, _MESSAGE_S)))
                self._heard += 1
                answers = self._waiting.get(message[1])
                if answers is not None and message[0] != "pong":
                    answers.put(message)
        except (BadMessageError, TimeoutError) as error:
            _log.warning("The engine was ended: it sent %s.", error or "half a message")
            self._process.kill()
            self._end_waiting()
        except (EOFError, OSError):
            self._end_waiting()

    def _end_waiting(self) -> None:
        self.is_alive = False
        for call_id, answers in list(self._waiting.items()):
            answers.put(("failed", call_id, CrashedError(self._reason)))


def _checked(message: object) -> _Message:
    if isinstance(message, tuple) and len(message) == 3 and isinstance(message[1], int):
        kind, _, value = message
        if kind in ("value", "done", "pong"):
            return message
        if (kind == "bug" and isinstance(value, str)) or (
            kind == "failed" and isinstance(value, EngineError)
        ):
            return message
    raise BadMessageError("an answer out of turn")


def _unwrap(message: _Message) -> tuple[str, Any]:
    kind, _, value = message
    if kind == "failed":
        raise value
    if kind == "bug":
        raise RuntimeError(value)
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
        if kind == "ping":
            self._send("pong", call_id, None)
        elif kind == "call":
            self._inboxes[call_id] = queue.SimpleQueue()
            threading.Thread(target=self._run, args=message[1:], daemon=True).start()
        elif call_id in self._inboxes:
            self._inboxes[call_id].put(kind)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()

    def _run(
        self, call_id: int, method: str, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> None:
        try:
            result = getattr(self._get_engine(), method)(*args, **kwargs)
            if inspect.isgenerator(result):
                values = cast("Generator[object, None, None]", result)
                self._serve_generator(call_id, values, is_ahead=method in _AHEAD)
            else:
                self._send("done", call_id, result)
        except EngineError as error:
            self._send("failed", call_id, error)
        except Exception as error:  # noqa: BLE001  # a bug: the parent's log gets its traceback
            if is_memory_short(error):
                self._send("failed", call_id, MemoryShortError())
                return
            text = f"In the engine process:\n{traceback.format_exc()}"
            self._send("bug", call_id, text)
        finally:
            self._inboxes.pop(call_id, None)

    def _serve_generator(
        self, call_id: int, values: Generator[object, None, None], *, is_ahead: bool
    ) -> None:
        """Send values as they are asked for.

        Args:
            call_id: of the call.
            values: what is sent.
            is_ahead: make the next one before it is asked for, while the last one is looked at.
        """
        inbox = self._inboxes[call_id]
        with contextlib.closing(values):
            while True:
                made = next(values, _END) if is_ahead else None
                if inbox.get() != "next":
                    return
                value = made if is_ahead else next(values, _END)
                if value is _END:
                    self._send("done", call_id, None)
                    return
                self._send("value", call_id, value)

    def _get_engine(self) -> TaggingEngine:
        with self._engine_lock:
            if self._engine is None:
                self._engine = self._make_engine()
            return self._engine

    def _send(self, *message: object) -> None:
        try:
            said = wire.to_bytes(message)
        except TypeError:  # who waits must hear something
            said = wire.to_bytes(("bug", message[1], traceback.format_exc()))
        with self._send_lock, contextlib.suppress(OSError):
            self._connection.send_bytes(said)
