from __future__ import annotations

import multiprocessing

import pytest

from engine.isolation import time_left
from engine.isolation.frames import FrameReader
from engine.isolation.time_left import TimeLeft


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time_left, "time", made)
    return made


def test_what_is_waited_counts(clock: Clock) -> None:
    left = TimeLeft(2.5)
    turns = []
    while turn := left.turn():
        turns.append(turn)
        clock.now += turn
    assert turns == [1.0, 1.0, 0.5]


def test_of_a_night_one_turn_counts(clock: Clock) -> None:
    left = TimeLeft(2.5)
    left.turn()
    clock.now += 8 * 3600
    assert left.turn() == 1.0
    clock.now += 1.5
    assert left.turn() == 0.0


def test_a_message_that_comes_after_a_night_is_taken(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        reader = FrameReader(ours)
        nights = iter([8 * 3600.0, 0.0])

        def sleep(_: float) -> bool:
            night = next(nights, 0.0)
            clock.now += night
            if not night:
                theirs.send_bytes(b"morning")
            return not night

        monkeypatch.setattr(reader, "_is_there", sleep)
        assert reader.receive(100, 20.0) == b"morning"


def test_a_process_that_says_nothing_is_not_waited_for_for_ever() -> None:
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs, pytest.raises(TimeoutError):
        FrameReader(ours).receive(100, 0.05)
