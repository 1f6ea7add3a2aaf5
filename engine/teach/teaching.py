"""Teaching: photos and what a person says of them in, a new model out; a generator of reports."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Generator

import numpy as np
import torch

from engine.api.calibration import LogitScaling
from engine.api.categories import Categories
from engine.api.errors import ModelError
from engine.api.teaching import (
    BoolArray,
    TaughtCategory,
    TeachProgress,
    TeachReport,
    TeachRequest,
    held_out_rows,
)
from engine.api.training import default_cache
from engine.api.values import DEFAULT_THRESHOLD, FloatArray
from engine.checkpoints.half import HALVED_FROM
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import Checkpoint, save_checkpoint
from engine.data.decoding.pool import DecodePool
from engine.models.classifier import Classifier
from engine.records.catalogue import find_model
from engine.records.model_record import CheckpointRecord
from engine.teach.learning import KnownLabels, learn, part_of_heads, passes, put_back, scores_of
from engine.teach.photo_features import PhotoFeatures
from engine.train.start import from_checkpoint

#: Of the weights that a new category starts with.
_SMALL = 0.01
_MAX_NOTE = 2000

Teaching = Generator[TeachProgress | TeachReport, None, None]


def teach(request: TeachRequest, pool: DecodePool) -> Teaching:
    """Teach a model some categories; the last value is a ``TeachReport``.

    The backbone stays as it is, so the features of each photo are computed once and kept. What the
    report says of the new model was measured with one that had not seen the photos kept apart;
    the model that is saved has learned from all. Closing leaves no file.

    Args:
        request: the model to start from, and the photos.
        pool: decodes.

    Raises:
        CheckpointError: the model cannot be read, or the new one not be saved.
        DataError: there is nothing to learn, or a photo cannot be read.
        ModelError: there is no such model, or it cannot be taught.
    """
    started = time.monotonic()
    checkpoint = open_checkpoint(find_model(request.source))
    if checkpoint.record.config.head.activation != "sigmoid":
        raise ModelError(
            "This model was made to name one thing per photo; it cannot be taught single labels. "
            "Start from another model."
        )
    old_categories = checkpoint.record.config.categories
    request.check(old_categories)
    rows = np.flatnonzero(request.known.any(axis=1))
    photos = PhotoFeatures(checkpoint, request.cache or default_cache() / "photos")
    features = yield from photos.read(pool, [request.paths[row] for row in rows])
    at = np.ix_(rows, np.array(request.taught))
    is_new = np.array(request.taught) >= len(old_categories)
    labels = KnownLabels(features, request.targets[at], request.known[at], is_new)
    teaching = _Teaching(_grown(checkpoint, request.categories), request, labels)
    held_out = held_out_rows([request.paths[row] for row in rows])
    taught = yield from teaching.validate(held_out)
    yield from teaching.learn()
    yield TeachProgress("saving", 0, 1)
    record = _record(checkpoint, request, taught)
    half = _loses_nothing(teaching.classifier)
    save_checkpoint(request.file, teaching.classifier, record, half=half)
    seconds = time.monotonic() - started
    yield TeachReport(request.file, request.name, taught, len(rows), seconds)


class _Teaching:
    """The new model while it learns."""

    def __init__(self, classifier: Classifier, request: TeachRequest, labels: KnownLabels) -> None:
        self.classifier = classifier
        self._labels = labels
        self._columns = request.taught
        self._names = [request.categories[column] for column in request.taught]

    def validate(
        self, held_out: BoolArray
    ) -> Generator[TeachProgress, None, tuple[TaughtCategory, ...]]:
        """Learn from the other photos alone, and see what that does to those kept apart."""
        labels = self._labels
        part = part_of_heads(self.classifier.heads, self._columns)
        if held_out.all():  # nothing would be left to learn from
            held_out = np.zeros_like(held_out)
        apart = _rows_of(labels, held_out)
        before = scores_of(part, apart.features)
        for done in learn(part, _rows_of(labels, ~held_out)):
            yield TeachProgress("learning", done, passes(int((~held_out).sum())))
        after = scores_of(part, apart.features)
        return tuple(
            self._category(place, apart, before[:, place], after[:, place])
            for place in range(len(self._columns))
        )

    def learn(self) -> Generator[TeachProgress, None, None]:
        """Learn from all photos."""
        part = part_of_heads(self.classifier.heads, self._columns)
        for done in learn(part, self._labels):
            yield TeachProgress("learning from all", done, passes(len(self._labels.features)))
        put_back(part, self.classifier.heads, self._columns)

    def _category(
        self, place: int, apart: KnownLabels, before: FloatArray, after: FloatArray
    ) -> TaughtCategory:
        targets, known = self._labels.targets[:, place], self._labels.known[:, place]
        return TaughtCategory(
            self._names[place],
            int((targets & known).sum()),
            int((~targets & known).sum()),
            int(apart.known[:, place].sum()),
            None if self._labels.is_new[place] else _right(before, apart, place),
            _right(after, apart, place),
        )


def _rows_of(labels: KnownLabels, chosen: BoolArray) -> KnownLabels:
    return KnownLabels(
        labels.features[chosen], labels.targets[chosen], labels.known[chosen], labels.is_new
    )


def _right(scores: FloatArray, labels: KnownLabels, place: int) -> int:
    says = scores >= DEFAULT_THRESHOLD
    return int(((says == labels.targets[:, place]) & labels.known[:, place]).sum())


def _grown(checkpoint: Checkpoint, categories: Categories) -> Classifier:
    """The model with room for new categories, which start from nothing."""
    num_old = len(checkpoint.record.config.categories)
    if len(categories) == num_old:
        return checkpoint.classifier
    torch.manual_seed(0)
    new = from_checkpoint(checkpoint, categories).eval().requires_grad_(requires_grad=False)
    with torch.no_grad():
        # Small, not zero: the paper's form divides by the length.
        new.heads.weight[:, num_old:] *= _SMALL
        if new.heads.bias is not None:
            new.heads.bias[:, num_old:] = 0.0
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


def _record(
    checkpoint: Checkpoint, request: TeachRequest, taught: tuple[TaughtCategory, ...]
) -> CheckpointRecord:
    old = checkpoint.record
    num_new = len(request.categories) - len(old.config.categories)
    changed = {f"AP {category.name}" for category in taught}
    thresholds = old.thresholds
    if thresholds is not None:
        thresholds = (*thresholds, *([DEFAULT_THRESHOLD] * num_new))
    teaching = ", ".join(f"{c.name} (+{c.positives} −{c.negatives})" for c in taught)
    return dataclasses.replace(
        old,
        config=dataclasses.replace(old.config, categories=request.categories),
        name=request.name,
        description=f"{old.name}, taught with photos of its user.",
        thresholds=thresholds,
        calibration=_calibration(old, request.categories, {c.name for c in taught}),
        # What was measured still holds where nothing was taught.
        results={
            name: value
            for name, value in old.results.items()
            if name.startswith("AP ") and name not in changed
        },
        provenance={
            **old.provenance,
            "started from": checkpoint.id,
            "taught": teaching[:_MAX_NOTE],
        },
    )
