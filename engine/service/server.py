"""What the engine's child process runs; importing this is cheap."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import sys
from multiprocessing.connection import Connection

from engine.api.engine import TaggingEngine
from engine.api.remote import serve
from engine.records.backend_kinds import AUTO
from engine.service.graph_maker import GraphMaker

# The window and the decoders of its thumbnails go first when the processor is busy.
_NICENESS = 5
_TRAINER_NICENESS = 15
#: What glibc calls the number of places that memory is taken from (malloc.h), and how many there
#: are: one for each of the threads that come and go would keep what each of them has freed.
_M_ARENA_MAX = -8
_ARENAS = 2
#: A step may take seconds, and then the state is written.
TRAINER_STOP_S = 12.0


def serve_local(connection: Connection) -> None:
    """Serve a ``LocalEngine`` over a pipe: the target for ``RemoteEngine``."""
    _serve(connection, _NICENESS)


def serve_trainer(connection: Connection) -> None:
    """As ``serve_local``, for work that takes hours and gives way to all else."""
    _serve(connection, _TRAINER_NICENESS)


def _serve(connection: Connection, niceness: int) -> None:
    _keep_memory_together()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the window; it stops us
    from engine.service.local import LocalEngine  # noqa: F401, PLC0415  # while nobody asks yet

    if hasattr(os, "nice"):
        os.nice(niceness)
    serve(connection, _make_engine)
    # Threads of torch may still compute; unwinding the interpreter under them would abort.
    logging.shutdown()
    os._exit(0)


def _keep_memory_together() -> None:
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # a C library that has no such thing
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def _make_engine() -> TaggingEngine:
    from engine.service.local import LocalEngine  # noqa: PLC0415  # the window is up sooner

    return LocalEngine(graphs=GraphMaker(), precision=AUTO)
