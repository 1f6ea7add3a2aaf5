"""Files and folders whose names are spelt otherwise than the library has them.

A disk may take ``IMG.JPG`` for ``img.jpg``, and an accented letter for a letter and its accent.
"""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.library.values import ImageFile


@dataclass(frozen=True, slots=True)
class Respelt:
    """An image whose name differs from that of a file only in spelling; they may be one.

    Attributes:
        id: of the image.
        old: as the library has it.
        new: as it was found.
        is_alike: whether size and time are the same.
    """

    id: int
    old: Path
    new: Path
    is_alike: bool


def spelling_key(name: str) -> str:
    """What all spellings of a name have in common, on any disk."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class KnownNames:
    """The images that the library has in a folder, by any spelling of their names.

    Args:
        folder: with the images.
        rows: of each the number, name, size and time.
    """

    def __init__(self, folder: Path, rows: Iterable[tuple[int, bytes, int, int]]) -> None:
        self.folder = folder
        self._rows = {os.fsdecode(row[1]): row for row in rows}
        self._spelt: dict[str, str] | None = None

    def other_spelling(self, file: ImageFile) -> Respelt | None:
        """The image that may be this file, unless the file is known as it is."""
        if not self._rows or file.path.name in self._rows:
            return None
        if self._spelt is None:
            self._spelt = {spelling_key(name): name for name in self._rows}
        name = self._spelt.get(spelling_key(file.path.name))
        if name is None:
            return None
        image, _, size, mtime_ns = self._rows[name]
        is_alike = (size, mtime_ns) == (file.size, file.mtime_ns)
        return Respelt(image, self.folder / name, file.path, is_alike)


def known_names(connection: sqlite3.Connection, folder: Path) -> KnownNames:
    """What the library has in a folder."""
    rows = connection.execute(
        "SELECT images.id, name, size, mtime_ns FROM images"
        " JOIN folders ON folders.id = folder_id WHERE path = ? ORDER BY images.id",
        (os.fsencode(folder),),
    )
    return KnownNames(folder, rows)


def folder_spellings(
    connection: sqlite3.Connection, folders: Sequence[Path]
) -> dict[Path, tuple[Path, ...]]:
    """Folders that the library does not know as they are → how it spells what they may be."""
    question = "SELECT 1 FROM folders WHERE path = ?"
    unknown = [
        folder
        for folder in folders
        if connection.execute(question, (os.fsencode(folder),)).fetchone() is None
    ]
    if not unknown:
        return {}
    by_key = defaultdict[str, list[Path]](list)
    for (path,) in connection.execute("SELECT path FROM folders ORDER BY id"):
        name = os.fsdecode(path)
        by_key[spelling_key(name)].append(Path(name))
    spellings = {folder: tuple(by_key[spelling_key(str(folder))]) for folder in unknown}
    return {folder: others for folder, others in spellings.items() if others}


def respell(
    connection: sqlite3.Connection, folders: Mapping[Path, Path], images: Sequence[Respelt]
) -> None:
    """Take the new spellings.

    Args:
        connection: to the library.
        folders: new spelling, which the library does not know, → the one that it knows.
        images: each alone in having its new name.
    """
    for new, old in folders.items():
        connection.execute(
            "UPDATE OR IGNORE folders SET path = ? WHERE path = ?",
            (os.fsencode(new), os.fsencode(old)),
        )
    for image in images:
        connection.execute(
            "UPDATE OR IGNORE images SET name = ?, missing = 0 WHERE id = ?",
            (os.fsencode(image.new.name), image.id),
        )
