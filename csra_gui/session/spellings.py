"""Letting the library know its photos again when their names are spelt otherwise."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.data.patience import ask
from engine.library.respelling import KnownNames, Respelt
from engine.library.store import Library
from engine.library.values import ImageFile


class Spellings:
    """Asks the disk whether two spellings are one file, in a worker.

    Args:
        library: is told which are.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._seen: set[Path] = set()
        self._known: KnownNames | None = None

    def tell(self, files: Sequence[ImageFile]) -> None:
        """Before the files are added: they may be known by other spellings.

        Raises:
            LibraryError: the file or the disk fails.
        """
        folders = {file.path.parent for file in files} - self._seen
        self._seen |= folders
        spellings = self._library.folder_spellings(tuple(folders)) if folders else {}
        if spellings:
            self._library.respell(ask(lambda: _same_folders(spellings), {}), ())
        images = [image for file in files if (image := self._names(file).other_spelling(file))]
        if images:
            self._library.respell({}, ask(lambda: _renamed(images), ()))

    def _names(self, file: ImageFile) -> KnownNames:
        """Those in the file's folder, read when its first file comes."""
        if self._known is None or self._known.folder != file.path.parent:
            self._known = self._library.known_names(file.path.parent)
        return self._known


def _same_folders(spellings: dict[Path, tuple[Path, ...]]) -> dict[Path, Path]:
    same = {}
    for folder, others in spellings.items():
        known = next((other for other in others if _is_one(other, folder)), None)
        if known is not None:
            same[folder] = known
    return same


def _renamed(images: Iterable[Respelt]) -> tuple[Respelt, ...]:
    """Those whose old spelling is not a file of its own."""
    listed: dict[Path, set[str]] = {}
    renamed = []
    for image in images:
        folder = image.new.parent
        if folder not in listed:
            listed[folder] = _names_in(folder)
        if image.old.name in listed[folder]:
            continue
        is_there = os.path.lexists(image.old)  # by its old name, on a disk that takes any spelling
        if _is_one(image.old, image.new) if is_there else image.is_alike:
            renamed.append(image)
    return tuple(renamed)


def _names_in(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return set()


def _is_one(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False
