"""Disks that are full, folders that are read-only, and other programs that write meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.atomic import TEMPORARY_PREFIX
from engine.interchange.writing import job
from engine.interchange.writing.values import Target, WriteOptions
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import Verdict, Wish
from engine.metadata import sidecars, xmp
from engine.metadata.values import Changes
from tests.engine.interchange.writing.parts import SIDECAR, choice, contents, finished, write
from tests.programs import needs_program

#: Files of this program may have no more than so many bytes: a disk that is full for big ones.
_NO_ROOM = """
import resource, signal, sys
from pathlib import Path
from engine.interchange.writing import job
from engine.interchange.writing.values import Target, WriteOptions
from engine.interchange.exporting.choice import ExportChoice
from engine.library.opening import open_library
from engine.metadata import sidecars
with open_library(Path(sys.argv[1])) as library:
    ids = library.ids_below(Path(sys.argv[2]), recursive=True)
    steps = job.write(library, ExportChoice(ids), WriteOptions(Target(sys.argv[3])))
    replace = sidecars.replace
    def small(*args, **kwargs):
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3, limits[1]))
        try:
            return replace(*args, **kwargs)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    sidecars.replace = small
    print(next(steps).paused)
    steps.close()
"""
THEIRS = Changes(add=(("Rome",),), rating=4)


def spoil(folder: Path) -> None:
    (folder / "a.jpg.xmp").write_bytes(xmp.merged(None, THEIRS))
    (folder / "a.txt").write_text("Rome\n")


def litter(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(TEMPORARY_PREFIX)]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize("target", [Target.SIDECAR, Target.TXT])
def test_no_room_for_a_file_leaves_all_as_it_was_and_pauses(
    library: Library, folder: Path, target: Target
) -> None:
    spoil(folder)
    before = contents(folder)
    library.close()
    command = [sys.executable, "-c", _NO_ROOM, str(library.path), str(folder), target.value]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "the disk is full" in done.stdout
    assert contents(folder) == before
    with open_library(library.path) as again:
        job.recover(again)
        assert not again.begun_files()
        assert write(again, folder, WriteOptions(target)).written == 3
        finished(job.undo(again))
    assert contents(folder) == before


@pytest.mark.slow
@needs_program("unshare")
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs the root of Linux")
@pytest.mark.parametrize("target", [Target.SIDECAR, Target.TXT])
def test_a_folder_mounted_read_only_is_left_alone(
    library: Library, folder: Path, target: Target
) -> None:
    spoil(folder)
    before = contents(folder)
    library.close()
    script = (
        'mount --bind "$2" "$2" && mount -o remount,bind,ro "$2" && '
        'exec "$0" main.py write "$2" --library "$1" --to "$3"'
    )
    command = ["unshare", "-m", "sh", "-c", script, sys.executable]
    arguments = [str(library.path), str(folder), target.value]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip("this machine lets nobody mount anything")
    assert "may not be read or written" in done.stdout + done.stderr
    assert contents(folder) == before
    with open_library(library.path) as again:
        assert again.last_write() is None
        assert not again.begun_files()


@pytest.mark.parametrize("target", [Target.SIDECAR, Target.TXT])
def test_a_file_that_changed_since_it_was_looked_at_is_left_alone(
    library: Library, folder: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(folder)
    path = folder / ("a.jpg.xmp" if target is Target.SIDECAR else "a.txt")
    theirs = path.read_bytes().replace(b"Rome", b"Oslo")
    note = library.note_files

    def overtaken(files: object) -> None:
        note(files)  # type: ignore[arg-type]
        path.write_bytes(theirs)

    monkeypatch.setattr(library, "note_files", overtaken)
    report = write(library, folder, WriteOptions(target))
    assert [refused for refused, _ in report.refused] == [path]
    assert "another program wrote it meanwhile" in report.refused[0][1]
    assert path.read_bytes() == theirs
    assert not litter(folder)
    assert not library.own_entries([path])


def test_a_program_that_writes_all_the_time_never_meets_half_a_file(
    library: Library, folder: Path
) -> None:
    path, done = folder / "a.jpg.xmp", threading.Event()
    path.write_bytes(xmp.merged(None, Changes(rating=0)))
    faults: list[int] = []

    def other() -> None:
        temporary = path.with_name("theirs")
        try:
            for number in range(200):
                old = path.read_bytes()
                if xmp.parsed(old).rating is None:
                    faults.append(number)
                temporary.write_bytes(xmp.merged(old, Changes(rating=number % 6)))
                temporary.replace(path)
        finally:  # what it raises fails the test by itself
            done.set()

    thread = threading.Thread(target=other)
    thread.start()
    (image_id,) = library.ids_below(folder / "a.jpg", recursive=False).tolist()
    verdicts = [Verdict.REJECTED, Verdict.ACCEPTED]
    while not done.is_set():
        library.decide([Wish(image_id, "dog", verdicts[0])], who="me", caption="Test")
        verdicts.reverse()
        report = finished(job.write(library, choice(library, folder), SIDECAR))
        assert all("another program" in why for _, why in report.refused)
    thread.join()
    assert not faults
    assert xmp.parsed(sidecars.read(path).data or b"").rating is not None
    assert not litter(folder)
    assert not library.begun_files()
