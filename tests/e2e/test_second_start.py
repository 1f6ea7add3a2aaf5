"""The program started more than once: real processes, one window.

Each start costs seconds. What is slow here is held by default too, without processes:
tests/gui/startup.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from engine.library.connections import connect_reading
from tests.e2e.waiting import wait_until
from tests.paths import ROOT

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals"),
    pytest.mark.timeout(300),
]
SAMPLES = ROOT / "resources" / "samples"
#: How often two starts at once are tried.
PAIRS = int(os.environ.get("CSRA_PAIRS", "20"))
_SLOW_MODULES = ("PySide6.QtWidgets", "csra_gui.main_window", "numpy", "torch")


class Program:
    """Starts of the program by one person.

    Args:
        home: for photos, settings, the library and sockets.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data, self.profile = home / "data", home / "profile"
        (home / "run").mkdir(mode=0o700)
        for folder, photo in (("one", "cat.jpg"), ("two", "coffee.jpg")):
            (home / folder).mkdir()
            shutil.copy(SAMPLES / photo, home / folder)
        self.environment = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": str(ROOT),
            "CSRA_GUI_PROFILE": str(self.profile),
            "CSRA_GUI_DATA": str(self.data),
            "XDG_RUNTIME_DIR": str(home / "run"),
        }
        self.running: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A start in the person's home; it may go on for ever."""
        with (self.home / f"errors-{len(self.running)}").open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-X", "importtime", "-m", "csra_gui", *arguments],
                cwd=self.home,
                env=self.environment,
                stderr=errors,
                text=True,
            )
        self.running.append(process)
        return process

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command without a window, beside whatever is open."""
        return subprocess.run(
            [sys.executable, str(ROOT / "main.py"), *arguments],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def errors(self, process: subprocess.Popen[str]) -> str:
        return (self.home / f"errors-{self.running.index(process)}").read_text()

    def close(self, process: subprocess.Popen[str]) -> None:
        """Have the window closed, as by Ctrl-C."""
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, self.errors(process)

    def known(self, library: str = "library.db") -> set[str]:
        """Names of the photos that a library knows."""
        try:
            with contextlib.closing(connect_reading(self.data / library)) as connection:
                rows = connection.execute("SELECT name FROM images").fetchall()
        except sqlite3.OperationalError:
            return set()
        return {name.decode() for (name,) in rows}

    def opened_next(self) -> str:
        """What the usual window would open at its next start."""
        file = str(self.profile / "settings.ini")
        return str(QSettings(file, QSettings.Format.IniFormat).value("folders/last"))


@contextlib.contextmanager
def a_program() -> Iterator[Program]:
    with tempfile.TemporaryDirectory(prefix="csra-") as home:  # addresses of sockets are short
        made = Program(Path(home))
        try:
            yield made
        finally:
            for process in made.running:
                process.kill()
                process.wait()


@pytest.fixture
def program() -> Iterator[Program]:
    with a_program() as made:
        yield made


@pytest.mark.slow
def test_a_second_start_hands_its_photos_to_the_window_and_ends(program: Program) -> None:
    first = program.start("one")
    wait_until(lambda: program.known() == {"cat.jpg"}, "the first folder is open")
    second = program.start("two")
    assert second.wait(60) == 0
    wait_until(lambda: program.known() == {"cat.jpg", "coffee.jpg"}, "the second is open too")
    assert first.poll() is None
    loaded = program.errors(second)
    assert "PySide6.QtNetwork" in loaded
    assert not [name for name in _SLOW_MODULES if name in loaded]
    assert program.start().wait(60) == 0  # brings it to the front
    program.close(first)
    assert str(program.home / "two") in program.opened_next()
    log = (program.profile / "csra-gui.log").read_text()
    assert "already open" not in log


@pytest.mark.slow
def test_of_starts_at_once_one_opens_a_window_and_has_all_photos(program: Program) -> None:
    starts = [program.start("one"), program.start("two"), program.start("one")]
    wait_until(lambda: sum(s.poll() is not None for s in starts) == 2, "two have ended")
    [window] = [start for start in starts if start.poll() is None]
    assert [start.returncode for start in starts].count(0) == 2
    wait_until(lambda: program.known() == {"cat.jpg", "coffee.jpg"}, "both folders were open")
    program.close(window)


@pytest.mark.slow
def test_a_start_after_a_crash_opens_a_window(program: Program) -> None:
    first = program.start("one")
    wait_until(lambda: program.known() == {"cat.jpg"}, "the folder is open")
    first.kill()
    first.wait()
    again = program.start("two")
    wait_until(lambda: program.known() == {"cat.jpg", "coffee.jpg"}, "the other folder is open")
    assert program.start().wait(60) == 0
    program.close(again)


@pytest.mark.slow
def test_a_new_window_has_its_own_library_and_leaves_the_first_as_it_was(program: Program) -> None:
    first = program.start("one")
    wait_until(lambda: program.known() == {"cat.jpg"}, "the first folder is open")
    other = program.start("--new-window", "two")
    wait_until(lambda: program.known("library-2.db") == {"coffee.jpg"}, "the other window is open")
    program.close(other)
    assert program.known() == {"cat.jpg"}
    program.close(first)
    assert program.opened_next() == str(program.home / "one")


@pytest.mark.slow
def test_two_starts_within_a_moment_are_one_window_with_both_folders_every_time() -> None:
    chance = random.Random(1)
    for _ in range(PAIRS):
        with a_program() as program:
            first = program.start("one")
            time.sleep(chance.uniform(0.0, 0.1))
            starts = [first, program.start("two")]
            wait_until(lambda: sum(s.poll() is not None for s in starts) == 1, "one has ended")  # noqa: B023
            [window] = [start for start in starts if start.poll() is None]
            both = {"cat.jpg", "coffee.jpg"}
            wait_until(lambda: program.known() == both, "both folders are open")  # noqa: B023
            program.close(window)
            assert [start.returncode for start in starts] == [0, 0]
            assert not (program.data / "library-2.db").exists()


@pytest.mark.slow
@pytest.mark.parametrize("folders", [(), ("two",)])
def test_a_start_beside_a_window_that_hangs_waits_until_it_goes_on(
    program: Program, folders: tuple[str, ...]
) -> None:
    first = program.start("one")
    wait_until(lambda: program.known() == {"cat.jpg"}, "the folder is open")
    first.send_signal(signal.SIGSTOP)
    second = program.start(*folders)
    with pytest.raises(subprocess.TimeoutExpired):  # it asks what to do meanwhile
        second.wait(10)
    first.send_signal(signal.SIGCONT)
    assert second.wait(60) == 0, program.errors(second)
    expected = {"cat.jpg"} | ({"coffee.jpg"} if folders else set())
    wait_until(lambda: program.known() == expected, "what the second was given is open")
    program.close(first)
    assert not (program.data / "library-2.db").exists()


@pytest.mark.slow
def test_a_start_beside_a_window_that_hangs_takes_its_place_when_it_is_killed(
    program: Program,
) -> None:
    first = program.start("one")
    wait_until(lambda: program.known() == {"cat.jpg"}, "the folder is open")
    first.send_signal(signal.SIGSTOP)
    second = program.start("two")
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(10)
    first.kill()
    both = {"cat.jpg", "coffee.jpg"}
    wait_until(lambda: program.known() == both, "the second has the library")
    assert second.poll() is None
    program.close(second)
    assert not (program.data / "library-2.db").exists()


@pytest.mark.slow
def test_commands_beside_a_window_work_or_say_why_they_do_not(program: Program) -> None:
    first = program.start("one")
    wait_until(lambda: program.known() == {"cat.jpg"}, "the folder is open")
    tagged = program.command("tag", "two", "--format", "jsonl")
    assert tagged.returncode == 0, tagged.stderr
    assert "coffee.jpg" in tagged.stdout
    for refused in (("library", "check"), ("library", "rebuild"), ("library", "new")):
        said = program.command(*refused)
        assert said.returncode == 1, (refused, said.stdout, said.stderr)
        assert "already open in another window" in said.stderr
        assert "Traceback" not in said.stderr
    assert program.known() == {"cat.jpg"}
    program.close(first)
    assert program.command("library", "check").returncode == 0
