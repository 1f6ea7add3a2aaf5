"""Teaching: photos and what a person says of them in, a new model out; a generator of reports."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.api.calibration import LogitScaling
from engine.api.categories import Categories
from engine.api.errors import ModelError
from engine.api.label_measures import UNMEASURED, LabelMeasure
from engine.api.teaching import (
    FOLDS,
    BoolArray,
    Hits,
    Spread,
    TaughtCategory,
    TeachProgress,
    TeachReport,
    TeachRequest,
    folds,
)
from engine.api.training import default_cache
from engine.api.validation import Comparison, can_validate, compared
from engine.api.values import DEFAULT_THRESHOLD
from engine.checkpoints.half import HALVED_FROM
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import Checkpoint, save_checkpoint
from engine.data.decoding.pool import DecodePool
from engine.inference.reduction import Basis, HalfArray
from engine.models.classifier import Classifier
from engine.records.catalogue import find_model
from engine.records.model_record import STARTED_FROM, TAUGHT, CheckpointRecord
from engine.teach.learning import (
    KnownLabels,
    best_cut,
    learn,
    lift,
    logit,
    part_of_heads,
    passes,
    put_back,
    reduced_heads,
    scores_of,
)
from engine.teach.looking import Looking
from engine.train.start import from_checkpoint

#: So many photos that nothing is known of hold the model where it was.
_MOST_UNKNOWN = 200
#: Of the weights that a new category starts with.
_SMALL = 0.01
_MAX_NOTE = 2000

Teaching = Generator[TeachProgress | TeachReport, None, None]


def teach(request: TeachRequest, pool: DecodePool) -> Teaching:
    """Teach a model some categories; the last value is a ``TeachReport``.

    The backbone stays as it is, so what it sees in each photo is kept, and learning takes seconds.
    What the report says of right and wrong was measured with models that had not seen the photos
    they were judged by; the model that is saved has learned from all. Closing leaves no file.

    Args:
        request: the model to start from, and the photos.
        pool: decodes.

    Raises:
        CheckpointError: the model cannot be read, or the new one not be saved.
        DataError: there is too little to learn from, or a photo cannot be read.
        ModelError: there is no such model, or it cannot be taught.
    """
    started = time.monotonic()
    checkpoint = open_checkpoint(find_model(request.source))
    if checkpoint.record.config.head.activation != "sigmoid":
        raise ModelError(
            "This model was made to name one thing per photo; it cannot be taught single labels. "
            "Start from another model."
        )
    if not checkpoint.record.config.head.is_linear:
        raise ModelError(
            "The head of this model has no maps, and cannot be taught single labels. Start from "
            "another model."
        )
    request.check(checkpoint.record.config.categories)
    looking = Looking(checkpoint, request.cache or default_cache() / "photos", pool)
    teaching = _Teaching(checkpoint, request)
    others = yield from looking.at(teaching.paths, request.others)
    features, beside = looking.features(teaching.paths), looking.features(others[:_MOST_UNKNOWN])
    yield from teaching.learn(looking.basis, features, beside)
    taught = teaching.outcome(looking.parts(others))
    yield TeachProgress("saving", 0, 1)
    record = _record(checkpoint, request, taught)
    half = _loses_nothing(teaching.classifier)
    save_checkpoint(request.file, teaching.classifier, record, half=half)
    seconds = time.monotonic() - started
    count = len(request.others)
    yield TeachReport(request.file, request.name, taught, len(teaching.paths), count, seconds)


class _Teaching:
    """The new model while it learns.

    Attributes:
        classifier: the new model.
        paths: N photos that something is known of.
    """

    def __init__(self, checkpoint: Checkpoint, request: TeachRequest) -> None:
        known = checkpoint.record.config.categories
        self.classifier = _grown(checkpoint, request.categories)
        self._request = request
        left = request.left(known)
        self._columns = tuple(column for column in request.taught if column not in left)
        self._is_new = np.array([column >= len(known) for column in self._columns])
        self._rows = np.flatnonzero(request.known[:, self._columns].any(axis=1))
        self.paths = [request.paths[row] for row in self._rows]

    def learn(
        self, basis: Basis, features: HalfArray, beside: HalfArray
    ) -> Generator[TeachProgress, None, None]:
        """Learn from most photos, in turns, to see what it brings; then from all.

        Args:
            basis: of the features.
            features: (N, r, h, w) of the photos.
            beside: (M, r, h, w) of photos that nothing is known of: they hold the model.
        """
        labels = self._labels(features)
        beside = beside.reshape(-1, *features.shape[1:])
        self._before = part_of_heads(
            reduced_heads(basis, self.classifier.linear_heads), self._columns
        )
        self._scores_before = scores_of(self._before, features)
        self._scores_apart = np.empty_like(self._scores_before)
        turns = folds(self.paths, labels.targets)
        for turn in range(FOLDS):
            part = part_of_heads(self._before, range(len(self._columns)))
            these = labels.rows(turns != turn).with_unknown(beside)
            count = passes(len(these.features))
            for done in learn(part, these):
                yield TeachProgress("learning", turn * count + done, FOLDS * count)
            self._scores_apart[turns == turn] = scores_of(part, features[turns == turn])
        lifts = self._lifted_apart(labels, turns)
        self._after = part_of_heads(self._before, range(len(self._columns)))
        everything = labels.with_unknown(beside)
        for done in learn(self._after, everything):
            yield TeachProgress("learning from all", done, passes(len(everything.features)))
        lift(self._after, lifts)
        put_back(self._after, basis, self.classifier.linear_heads, self._columns)

    def _lifted_apart(self, labels: KnownLabels, turns: NDArray[np.int64]) -> list[float]:
        """Let new labels appear from their thresholds on; what is to be added to their logits.

        The photos of a turn are lifted by what the others say, so that they can judge that too.
        """
        lifts = [0.0] * len(self._columns)
        has_bias = self.classifier.linear_heads.bias is not None
        for place, column in enumerate(self._columns):
            known, targets = labels.known[:, place], labels.targets[:, place]
            counts = int((known & targets).sum()), int((known & ~targets).sum())
            if not (has_bias and self._is_new[place] and can_validate(*counts)):
                continue
            apart = logit(self._scores_apart[:, place])
            wanted = float(logit(np.array([self._threshold(column)]))[0])

            def missing(rows: BoolArray) -> float:
                return wanted - best_cut(apart[rows], targets[rows])  # noqa: B023  # called here

            lifted = apart.copy()
            for turn in range(FOLDS):
                lifted[turns == turn] += missing(known & (turns != turn))
            lifts[place] = missing(known)
            self._scores_apart[:, place] = 1 / (1 + np.exp(-lifted))
        return lifts

    def outcome(
        self, others: Iterable[tuple[Sequence[Path], HalfArray]]
    ) -> tuple[TaughtCategory, ...]:
        """What came of each category, those that were left included.

        Args:
            others: photos that nothing is known of and their features, in parts.
        """
        spreads = self._spreads(others)
        return tuple(
            self._category(column, spreads) if column in self._columns else self._left(column)
            for column in self._request.taught
        )

    def _labels(self, features: HalfArray) -> KnownLabels:
        request, at = self._request, np.ix_(self._rows, np.array(self._columns))
        drawn = request.drawn
        is_drawn = self._is_new | (False if drawn is None else drawn[at].any(axis=0))
        return KnownLabels(features, request.targets[at], request.known[at], self._is_new, is_drawn)

    def _left(self, column: int) -> TaughtCategory:
        yes, no, drawn = self._counts(column)
        judged = self._request.judged_by(column)
        name = self._request.categories[column]
        return TaughtCategory(name, yes, no, drawn, *judged, before=None, after=None)

    def _category(self, column: int, spreads: Sequence[Spread]) -> TaughtCategory:
        request, place = self._request, self._columns.index(column)
        fresh, truth = request.fresh[self._rows, column], request.targets[self._rows, column]
        threshold = self._threshold(column)
        is_new = bool(self._is_new[place])
        before = (self._scores_before[:, place] >= threshold) & np.bool_(not is_new)
        after = self._scores_apart[:, place] >= threshold
        mended = int((fresh & (before != truth) & (after == truth)).sum())
        spoiled = int((fresh & (before == truth) & (after != truth)).sum())
        return TaughtCategory(
            request.categories[column],
            *self._counts(column),
            *request.judged_by(column),
            before=None if is_new else _hits(before, truth, fresh),
            after=_hits(after, truth, fresh),
            comparison=Comparison.OPEN if is_new else compared(mended, spoiled),
            spread=spreads[place],
        )

    def _counts(self, column: int) -> tuple[int, int, int]:
        """Photos said to have a category, said not to, and drawn as without it."""
        request = self._request
        known, targets = request.known[:, column], request.targets[:, column]
        drawn = 0 if request.drawn is None else int((request.drawn[:, column] & known).sum())
        return int((targets & known).sum()), int((~targets & known).sum()) - drawn, drawn

    def _threshold(self, column: int) -> float:
        thresholds = self._request.thresholds
        return DEFAULT_THRESHOLD if thresholds is None else thresholds[column]

    def _spreads(self, others: Iterable[tuple[Sequence[Path], HalfArray]]) -> list[Spread]:
        thresholds = np.array([self._threshold(column) for column in self._columns])
        looked_at, lost = 0, np.zeros(len(thresholds), dtype=np.int64)
        gained: list[list[tuple[float, Path]]] = [[] for _ in self._columns]
        for paths, features in others:
            had = (scores_of(self._before, features) >= thresholds) & ~self._is_new
            scores = scores_of(self._after, features)
            has = scores >= thresholds
            looked_at += len(paths)
            lost += (had & ~has).sum(axis=0)
            for row, place in np.argwhere(has & ~had).tolist():
                gained[place].append((float(scores[row, place]), paths[row]))
        return [
            Spread(looked_at, tuple(path for _, path in sorted(found, reverse=True)), int(fewer))
            for found, fewer in zip(gained, lost, strict=True)
        ]


def _hits(says: BoolArray, truth: BoolArray, fresh: BoolArray) -> Hits:
    return Hits(int((says & truth & fresh).sum()), int((says & ~truth & fresh).sum()))


def _grown(checkpoint: Checkpoint, categories: Categories) -> Classifier:
    """The model with room for new categories, which start from nothing."""
    num_old = len(checkpoint.record.config.categories)
    if len(categories) == num_old:
        return checkpoint.classifier
    torch.manual_seed(0)
    new = from_checkpoint(checkpoint, categories).eval().requires_grad_(requires_grad=False)
    with torch.no_grad():
        # Small, not zero: the paper's form divides by the length.
        new.linear_heads.weight[:, num_old:] *= _SMALL
        if new.linear_heads.bias is not None:
            new.linear_heads.bias[:, num_old:] = 0.0
    return new


def _loses_nothing(classifier: Classifier) -> bool:
    """Whether all that a smaller file would round is in half precision already."""
    large = [p for p in classifier.parameters() if p.ndim >= 2 and p.numel() >= HALVED_FROM]
    return all(torch.equal(p.half().float(), p) for p in large)


def _calibration(
    old: CheckpointRecord, categories: Categories, taught: set[str]
) -> LogitScaling | None:
    """The model's calibration, with that of nothing where its heads are other ones now."""
    if old.calibration is None:
        return None
    known = dict(
        zip(
            old.config.categories,
            zip(old.calibration.slopes, old.calibration.offsets, strict=True),
            strict=True,
        )
    )
    pairs = [known[c] if c in known and c not in taught else (1.0, 0.0) for c in categories]
    slopes, offsets = zip(*pairs, strict=True)
    return LogitScaling(slopes, offsets)


