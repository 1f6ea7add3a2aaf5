"""Ratings, colour labels and titles: what files say, what people set, and which of them counts.

What a person set counts, until the file said the same and another program has changed it since.
Each function runs in the caller's transaction.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.api.errors import ConfigError
from engine.library.values import Attribute, AttributeChange
from engine.texts import display_text

#: In the order in which they are offered, and of the keys that set them.
COLORS = ("red", "yellow", "green", "blue", "purple")
REJECTED = -1
MOST_STARS = 5
MAX_TITLE = 2000
_AMONG = "WHERE image_id IN (SELECT value FROM json_each(?))"
_FILE_VALUE = "SELECT value FROM file_attributes WHERE image_id = ? AND attribute = ?"
_AGREE = "UPDATE own_attributes SET agreed = 1 WHERE image_id = ? AND attribute = ?"
_FORGET = "DELETE FROM own_attributes WHERE image_id = ? AND attribute = ?"

#: Image, attribute and value.
Said = tuple[int, Attribute, str]


@dataclass(frozen=True, slots=True)
class FileAttributes:
    """What the files of an image say: itself and its sidecars.

    Attributes:
        stamp: tells whether they are still the same.
        values: an empty one says that there is none; what is not said is not in it.
    """

    stamp: str
    values: Mapping[Attribute, str] = field(default_factory=dict)


def checked_value(attribute: Attribute, value: str) -> str:
    """What a person set, as it is kept; empty takes it away.

    Raises:
        ConfigError: there is no such rating or colour, or the title is too long.
    """
    value = " ".join(value.split())
    if attribute is Attribute.RATING:
        if value in ("", "0"):
            return ""
        if value not in {str(stars) for stars in range(REJECTED, MOST_STARS + 1)}:
            raise ConfigError(f"A rating is -1 (rejected) to 5, not {display_text(value)!r}.")
    elif attribute is Attribute.COLOR:
        if value and value not in COLORS:
            raise ConfigError(f"A colour label is one of {', '.join(COLORS)}.")
    elif len(value) > MAX_TITLE:
        raise ConfigError(f"A title has at most {MAX_TITLE:,} characters.")
    elif not value.isprintable():
        raise ConfigError("A title cannot have characters that nobody can see.")
    return value


def colors_in(text: str) -> tuple[str, ...]:
    """The single colour labels in the value of a photo; none in an empty one."""
    return tuple(part for one in text.split(",") if (part := one.strip()))


def shown_attributes(connection: sqlite3.Connection, image_ids: Iterable[int]) -> tuple[Said, ...]:
    """What counts of images, as far as there is anything."""
    ids = _numbers(image_ids)
    rows = connection.execute(
        f"SELECT image_id, attribute, value FROM file_attributes {_AMONG}"  # noqa: S608
        f" UNION ALL SELECT image_id, attribute, value FROM own_attributes {_AMONG}",
        (ids, ids),
    )
    shown = {row[:2]: row[2] for row in rows}  # what was set comes last, and counts
    return tuple((image, Attribute(name), value) for (image, name), value in shown.items() if value)


def own_attributes(
    connection: sqlite3.Connection, image_ids: Iterable[int]
) -> dict[int, dict[Attribute, tuple[str, bool]]]:
    """What people set, and whether the file has said the same since; an empty one is none."""
    rows = connection.execute(
        f"SELECT image_id, attribute, value, agreed FROM own_attributes {_AMONG}",  # noqa: S608
        (_numbers(image_ids),),
    )
    found: dict[int, dict[Attribute, tuple[str, bool]]] = {}
    for image, name, value, agreed in rows:
        found.setdefault(image, {})[Attribute(name)] = (value, bool(agreed))
    return found


def read_stamps(connection: sqlite3.Connection, image_ids: Iterable[int]) -> dict[int, str]:
    """What told that the files of images were still the same when they were read last."""
    rows = connection.execute(
        f"SELECT image_id, stamp FROM read_attributes {_AMONG}",  # noqa: S608
        (_numbers(image_ids),),
    )
    return dict(rows.fetchall())


def note_file_attributes(
    connection: sqlite3.Connection, found: Mapping[int, FileAttributes]
) -> None:
    """Note what the files of images say; what a person set since it was read last stays."""
    for image, said in found.items():
        if not _exists(connection, image):
            continue
        connection.execute("REPLACE INTO read_attributes VALUES (?, ?)", (image, said.stamp))
        connection.execute("DELETE FROM file_attributes WHERE image_id = ?", (image,))
        for attribute, value in said.values.items():
            _set_file_value(connection, image, attribute, value)
        own = connection.execute(
            "SELECT attribute, value, agreed FROM own_attributes WHERE image_id = ?", (image,)
        )
        for name, value, agreed in own.fetchall():
            now = said.values.get(Attribute(name))
            key = (image, name)
            if (now or "") == value:
                connection.execute(_AGREE, key)
            elif agreed and now is not None:  # another program changed it since
                connection.execute(_FORGET, key)


def note_written_attributes(connection: sqlite3.Connection, said: Iterable[Said]) -> None:
    """Note that files say now what the person set."""
    for image, attribute, value in said:
        connection.execute(f"{_AGREE} AND value = ?", (image, attribute, value))
        if _exists(connection, image):
            _set_file_value(connection, image, attribute, value)


def note_taken_back(connection: sqlite3.Connection, paths: Iterable[Path]) -> None:
    """Note that files hold again what was in them before a write: they do not count as newer."""
    for path in paths:
        name = os.fsencode(path.name)
        stem = os.fsencode(path.stem)
        connection.execute(
            "UPDATE own_attributes SET agreed = 0 WHERE image_id IN (SELECT images.id FROM images"
            " JOIN folders ON folders.id = folder_id WHERE folders.path = ?"
            " AND (name IN (?, ?) OR substr(name, 1, ?) = ?))",
            (os.fsencode(path.parent), name, stem, len(stem) + 1, stem + b"."),
        )


def plan_changes(
    connection: sqlite3.Connection, image_ids: Iterable[int], attribute: Attribute, value: str
) -> tuple[AttributeChange, ...]:
    """What would change if this were set for images."""
    ids = list(dict.fromkeys(int(image_id) for image_id in image_ids))
    shown = {i: text for i, name, text in shown_attributes(connection, ids) if name is attribute}
    own = {i: said[attribute][0] for i, said in own_attributes(connection, ids).items()
           if attribute in said}  # fmt: skip
    return tuple(
        AttributeChange(image, attribute, shown.get(image, ""), own.get(image), value)
        for image in ids
        if own.get(image, shown.get(image, "")) != value
    )


def apply_changes(connection: sqlite3.Connection, changes: Iterable[AttributeChange]) -> None:
    """Make the changes of an edit, whichever way it goes."""
    for change in changes:
        key = (change.image_id, change.attribute)
        new = change.new
        if new is None:
            row = connection.execute(_FILE_VALUE, key).fetchone()
            # The file may say since what is taken back: then the person says what was before.
            if (row[0] if row else "") == change.shown:
                connection.execute(_FORGET, key)
                continue
            new = change.shown
        connection.execute("REPLACE INTO own_attributes VALUES (?, ?, ?, 0)", (*key, new))


def journal_changes(
    connection: sqlite3.Connection, edit_id: int, changes: Iterable[AttributeChange]
) -> None:
    """Write the changes of an edit down."""
    connection.executemany(
        "INSERT INTO attribute_changes VALUES (?, ?, ?, ?, ?, ?)",
        [(edit_id, c.image_id, c.attribute, c.shown, c.old, c.new) for c in changes],
    )


def journalled_changes(connection: sqlite3.Connection, edit_id: int) -> tuple[AttributeChange, ...]:
    """The changes of an edit."""
    rows = connection.execute(
        "SELECT image_id, attribute, shown, old, new FROM attribute_changes WHERE edit_id = ?",
        (edit_id,),
    )
    return tuple(AttributeChange(i, Attribute(name), *texts) for i, name, *texts in rows)


def _set_file_value(
    connection: sqlite3.Connection, image: int, attribute: Attribute, value: str
) -> None:
    connection.execute(
        "REPLACE INTO file_attributes VALUES (?, ?, ?)", (image, attribute.value, value)
    )


def _exists(connection: sqlite3.Connection, image: int) -> bool:
    row = connection.execute("SELECT 1 FROM images WHERE id = ?", (image,)).fetchone()
    return row is not None


def _numbers(image_ids: Iterable[int]) -> str:
    return json.dumps([int(image_id) for image_id in image_ids])
