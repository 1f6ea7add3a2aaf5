"""The one thread that writes."""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from engine.library.connections import connect_writing, transaction, use_log
from engine.library.errors import LibraryError, is_busy, translated

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
_ATTEMPTS = 3


class Writer:
    """Owns the only writing connection; each piece of work is one transaction, in order.

    Args:
        path: of the library.
        busy_timeout_s: how long to wait, three times, for another program's lock.

    Raises:
        LibraryError: the file cannot be opened for writing.
    """

    def __init__(self, path: Path, busy_timeout_s: float) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._waiting: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._is_closed = False
        opened: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._work_off, args=(opened,), name="library writer", daemon=True
        )
        self._thread.start()
        opened.result()

    def submit(self, work: Work[T]) -> Future[T]:
        """Queue work; its result comes after the commit, its error after the rollback."""
        future: Future[T] = Future()
        with self._closing:
            if self._is_closed:
                raise LibraryError("The library is closed.")
            self._waiting.put((work, future))
        return future

    def run(self, work: Work[T]) -> T:
        """Do work and wait for it; whoever must not wait uses ``submit``."""
        return self.submit(work).result()

    def close(self) -> None:
        """Finish what is queued and close the connection."""
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._waiting.put(None)
        self._thread.join()

    def _work_off(self, opened: Future[None]) -> None:
        try:
            with translated(self._path):
                connection = self._connect()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
            opened.set_exception(error)
            return
        opened.set_result(None)
        with contextlib.closing(connection):
            while (item := self._waiting.get()) is not None:
                self._do(connection, *item)
                del item  # the loop must not keep a result alive while it waits

    def _connect(self) -> sqlite3.Connection:
        connection = connect_writing(self._path, self._busy_timeout_s)
        try:
            use_log(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _do(self, connection: sqlite3.Connection, work: Work[Any], future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            with translated(self._path):
                future.set_result(_in_transaction(connection, work))
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
            future.set_exception(error)


def _in_transaction(connection: sqlite3.Connection, work: Work[T]) -> T:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction(connection):
                return work(connection)
        except sqlite3.OperationalError as error:
            if attempt == _ATTEMPTS or not is_busy(error):
                raise
    raise AssertionError("the last attempt returns or raises")
