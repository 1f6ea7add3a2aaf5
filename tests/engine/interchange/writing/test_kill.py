"""A program that is killed within a write: files are old or new, and the next start settles it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.atomic import TEMPORARY_PREFIX
from engine.interchange.writing import job
from engine.library.opening import open_library
from engine.library.store import Library
from engine.metadata import xmp
from engine.metadata.values import Changes
from tests.engine.interchange.writing.parts import contents, finished, write
from tests.paths import ROOT
from tests.programs import needs_program

_WRITE = """
import sys
from pathlib import Path
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.writing import job
from engine.interchange.writing.values import WriteOptions
from engine.library.opening import open_library
with open_library(Path(sys.argv[1])) as library:
    ids = library.ids_below(Path(sys.argv[2]), recursive=True)
    work = job.undo(library) if sys.argv[3:] else job.write(
        library, ExportChoice(ids), WriteOptions()
    )
    for _ in work:
        pass
"""
_MOST_KILLS = 12
_CALLS = ("rename", "fsync", "fdatasync", "pwrite64", "write", "unlink", "chmod", "utimensat")


def run_traced(library: Path, folder: Path, options: list[str], does: list[str]) -> int:
    command = ["strace", "-f", "-qq", *options, sys.executable, "-c", _WRITE]
    return subprocess.run([*command, str(library), str(folder), *does], check=False).returncode


def litter(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(TEMPORARY_PREFIX)]


def put_back(there: Path, saved: Path) -> None:
    shutil.rmtree(there)
    shutil.copytree(saved, there)


@pytest.mark.slow
@needs_program("strace")
@pytest.mark.parametrize("call", _CALLS)
@pytest.mark.parametrize("does", [[], ["undo"]])
def test_a_kill_at_a_system_call_loses_nothing(
    library: Library, folder: Path, tmp_path: Path, call: str, does: list[str]
) -> None:
    path, log = folder / "b.png.xmp", tmp_path / "log"
    path.write_bytes(xmp.merged(None, Changes(add=(("holiday", "Rome"),), rating=4)))
    before = contents(folder)
    if does:
        write(library, folder)
    library.close()
    started, saved = contents(folder), tmp_path / "saved"
    home = tmp_path / "home"
    home.mkdir()
    place = Path(shutil.move(library.path, home))
    for source, name in ((folder, "photos"), (home, "home")):
        shutil.copytree(source, saved / name)
    assert run_traced(place, folder, ["-o", str(log), "-e", f"trace={call}"], does) == 0
    written = contents(folder)
    count = sum(f"{call}(" in line for line in log.read_text().splitlines())
    for when in range(1, count + 1, max(1, count // _MOST_KILLS)):
        put_back(folder, saved / "photos")
        put_back(home, saved / "home")
        kill = ["-o", str(log), "-e", f"inject={call}:signal=KILL:when={when}"]
        assert run_traced(place, folder, kill, does) != 0
        for name, data in contents(folder).items():
            if not name.startswith(TEMPORARY_PREFIX):
                assert data in (started.get(name), written.get(name)), (call, when, name)
        with open_library(place) as opened:
            job.recover(opened)
            assert not litter(folder), (call, when)
            if not does:
                write(opened, folder)
                assert contents(folder) == written
            while finished(job.undo(opened)).written:
                pass
        assert contents(folder) == before, (call, when)


@pytest.mark.slow
@needs_program("strace")
def test_no_kill_between_the_first_and_the_last_call_leaves_anything_behind() -> None:
    script = ROOT / "benchmarks" / "kill_figures.py"
    subprocess.run([sys.executable, str(script), "--every", "5"], check=True)
