"""Images that were chosen, a piece at a time; each function runs in the caller's transaction."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from engine.library.columns import IntArray
from engine.library.images import find_image
from engine.library.values import ImageFile


def ids_below(connection: sqlite3.Connection, path: Path, *, recursive: bool) -> IntArray:
    """The ids of an image, or of those in a folder that have not vanished, by their names."""
    own = find_image(connection, path)
    if own is not None:
        return np.array([own], dtype=np.int64)
    place, separator = os.fsencode(path), os.sep.encode()
    inside = place if place.endswith(separator) else place + separator
    after = inside[:-1] + bytes([separator[0] + 1])  # the first text after all that begin so
    condition = "folders.path = ?1"
    if recursive:
        condition += " OR (folders.path >= ?2 AND folders.path < ?3)"
    rows = connection.execute(
        "SELECT images.id FROM images JOIN folders ON folders.id = images.folder_id"  # noqa: S608
        f" WHERE missing = 0 AND ({condition}) ORDER BY folders.path, name",
        (place, inside, after) if recursive else (place,),
    )
    return np.fromiter((row[0] for row in rows), dtype=np.int64)


def files_of(connection: sqlite3.Connection, image_ids: Iterable[int]) -> dict[int, ImageFile]:
    """Path, size and time of images, by id; those that the library does not have are not in it."""
    rows = connection.execute(
        "SELECT images.id, folders.path, images.name, size, mtime_ns"
        " FROM images JOIN folders ON folders.id = images.folder_id"
        " WHERE images.id IN (SELECT value FROM json_each(?))",
        (json.dumps([int(image_id) for image_id in image_ids]),),
    )
    return {
        i: ImageFile(Path(os.fsdecode(os.path.join(folder, name))), size, mtime_ns)  # noqa: PTH118
        for i, folder, name, size, mtime_ns in rows
    }


def decided_labels(connection: sqlite3.Connection) -> tuple[str, ...]:
    """All labels of which a person said anything, by name."""
    rows = connection.execute("SELECT DISTINCT category FROM decisions ORDER BY category")
    return tuple(row[0] for row in rows)
