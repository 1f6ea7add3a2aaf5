"""Files that belong to an image beside its own, by name: the RAW of a JPEG."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping


def other_files(
    connection: sqlite3.Connection, image_ids: Iterable[int]
) -> dict[int, tuple[str, ...]]:
    """The names of the other files of those images that have some, in order."""
    rows = connection.execute(
        "SELECT image_id, name FROM other_files"
        " WHERE image_id IN (SELECT value FROM json_each(?)) ORDER BY image_id",
        (json.dumps([int(image_id) for image_id in image_ids]),),
    )
    found: dict[int, tuple[str, ...]] = {}
    for image_id, name in rows:
        found[image_id] = tuple(sorted((*found.get(image_id, ()), os.fsdecode(name))))
    return found


def set_other_files(connection: sqlite3.Connection, names: Mapping[int, tuple[str, ...]]) -> None:
    """Note which other files images have now, which lie in the folder of their own."""
    for image_id, others in names.items():
        connection.execute("DELETE FROM other_files WHERE image_id = ?", (image_id,))
        connection.executemany(
            "INSERT INTO other_files (image_id, name) VALUES (?, ?)",
            [(image_id, os.fsencode(name)) for name in others],
        )
