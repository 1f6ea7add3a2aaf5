from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.base import garbage
from csra_gui.base.garbage import GarbageCollector


class Ring:
    """Refers to itself: nothing but a look for garbage takes it apart."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[GarbageCollector]:
    monkeypatch.setattr(garbage, "_INTERVAL_MS", 5)
    was_enabled = gc.isenabled()
    gc.enable()  # as in the program
    made = GarbageCollector()
    yield made
    made.close()
    assert gc.isenabled()
    if not was_enabled:
        gc.disable()


def test_what_other_threads_leave_is_taken_apart_in_the_windows_thread(
    qtbot: QtBot, collector: GarbageCollector
) -> None:
    ended_in = set[threading.Thread]()
    looks = list[int]()
    gc.callbacks.append(lambda phase, about: looks.append(about["generation"]))
    try:

        def make() -> None:
            while not {0, 1} <= set(looks):
                for _ in range(1000):
                    weakref.finalize(Ring(), lambda: ended_in.add(threading.current_thread()))
                time.sleep(0.01)

        thread = threading.Thread(target=make)
        thread.start()
        qtbot.waitUntil(lambda: not thread.is_alive())
        assert ended_in
    finally:
        gc.callbacks.pop()
    assert ended_in == {threading.main_thread()}


def test_looking_at_everything_leaves_time_for_the_rest(
    qtbot: QtBot, collector: GarbageCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = list[int]()
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, 99))
    monkeypatch.setattr(gc, "collect", lambda generation=2: full.append(generation))
    qtbot.waitUntil(lambda: 2 in full)
    monkeypatch.setattr(collector, "_next_full", float("inf"))
    full.clear()
    qtbot.waitUntil(lambda: len(full) > 3)
    assert 2 not in full
