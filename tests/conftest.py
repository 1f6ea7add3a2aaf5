"""Guards for every test: no screen, no settings of the person, no thread or warning left over."""

from __future__ import annotations

import faulthandler
import gc
import inspect
import logging
import multiprocessing
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import SignalInstance
from pytestqt.qtbot import QtBot
from pytestqt.wait_signal import SignalBlocker

from engine.data.decoding import driver
from engine.data.decoding.child import Child

# Before anything imports torch or Qt. Threads sleep while they wait, as in the program itself.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:  # as many tests as processors run already
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# Tests start hundreds of programs: that each compiles all of ours would take a third of their time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_QPA_FONTDIR"] = os.environ.get("QT_QPA_FONTDIR", "/usr/share/fonts")

_THREAD_GRACE_S = 10.0
#: So long after its timeout, a test that does not end ends its process.
_HANG_GRACE_S = 60.0
_PATIENCE_MS = 30_000
_TERMINAL = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Output is not captured yet: what is said of a hang is seen."""
    config.stash[_TERMINAL] = os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A test that hangs so that it does not hear of its timeout ends this process, with its stack.

    Such a test holds the interpreter in native code. The other processes run the rest.
    """
    marker = item.get_closest_marker("timeout")
    limit_s = float(marker.args[0] if marker else item.config.getini("timeout"))
    terminal = item.config.stash[_TERMINAL]
    if not item.config.getoption("usepdb"):  # a person thinks for longer
        faulthandler.dump_traceback_later(limit_s + _HANG_GRACE_S, exit=True, file=terminal)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
        _look_for_garbage()


def _look_for_garbage() -> None:
    """As Python does by itself, had it not been told otherwise."""
    counts, limits = gc.get_count(), gc.get_threshold()
    due = [number for number, limit in enumerate(limits) if counts[number] > limit]
    if due:
        gc.collect(due[-1])


def pytest_collection_finish() -> None:
    """What was imported stays: to look through it for garbage again and again takes long.

    What tests leave is looked through between them, in this thread, as the window does. A widget
    that ends in a thread that happened to make an object may wait for this one for ever.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


@pytest.fixture(autouse=True, scope="session")
def quick_decoders() -> Iterator[None]:
    """Decoders are forked from a process that has their imports: they start in no time.

    The tests of decoders take that back (``tests/engine/data/decoding``), and no other process of
    the program starts so: this one would keep the environment of the first test.
    """
    if sys.platform != "linux":  # elsewhere it is missing, or its libraries survive no fork
        yield
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["engine.data.decoding.worker"])
    forking = threading.Lock()

    def start(theirs: Connection, _ours: Connection, *work: object) -> Child:
        with forking:  # multiprocessing keeps its list of children without a lock of its own
            process = context.Process(target=work[0], args=(theirs, *work[1:]), name="decoder")
            process.start()
        return SimpleNamespace(kill=process.kill, wait=process.join)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "start_child", start)
        yield


class PatientBot(QtBot):
    """Waits for what comes, also where twenty other programs run; what comes costs no time."""

    def waitUntil(
        self, callback: Callable[[], bool | None], *, timeout: int = _PATIENCE_MS
    ) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(
        self, signal: SignalInstance, *, timeout: int = _PATIENCE_MS, **options: Any
    ) -> SignalBlocker:
        return super().waitSignal(signal, timeout=timeout, **options)


@pytest.fixture
def qtbot(qapp: object, request: pytest.FixtureRequest) -> QtBot:
    """That of pytest-qt, with more patience."""
    return PatientBot(request)


@pytest.fixture(scope="session")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """New folders; pytest would look through all that it made before it makes the next."""
    above = tmp_path_factory.mktemp("profiles")
    return (above / str(number) for number in count())


@pytest.fixture(autouse=True)
def own_profile(profiles: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Settings, caches, logs and sockets go to a folder of the test's own."""
    profile = next(profiles)
    (profile / "run").mkdir(mode=0o700, parents=True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(profile / "run"))
    for variable in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(profile / variable.lower()))
    monkeypatch.setenv("CSRA_GUI_PROFILE", str(profile / "csra-gui"))
    monkeypatch.setenv("CSRA_GUI_DATA", str(profile / "data"))
    yield profile
    monkeypatch.undo()  # what a test does to the disk does not count for removing its folder
    shutil.rmtree(profile, ignore_errors=True)


@contextmanager
def no_thread_left() -> Iterator[None]:
    """Whatever thread is started inside has ended soon after."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + _THREAD_GRACE_S
    left = [t for t in threading.enumerate() if t not in before and _is_ours(t)]
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    still = [thread.name for thread in left if thread.is_alive()]
    assert not still, f"threads left running: {still}"


def _is_ours(thread: threading.Thread) -> bool:
    """A dummy stands for a thread that Python did not start and cannot join (Qt's, torch's)."""
    return not isinstance(thread, threading._DummyThread)


@pytest.fixture(autouse=True, scope="module")
def no_dangling_threads() -> Iterator[None]:
    """Per module, because fixtures may share a pool of workers among the tests of one."""
    with no_thread_left():
        yield


@pytest.fixture(autouse=True)
def no_unexpected_log(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """Silence is part of the contract; a test that takes ``caplog`` itself looks after its log."""
    yield
    if "caplog" in inspect.signature(request.function).parameters:
        return
    loud = [r for r in caplog.get_records("call") if r.levelno >= logging.WARNING]
    assert not loud, [record.getMessage() for record in loud]
