"""Folders of the library that are found under another path, by the volume that they lie on."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.library.images import folder_id, has_human_word, move_image
from engine.library.values import ImageFile, Moved
from engine.library.volumes import Spot


@dataclass(frozen=True, slots=True)
class FoundFolder:
    """A folder as it was found now.

    Attributes:
        path: where it is today.
        spot: where it lies on its volume.
        files: images that were found in it; some are enough.
    """

    path: Path
    spot: Spot
    files: tuple[ImageFile, ...]


def not_placed(
    connection: sqlite3.Connection, folders: Sequence[FoundFolder]
) -> tuple[FoundFolder, ...]:
    """Those of which the library does not know yet that they lie where they were found."""
    return tuple(
        folder
        for folder in folders
        if os.fsencode(folder.path) not in _paths_of(connection, folder.spot)
    )


def known_elsewhere(
    connection: sqlite3.Connection, folders: Sequence[FoundFolder]
) -> dict[Path, Spot]:
    """Where the library has these folders under other paths; they may still be there as well."""
    elsewhere = {}
    for folder in folders:
        for path in _paths_of(connection, folder.spot):
            if path != os.fsencode(folder.path):
                elsewhere[Path(os.fsdecode(path))] = folder.spot
    return elsewhere


def _paths_of(connection: sqlite3.Connection, spot: Spot) -> list[bytes]:
    rows = connection.execute(
        "SELECT path FROM folders JOIN folder_places ON folder_id = folders.id"
        " WHERE volume = ? AND inside = ? ORDER BY folders.id",
        (spot.volume, spot.inside),
    )
    return [bytes(path) for (path,) in rows]


def place_folders(
    connection: sqlite3.Connection, folders: Sequence[FoundFolder], left: Sequence[Path]
) -> tuple[Moved, ...]:
    """Note where folders lie; those known under a path that they left take their images along.

    What another volume had under the same path is kept for when that comes back.

    Args:
        connection: to the library.
        folders: as they were found.
        left: paths of ``known_elsewhere`` where these folders are no more.
    """
    gone = {os.fsencode(path) for path in left}
    moved: list[Moved] = []
    for folder in folders:
        path = os.fsencode(folder.path)
        _make_way(connection, path, folder)
        for old in _paths_of(connection, folder.spot):
            if old in gone and old != path:
                moved += _take_along(connection, old, path)
        connection.execute(
            "INSERT OR REPLACE INTO folder_places (folder_id, volume, inside) VALUES (?, ?, ?)",
            (folder_id(connection, path), folder.spot.volume, folder.spot.inside),
        )
    return tuple(moved)


def volumes_of(connection: sqlite3.Connection, image_ids: Collection[int]) -> dict[int, str]:
    """On which volume images lie, by their ids; only those of which it is known."""
    rows = connection.execute(
        "SELECT images.id, volume FROM images"
        " JOIN folder_places ON folder_places.folder_id = images.folder_id"
        " WHERE images.id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(image_ids)),),
    )
    return {int(image): str(volume) for image, volume in rows}


def _make_way(connection: sqlite3.Connection, path: bytes, folder: FoundFolder) -> None:
    """Set aside what another volume had here, unless it is the same under another identity."""
    known = connection.execute(
        "SELECT folders.id, volume, inside FROM folders"
        " JOIN folder_places ON folder_id = folders.id WHERE path = ?",
        (path,),
    ).fetchone()
    spot = folder.spot
    if (
        known is None
        or known[1:] == (spot.volume, spot.inside)
        or _is_same(connection, known[0], folder)
    ):
        return
    top = os.fsencode(os.path.join(os.sep, f".volume-{known[1]}-{known[0]}"))  # noqa: PTH118
    aside = top + os.sep.encode() + bytes(known[2])  # where nothing ever is
    connection.execute("UPDATE folders SET path = ? WHERE id = ?", (aside, known[0]))


def _is_same(connection: sqlite3.Connection, number: int, folder: FoundFolder) -> bool:
    """Whether any file is the one that was known: shares and drives may get other identities."""
    known = {
        (bytes(name), size, mtime_ns)
        for name, size, mtime_ns in connection.execute(
            "SELECT name, size, mtime_ns FROM images WHERE folder_id = ?", (number,)
        )
    }
    found = {(os.fsencode(file.path.name), file.size, file.mtime_ns) for file in folder.files}
    return not known.isdisjoint(found)


def _take_along(connection: sqlite3.Connection, old: bytes, new: bytes) -> list[Moved]:
    """Let a folder be under another path; what was found there since goes to the known image."""
    source = connection.execute("SELECT id FROM folders WHERE path = ?", (old,)).fetchone()[0]
    target = connection.execute("SELECT id FROM folders WHERE path = ?", (new,)).fetchone()
    if target is None:
        connection.execute("UPDATE folders SET path = ? WHERE id = ?", (new, source))
        connection.execute("UPDATE images SET missing = 0 WHERE folder_id = ?", (source,))
        return []
    twins = connection.execute(
        "SELECT here.id, there.id FROM images AS here JOIN images AS there"
        " ON here.name = there.name AND here.size = there.size AND here.mtime_ns = there.mtime_ns"
        " WHERE here.folder_id = ? AND there.folder_id = ?",
        (source, target[0]),
    ).fetchall()
    moved = [
        move_image(connection, known, young)
        for known, young in twins
        if not has_human_word(connection, young)
    ]
    connection.execute(
        "UPDATE OR IGNORE images SET folder_id = ?, missing = 0 WHERE folder_id = ?",
        (target[0], source),
    )
    connection.execute("DELETE FROM folder_places WHERE folder_id = ?", (source,))
    return moved