def _measures(
    old: CheckpointRecord, categories: Categories, taught: Iterable[TaughtCategory]
) -> tuple[LabelMeasure, ...] | None:
    """What is known of each label; of those that were taught, by how many photos they were judged.

    ``None`` if the model says nothing of any.
    """
    if old.measures is None:
        return None
    known = dict(zip(old.config.categories, old.measures, strict=True))
    known |= {one.name: LabelMeasure(one.judged_positives) for one in taught}
    return tuple(known.get(name, UNMEASURED) for name in categories)


def _record(
    checkpoint: Checkpoint, request: TeachRequest, taught: tuple[TaughtCategory, ...]
) -> CheckpointRecord:
    old = checkpoint.record
    num_new = len(request.categories) - len(old.config.categories)
    learned = [category for category in taught if category.after is not None]
    changed = {f"AP {category.name}" for category in learned}
    thresholds = old.thresholds
    if thresholds is not None:
        thresholds = (*thresholds, *([DEFAULT_THRESHOLD] * num_new))
    teaching = ", ".join(f"{c.name} (+{c.positives} −{c.negatives + c.drawn})" for c in learned)
    return dataclasses.replace(
        old,
        config=dataclasses.replace(old.config, categories=request.categories),
        name=request.name,
        description=f"{old.name}, taught with photos of its user.",
        thresholds=thresholds,
        calibration=_calibration(old, request.categories, {c.name for c in learned}),
        measures=_measures(old, request.categories, learned),
        # What was measured still holds where nothing was taught.
        results={
            name: value
            for name, value in old.results.items()
            if name.startswith("AP ") and name not in changed
        },
        provenance={
            **old.provenance,
            STARTED_FROM: checkpoint.id,
            TAUGHT: teaching[:_MAX_NOTE],
        },
    )
