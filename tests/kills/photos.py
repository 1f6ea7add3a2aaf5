"""What is written beside photos: work that is killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.atomic import TEMPORARY_PREFIX
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.writing import job
from engine.interchange.writing.values import Target, WriteOptions
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import Verdict, Wish, look_at
from engine.metadata import xmp
from engine.metadata.values import Changes
from tests.kills.at_calls import Contents, Work

_THEIRS: dict[Target, tuple[str, bytes]] = {
    Target.SIDECAR: ("b.jpg.xmp", xmp.merged(None, Changes(add=(("Rome",),), rating=4))),
    Target.TXT: ("b.txt", b"Rome, blue sky\n"),
}


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


def _work(
    make_photos: Callable[[Path], None],
    options: WriteOptions,
    files: Callable[[Path], Contents],
    *,
    is_undo: bool,
) -> Work:
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
        further=lambda here: _undone(here, files),
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
    with open_library(here / "library.db") as library:
        job.recover(library)


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
