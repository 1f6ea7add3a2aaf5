"""Images whose labels wait to be written into files.

Each function runs in the caller's transaction. What waits survives the end of the program,
and so does why it could not be written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping


def await_writes(connection: sqlite3.Connection, image_ids: Iterable[int]) -> None:
    """Note that labels of images shall be written; what was said of earlier attempts goes."""
    connection.executemany(
        "INSERT INTO awaited_writes SELECT id, '' FROM images WHERE id = ?"
        " ON CONFLICT (image_id) DO UPDATE SET reason = ''",
        [(image_id,) for image_id in image_ids],
    )


def settle_awaited(connection: sqlite3.Connection, outcomes: Mapping[int, str]) -> None:
    """Note what came of writing: by image why it failed, and it waits on; empty: it is written."""
    for image_id, reason in outcomes.items():
        if reason:
            connection.execute(
                "UPDATE awaited_writes SET reason = ? WHERE image_id = ?", (reason, image_id)
            )
        else:
            connection.execute("DELETE FROM awaited_writes WHERE image_id = ?", (image_id,))


def awaited_writes(connection: sqlite3.Connection) -> dict[int, str]:
    """Images that wait, and why each could not be written yet; empty: nobody has tried."""
    return dict(connection.execute("SELECT image_id, reason FROM awaited_writes ORDER BY image_id"))
