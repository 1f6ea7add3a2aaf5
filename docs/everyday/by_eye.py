"""Heads for what no data set at hand labels, learned on what was seen by eye.

The verdicts say of a few dozen photos whether they have a category, mostly of those that score
best for its group of ImageNet's classes. A head that is learned on them, and on all other photos as
a weak no, often tells right from wrong among them better than the group alone; and no more than
often. So a category gets one only where heads that have not seen a photo put the right ones of
those that were looked at further ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from learn import FOLDS, Learned, folds, learn
from numpy.typing import NDArray
from photos import ABSENT, PRESENT, UNKNOWN, Verdicts
from seen import Seen
from torch import Tensor

from engine.metrics.ranking import average_precision

FloatArray = NDArray[np.float64]
#: A head is learned from so many photos that have the category, and so many that look like it.
LEAST_RIGHT, LEAST_WRONG = 8, 3
#: What nobody looked at counts so much as a no.
_WEAK = 0.1
#: So much must the average precision gain among what was looked at.
_GAIN = 0.03


def seen_enough(verdicts: Mapping[str, Verdicts], names: Sequence[str]) -> list[str]:
    """Those of which enough was seen."""
    found = []
    for name in names:
        values = np.array(verdicts[name].values if name in verdicts else ())
        if (values == 1.0).sum() >= LEAST_RIGHT and (values == 0.0).sum() >= LEAST_WRONG:
            found.append(name)
    return found


def truth_by_eye(
    verdicts: Mapping[str, Verdicts], names: Sequence[str], count: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(N, K) what N photos have, and how much that counts."""
    known = np.full((count, len(names)), ABSENT, dtype=np.int8)
    weight = np.full(known.shape, _WEAK, dtype=np.float32)
    for column, name in enumerate(names):
        rows, values = np.array(verdicts[name].rows), np.array(verdicts[name].values)
        known[rows[values == 1.0], column] = PRESENT
        known[rows[values == 0.5], column] = UNKNOWN
        weight[rows, column] = np.where(values == 0.5, 0.0, 1.0)
    return known, weight


def learn_by_eye(
    seen: Seen,
    names: list[str],
    known: NDArray[np.int8],
    weight: NDArray[np.float32],
    statistics: tuple[Tensor, Tensor],
) -> tuple[Learned, FloatArray]:
    """Heads of all photos; (N, K) logits of heads that have not seen the photo."""
    everything = np.arange(len(known))
    turns = folds(len(known))
    apart = np.zeros(known.shape)
    for turn in range(FOLDS):
        others, own = np.flatnonzero(turns != turn), np.flatnonzero(turns == turn)
        heads = learn(seen, others, names, known[others], weight[others], statistics)
        apart[own] = heads.logits(seen, own)
    return learn(seen, everything, names, known, weight, statistics), apart


def gains(
    known: NDArray[np.int8], weight: NDArray[np.float32], before: FloatArray, after: FloatArray
) -> NDArray[np.bool_]:
    """(K,): where the right ones of what was looked at come further ahead than before."""
    found = []
    for column in range(known.shape[1]):
        rows = np.flatnonzero(weight[:, column] == 1.0)
        present = (known[rows, column] == PRESENT)[:, None]
        nobody = np.zeros_like(present)
        old, new = (
            float(average_precision(scores[rows, column][:, None], present, nobody)[0])
            for scores in (before, after)
        )
        found.append(new >= old + _GAIN)
    return np.array(found, dtype=bool)
