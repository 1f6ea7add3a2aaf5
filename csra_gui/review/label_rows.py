"""Which labels are listed beside one photo, or beside several, and in which order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from csra_gui.review.label_list_model import LabelRow
from csra_gui.session.thresholds import OUT_OF_REACH
from engine.api.categories import Categories
from engine.api.label_measures import LabelMeasure
from engine.api.label_parents import NO_PARENTS, CategoryParents
from engine.api.values import FloatArray
from engine.library.columns import VERDICT_CODES, BoolArray, reach
from engine.library.filters.counting import per_label
from engine.library.predictions import HalfArray
from engine.library.values import Verdict

Verdicts = Mapping[str, Verdict]
Codes = NDArray[np.uint8]
#: Photos whose scores say what the mean is like.
_ENOUGH = 2000


@dataclass(frozen=True, slots=True)
class LabelContext:
    """What lists of labels depend on besides the photos.

    Attributes:
        categories: of the model, in its order, as labels are called; none while no model is
            known.
        thresholds: one for all, or (C,).
        show_all: also list what is below the threshold.
        guesses: how many of the best are listed whatever their score is.
        most: of one photo, how many that the machine alone found are listed; 0 is all.
        parents: which categories follow from others, so that they need no line of their own.
        measures: how well the model knows each category; ``None`` if its file does not say.
    """

    categories: Categories | tuple[()]
    thresholds: float | FloatArray
    show_all: bool = False
    guesses: int = 0
    most: int = 0
    parents: CategoryParents = NO_PARENTS
    measures: tuple[LabelMeasure, ...] | None = None

    def index_of(self, category: str) -> int:
        """The place of a category's name; −1 if the model does not know it."""
        names = self.categories
        return (
            names.index_of(category) if isinstance(names, Categories) and category in names else -1
        )


def rows_of_photo(
    context: LabelContext,
    scores: FloatArray | None,
    verdicts: Verdicts,
    in_file: Sequence[str] = (),
) -> list[LabelRow]:
    """The labels of one photo: those that count, best first, then the others, rejected ones last.

    Args:
        context: of the list.
        scores: (C,) in [0, 1], or ``None`` while the model has said nothing.
        verdicts: what the person said, by category.
        in_file: labels that the photo's files have as keywords.
    """
    rows = [] if scores is None else _scored(context, scores, verdicts)
    rows = [
        replace(r, in_file=True)
        if r.verdict is None and not r.above and r.category in in_file
        else r
        for r in rows
    ]
    known = {row.category for row in rows}
    rows += [_unscored(context, n, v) for n, v in verdicts.items() if n not in known]
    rows += [
        _in_file(context, scores, name)
        for name in in_file
        if name not in known and name not in verdicts
    ]
    rows = _with_status(context, sorted(rows, key=_place))
    return rows if context.show_all else _fewest(folded(context, rows), context.most)


def folded(context: LabelContext, rows: Sequence[LabelRow]) -> list[LabelRow]:
    """The rows without those of the machine that follow from a label listed above them.

    Each goes beneath the first of the labels that it follows from, in as many photos as have it.
    """
    beneath: dict[int, list[str]] = {}
    above: dict[int, LabelRow] = {}
    for row in rows:
        if row.index >= 0 and row.counts:
            for place in context.parents.ancestors(row.index):
                above.setdefault(place, row)
    kept = []
    for row in rows:
        child = above.get(row.index)
        if child is None or row.verdict is not None or not row.counts or row.having > child.having:
            kept.append(row)
    listed = {row.index for row in kept}
    for row in kept:
        hidden = (p for p in context.parents.ancestors(row.index) if p not in listed)
        beneath[row.index] = [
            context.categories[p] for p in hidden if above.get(p, row).index == row.index
        ]
    return [
        replace(row, beneath=tuple(names)) if row.counts and (names := beneath[row.index]) else row
        for row in kept
    ]


def _fewest(rows: Sequence[LabelRow], most: int) -> list[LabelRow]:
    """The rows without labels of the machine beyond the best so many; 0 is all."""
    found = [row.category for row in rows if row.counts and row.verdict is None]
    left_out = set(found[most:]) if most else set()
    return [row for row in rows if row.category not in left_out]


def _with_status(context: LabelContext, rows: Sequence[LabelRow]) -> list[LabelRow]:
    measures, details = context.measures, context.parents.details
    if measures is None:
        return list(rows)
    return [
        replace(r, status=measures[r.index].status, is_detail=r.index in details)
        if r.index >= 0
        else r
        for r in rows
    ]


