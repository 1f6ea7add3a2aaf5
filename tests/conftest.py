"""Guards for every test: no screen, no settings of the person, no thread or warning left over."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before anything imports Qt.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_QPA_FONTDIR"] = os.environ.get("QT_QPA_FONTDIR", "/usr/share/fonts")

_THREAD_GRACE_S = 10.0


@pytest.fixture(autouse=True)
def own_profile(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, caches and logs go to a folder of the test's own."""
    profile = tmp_path_factory.mktemp("profile")
    for variable in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(profile / variable.lower()))
    monkeypatch.setenv("CSRA_GUI_PROFILE", str(profile / "csra-gui"))
    return profile


@pytest.fixture(autouse=True)
def no_dangling_threads() -> Iterator[None]:
    """A thread that a test starts has ended when the test has."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + _THREAD_GRACE_S
    left = [t for t in threading.enumerate() if t not in before]
    for thread in left:
        if not isinstance(thread, threading._DummyThread):
            thread.join(max(0.0, deadline - time.monotonic()))
    still = [t.name for t in left if t.is_alive() and not isinstance(t, threading._DummyThread)]
    assert not still, f"threads left running: {still}"


@pytest.fixture(autouse=True)
def no_unexpected_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Silence is part of the contract; a test that expects a warning calls ``caplog.clear()``."""
    yield
    loud = [r for r in caplog.get_records("call") if r.levelno >= logging.WARNING]
    assert not loud, [record.getMessage() for record in loud]
