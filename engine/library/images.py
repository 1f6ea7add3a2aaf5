"""Folders and images in the library's tables; each function runs in the caller's transaction."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
from collections.abc import Collection, Iterable, Sequence
from itertools import compress
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.library.values import ImageFile, LibraryImage, Moved

_CHUNK = 1 << 20
#: Tables of what machines found in an image's content.
_OF_CONTENT = (
    *("scores", "errors", "provisional", "examples", "camera_facts", "descriptors"),
    "measured",
)


class Digest(Protocol):
    """One of ``hashlib``."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""

    def digest(self) -> bytes:
        """The digest of all bytes so far."""


def content_hash(path: Path) -> bytes:
    """A fingerprint of a file's content: 16 bytes that move with it.

    Raises:
        OSError: it cannot be read or is no regular file.
    """
    return content_digest(path, hashlib.blake2b(digest_size=16))


def content_digest(path: Path, digest: Digest) -> bytes:
    """What a digest that is new makes of a file's content.

    Raises:
        OSError: it cannot be read or is no regular file.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe wakes whoever waits behind it
        raise OSError(f"{path} is not a regular file.")
    # Without blocking: a pipe that came since would never open.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _binary())
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is not a regular file.")
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def _binary() -> int:
    return int(getattr(os, "O_BINARY", 0))  # of Windows


def add_images(connection: sqlite3.Connection, files: Sequence[ImageFile]) -> list[int]:
    """Add images, or update those whose size or time changed; their ids, in order.

    A changed file loses what models said of it, not what people said.
    """
    folders: dict[bytes, int] = {}
    ids = []
    for file in files:
        folder, name = _split(file.path)
        if folder not in folders:
            folders[folder] = folder_id(connection, folder)
        ids.append(_add_image(connection, folders[folder], name, file))
    return ids


def _add_image(connection: sqlite3.Connection, folder: int, name: bytes, file: ImageFile) -> int:
    known = connection.execute(
        "SELECT id, size, mtime_ns, missing FROM images WHERE folder_id = ? AND name = ?",
        (folder, name),
    ).fetchone()
    if known is None:
        cursor = connection.execute(
            "INSERT INTO images (folder_id, name, size, mtime_ns) VALUES (?, ?, ?, ?)",
            (folder, name, file.size, file.mtime_ns),
        )
        return int(cursor.lastrowid or 0)
    image_id = int(known[0])
    if known[1:3] != (file.size, file.mtime_ns):
        _take_changed(connection, image_id, file)
    elif known[3]:
        connection.execute("UPDATE images SET missing = 0 WHERE id = ?", (image_id,))
    return image_id


def _take_changed(connection: sqlite3.Connection, image_id: int, file: ImageFile) -> None:
    """Another content under a known name: the machine's word is void, the person's stays."""
    connection.execute(
        "UPDATE images SET size = ?, mtime_ns = ?, hash = NULL, missing = 0 WHERE id = ?",
        (file.size, file.mtime_ns, image_id),
    )
    for table in _OF_CONTENT:
        connection.execute(f"DELETE FROM {table} WHERE image_id = ?", (image_id,))  # noqa: S608


def note_rewritten(
    connection: sqlite3.Connection, before: ImageFile, after: ImageFile, digest: bytes
) -> bool:
    """Note that we changed a file, but not its picture: all that is known of it stays.

    Args:
        connection: in a transaction.
        before: the file as it was; if the library knew another one, nothing is noted.
        after: the file as it is.
        digest: its content hash now.

    Returns:
        Whether it was noted.
    """
    folder, name = _split(before.path)
    cursor = connection.execute(
        "UPDATE images SET size = ?, mtime_ns = ?, hash = ?"
        " WHERE folder_id = (SELECT id FROM folders WHERE path = ?) AND name = ?"
        " AND size = ? AND mtime_ns = ?",
        (after.size, after.mtime_ns, digest, folder, name, before.size, before.mtime_ns),
    )
    return cursor.rowcount > 0


def mark_missing(connection: sqlite3.Connection, image_ids: Collection[int]) -> None:
    """Note that files have vanished; what is known of them stays."""
    connection.executemany(
        "UPDATE images SET missing = 1 WHERE id = ?", [(image_id,) for image_id in image_ids]
    )


def images_below(
    connection: sqlite3.Connection,
    folder: Path,
    *,
    recursive: bool,
    besides: NDArray[np.int64] | None = None,
) -> list[LibraryImage]:
    """The images in a folder, and in its subfolders if so wanted, that have not vanished.

    Args:
        connection: to read.
        folder: where they are.
        recursive: with its subfolders.
        besides: (N,) ids of those that are not wanted; nothing is made of them.
    """
    path, separator = os.fsencode(folder), os.sep.encode()
    condition, parameters = "folders.path = ?", [path]
    if recursive:
        inside = path if path.endswith(separator) else path + separator
        after = inside[:-1] + bytes([separator[0] + 1])  # the first text after all that begin so
        condition += " OR (folders.path >= ? AND folders.path < ?)"
        parameters += [inside, after]
    condition = f"images.missing = 0 AND ({condition})"
    if besides is None:
        return _read_images(connection, f"WHERE {condition}", parameters)
    folders = "folders ON folders.id = images.folder_id"
    rows = connection.execute(
        f"SELECT images.id FROM images JOIN {folders} WHERE {condition}",  # noqa: S608
        parameters,
    )
    ids = np.fromiter((row[0] for row in rows), dtype=np.int64)
    return _read_these(connection, np.setdiff1d(ids, besides).tolist())


def lookalikes(
    connection: sqlite3.Connection, image_ids: Iterable[int]
) -> list[tuple[LibraryImage, LibraryImage]]:
    """Images not hashed yet, each with a hashed one of the same size and time."""
    looks = "SELECT size, mtime_ns, id FROM images WHERE"
    rows = connection.execute(f"{looks} hash IS NULL AND missing = 0").fetchall()
    unhashed = np.array([row[2] for row in rows], dtype=np.int64)
    wanted = np.isin(unhashed, np.fromiter(image_ids, dtype=np.int64))
    young = list(compress(rows, wanted.tolist()))
    if not young:  # as in most libraries, which may be of a million images
        return []
    # Joined here: SQLite would compare each with each, since there is no index of sizes.
    asked = {(size, mtime_ns) for size, mtime_ns, _ in young}
    old = {
        (size, mtime_ns): image_id
        for size, mtime_ns, image_id in connection.execute(f"{looks} hash IS NOT NULL")
        if (size, mtime_ns) in asked
    }
    pairs = [(i, old[size, mtime_ns]) for size, mtime_ns, i in young if (size, mtime_ns) in old]
    involved = sorted({image_id for pair in pairs for image_id in pair})
    images = {image.id: image for image in _read_these(connection, involved)}
    return [(images[young], images[old]) for young, old in pairs]


def same_content(connection: sqlite3.Connection, digest: bytes) -> list[LibraryImage]:
    """The images of this content hash that have not vanished."""
    return _read_images(connection, "WHERE images.hash = ? AND images.missing = 0", (digest,))


def without_hash(
    connection: sqlite3.Connection, limit: int = 500, after: int = 0
) -> list[LibraryImage]:
    """Images above an id whose content hash is still to be computed."""
    return _read_images(
        connection,
        "WHERE images.hash IS NULL AND images.missing = 0 AND images.id > ?"
        " ORDER BY images.id LIMIT ?",
        (after, limit),
    )


def set_hashes(
    connection: sqlite3.Connection, hashes: Sequence[tuple[int, bytes]]
) -> tuple[Moved, ...]:
    """Store content hashes by image id; one that has vanished is found again by its hash.

    The vanished image takes over the path, so that its scores and decisions go on. Not if a
    person has already said something of the image under its new path: that is never thrown away.
    """
    moves = []
    for image_id, digest in hashes:
        connection.execute("UPDATE images SET hash = ? WHERE id = ?", (digest, image_id))
        vanished = connection.execute(
            "SELECT id FROM images WHERE hash = ? AND missing = 1 AND id <> ? ORDER BY id LIMIT 1",
            (digest, image_id),
        ).fetchone()
        if vanished and not has_human_word(connection, image_id):
            moves.append(move_image(connection, int(vanished[0]), image_id))
    return tuple(moves)


def take_over_unhashed(
    connection: sqlite3.Connection, image_ids: Iterable[int]
) -> tuple[Moved, ...]:
    """Find vanished images again that nobody had the time to hash, by name, size and time.

    Only where one image alone vanished and one alone came of that name, size and time.

    Args:
        connection: in a transaction.
        image_ids: those that are there.
    """
    looks = "SELECT id, name, size, mtime_ns FROM images WHERE hash IS NULL AND size > 0 AND"
    vanished = _by_looks(connection.execute(f"{looks} missing = 1"))
    if not vanished:
        return ()
    found = _by_looks(
        connection.execute(
            f"{looks} missing = 0 AND id IN (SELECT value FROM json_each(?))",  # noqa: S608
            (json.dumps([int(image_id) for image_id in image_ids]),),
        )
    )
    pairs = [(vanished[look], new) for look, new in found.items() if look in vanished]
    return tuple(
        move_image(connection, old[0], new[0])
        for old, new in pairs
        if len(old) == len(new) == 1 and not has_human_word(connection, new[0])
    )


def _by_looks(
    rows: Iterable[tuple[int, bytes, int, int]],
) -> dict[tuple[bytes, int, int], list[int]]:
    ids: dict[tuple[bytes, int, int], list[int]] = {}
    for image_id, name, size, mtime_ns in rows:
        ids.setdefault((name, size, mtime_ns), []).append(image_id)
    return ids


def has_human_word(connection: sqlite3.Connection, image_id: int) -> bool:
    """Whether a person has said something of an image."""
    found = connection.execute(
        "SELECT 1 FROM images WHERE id = :id AND reviewed = 1"
        " UNION ALL SELECT 1 FROM decisions WHERE image_id = :id"
        " UNION ALL SELECT 1 FROM decision_changes WHERE image_id = :id"
        " UNION ALL SELECT 1 FROM review_changes WHERE image_id = :id"
        " UNION ALL SELECT 1 FROM own_attributes WHERE image_id = :id"
        " UNION ALL SELECT 1 FROM attribute_changes WHERE image_id = :id LIMIT 1",
        {"id": image_id},
    )
    return found.fetchone() is not None


def move_image(connection: sqlite3.Connection, old: int, new: int) -> Moved:
    """Let a known image take over the path of a new one, which is forgotten."""
    place = connection.execute(
        "SELECT folder_id, name, size, mtime_ns FROM images WHERE id = ?", (new,)
    ).fetchone()
    # What was found since the move, unless known before.
    for table in _OF_CONTENT:
        connection.execute(
            f"UPDATE OR IGNORE {table} SET image_id = ? WHERE image_id = ?",  # noqa: S608
            (old, new),
        )
    # What the files at the new path say is read there.
    connection.execute("DELETE FROM read_attributes WHERE image_id = ?", (old,))
    connection.execute("DELETE FROM images WHERE id = ?", (new,))
    connection.execute(
        "UPDATE images SET folder_id = ?, name = ?, size = ?, mtime_ns = ?, missing = 0"
        " WHERE id = ?",
        (*place, old),
    )
    return Moved(old, new)


def find_image(connection: sqlite3.Connection, path: Path) -> int | None:
    """The id of the image with this path."""
    row = connection.execute(
        "SELECT images.id FROM images JOIN folders ON folders.id = folder_id"
        " WHERE folders.path = ? AND name = ?",
        _split(path),
    ).fetchone()
    return None if row is None else int(row[0])


def _read_these(connection: sqlite3.Connection, ids: Sequence[int]) -> list[LibraryImage]:
    condition = "WHERE images.id IN (SELECT value FROM json_each(?))"
    return _read_images(connection, condition, (json.dumps(ids),))


def _read_images(
    connection: sqlite3.Connection, condition: str, parameters: Sequence[object]
) -> list[LibraryImage]:
    """Images by an SQL condition on ``images`` and ``folders``."""
    start = "SELECT images.id, folders.path, images.name FROM images JOIN folders"
    query = f"{start} ON folders.id = images.folder_id {condition}"
    rows = connection.execute(query, parameters)
    return [LibraryImage(i, Path(os.fsdecode(os.path.join(f, n)))) for i, f, n in rows]  # noqa: PTH118


def read_files(connection: sqlite3.Connection) -> dict[int, ImageFile]:
    """All images that have not vanished, with size and time, by id."""
    rows = connection.execute(
        "SELECT images.id, folders.path, images.name, size, mtime_ns"
        " FROM images JOIN folders ON folders.id = images.folder_id WHERE missing = 0"
    )
    return {
        i: ImageFile(Path(os.fsdecode(os.path.join(folder, name))), size, mtime_ns)  # noqa: PTH118
        for i, folder, name, size, mtime_ns in rows
    }


def folder_id(connection: sqlite3.Connection, path: bytes) -> int:
    """The number of a folder, which gets one if it has none."""
    connection.execute("INSERT OR IGNORE INTO folders (path) VALUES (?)", (path,))
    row = connection.execute("SELECT id FROM folders WHERE path = ?", (path,)).fetchone()
    return int(row[0])


def _split(path: Path) -> tuple[bytes, bytes]:
    # Bytes: a name that is not UTF-8 comes back as it was.
    return os.fsencode(path.parent), os.fsencode(path.name)
