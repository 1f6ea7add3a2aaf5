"""Ratings, colour labels and titles of photos' files, told to the library as they change."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from itertools import islice
from pathlib import Path

from engine.library.ratings import MAX_TITLE, FileAttributes
from engine.library.store import Library
from engine.library.values import Attribute, ImageFile
from engine.metadata.reading import metadata_of
from engine.metadata.values import XmpValues

#: Files that are asked about together.
_CHUNK = 200


def attributes_of(values: XmpValues) -> dict[Attribute, str]:
    """What metadata says, as the library keeps it; an empty text says that there is none."""
    said = {}
    if values.rating is not None:
        said[Attribute.RATING] = str(values.rating or "")
    if values.color:
        said[Attribute.COLOR] = values.color
    if values.title:
        said[Attribute.TITLE] = " ".join(values.title.split())[:MAX_TITLE]
    return said


def read_file_attributes(
    library: Library, images: Iterable[tuple[int, ImageFile]]
) -> Generator[tuple[int, ...], None, None]:
    """Read what files say that were not read yet, or have changed since.

    Args:
        library: is told.
        images: each with its number; only a few of them are looked at ahead.

    Yields:
        The numbers of those that were read, after each file or chunk of unchanged ones.

    Raises:
        LibraryError: the library fails.
    """
    sidecars = _Sidecars()
    coming = iter(images)
    while chunk := list(islice(coming, _CHUNK)):
        known = library.read_stamps(image for image, _ in chunk)
        found: dict[int, FileAttributes] = {}
        for image, file in chunk:
            stamp = sidecars.stamp(file)
            if known.get(image) != stamp:
                found[image] = FileAttributes(stamp, attributes_of(metadata_of(file.path).values))
                yield ()
        if found:
            library.note_file_attributes(found)
        yield tuple(found)


class _Sidecars:
    """The sidecars of one folder after the other; each is listed once."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._looks: dict[str, list[str]] = {}

    def stamp(self, file: ImageFile) -> str:
        """What changes whenever the file or one of its sidecars does."""
        path = file.path
        if path.parent != self._folder:
            self._folder = path.parent
            self._looks = _looks_of_sidecars(path.parent)
        looks = self._looks
        beside = [*looks.get(path.name, ()), *looks.get(path.stem, ())]
        return "|".join([f"{file.size}:{file.mtime_ns}", *sorted(beside)])


def _looks_of_sidecars(folder: Path) -> dict[str, list[str]]:
    """Names without ``.xmp``, and how those files look now."""
    found: dict[str, list[str]] = {}
    for name, look in _entries(folder):
        stem, ending = os.path.splitext(name)  # noqa: PTH122 - names alone
        if ending.lower() == ".xmp":
            found.setdefault(stem, []).append(f"{name!a}:{look}")
    return found


def _entries(folder: Path) -> Iterable[tuple[str, str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name[-4:].lower() == ".xmp":
                    facts = entry.stat()
                    yield entry.name, f"{facts.st_size}:{facts.st_mtime_ns}"
    except OSError:  # what cannot be listed is read as if nothing were there
        return