def _scored(context: LabelContext, scores: FloatArray, verdicts: Verdicts) -> list[LabelRow]:
    least = np.broadcast_to(context.thresholds, scores.shape)
    ranked = np.argsort(-scores, kind="stable")
    ranked = ranked[least[ranked] < OUT_OF_REACH]
    if not context.show_all:
        listed = scores >= least
        listed[ranked[: context.guesses]] = True
        listed[[i for name in verdicts if (i := context.index_of(name)) >= 0]] = True
        ranked = ranked[listed[ranked]]
    names = context.categories
    return [
        LabelRow(i, names[i], float(scores[i]), float(least[i]), verdicts.get(names[i]))
        for i in ranked.tolist()
    ]


def rows_of_photos(
    context: LabelContext, scores: HalfArray, codes: Mapping[str, Codes]
) -> list[LabelRow]:
    """The labels that any of several photos have, those that most have first.

    Args:
        context: of the list.
        scores: (N, C) float16 in [0, 1]; a row of NaN is a photo that the model has said nothing
            of.
        codes: what the person said of each photo, (N,) ``VERDICT_CODES`` or 0, by category.
    """
    total, width = scores.shape
    least = np.broadcast_to(np.asarray(context.thresholds, dtype=np.float32), (width,))
    above = reach(scores, least)
    counts = per_label(above)
    said = {name: column for name, column in codes.items() if column.any()}
    is_listed: BoolArray = least < OUT_OF_REACH if context.show_all else counts > 0
    places = set(np.flatnonzero(is_listed).tolist())
    places |= {place for name in said if (place := context.index_of(name)) >= 0}
    rows: dict[str, LabelRow] = {}
    for i in sorted(places):
        name, score = context.categories[i], _mean(scores[:, i])
        rows[name] = LabelRow(i, name, score, float(least[i]), None, int(counts[i]), total)
    for name, column in said.items():
        row = rows.get(name) or replace(_unscored(context, name, None), of=total)
        by_machine = above[:, row.index] if row.index >= 0 else np.zeros(total, dtype=bool)
        rows[name] = _with_verdicts(row, column, by_machine)
    listed = [r for r in rows.values() if context.show_all or r.having or r.verdict is not None]
    listed = _with_status(context, sorted(listed, key=_place))
    return listed if context.show_all else folded(context, listed)


def _with_verdicts(row: LabelRow, codes: Codes, found: BoolArray) -> LabelRow:
    """A row that the model alone filled in, with what was said of single photos."""
    rejected = VERDICT_CODES[Verdict.REJECTED]
    having = np.where(codes > 0, codes != rejected, found)
    alike = next((v for v, code in VERDICT_CODES.items() if (codes == code).all()), None)
    return replace(row, having=int(np.count_nonzero(having)), verdict=alike)


def _mean(scores: HalfArray) -> float:
    """The mean of those that there are; of many, that of evenly spread ones is near enough."""
    some = scores[:: max(len(scores) // _ENOUGH, 1)].astype(np.float32)
    known = some[~np.isnan(some)]
    return float(known.mean()) if len(known) else math.nan


def toggled(row: LabelRow, wanted: Verdict) -> Verdict | None:
    """What to say of a label that the person calls right or wrong; a second time takes it back.

    Args:
        row: as it is listed.
        wanted: ``ACCEPTED`` or ``REJECTED``.
    """
    if wanted is Verdict.REJECTED:
        return None if row.verdict in (Verdict.REJECTED, Verdict.ADDED) else Verdict.REJECTED
    if row.verdict in (Verdict.ACCEPTED, Verdict.ADDED):
        return None
    found = row.having > 0 if row.of > 1 else row.above
    return Verdict.ACCEPTED if found else Verdict.ADDED


def next_in_turn(row: LabelRow) -> Verdict | None:
    """What a number key says: right, then wrong, then nothing again."""
    if row.verdict is None:
        return toggled(row, Verdict.ACCEPTED)
    return Verdict.REJECTED if row.verdict is not Verdict.REJECTED else None


def _unscored(context: LabelContext, category: str, verdict: Verdict | None) -> LabelRow:
    return LabelRow(context.index_of(category), category, math.nan, 0.0, verdict)


def _in_file(context: LabelContext, scores: FloatArray | None, category: str) -> LabelRow:
    place = context.index_of(category)
    if scores is None or place < 0:
        return LabelRow(place, category, math.nan, 0.0, in_file=True)
    least = float(np.broadcast_to(context.thresholds, scores.shape)[place])
    return LabelRow(place, category, float(scores[place]), least, in_file=True)


def _place(row: LabelRow) -> tuple[int, float, float]:
    """Where a label stands: those that count first, rejected ones at the end."""
    group = 0 if row.counts else 3 if row.verdict is Verdict.REJECTED else 1 + (not row.in_file)
    score = 0.0 if math.isnan(row.score) else row.score
    return group, -row.having / row.of if row.of > 1 else 0.0, -score
