from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from engine.data import patience
from engine.data.patience import Alive, Attempt, Patience, patiently
from engine.data.scan import ScanBatch, scan

LIMIT_S = 0.3
Stall = Callable[[str], None]


@pytest.fixture
def stall(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stall]:
    """Folders of these names answer no more, as those of a server that is away."""
    names: set[str] = set()
    freed = threading.Event()
    scandir = os.scandir

    def hang(folder: str | int | os.PathLike[str]) -> object:
        # A number is an open folder: pytest removes what the test made.
        if not isinstance(folder, int) and Path(folder).name in names:
            freed.wait()
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", hang)
    yield names.add
    freed.set()


def photo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def outcome(batches: Iterator[ScanBatch]) -> tuple[list[Path], list[tuple[Path, str]]]:
    found = list(batches)
    paths = [path for batch in found for path in batch.paths]
    return paths, [(p.path, p.message) for batch in found for p in batch.skipped]


@pytest.mark.parametrize("roots", [["all"], ["all/a", "all/away", "all/b"]], ids=["below", "roots"])
def test_a_folder_that_does_not_answer_is_skipped_and_the_others_are_walked(
    roots: list[str], tmp_path: Path, stall: Stall
) -> None:
    wanted = [photo(tmp_path / "all" / name) for name in ("a/1.jpg", "b/2.jpg", "b/c/3.jpg")]
    photo(tmp_path / "all/away/lost.jpg")
    stall("away")

    paths, skipped = outcome(scan([tmp_path / root for root in roots], patience_s=LIMIT_S))

    assert paths == wanted
    [(place, message)] = skipped
    assert place == tmp_path / "all/away"
    assert "did not answer for 0.3 seconds" in message


def test_a_walk_can_be_ended_while_a_folder_hangs(tmp_path: Path, stall: Stall) -> None:
    photo(tmp_path / "away/lost.jpg")
    stall("away")
    walk = scan([tmp_path / "away"])
    assert next(walk) == ScanBatch(())  # a sign of life long before the limit
    walk.close()


def test_what_answers_late_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.scan._HOLD_UP_S", 0.0)
    scandir, others_are_through = os.scandir, threading.Event()

    def late(folder: str | int | os.PathLike[str]) -> object:
        name = "" if isinstance(folder, int) else Path(folder).name
        if name == "late":
            others_are_through.wait()
        elif name == "b":
            others_are_through.set()
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", late)
    wanted = [
        photo(tmp_path / name) for name in ("a/1.jpg", "b/2.jpg", "late/3.jpg", "late/d/4.jpg")
    ]

    paths, skipped = outcome(scan([tmp_path]))

    assert sorted(paths) == sorted(wanted) and not skipped
    assert paths[-2:] == wanted[-2:]


def test_what_takes_long_but_goes_on_is_no_stall() -> None:
    def slow(alive: Alive) -> str:
        for _ in range(8):
            threading.Event().wait(LIMIT_S / 4)
            alive()
        return "all of it"

    with Patience(LIMIT_S) as patience:
        attempt = patience.begin(slow)
        assert _waited(attempt) and attempt.result() == "all of it"


def test_a_fault_reaches_whoever_asks() -> None:
    def fail(_: Alive) -> None:
        raise FileNotFoundError("gone")

    with Patience(LIMIT_S) as patience:
        attempt = patience.begin(fail)
        assert _waited(attempt)
        with pytest.raises(FileNotFoundError):
            attempt.result()


def test_work_that_hangs_is_left_behind_and_what_it_said_before_counts() -> None:
    hangs = threading.Event()

    def work() -> Generator[int, None, None]:
        yield 1
        yield 2
        hangs.wait()
        yield 3

    values = patiently(work(), 0, LIMIT_S)
    assert [value for value in values if value] == [1, 2]
    hangs.set()


def test_work_that_ends_is_closed_and_so_is_work_that_is_given_up() -> None:
    ended = []

    def work() -> Generator[int, None, None]:
        try:
            yield 1
            yield 2
        finally:
            ended.append(True)

    assert list(patiently(work(), 0)) == [1, 2]
    values = patiently(work(), 0)
    next(values)
    values.close()
    assert ended == [True, True]


def _waited(attempt: Attempt[object]) -> bool:
    waiting = attempt.wait()
    while True:
        try:
            next(waiting)
        except StopIteration as end:
            return bool(end.value)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_while_all_stands_still_nobody_is_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(patience, "time", clock)
    freed = threading.Event()
    with Patience(30.0) as impatient:
        attempt = impatient.begin(lambda _: freed.wait())
        waiting = attempt.wait(60.0)
        next(waiting)
        clock.now += 8 * 3600.0  # a night
        next(waiting)
        clock.now += 2.0
        next(waiting)
        freed.set()
        assert list(waiting) == [] and attempt.is_done
