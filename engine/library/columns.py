"""Images as columns: what the library holds of some, and what filters and facets work on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.api.label_names import SHIPPED_NAMES, LabelNames
from engine.api.values import FloatArray
from engine.library.measured import measured_facts
from engine.library.predictions import SCORE_TYPE, HalfArray, find_model
from engine.library.ratings import Said, shown_attributes
from engine.library.values import Attribute, Verdict
from engine.texts import fold_all

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

#: In place of a time that no camera said.
NOT_TAKEN = -(2**63)
#: In place of the facts of an image that was not measured.
NOT_MEASURED = -1
#: How decisions are coded in arrays; 0 is none.
VERDICT_CODES = {
    Verdict.ACCEPTED: 1,
    Verdict.REJECTED: 2,
    Verdict.ADDED: 3,
    Verdict.IMPORTED: 4,
}


@dataclass(frozen=True, eq=False)
class AttributeColumns:
    """Ratings, colour labels and titles of images (N): see ``Columns``."""

    ratings: NDArray[np.int8]
    colors: tuple[str, ...]
    color_of: NDArray[np.integer]
    titles: Mapping[int, str]


def attribute_columns(count: int, said: Iterable[Said]) -> AttributeColumns:
    """Columns of so many images, of each the row, the attribute and its value."""
    ratings = np.zeros(count, dtype=np.int8)
    color_of = np.zeros(count, dtype=np.int64)
    colors, titles = {"": 0}, {}
    for row, attribute, value in said:
        if attribute is Attribute.RATING:
            ratings[row] = int(value or 0)
        elif attribute is Attribute.COLOR:
            color_of[row] = colors.setdefault(value, len(colors))
        elif value:
            titles[row] = value
    return AttributeColumns(ratings, tuple(colors), color_of, titles)


def facts_column(count: int, said: Iterable[tuple[int, int]]) -> NDArray[np.int32]:
    """(count,) facts, or ``NOT_MEASURED``, of so many images; of those that were measured, by row.

    Args:
        count: of images.
        said: row and bits (``Fact``).
    """
    facts = np.full(count, NOT_MEASURED, dtype=np.int32)
    for row, bits in said:
        facts[row] = bits
    return facts


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
        label_names: what else the categories are called.
        other_names: of the other files of some photos, by row: of the RAW of a JPEG.
        taken_ns: (N,) int64, when cameras say; ``NOT_TAKEN`` if they do not. Empty: nobody read.
        cameras: the names of all cameras; the first is none.
        camera_of: (N,) an index into ``cameras``; empty: nobody read.
        attributes: ratings, colour labels and titles; ``None``: there are none.
        facts: (N,) the bits of ``Fact``, or ``NOT_MEASURED``. Empty: nobody wants to know.
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
    label_names: LabelNames = SHIPPED_NAMES
    other_names: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    taken_ns: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    cameras: tuple[str, ...] = ("",)
    camera_of: NDArray[np.integer] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    attributes: AttributeColumns | None = None
    facts: NDArray[np.integer] = field(default_factory=lambda: np.empty(0, dtype=np.int32))

    def __len__(self) -> int:
        return len(self.image_ids)

    @cached_property
    def implied(self) -> Mapping[str, tuple[int, ...]]:
        """What categories imply, of each the places of those that do: of "animal" that of "dog"."""
        places = {name: place for place, name in enumerate(self.categories)}
        kinds = self.label_names.implied(self.categories)
        return {parent: tuple(places[name] for name in below) for parent, below in kinds.items()}

    @cached_property
    def folded_names(self) -> tuple[str, ...]:
        """Names for comparing: case and composition of letters do not count."""
        return tuple(fold_all(self.names))

    @cached_property
    def dates_ns(self) -> IntArray:
        """(N,) int64: when the photo was taken; the file's time where no camera says so."""
        if not len(self.taken_ns):
            return self.mtimes_ns
        return np.where(self.taken_ns == NOT_TAKEN, self.mtimes_ns, self.taken_ns)

    @cached_property
    def _attributes(self) -> AttributeColumns:
        return self.attributes or attribute_columns(len(self), ())

    @property
    def ratings(self) -> NDArray[np.int8]:
        """(N,) -1 (rejected) to 5; 0 is none."""
        return self._attributes.ratings

    @property
    def colors(self) -> tuple[str, ...]:
        """All values of colour labels; the first is none."""
        return self._attributes.colors

    @property
    def color_of(self) -> NDArray[np.integer]:
        """(N,) an index into ``colors``."""
        return self._attributes.color_of

    @property
    def titles(self) -> Mapping[int, str]:
        """Of those that have one, by row."""
        return self._attributes.titles

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
        # As they lie in memory: a million rows are looked through in a fraction of the time.
        if self.verdicts.flags.f_contiguous:
            places = np.flatnonzero(self.verdicts.T != 0)
            categories, rows = np.divmod(places, max(len(self.verdicts), 1))
        else:
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


