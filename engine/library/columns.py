"""The whole library as columns, for one model: what filters, facets and thresholds work on."""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.values import FloatArray
from engine.library.predictions import SCORE_TYPE, HalfArray, find_model
from engine.library.values import Decision, ImageLabel, Verdict

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

#: How decisions are coded in arrays; 0 is none.
VERDICT_CODES = {Verdict.ACCEPTED: 1, Verdict.REJECTED: 2, Verdict.ADDED: 3}


@dataclass(frozen=True, eq=False)
class ScoreMatrix:
    """All scores of a model.

    Attributes:
        image_ids: (N,) int64, ascending.
        scores: (N, C) float16 in [0, 1].
    """

    image_ids: IntArray
    scores: HalfArray

    def above(self, thresholds: FloatArray) -> BoolArray:
        """(N, C): which scores reach the thresholds, (C,) in [0, 1]."""
        return reach(self.scores, thresholds)


@dataclass(frozen=True, eq=False)
class Columns:
    """Images (N), each column in the same order: by id if they are a whole library's.

    Attributes:
        image_ids: (N,) int64; 0 for one that is not in the library.
        names: of the files, N texts; what is not UTF-8 is surrogate-escaped.
        folders: paths of all folders.
        folder_of: (N,) int64, an index into ``folders``.
        mtimes_ns: (N,) int64, since 1970.
        reviewed: (N,) bool.
        failed: (N,) bool: the model could not read the image.
        categories: the model's, then others that people used (K in all); may be none.
        model_categories: how many are the model's (C).
        scores: (N, C) float16; NaN where the model has said nothing.
        verdicts: (N, K) uint8, ``VERDICT_CODES`` or 0.
    """

    image_ids: IntArray
    names: tuple[str, ...]
    folders: tuple[str, ...]
    folder_of: IntArray
    mtimes_ns: IntArray
    reviewed: BoolArray
    failed: BoolArray
    categories: Sequence[str]
    model_categories: int
    scores: HalfArray
    verdicts: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.image_ids)

    @cached_property
    def folded_names(self) -> tuple[str, ...]:
        """Names for comparing: case and composition of letters do not count."""
        return tuple(fold(name) for name in self.names)

    @cached_property
    def tagged(self) -> BoolArray:
        """(N,): whether the model has scored the image."""
        if not self.model_categories:
            return np.zeros(len(self), dtype=bool)
        return ~np.isnan(self.scores[:, 0])

    def take_names_from(self, other: Columns) -> None:
        """Keep what another one worked out of the same names."""
        if other.names is self.names and "folded_names" in other.__dict__:
            self.__dict__["folded_names"] = other.folded_names

    @cached_property
    def decided(self) -> tuple[IntArray, IntArray]:
        """Rows and categories of all verdicts: few, since nobody decides on everything."""
        rows, categories = self.verdicts.nonzero()
        return rows, categories

    def machine_labels(self, thresholds: FloatArray) -> BoolArray:
        """(N, K): what the machine alone says, at thresholds (C,)."""
        labels = np.zeros(self.verdicts.shape, dtype=bool)
        labels[:, : self.model_categories] = reach(self.scores, thresholds)
        return labels

    def labels(self, thresholds: FloatArray) -> BoolArray:
        """(N, K): what counts: the machine's labels but the rejected, and the person's."""
        labels = self.machine_labels(thresholds)
        rows, columns = self.decided
        rejected = VERDICT_CODES[Verdict.REJECTED]
        labels[rows, columns] = self.verdicts[rows, columns] != rejected
        return labels


def reach(scores: HalfArray, thresholds: FloatArray) -> BoolArray:
    """(N, C): scores that reach thresholds (C,); a NaN reaches none.

    Half floats that are not negative are ordered as their bits are, and whole numbers compare
    several times as fast.
    """
    bits = scores.view(np.uint16)
    lowest = np.asarray(thresholds, dtype=np.float32).astype(np.float16)
    # Rounding may have gone below the threshold; then the next half float is the lowest.
    lowest = np.where(lowest < thresholds, np.nextafter(lowest, np.float16(np.inf)), lowest)
    above: BoolArray = bits >= np.maximum(lowest, np.float16(0)).view(np.uint16)
    above &= bits <= np.float16(1).view(np.uint16)
    return above


