"""Which images a number stands for: what is shown when a person clicks it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from csra_gui.evaluation.analysis import Analysis, Thresholds
from engine.api.label_names import shown_label

#: More images than this nobody looks through; the first ones are shown.
MOST_SHOWN = 1000


class Outcome(Enum):
    """What may become of a label; the value is how a caption says it."""

    RIGHT = "found"
    WRONG = "wrongly labelled"
    MISSED = "missed"
    ABSENT = "rightly without"
    POSITIVE = "images with"
    GIVEN = "labelled"


class PairKind(Enum):
    """What a matrix of pairs of categories counts; the value is for people."""

    CONFUSED = "wrong labels beside right ones"
    TRUE = "categories that come together"
    GIVEN = "labels that come together"


@dataclass(frozen=True)
class Cases:
    """Images behind a number.

    Attributes:
        caption: what they are.
        samples: ids in the run, the most telling first.
        category: whose map to show; empty for none.
    """

    caption: str
    samples: tuple[str, ...]
    category: str = ""


def outcome_cases(
    analysis: Analysis, thresholds: Thresholds, category: int, outcome: Outcome
) -> Cases:
    """The images of one category with one outcome; those that say most come first.

    Missed ones begin with the lowest score, all others with the highest.
    """
    labels = analysis.labels_of(category, float(thresholds[category]))
    has, has_not = analysis.positives[:, category], analysis.negatives[:, category]
    which = {
        Outcome.RIGHT: labels & has,
        Outcome.WRONG: labels & has_not,
        Outcome.MISSED: ~labels & has,
        Outcome.ABSENT: ~labels & has_not,
        Outcome.POSITIVE: has,
        Outcome.GIVEN: labels & (has | has_not),
    }[outcome]
    rows = np.flatnonzero(which)
    sign = 1 if outcome is Outcome.MISSED else -1
    order = np.argsort(sign * analysis.run.logits[rows, category], kind="stable")
    name = analysis.run.categories[category]
    return _cases(analysis, f"{shown_label(name)}: {outcome.value}", rows[order], name)


def overall_cases(analysis: Analysis, thresholds: Thresholds, outcome: Outcome) -> Cases:
    """The images on which labels of any category have this outcome, the surest errors first."""
    labels = analysis.labels(thresholds)
    which = {
        Outcome.RIGHT: labels & analysis.positives,
        Outcome.WRONG: labels & analysis.negatives,
        Outcome.MISSED: ~labels & analysis.positives,
    }[outcome]
    sign = -1.0 if outcome is Outcome.MISSED else 1.0
    surest = np.where(which, sign * analysis.run.logits, -np.inf).max(axis=1)
    rows = np.flatnonzero(which.any(axis=1))
    order = np.argsort(-surest[rows], kind="stable")
    captions = {
        Outcome.RIGHT: "Images with a right label",
        Outcome.WRONG: "Images with a wrong label",
        Outcome.MISSED: "Images with a missed label",
    }
    return _cases(analysis, captions[outcome], rows[order])


def pair_cases(
    analysis: Analysis, thresholds: Thresholds, kind: PairKind, row: int, column: int
) -> Cases:
    """The images that a cell of a matrix counts; sorted by the second category's score."""
    names = [shown_label(name) for name in analysis.run.categories]
    given = [analysis.labels_of(place, float(thresholds[place])) for place in (row, column)]
    has = analysis.positives[:, row], analysis.positives[:, column]
    if kind is PairKind.CONFUSED:
        which = has[0] & given[1] & analysis.negatives[:, column]
        caption = f"{names[row]} in the image, {names[column]} wrongly labelled"
    elif kind is PairKind.TRUE:
        which = has[0] & has[1]
        caption = f"{names[row]} and {names[column]} in the image"
    else:
        which = given[0] & given[1] & analysis.counted[:, row] & analysis.counted[:, column]
        caption = f"labelled {names[row]} and {names[column]}"
    rows = np.flatnonzero(which)
    order = np.argsort(-analysis.run.logits[rows, column], kind="stable")
    return _cases(analysis, caption, rows[order], analysis.run.categories[column])


def score_cases(
    analysis: Analysis, category: int | None, low: float, high: float, has_it: bool | None
) -> Cases:
    """The images with a score from ``low`` to below ``high``.

    Args:
        analysis: of a run.
        category: whose score; ``None`` takes any of them.
        low: in [0, 1].
        high: in [0, 1]; 1 belongs to the last range.
        has_it: only those that have the category, or have it not; ``None`` takes both.
    """
    truth = {True: analysis.positives, False: analysis.negatives, None: analysis.counted}[has_it]
    columns = slice(None) if category is None else slice(category, category + 1)
    scores = analysis.scores[:, columns]
    upper = scores <= high if high >= 1.0 else scores < high
    which = (scores >= low) & upper & truth[:, columns]
    rows = np.flatnonzero(which.any(axis=1))
    best = np.where(which, analysis.run.logits[:, columns], -np.inf).max(axis=1)
    order = np.argsort(-best[rows], kind="stable")
    name = "" if category is None else analysis.run.categories[category]
    has = {True: ", in the image", False: ", not in the image", None: ""}[has_it]
    caption = f"{shown_label(name) or 'Any category'}: score {low:.2f} to {high:.2f}{has}"
    return _cases(analysis, caption, rows[order], name)


def _cases(analysis: Analysis, caption: str, rows: NDArray[np.intp], category: str = "") -> Cases:
    ids = analysis.run.ids
    return Cases(caption, tuple(ids[row] for row in rows.tolist()), category)