@dataclass(frozen=True, eq=False)
class Stored:
    """What is known of the images that were asked for; those without an entry have none.

    Attributes:
        reviewed: ids of the images that a person has reviewed.
        verdicts: image id, category and verdict of every decision.
        attributes: image id, attribute and value of every rating, colour label and title.
        scored: (M,) int64, ids of the images that the model has scored.
        scores: (M, C) float16 in [0, 1]; those of provisional ones may be NaN but for the first.
        provisional: (M,) bool: taken over from another model until this one has seen the image.
        errors: what went wrong when the model was run, by image id.
        facts: image id and bits (``Fact``) of all that were measured.
    """

    reviewed: frozenset[int]
    verdicts: tuple[tuple[int, str, Verdict], ...]
    scored: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    scores: HalfArray = field(default_factory=lambda: np.empty((0, 0), dtype=np.float16))
    provisional: BoolArray = field(default_factory=lambda: np.empty(0, dtype=np.bool_))
    errors: dict[int, str] = field(default_factory=dict)
    attributes: tuple[Said, ...] = ()
    facts: tuple[tuple[int, int], ...] = ()


def load_stored(
    connection: sqlite3.Connection, image_ids: Iterable[int], fingerprint: str | None = None
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
    attributes = shown_attributes(connection, json.loads(ids))
    facts = measured_facts(connection, json.loads(ids))
    if fingerprint is None:
        return Stored(said, words, attributes=attributes, facts=facts)
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
    taken_over = connection.execute(
        f"SELECT image_id FROM provisional WHERE model_id = ? AND image_id {among}",  # noqa: S608
        (model, ids),
    )
    found, scores = _matrix(scored, width)
    waiting = np.fromiter((row[0] for row in taken_over), dtype=np.int64)
    provisional = np.isin(found, waiting) | np.isnan(scores).any(axis=1)
    messages = {int(i): str(text) for i, text in errors}
    return Stored(said, words, found, scores, provisional, messages, attributes, facts)


def _matrix(rows: Sequence[tuple[int, bytes]], width: int) -> tuple[IntArray, HalfArray]:
    """Ids and scores of sound rows; a damaged one is left out, so that it is made again."""
    ids = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
    scores = np.frombuffer(b"".join(row[1] for row in rows), dtype=SCORE_TYPE)
    scores = scores.reshape(len(rows), width).astype(np.float16, copy=False)
    # 1.0 has the greatest bits of all sound scores; above are signs, infinities and NaN, of which
    # one stands for what is not known yet.
    bits, one, nothing = (
        np.asarray(values).view(np.uint16) for values in (scores, np.float16(1), np.float16("nan"))
    )
    sound = ((bits <= one) | (bits == nothing)).all(axis=1) & (bits[:, :1] <= one).all(axis=1)
    return ids[sound], scores[sound]
