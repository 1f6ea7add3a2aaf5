"""Who runs a network next: whoever somebody waits for, and of long works none stands still."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.inference.backend import BatchScores
from tests.engine.passes import CountedPasses, WatchedTurns


def pixels(count: int) -> NDArray[np.uint8]:
    return np.zeros((count, 64, 64, 3), dtype=np.uint8)


def ask(turns: WatchedTurns, pool: ThreadPoolExecutor, count: int, urgent: bool) -> Future[object]:
    """Ask for a pass of so many photos, and come back once it waits."""
    backend = turns.backend(turns.passes, urgent=urgent)
    turns.asked.clear()
    future: Future[object] = pool.submit(backend.run, pixels(count))
    assert turns.asked.wait(10)
    return future


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ([(2, False), (3, False), (4, False)], [2, 3, 4]),
        ([(2, False), (3, False), (1, True)], [1, 2, 3]),
        ([(2, True), (3, False), (1, True), (4, False)], [2, 1, 3, 4]),
    ],
)
def test_what_is_urgent_goes_next_and_the_rest_as_it_came(
    asked: list[tuple[int, bool]], order: list[int]
) -> None:
    turns = WatchedTurns(CountedPasses())
    with ThreadPoolExecutor() as pool:
        with turns.taken(urgent=False):
            futures = [ask(turns, pool, count, urgent) for count, urgent in asked]
            assert not turns.passes.sizes
        for future in futures:
            future.result(10)
    assert turns.passes.sizes == order


@pytest.mark.parametrize("urgent", [False, True])
def test_a_pass_that_fails_leaves_its_turn_to_the_next(urgent: bool) -> None:
    turns = WatchedTurns(CountedPasses(fails_at=1))
    backend = turns.backend(turns.passes, urgent=urgent)
    with pytest.raises(RuntimeError):
        backend.run(pixels(1))
    assert isinstance(backend.run(pixels(2)), BatchScores)


def test_a_backend_that_waits_for_its_turn_waits_once_and_says_what_it_is() -> None:
    turns = WatchedTurns(CountedPasses())
    backend = turns.backend(turns.backend(turns.passes), urgent=True)
    assert len(backend.run(pixels(3), features=True).logits) == 3
    assert turns.passes.with_features == [True]
    names = ("head", "name", "device", "runtime", "best_batch")
    assert [getattr(backend, name) for name in names] == [
        getattr(turns.passes, name) for name in names
    ]


def test_no_two_passes_run_at_once() -> None:
    passes = CountedPasses()
    turns = WatchedTurns(passes)
    backends = [turns.backend(passes, urgent=urgent) for urgent in (False, True, False)]
    start = threading.Barrier(len(backends))

    def work(place: int) -> None:
        start.wait(10)
        for _ in range(20):
            backends[place].run(pixels(1))

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, range(len(backends))))
    assert passes.most_at_once == 1
