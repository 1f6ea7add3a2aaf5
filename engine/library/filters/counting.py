"""How many images have what, in tables of many categories: a block of rows at a time.

NumPy counts along an axis by making whole numbers of all truths. Few are true here, so those are
looked for. A block fits a processor's cache, and bounds the memory where many are true.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.api.values import FloatArray
from engine.library.columns import VERDICT_CODES, BoolArray, Columns, IntArray
from engine.library.values import Verdict

#: A score that is nearer to its threshold than this is uncertain.
UNCERTAIN_WITHIN = 0.15
_ROWS = 4096
_REJECTED = VERDICT_CODES[Verdict.REJECTED]
#: Verdicts by which a person says that an image has a label.
GIVEN = tuple(VERDICT_CODES[verdict] for verdict in Verdict if verdict is not Verdict.REJECTED)
#: All half floats from 0 to 1, in the order of their bits.
_HALVES = np.arange(int(np.float16(1).view(np.uint16)) + 1, dtype=np.uint16).view(np.float16)


def blocks(count: int) -> Iterator[slice]:
    """So many rows in parts."""
    for start in range(0, count, _ROWS):
        yield slice(start, min(start + _ROWS, count))


def found(labels: BoolArray) -> tuple[IntArray, IntArray]:
    """Rows, which ascend, and columns of what is true in a block (M, K) of a table."""
    rows, columns = np.divmod(np.flatnonzero(labels), max(labels.shape[1], 1))
    return rows, columns


def per_image(labels: BoolArray) -> IntArray:
    """(N,): how many labels each image has."""
    counts = np.zeros(len(labels), dtype=np.int64)
    for part in blocks(len(labels)):
        rows, _ = found(labels[part])
        counts[part] = np.bincount(rows, minlength=part.stop - part.start)
    return counts


def per_label(labels: BoolArray) -> IntArray:
    """(K,): how many images have each label."""
    counts = np.zeros(labels.shape[1], dtype=np.int64)
    for part in blocks(len(labels)):
        counts += np.bincount(found(labels[part])[1], minlength=len(counts))
    return counts


def with_kinds(columns: Columns, labels: BoolArray, rows: IntArray) -> dict[str, int]:
    """Of each label how many of some images a filter for it finds: it or a kind of it.

    Args:
        columns: of all images.
        labels: (N, K), what counts of them.
        rows: of the images that are counted, each once.

    Returns:
        Those that any has: the categories in their order, then what they imply besides.
    """
    shown = labels if len(rows) == len(labels) else labels[rows]
    counts = dict(zip(columns.categories, per_label(shown).tolist(), strict=True))
    counts |= zip(columns.implied, _implied_counts(columns, shown).tolist(), strict=True)
    is_shown = np.zeros(len(labels), dtype=bool)
    is_shown[rows] = True
    own = {name: place for place, name in enumerate(columns.categories)}
    for parent, kinds in columns.implied.items():
        if parent in own:
            places = np.array([own[parent], *kinds])
            rejected = is_shown & (columns.verdicts[:, own[parent]] == _REJECTED)
            counts[parent] += _correction(columns, labels, np.flatnonzero(rejected), places)
    return {name: count for name, count in counts.items() if count}


def _implied_counts(columns: Columns, shown: BoolArray) -> IntArray:
    """(P,): how many images have each parent, or any kind of it."""
    above, width = _parents_of_places(columns), len(columns.implied)
    counts = np.zeros(width + 1, dtype=np.int64)
    for part in blocks(len(shown) if width else 0):
        rows, places = found(shown[part])
        has = np.zeros((part.stop - part.start, width + 1), dtype=bool)
        for column in above.T:
            has[rows, column[places]] = True
        counts += per_label(has)
    return counts[:width]


def _parents_of_places(columns: Columns) -> IntArray:
    """(K, D): of each category the numbers of what it implies and of itself; P where are fewer."""
    own = {name: place for place, name in enumerate(columns.categories)}
    above: list[list[int]] = [[] for _ in columns.categories]
    for number, (parent, kinds) in enumerate(columns.implied.items()):
        for place in {*kinds, own[parent]} if parent in own else kinds:
            above[place].append(number)
    deepest = max(map(len, above), default=0)
    table = np.full((len(above), deepest), len(columns.implied), dtype=np.int64)
    for place, numbers in enumerate(above):
        table[place, : len(numbers)] = numbers
    return table


def _correction(columns: Columns, labels: BoolArray, rejected: IntArray, places: IntArray) -> int:
    """What a count is off by, as what a person rejected is not implied by the machine.

    Args:
        columns: of all images.
        labels: (N, K), what counts of them.
        rejected: rows of images that do not have a label, as a person said.
        places: its own and those of its kinds.
    """
    if not len(rejected):
        return 0
    counted = labels[np.ix_(rejected, places)].any(axis=1)
    have = np.isin(columns.verdicts[np.ix_(rejected, places[1:])], GIVEN).any(axis=1)
    return int(np.count_nonzero(have)) - int(np.count_nonzero(counted))


def any_uncertain(columns: Columns, thresholds: FloatArray, rows: IntArray | None) -> BoolArray:
    """(M,): the images with any category that is near its threshold and not decided on.

    Args:
        columns: of all images.
        thresholds: (C,).
        rows: of the images in question; ``None`` for all.
    """
    width, every = columns.model_categories, np.arange(len(columns)) if rows is None else rows
    lowest, highest = _near(np.asarray(thresholds, dtype=np.float32))
    is_decided = np.zeros(len(columns), dtype=bool)
    is_decided[columns.decided[0]] = True
    uncertain = np.zeros(len(every), dtype=bool)
    for part in blocks(len(every)):
        block = every[part]
        bits = columns.scores[block].view(np.uint16)
        near = (bits >= lowest) & (bits <= highest)
        decided = np.flatnonzero(is_decided[block])
        near[decided] &= columns.verdicts[block[decided], :width] == 0
        uncertain[part] = near.any(axis=1)
    return uncertain


def _near(thresholds: FloatArray) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """(C,) each: the bits of the lowest and the highest half float that is near a threshold.

    Where none is, the lowest is above the highest.
    """
    values = _HALVES.astype(np.float32)
    kinds, place = np.unique(thresholds, return_inverse=True)
    bounds = np.zeros((2, len(kinds)), dtype=np.uint16)
    for number, threshold in enumerate(kinds):
        near = np.flatnonzero(np.abs(values - threshold) < UNCERTAIN_WITHIN)
        bounds[:, number] = (near[0], near[-1]) if len(near) else (1, 0)
    return bounds[0][place], bounds[1][place]


def nearest(columns: Columns, thresholds: FloatArray) -> FloatArray:
    """(N,): how near the nearest score that nobody decided on is to its threshold; 1 if none is.

    Args:
        columns: of all images.
        thresholds: (C,).

    Returns:
        float32; NaN of an image without scores.
    """
    width = columns.model_categories
    near = np.full(len(columns), np.nan, dtype=np.float32)
    is_decided = np.zeros(len(columns), dtype=bool)
    is_decided[columns.decided[0]] = True
    for part in blocks(len(columns) if width else 0):
        distance = columns.scores[part].astype(np.float32)
        distance -= thresholds
        np.abs(distance, out=distance)
        decided = np.flatnonzero(is_decided[part])
        said = columns.verdicts[part][decided, :width] > 0
        distance[decided] = np.where(said, np.float32(1), distance[decided])
        near[part] = distance.min(axis=1)
    return near
