"""Preparing models beside other work: their graphs, and what runs them fastest on this machine.

It takes PyTorch, which is a gigabyte of memory and seconds of all cores. So it is done in a process
that gives way to all, once nothing was tagged for a while, and given up when something is.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

#: So long nothing is tagged before something is prepared.
_REST_S = 15.0
# It ends at once when it is told to; a longer wait would be the window's.
_WAIT_S = 1.0


class GraphMaker:
    """Prepares models, one after the other; usable from several threads.

    Args:
        rest_s: seconds without other work before it begins.
    """

    def __init__(self, rest_s: float = _REST_S) -> None:
        self._rest_s = rest_s
        self._lock = threading.Lock()
        self._wanted: list[Path] = []
        self._others = 0
        self._timer: threading.Timer | None = None
        self._process: BaseProcess | None = None
        self._is_given_up = False
        self._closed = False

    @property
    def is_at_work(self) -> bool:
        """Whether a model is being prepared now."""
        with self._lock:
            return self._process is not None

    def make_for(self, path: Path) -> None:
        """Prepare a model file, so that all is there when the model is opened again."""
        with self._lock:
            if path not in self._wanted:
                self._wanted.append(path)
            self._plan()

    @contextlib.contextmanager
    def held_back(self) -> Iterator[None]:
        """Other work: what is being prepared is given up, and begun again some time after it."""
        with self._lock:
            self._others += 1
            self._give_up()
        try:
            yield
        finally:
            with self._lock:
                self._others -= 1
                self._plan()

    def close(self) -> None:
        """Stop; what was begun leaves no file."""
        with self._lock:
            self._closed = True
            process = self._process
            self._give_up()
        if process is not None:
            process.join(_WAIT_S)

    def _plan(self) -> None:
        if self._wanted and not (self._others or self._closed or self._timer or self._process):
            self._timer = threading.Timer(self._rest_s, self._work)
            self._timer.daemon = True
            self._timer.start()

    def _give_up(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._process is not None:
            self._is_given_up = True
            self._process.kill()

    def _work(self) -> None:
        """Prepare one model; in the timer's thread."""
        with self._lock:
            self._timer = None
            if self._others or self._closed or self._process is not None or not self._wanted:
                return
            context = multiprocessing.get_context("spawn")
            path = self._wanted[0]
            self._is_given_up = False
            self._process = process = context.Process(target=_make, args=(path,), daemon=True)
            process.start()
        process.join()
        with self._lock:
            self._process = None
            if not self._is_given_up:  # one that failed would fail again
                self._wanted.remove(path)
            self._plan()


def _make(path: Path) -> None:
    if hasattr(os, "nice"):
        os.nice(19)
    from engine.service.measuring import measure_once  # noqa: PLC0415  # seconds

    measure_once(path)