def effective_labels(
    categories: Categories, scores: HalfArray, thresholds: FloatArray, said: dict[str, Decision]
) -> tuple[ImageLabel, ...]:
    """The labels of one image that count, those with the best scores first.

    Args:
        categories: the model's.
        scores: (C,) float16; NaN where the model has said nothing.
        thresholds: (C,) in [0, 1].
        said: what a person said, by category.
    """
    above = reach(scores[np.newaxis], thresholds)[0]
    counting = {
        category: None for category, is_above in zip(categories, above, strict=True) if is_above
    }
    counting |= dict.fromkeys(said)
    labels = []
    for category in counting:
        decision = said.get(category)
        if decision is None or decision.verdict is not Verdict.REJECTED:
            score = float(scores[categories.index_of(category)]) if category in categories else None
            known = None if score is None or np.isnan(score) else score
            labels.append(ImageLabel(category, known, decision))
    return tuple(sorted(labels, key=lambda label: -(label.score or 0.0)))


def fold(text: str) -> str:
    """Text for comparing, without regard to case and to how letters are composed."""
    return unicodedata.normalize("NFC", text).casefold()


def load_scores(connection: sqlite3.Connection, fingerprint: str) -> ScoreMatrix:
    """All scores of a model; a damaged row is left out.

    Raises:
        LibraryError: the library does not know the model.
    """
    model, info = find_model(connection, fingerprint)
    width = len(info.categories)
    rows = connection.execute(
        "SELECT image_id, scores FROM scores WHERE model_id = ? AND length(scores) = ?"
        " ORDER BY image_id",
        (model, width * SCORE_TYPE.itemsize),
    ).fetchall()
    ids = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
    scores = np.frombuffer(b"".join([row[1] for row in rows]), dtype=SCORE_TYPE)
    scores = scores.reshape(len(rows), width).astype(np.float16, copy=False)
    # 1.0 has the greatest bits of all sound scores; above are signs, infinities and NaN.
    sound = scores.view(np.uint16).max(axis=1, initial=0) <= np.float16(1).view(np.uint16)
    return ScoreMatrix(ids, scores) if sound.all() else ScoreMatrix(ids[sound], scores[sound])


def load_columns(connection: sqlite3.Connection, fingerprint: str) -> Columns:
    """The library as one model sees it; call it within one read transaction.

    Raises:
        LibraryError: the library does not know the model.
    """
    model, info = find_model(connection, fingerprint)
    images = connection.execute(
        "SELECT id, name, folder_id, mtime_ns, reviewed FROM images WHERE missing = 0 ORDER BY id"
    ).fetchall()
    ids = np.array([row[0] for row in images], dtype=np.int64)
    folders = connection.execute("SELECT id, path FROM folders").fetchall()
    place = {row[0]: i for i, row in enumerate(folders)}
    errors = connection.execute("SELECT image_id FROM errors WHERE model_id = ?", (model,))
    categories, verdicts = _load_verdicts(connection, ids, info.categories)
    return Columns(
        image_ids=ids,
        names=tuple(os.fsdecode(row[1]) for row in images),
        folders=tuple(os.fsdecode(row[1]) for row in folders),
        folder_of=np.array([place[row[2]] for row in images], dtype=np.int64),
        mtimes_ns=np.array([row[3] for row in images], dtype=np.int64),
        reviewed=np.array([row[4] for row in images], dtype=bool),
        failed=np.isin(ids, np.array([row[0] for row in errors], dtype=np.int64)),
        categories=categories,
        model_categories=len(info.categories),
        scores=_aligned(load_scores(connection, fingerprint), ids),
        verdicts=verdicts,
    )


def _aligned(matrix: ScoreMatrix, ids: IntArray) -> HalfArray:
    """The scores in rows of these images, NaN where there are none."""
    if np.array_equal(matrix.image_ids, ids):
        return matrix.scores
    scores = np.full((len(ids), matrix.scores.shape[1]), np.nan, dtype=np.float16)
    there = np.isin(matrix.image_ids, ids, assume_unique=True)
    scores[np.searchsorted(ids, matrix.image_ids[there])] = matrix.scores[there]
    return scores


def _load_verdicts(
    connection: sqlite3.Connection, ids: IntArray, known: Categories
) -> tuple[Categories, NDArray[np.uint8]]:
    rows = connection.execute(
        "SELECT image_id, category, verdict FROM decisions"
        " WHERE image_id IN (SELECT id FROM images WHERE missing = 0) ORDER BY category"
    ).fetchall()
    names = dict.fromkeys((*known, *(category for _, category, _ in rows)))
    categories = Categories(tuple(names))
    verdicts = np.zeros((len(ids), len(categories)), dtype=np.uint8)
    places = np.searchsorted(ids, np.array([row[0] for row in rows], dtype=np.int64))
    for place, (_, category, verdict) in zip(places, rows, strict=True):
        verdicts[place, categories.index_of(category)] = VERDICT_CODES[Verdict(verdict)]
    return categories, verdicts
