"""An export that is killed or whose disk is full: the old target or the new one, and no litter."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import atomic
from engine.atomic import TEMPORARY_PREFIX
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.formats import FORMATS
from engine.interchange.exporting.job import export, recover
from engine.interchange.exporting.values import ExportError
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import Verdict, Wish, look_at
from tests.engine.images import save_image
from tests.programs import needs_program

_EXPORT = """
import os, sys
from pathlib import Path
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.job import export
from engine.interchange.exporting.values import ExportError, ExportOptions
from engine.library.opening import open_library
with open_library(Path(sys.argv[1])) as library:
    ids = library.ids_below(Path(sys.argv[2]), recursive=True)
    options = ExportOptions(copies=sys.argv[5] == "copies")
    os.write(2, b"now it begins")
    try:
        for _ in export(library, ExportChoice(ids), sys.argv[4], Path(sys.argv[3]), options):
            pass
    except ExportError:
        sys.exit(3)
"""
_KILLED_IN = (
    "openat,write,pwrite64,fsync,fdatasync,rename,mkdir,symlink,sendfile,copy_file_range,chmod,"
    "unlink,unlinkat,rmdir"
)
_FULL_IN = "write,fsync,mkdir,symlink,sendfile,copy_file_range"
_MOST = 8
Contents = dict[str, bytes | None]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    (tmp_path / "photos").mkdir()
    (tmp_path / "home").mkdir()
    with open_library(tmp_path / "home" / "library.db") as opened:
        paths = [save_image(tmp_path / "photos" / name, 8, 6) for name in ("a.jpg", "b.jpg")]
        ids = opened.add_images([file for path in paths if (file := look_at(path))])
        wishes = [Wish(image_id, "dog", Verdict.ADDED) for image_id in ids]
        opened.decide([*wishes, Wish(ids[0], "cat", Verdict.ADDED)], who="me", caption="Test")
        yield opened


def below(folder: Path) -> Contents:
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


def finish(library: Library, name: str, target: Path) -> None:
    ids = library.ids_below(target.parent.parent / "photos", recursive=True)
    for _ in export(library, ExportChoice(ids), name, target):
        pass


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, where: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "out"
    out.mkdir()
    target = out / f"x{FORMATS[name].suffix}"
    if FORMATS[name].suffix:
        target.write_text("old")
    before = below(out)
    if where == "fsync":
        monkeypatch.setattr(atomic.os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace" if FORMATS[name].suffix else "rename", full)
    with pytest.raises(ExportError, match="could not be written: No space left on device"):
        finish(library, name, target)

    assert below(out) == before
    assert library.begun_exports() == []
    monkeypatch.undo()
    finish(library, name, target)
    assert below(out) != before


@pytest.mark.parametrize("name", ["csv", "voc"])
def test_the_next_start_removes_what_a_crash_left_and_nothing_else(
    library: Library, tmp_path: Path, name: str
) -> None:
    photo = tmp_path / "photos" / "a.jpg"
    left, other = tmp_path / f"{TEMPORARY_PREFIX}left", tmp_path / f"{TEMPORARY_PREFIX}other"
    other.write_text("of a program that is running")
    if FORMATS[name].suffix:
        left.write_text("half")
    else:
        left.mkdir()
        (left / "x.jpg").symlink_to(photo)
        (left / "y").symlink_to(photo.parent, target_is_directory=True)
    for path in (left, photo, tmp_path / "never made"):
        library.begin_export(path)

    assert recover(library) == 3
    assert library.begun_exports() == [photo]
    assert not os.path.lexists(left) and other.exists() and photo.exists()
    assert len(list(photo.parent.iterdir())) == 2


def traced(options: list[str], arguments: list[str]) -> int:
    command = ["strace", "-f", "-qq", *options, sys.executable, "-c", _EXPORT, *arguments]
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode


@pytest.mark.slow
@needs_program("strace")
@pytest.mark.parametrize("fault", ["signal=KILL", "error=ENOSPC"])
@pytest.mark.parametrize(
    ("name", "links"), [*((name, "links") for name in FORMATS), ("imagefolder", "copies")]
)
def test_a_fault_at_a_system_call_leaves_the_old_or_the_new(
    library: Library, tmp_path: Path, name: str, links: str, fault: str
) -> None:
    library.close()
    home, saved, out, log = (tmp_path / name for name in ("home", "saved", "out", "log"))
    shutil.copytree(home, saved)
    out.mkdir()
    target = out / f"x{FORMATS[name].suffix}"
    if FORMATS[name].suffix:
        target.write_text("old")
    before = below(out)
    arguments = [str(home / "library.db"), str(tmp_path / "photos"), str(target), name, links]
    calls = _KILLED_IN if "KILL" in fault else _FULL_IN
    assert traced(["-o", str(log), "-e", f"trace={calls}"], arguments) == 0
    after = below(out)
    lines = log.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if "now it begins" in line) + 2
    tried = range(start, len(lines) + 1, max(1, (len(lines) - start) // _MOST))
    assert len(tried) >= 3
    for when in tried:
        shutil.rmtree(out)
        out.mkdir()
        if FORMATS[name].suffix:
            target.write_text("old")
        shutil.rmtree(home)
        shutil.copytree(saved, home)
        status = traced(["-o", str(log), "-e", f"inject={calls}:{fault}:when={when}"], arguments)
        with open_library(home / "library.db") as opened:
            assert not opened.begun_exports() or "KILL" in fault
            recover(opened)
            assert opened.begun_exports() == []
        assert below(out) in (before, after), (when, status)
        assert status or below(out) == after, when
