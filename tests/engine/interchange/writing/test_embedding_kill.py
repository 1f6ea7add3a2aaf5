"""A program that is killed while it writes into photos: each is the old or the new one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.writing import job
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import Verdict, Wish, look_at
from engine.metadata.embedded import read_embedded
from tests.engine.interchange.writing.embedding_parts import EMBED, MAKERS, needs_exiftool
from tests.engine.interchange.writing.parts import contents, finished
from tests.programs import needs_program

pytestmark = [
    needs_exiftool,
    pytest.mark.slow,
    needs_program("strace"),
]

_WORK = """
import sys
from pathlib import Path
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.writing import job
from engine.interchange.writing.values import Target, WriteOptions
from engine.library.opening import open_library
if __name__ == "__main__":
    with open_library(Path(sys.argv[1])) as library:
        ids = library.ids_below(Path(sys.argv[2]), recursive=True)
        how = WriteOptions(Target.EMBED, may_change_photos=True)
        for _ in job.undo(library) if sys.argv[3:] else job.write(library, ExportChoice(ids), how):
            pass
"""
_MOST_KILLS = 5


@pytest.fixture
def place(tmp_path: Path) -> Path:
    found = tmp_path / "photos"
    found.mkdir()
    MAKERS["rich jpeg"][1](found / "a.jpg")
    MAKERS["png"][1](found / "b.png")
    return found


@pytest.fixture
def home(tmp_path: Path, place: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    with open_library(folder / "library.db") as library:
        ids = library.add_images([file for path in place.iterdir() if (file := look_at(path))])
        wishes = [Wish(image, "dog", Verdict.ADDED) for image in ids]
        library.decide(wishes, who="me", caption="Test")
    return folder


def traced(home: Path, place: Path, does: list[str], options: list[str]) -> int:
    script = home.parent / "work.py"
    script.write_text(_WORK)
    command = ["strace", "-qq", "-o", str(home.parent / "log"), *options, sys.executable]
    command += [str(script), str(home / "library.db"), str(place), *does]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    return subprocess.run(command, check=False, env=here).returncode


def settled(library: Library, place: Path) -> None:
    """What is left of the write is gone, at the latest when ExifTool has noticed its end."""
    until = time.monotonic() + 20
    while True:
        job.recover(library)
        left = [name for name in contents(place) if name.startswith(".csra-tmp")]
        if not left or time.monotonic() > until:
            assert not left
            return


def words(place: Path) -> list[set[str]]:
    return [set(read_embedded(path).values.keywords) for path in sorted(place.iterdir())]


@pytest.mark.parametrize("call", ["rename", "fsync", "pwrite64", "unlink", "chmod", "utimensat"])
@pytest.mark.parametrize("does", [[], ["undo"]])
def test_a_kill_at_a_system_call_loses_nothing(
    place: Path, home: Path, tmp_path: Path, call: str, does: list[str]
) -> None:
    if does:
        with open_library(home / "library.db") as library:
            choice = ExportChoice(library.ids_below(place, recursive=True))
            assert finished(job.write(library, choice, EMBED)).written == 2
    started, saved = contents(place), tmp_path / "saved"
    for folder in (place, home):
        shutil.copytree(folder, saved / folder.name)
    assert traced(home, place, does, ["-e", f"trace={call}"]) == 0
    written = contents(place)
    assert written.keys() == started.keys()
    lines = (tmp_path / "log").read_text().splitlines()
    count = sum(f"{call}(" in line for line in lines)
    assert count
    for when in range(1, count + 1, max(1, count // _MOST_KILLS)):
        for folder in (place, home):
            shutil.rmtree(folder)
            shutil.copytree(saved / folder.name, folder)
        assert traced(home, place, does, ["-e", f"inject={call}:signal=KILL:when={when}"]) != 0
        with open_library(home / "library.db") as library:
            settled(library, place)
            for name, data in contents(place).items():
                assert data in (started[name], written[name]), (call, when, name)
            if not does:
                choice = ExportChoice(library.ids_below(place, recursive=True))
                finished(job.write(library, choice, EMBED))
                assert words(place) == [{"Rome", "dog"}, {"dog"}], (call, when)
            while finished(job.undo(library)).written:
                pass
            assert words(place) == [{"Rome"}, set()], (call, when)
