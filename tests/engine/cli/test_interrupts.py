"""Ctrl-C, or a request to end, while a command runs: what is said, and the exit status."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine import cli
from engine.api.errors import EngineError
from engine.cli.interrupts import Interrupts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
Run = Callable[[Callable[[], int]], int]
SIGNALS = ((signal.SIGINT, 130), (signal.SIGTERM, 143))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run something as a command is run."""

    def run_command(command: Callable[[], int]) -> int:
        options = SimpleNamespace(command=lambda _options: command())
        parser = SimpleNamespace(parse_args=lambda _arguments: options)
        monkeypatch.setattr(cli, "_parser", lambda _arguments: parser)
        return cli.run(["some"])

    return run_command


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_a_command_that_is_interrupted_says_so(
    run: Run, number: int, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    before = [signal.getsignal(each) for each, _ in SIGNALS]

    def command() -> int:
        signal.raise_signal(number)
        return 0

    assert run(command) == status
    assert capfd.readouterr().err == "Stopped.\n"
    assert [signal.getsignal(each) for each, _ in SIGNALS] == before


@pytest.mark.parametrize("error", [ImportError, EngineError])
def test_what_a_library_makes_of_an_interrupt_is_not_told(
    run: Run, error: type[Exception], capfd: pytest.CaptureFixture[str]
) -> None:
    def command() -> int:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise error("initialization failed") from None
        return 0

    assert run(command) == 130
    assert capfd.readouterr().err == "Stopped.\n"


@pytest.mark.timeout(30)
def test_a_library_that_loads_is_not_interrupted(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["import signal", "signal.raise_signal(signal.SIGINT)", "LOADED = True"]
    (tmp_path / "slow_to_load.py").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    found: list[object] = []

    def command() -> int:
        found.append(importlib.import_module("slow_to_load").LOADED)
        time.sleep(60.0)  # interrupted as soon as it is loaded
        found.append(None)
        return 0

    assert run(command) == 130
    assert found == [True]


class Interrupted:
    """Its end comes while Ctrl-C does."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.timeout(30)
def test_one_that_is_lost_in_the_end_of_an_object_comes_again(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    found: list[object] = []

    def command() -> int:
        Interrupted()
        found.append("goes on")
        time.sleep(60.0)
        found.append(None)
        return 0

    before = sys.unraisablehook
    assert run(command) == 130
    assert (found, capfd.readouterr().err) == (["goes on"], "Stopped.\n")
    assert sys.unraisablehook == before


def test_a_command_that_ends_itself_when_it_is_asked_to_keeps_the_status(run: Run) -> None:
    def command() -> int:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            return 130
        return 0

    assert run(command) == 143


def test_a_command_that_was_done_nevertheless_is_done(run: Run) -> None:
    def command() -> int:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return 0

    assert run(command) == 0


def test_faults_are_still_faults(run: Run) -> None:
    def command() -> int:
        raise ImportError("initialization failed")

    with pytest.raises(ImportError):
        run(command)


def test_the_second_one_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ends: list[int] = []
    monkeypatch.setattr(os, "_exit", ends.append)
    with Interrupts():
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    assert ends == [130]
    assert capfd.readouterr().err == "Stopped at once.\n"


def test_who_ignores_it_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            signal.raise_signal(signal.SIGINT)
        assert interrupts.status is None
    finally:
        signal.signal(signal.SIGINT, before)


def test_torchrun_ends_its_processes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts():
        assert signal.getsignal(signal.SIGTERM) == before


def test_other_threads_have_no_signals() -> None:
    found: list[object] = []

    def enter() -> None:
        with Interrupts():
            found.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [before]
