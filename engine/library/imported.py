"""Scores that were made elsewhere; each function runs in the caller's transaction."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.library.errors import LibraryError
from engine.library.images import add_images
from engine.library.predictions import SCORE_TYPE, HalfArray, find_model
from engine.library.values import ImageFile


@dataclass(frozen=True, slots=True)
class Known:
    """What a library has of a file.

    Attributes:
        is_known: whether it has the photo.
        is_scored: whether it has a model's own scores of just this content.
    """

    is_known: bool = False
    is_scored: bool = False


def known_scores(
    connection: sqlite3.Connection, files: Sequence[ImageFile], fingerprint: str
) -> list[Known]:
    """What there is of each file; of a model that the library does not know no scores.

    Args:
        connection: to read.
        files: as they are now.
        fingerprint: of the model.
    """
    found = []
    for file in files:
        row = connection.execute(
            "SELECT size = ? AND mtime_ns = ? AND EXISTS (SELECT 1 FROM scores JOIN models"
            " ON models.id = scores.model_id WHERE fingerprint = ? AND image_id = images.id"
            " AND NOT EXISTS (SELECT 1 FROM provisional WHERE provisional.model_id = models.id"
            " AND provisional.image_id = images.id))"
            " FROM images JOIN folders ON folders.id = folder_id"
            " WHERE folders.path = ? AND name = ?",
            (file.size, file.mtime_ns, fingerprint, *_split(file)),
        ).fetchone()
        found.append(Known() if row is None else Known(True, bool(row[0])))
    return found


def record_scores(
    connection: sqlite3.Connection, fingerprint: str, files: Sequence[ImageFile], scores: HalfArray
) -> list[int]:
    """Add photos, or take note of their change, and store a model's scores of them.

    What people said is not touched.

    Args:
        connection: in a transaction.
        fingerprint: of the model.
        files: as they are now, each once.
        scores: (N, C) in [0, 1].

    Returns:
        The ids of the images, in order.

    Raises:
        LibraryError: the model is not known or has another number of categories.
    """
    model, info = find_model(connection, fingerprint)
    if scores.shape != (len(files), len(info.categories)):
        raise LibraryError(f"There are {scores.shape} scores for {len(files)} images.")
    ids = add_images(connection, files)
    halves = scores.astype(SCORE_TYPE)
    if not np.isfinite(halves).all():
        raise LibraryError("Some scores are no numbers.")
    connection.executemany(
        "REPLACE INTO scores VALUES (?, ?, ?)",
        [(model, image, row.tobytes()) for image, row in zip(ids, halves, strict=True)],
    )
    for table in ("errors", "provisional"):
        connection.executemany(
            f"DELETE FROM {table} WHERE model_id = ? AND image_id = ?",  # noqa: S608
            [(model, image) for image in ids],
        )
    return ids


def _split(file: ImageFile) -> tuple[bytes, bytes]:
    return os.fsencode(file.path.parent), os.fsencode(file.path.name)
