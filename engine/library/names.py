"""What the person calls labels; each function runs in the caller's transaction."""

from __future__ import annotations

import sqlite3

from engine.api.label_names import SHIPPED_NAMES, LabelNames


def label_names(connection: sqlite3.Connection) -> LabelNames:
    """Which names are one label's, also by what the person said."""
    return LabelNames(dict(connection.execute("SELECT name, label FROM label_names")))


def spellings(connection: sqlite3.Connection) -> dict[str, str]:
    """Names that decisions are stored under and should not be, each with its label's.

    What the person renamed is stored under its new name, and in the journal under both.
    """
    stored = connection.execute(
        "SELECT category FROM decisions UNION SELECT category FROM decision_changes"
    )
    return {name: label for (name,) in stored if (label := SHIPPED_NAMES.label(name)) != name}


def use_one_name(connection: sqlite3.Connection) -> None:
    """Store all that was said of a label under its one name.

    What was said last holds if an image has decisions under several.
    """
    for name, label in spellings(connection).items():
        connection.execute(
            "DELETE FROM decisions AS other WHERE category = ? AND EXISTS (SELECT 1 FROM decisions"
            " WHERE image_id = other.image_id AND category = ? AND at > other.at)",
            (name, label),
        )
        for table in ("decisions", "decision_changes"):
            connection.execute(
                f"UPDATE OR REPLACE {table} SET category = ? WHERE category = ?",  # noqa: S608
                (label, name),
            )
