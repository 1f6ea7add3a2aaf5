"""What images are compared with each other by; each function runs in the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.values import Descriptor, FloatArray

IntArray = NDArray[np.int64]
#: So many are made floats at a time: a megabyte, which stays in the processor's cache.
BLOCK = 512

#: One row for a page: thousands of rows take twice the time, and with each the thread would give
#: way to all others. SQLite joins the bytes as they are, whatever they would be as text. The sign
#: keeps it from going by the kind, and sorting what it finds for each page.
_PAGE = """
    SELECT count(*), max(id), group_concat(CASE WHEN is_whole THEN image_id END),
        CAST(group_concat(CASE WHEN is_whole THEN descriptor END, '') AS BLOB)
    FROM (
        SELECT id, image_id, descriptor, length(descriptor) = :length AS is_whole
        FROM descriptors WHERE id > :after AND +kind_id = :kind ORDER BY id LIMIT :limit
    )
"""


@dataclass(frozen=True, eq=False)
class DescriptorPage:
    """Some descriptors of one kind.

    Attributes:
        image_ids: (M,) int64.
        values: (M, d) int8; none is of zeros alone.
        lengths: (M,) float32: of each as a vector, above 0.
        after: the number of the one before the first.
        last: the number of the last one that was read; damaged ones count.
        read: how many were read, damaged ones with them.
    """

    image_ids: IntArray
    values: NDArray[np.int8]
    lengths: FloatArray
    after: int
    last: int
    read: int


def note_descriptor(connection: sqlite3.Connection, image_id: int, descriptor: Descriptor) -> None:
    """Keep the descriptor of an image in place of the one of its kind that was there."""
    values = np.ascontiguousarray(descriptor.values, dtype=np.int8)
    connection.execute(
        "INSERT OR IGNORE INTO descriptor_kinds (kind, length) VALUES (?, ?)",
        (descriptor.kind, len(values)),
    )
    connection.execute(
        "REPLACE INTO descriptors (kind_id, image_id, descriptor)"
        " SELECT id, ?, ? FROM descriptor_kinds WHERE kind = ?",
        (image_id, values.tobytes(), descriptor.kind),
    )


def count_descriptors(connection: sqlite3.Connection, kind: str, until: int | None = None) -> int:
    """How many descriptors there are of a kind, as far as the one of a number."""
    end = 2**62 if until is None else until
    # The sign keeps SQLite from reading the descriptors themselves: the index has it all.
    row = connection.execute(
        "SELECT count(*) FROM descriptors WHERE +id <= ?"
        " AND kind_id = (SELECT id FROM descriptor_kinds WHERE kind = ?)",
        (end, kind),
    ).fetchone()
    return int(row[0])


def descriptor_page(
    connection: sqlite3.Connection, kind: str, after: int, limit: int
) -> DescriptorPage:
    """The next descriptors of a kind, in the order they came; damaged ones are left out.

    Args:
        connection: to read.
        kind: of descriptors.
        after: the number of the last one that is known.
        limit: so many at most.
    """
    number, length = _kind(connection, kind)
    read, last, images, joined = connection.execute(
        _PAGE, {"after": after, "kind": number, "length": length, "limit": limit}
    ).fetchone()
    found = np.fromstring(images or "", dtype=np.int64, sep=",")
    values = np.frombuffer(joined or b"", dtype=np.int8).reshape(len(found), max(1, length))
    lengths = np.empty(len(values), dtype=np.float32)
    for first in range(0, len(values), BLOCK):
        wide = values[first : first + BLOCK].astype(np.float32)
        lengths[first : first + BLOCK] = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    sound = lengths > 0
    if not sound.all():
        found, values, lengths = found[sound], values[sound], lengths[sound]
    return DescriptorPage(found, values, lengths, after, last if read else after, read)


def descriptors_of(
    connection: sqlite3.Connection, kind: str, image_ids: Iterable[int]
) -> NDArray[np.int8]:
    """(M, d): those of some images, in any order; damaged ones are left out."""
    number, length = _kind(connection, kind)
    rows = connection.execute(
        "SELECT descriptor FROM descriptors WHERE kind_id = ? AND length(descriptor) = ?"
        " AND image_id IN (SELECT value FROM json_each(?))",
        (number, length, json.dumps([int(image_id) for image_id in image_ids])),
    ).fetchall()
    joined = b"".join([row[0] for row in rows])
    values = np.frombuffer(joined, dtype=np.int8).reshape(len(rows), max(1, length))
    return values[values.any(axis=1)]


def _kind(connection: sqlite3.Connection, kind: str) -> tuple[int, int]:
    """Its number and how long its descriptors are; 0 and 0 if there are none."""
    row = connection.execute(
        "SELECT id, length FROM descriptor_kinds WHERE kind = ?", (kind,)
    ).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))
