"""The person's library for the window: opened and written in one thread, never waited for."""

from __future__ import annotations

import getpass
import logging
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot
from shiboken6 import isValid

from engine.api.errors import EngineError
from engine.library.carrying import carry_over
from engine.library.errors import LibraryError, NoRoomError
from engine.library.opening import open_library
from engine.library.store import Library
from engine.records.litter import OwnFolder

_log = logging.getLogger(__name__)
T = TypeVar("T")


def who() -> str:
    """The person at the computer, for the library to note who said what."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name
        return "person"


@dataclass(frozen=True)
class _Task:
    """A piece of work on the library, and who is told how it ended."""

    work: Callable[[], Any]
    done: Callable[[Any], object] | None = None
    failed: Callable[[EngineError], object] | None = None


class LibraryClient(QObject):
    """Opens the library, does work on it in the order asked for, and closes it.

    If the person's library cannot be opened, a new one in a temporary folder takes its place for
    this start, so that everything works; ``problem`` says why.

    Signals:
        opened: there is a library to work on, the person's or another one in its place; after
            ``open`` was called again it is a new one, with other numbers for images.
        problem_changed: the library could not be opened, or now it could after all.
        storing_failed: why something could not be read from it or written to it, for a person.
        waiting_changed: why work waits for room on its disk, for a person; empty when it goes on.
    """

    opened = Signal()
    problem_changed = Signal()
    storing_failed = Signal(str)
    waiting_changed = Signal(str)

    _delivered = Signal(object)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self.error: EngineError | None = None
        self._library: Library | None = None
        self._is_lasting = False
        self._waiting: set[QObject] = set()
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._worker = _Worker(path, self._tasks, self._deliver)
        self._delivered.connect(self._on_delivered, Qt.ConnectionType.QueuedConnection)

    @property
    def is_open(self) -> bool:
        """Whether the person's library is open, so that what is done is kept."""
        return self._is_lasting

    @property
    def problem(self) -> str:
        """Why the person's library is not open; empty if nothing is wrong, or not yet known."""
        return "" if self.error is None else str(self.error)

    @property
    def is_waiting(self) -> bool:
        """Whether work waits for room on its disk."""
        return bool(self._waiting)

    @property
    def library(self) -> Library | None:
        """The library to work on, for jobs: its calls block. ``None`` until ``opened``."""
        return self._library

    def open(self, prepare: Callable[[], object] | None = None) -> None:
        """Open the library, or try again; ``opened`` follows in any case.

        Args:
            prepare: runs in the worker before, when nothing has the library open: a rebuild.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._worker.run, name="library", daemon=True)
            self._thread.start()
        self._tasks.put(_Task(lambda: self._worker.open(prepare), self._on_opened))

    def submit(
        self,
        work: Callable[[Library], T],
        done: Callable[[T], object] | None = None,
        failed: Callable[[EngineError], object] | None = None,
    ) -> None:
        """Do something with the library, after all that was asked for before.

        Args:
            work: runs in the library's thread.
            done: is called in the GUI thread with what the work returned.
            failed: is called in the GUI thread with the reason. A method of a widget is called
                only while the widget exists: a dialog may be closed before its answer comes.
        """
        done, failed = _while_alive(done), _while_alive(failed)
        self._tasks.put(_Task(lambda: work(self._worker.library()), done, failed))

    def report(self, error: EngineError) -> None:
        """Let the person know that work on the library failed; that it waits for room is said."""
        if not (self.is_waiting and isinstance(error, NoRoomError)):
            self.storing_failed.emit(str(error))

    def tell_waiting(self, who: QObject, error: NoRoomError | None) -> None:
        """Let the person know that someone waits for room on the disk, or does no more.

        Args:
            who: waits; each goes on by itself.
            error: why; ``None`` when it goes on.
        """
        before = bool(self._waiting)
        if error is not None:
            self._waiting.add(who)
        else:
            self._waiting.discard(who)
        if before != bool(self._waiting):
            self.waiting_changed.emit("" if error is None else error.cause)

    def close(self, timeout_s: float) -> bool:
        """Finish what was asked for and close; ``False`` if that takes more seconds."""
        if self._thread is None:
            return True
        self._tasks.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _deliver(self, call: Callable[[], object]) -> None:
        try:
            self._delivered.emit(call)
        except RuntimeError:  # the window was closed and this object is gone: nobody listens
            _log.debug("The library's answer came after the window was closed")

    @Slot(object)
    def _on_delivered(self, call: Callable[[], object]) -> None:
        call()

    def _on_opened(self, outcome: tuple[Library | None, bool, EngineError | None]) -> None:
        had_problem, before = self.error is not None, self._library
        self._library, self._is_lasting, self.error = outcome
        if self.error is not None:
            _log.info("The library is not open: %s", self.error)
        if self.error is not None or had_problem:
            self.problem_changed.emit()
        if self._library is not None and self._library is not before:
            self.opened.emit()


def _while_alive(callback: Callable[[T], object] | None) -> Callable[[T], object] | None:
    receiver = getattr(callback, "__self__", None)
    if callback is None or not isinstance(receiver, QObject):
        return callback
    return lambda value: callback(value) if isValid(receiver) else None


class _Worker:
    """What runs in the library's thread."""

    def __init__(
        self,
        path: Path,
        tasks: queue.SimpleQueue[_Task | None],
        deliver: Callable[[Callable[[], object]], None],
    ) -> None:
        self._path = path
        self._tasks = tasks
        self._deliver = deliver
        self._library: Library | None = None
        self._temporary: Library | None = None  # until the end: jobs may still read it
        self._folder: OwnFolder | None = None

    def run(self) -> None:
        """Work off the tasks until there is a ``None``, then close."""
        while (task := self._tasks.get()) is not None:
            self._do(task)
            del task  # a task must not be kept alive while the next one is waited for
        self._close()

    def open(
        self, prepare: Callable[[], object] | None
    ) -> tuple[Library | None, bool, EngineError | None]:
        """Open the person's library, or else one for this start.

        Returns:
            The library, whether it is the person's, and why it is not.
        """
        if self._folder is None or self._temporary is not None:
            self._close()  # the person's is open already, and cannot be opened twice
        try:
            if prepare is not None:
                prepare()
            library = open_library(self._path)
        except EngineError as error:
            if self._library is None:
                self._library = self._opened_temporary()
            return self._library, False, error
        self._carry_over(library)
        self._library, self._temporary = library, self._library
        return library, True, None

    def _carry_over(self, library: Library) -> None:
        """What was done in this start goes into the person's library, now that it is open."""
        if self._library is None:
            return
        try:
            carry_over(self._library, library, who())
        except LibraryError as error:
            _log.warning("What was done before the library was open is lost: %s", error)

    def library(self) -> Library:
        """The one that is open.

        Raises:
            LibraryError: there is none.
        """
        if self._library is None:
            raise LibraryError("There is no library to write to.")
        return self._library

    def _opened_temporary(self) -> Library | None:
        try:
            self._folder = OwnFolder()
            return open_library(self._folder.path / "library.db")
        except (OSError, EngineError) as error:
            _log.warning("No library can be made in the temporary folder either: %s", error)
            return None

    def _do(self, task: _Task) -> None:
        try:
            outcome = task.work()
        except EngineError as error:
            _log.info("The library could not do something: %s", error)
            if task.failed is not None:
                self._deliver(partial(task.failed, error))
        except BaseException as bug:  # noqa: BLE001 - it travels to the GUI thread's excepthook
            self._deliver(partial(sys.excepthook, type(bug), bug, bug.__traceback__))
        else:
            if task.done is not None:
                self._deliver(partial(task.done, outcome))

    def _close(self) -> None:
        for library in (self._library, self._temporary):
            if library is not None:
                library.close()
        self._library = self._temporary = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
