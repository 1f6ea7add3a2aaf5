"""What is written for photos and into them: work that is killed, by us or inside of ExifTool."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.atomic import TEMPORARY_PREFIX
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.writing import job
from engine.interchange.writing.values import Target, WriteOptions
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import Verdict, Wish, look_at
from engine.metadata import xmp
from engine.metadata.embedded import read_embedded
from engine.metadata.values import Changes
from tests.engine.interchange.writing.embedding_parts import MAKERS
from tests.kills.at_calls import Contents, Work, run_plainly

_THEIRS: dict[Target, tuple[str, bytes]] = {
    Target.SIDECAR: ("b.jpg.xmp", xmp.merged(None, Changes(add=(("Rome",),), rating=4))),
    Target.TXT: ("b.txt", b"Rome, blue sky\n"),
}
#: ExifTool notices only after a while that who started it is gone.
_PATIENCE_S = 20.0
_WRAPPER = """#!/bin/sh
exec strace -f -qq {options} {program} "$@"
"""
_EXIFTOOL = "exiftool"


def beside(target: Target, *, is_undo: bool) -> Work:
    """Files beside two photos, of which one has a file of others already; or taking that back."""

    def make_photos(folder: Path) -> None:
        for name in ("a.jpg", "b.jpg"):
            (folder / name).write_bytes(b"x")
        name, data = _THEIRS[target]
        (folder / name).write_bytes(data)

    def files(here: Path) -> Contents:
        return {path.name: path.read_bytes() for path in _seen(here)}

    return _work(make_photos, WriteOptions(target), files, is_undo=is_undo)


def into(*, is_undo: bool) -> Work:
    """Two photos themselves, or taking that back; killed are we, and not ExifTool."""
    options = WriteOptions(Target.EMBED, may_change_photos=True)
    return _work(_make_rich, options, _photos, is_undo=is_undo)


def exiftool_killed() -> Work:
    """The same two photos, but the program that writes them for us is killed."""

    def do(here: Path, _: Any) -> None:
        wrapper = here.parent / _EXIFTOOL
        program = str(wrapper) if wrapper.exists() else ""
        _write(here, WriteOptions(Target.EMBED, may_change_photos=True, exiftool=program))

    def runs(here: Path, work: Work, options: list[str]) -> bool:
        wrapper = here.parent / _EXIFTOOL
        given = " ".join(options)
        wrapper.write_text(_WRAPPER.format(options=given, program=shutil.which(_EXIFTOOL)))
        wrapper.chmod(0o755)
        try:
            run_plainly(here, work)
        finally:
            wrapper.unlink()
        return "inject" in given

    work = _work(_make_rich, WriteOptions(Target.EMBED), _photos, is_undo=False)
    return Work(work.make, do, work.read, settle=work.settle, runs=runs, may_mix=True)


def _work(
    make_photos: Callable[[Path], None],
    options: WriteOptions,
    files: Callable[[Path], Contents],
    *,
    is_undo: bool,
) -> Work:
    is_into = options.target is Target.EMBED

    def make(here: Path) -> None:
        for folder in (here / "photos", here / "first"):
            folder.mkdir()
            make_photos(folder)
        with open_library(here / "library.db") as library:
            found = map(look_at, sorted((here / "photos").glob("?.*g")))
            ids = library.add_images([file for file in found if file])
            wishes = [Wish(image, "dog", Verdict.ADDED) for image in ids]
            library.decide(wishes, who="me", caption="Test")
        if is_undo:
            _write(here, options)

    def do(here: Path, library: Library) -> None:
        with library:
            if is_undo:
                while _has_begun(library):
                    _finish(job.undo(library))
            else:
                _finish(job.write(library, _all(library, here), options))

    return Work(
        make,
        do,
        files,
        prepare=lambda here: open_library(here / "library.db"),
        settle=_settle,
        further=lambda here: _undone(here, _words if is_into else files),
        may_mix=True,
    )


def _undone(here: Path, files: Callable[[Path], object]) -> Iterator[str]:
    """Take everything back: the journal is settled, and all is as it was at first."""
    with open_library(here / "library.db") as library:
        if library.begun_files():
            yield "unsettled"
        while _has_begun(library):
            _finish(job.undo(library))
    now = files(here)
    # A file that another program wrote before is as it was, byte for byte.
    shutil.rmtree(here / "photos")
    (here / "first").rename(here / "photos")
    if now != files(here):
        yield "unsettled"


def _has_begun(library: Library) -> bool:
    return library.last_write() is not None


def _settle(here: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    with open_library(here / "library.db") as library:
        job.recover(library)
        while _left(here) and time.monotonic() < until:
            time.sleep(0.05)
            job.recover(library)


def _left(here: Path) -> list[Path]:
    return list((here / "photos").glob(f"{TEMPORARY_PREFIX}*"))


def _seen(here: Path) -> list[Path]:
    found = sorted((here / "photos").iterdir())
    return [path for path in found if not path.name.startswith(TEMPORARY_PREFIX)]


def _write(here: Path, options: WriteOptions) -> None:
    with open_library(here / "library.db") as library:
        _finish(job.write(library, _all(library, here), options))


def _all(library: Library, here: Path) -> ExportChoice:
    return ExportChoice(library.ids_below(here / "photos", recursive=True))


def _finish(steps: job.Steps) -> None:
    for _ in steps:
        pass


def _make_rich(folder: Path) -> None:
    MAKERS["rich jpeg"][1](folder / "a.jpg")
    MAKERS["png"][1](folder / "b.png")


def _photos(here: Path) -> Contents:
    return {path.name: path.read_bytes() for path in _seen(here)}


def _words(here: Path) -> list[set[str]]:
    return [set(read_embedded(path).values.keywords) for path in _seen(here)]
