"""What was measured of images, in the library's tables; functions run in a caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from engine.api.facts import RULES, Fact


def note_facts(connection: sqlite3.Connection, image_id: int, facts: Fact) -> None:
    """Note what was measured of an image just now, in place of what was before."""
    connection.execute("REPLACE INTO measured VALUES (?, ?, ?)", (image_id, int(facts), RULES))


def measured_facts(
    connection: sqlite3.Connection, image_ids: Iterable[int]
) -> tuple[tuple[int, int], ...]:
    """Image id and bits (``Fact``) of those images that were measured, by whichever rules."""
    rows = connection.execute(
        "SELECT image_id, facts FROM measured WHERE image_id IN (SELECT value FROM json_each(?))",
        (json.dumps([int(image_id) for image_id in image_ids]),),
    )
    return tuple((int(image_id), int(facts)) for image_id, facts in rows)
