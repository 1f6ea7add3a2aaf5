"""What the library holds of some images, in one read: for a front end that opens a folder."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.library.columns import IntArray
from engine.library.predictions import SCORE_TYPE, HalfArray, find_model
from engine.library.values import Verdict


@dataclass(frozen=True, eq=False)
class Stored:
    """What is known of the images that were asked for; those without an entry have none.

    Attributes:
        reviewed: ids of the images that a person has reviewed.
        verdicts: image id, category and verdict of every decision.
        scored: (M,) int64, ids of the images that the model has scored.
        scores: (M, C) float16 in [0, 1].
        errors: what went wrong when the model was run, by image id.
    """

    reviewed: frozenset[int]
    verdicts: tuple[tuple[int, str, Verdict], ...]
    scored: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    scores: HalfArray = field(default_factory=lambda: np.empty((0, 0), dtype=np.float16))
    errors: dict[int, str] = field(default_factory=dict)


def load_stored(
    connection: sqlite3.Connection, image_ids: Iterable[int], fingerprint: str | None
) -> Stored:
    """What is known of some images; without a model only what people said.

    Raises:
        LibraryError: the library does not know the model.
    """
    ids = json.dumps([int(image_id) for image_id in image_ids])
    among = "IN (SELECT value FROM json_each(?))"
    reviewed = connection.execute(
        f"SELECT id FROM images WHERE reviewed = 1 AND id {among}",  # noqa: S608
        (ids,),
    )
    verdicts = connection.execute(
        f"SELECT image_id, category, verdict FROM decisions WHERE image_id {among}",  # noqa: S608
        (ids,),
    )
    said = frozenset(row[0] for row in reviewed)
    words = tuple((image, category, Verdict(word)) for image, category, word in verdicts)
    if fingerprint is None:
        return Stored(said, words)
    model, info = find_model(connection, fingerprint)
    width = len(info.categories)
    scored = connection.execute(
        f"SELECT image_id, scores FROM scores WHERE model_id = ? AND image_id {among}"  # noqa: S608
        " AND length(scores) = ?",
        (model, ids, width * SCORE_TYPE.itemsize),
    ).fetchall()
    errors = connection.execute(
        f"SELECT image_id, message FROM errors WHERE model_id = ? AND image_id {among}",  # noqa: S608
        (model, ids),
    )
    found, scores = _matrix(scored, width)
    return Stored(said, words, found, scores, {int(i): str(text) for i, text in errors})


def _matrix(rows: Sequence[tuple[int, bytes]], width: int) -> tuple[IntArray, HalfArray]:
    """Ids and scores of sound rows; a damaged one is left out, so that it is made again."""
    ids = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
    scores = np.frombuffer(b"".join(row[1] for row in rows), dtype=SCORE_TYPE)
    scores = scores.reshape(len(rows), width).astype(np.float16, copy=False)
    # 1.0 has the greatest bits of all sound scores; above are signs, infinities and NaN.
    sound = scores.view(np.uint16).max(axis=1, initial=0) <= np.float16(1).view(np.uint16)
    return ids[sound], scores[sound]
