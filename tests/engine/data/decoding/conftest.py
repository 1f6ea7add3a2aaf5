from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from engine.data.decoding import child, driver
from engine.data.decoding.child import start_child


@pytest.fixture(autouse=True, scope="module")
def decoders_as_in_the_program() -> Iterator[None]:
    """They start as people have them, not quickly as in other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "start_child", start_child)
        yield


@pytest.fixture
def decoder_processes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many of the processes that were started in this test run now."""
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(child.subprocess, "Popen", Noted)
    return lambda: sum(process.poll() is None for process in started)
