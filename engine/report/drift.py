"""What another way of running a model on the same images changes: its scores, labels and mAP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from engine.api.errors import DataError
from engine.metrics.report import paper_metrics
from engine.records.evaluations import EvaluationRun
from engine.report.protocol import protocol_of

_LOGIT_THRESHOLD = 0.0  # a score of one half


@dataclass(frozen=True)
class Drift:
    """One run against another of the same model and images.

    Attributes:
        images: that both could read.
        labels: of these, image times category.
        before: mean average precision, 0 to 1.
        after: likewise, of the other run.
        largest: change of a logit.
        mean: absolute change of the logits.
        changed: labels that only one of the two gives, at a score of one half.
    """

    images: int
    labels: int
    before: float
    after: float
    largest: float
    mean: float
    changed: int

    def as_dict(self) -> Mapping[str, float]:
        """For JSON."""
        return asdict(self)


def drift(before: EvaluationRun, after: EvaluationRun) -> Drift:
    """Compare two runs, on the images that both could read.

    Raises:
        DataError: they are of other categories, or share no image.
    """
    if before.categories != after.categories:
        raise DataError("Runs of other categories cannot be compared score by score.")
    places = {name: row for row, name in enumerate(after.ids)}
    shared = [(row, places[name]) for row, name in enumerate(before.ids) if name in places]
    if not shared:
        raise DataError("The two runs have no image in common.")
    rows, others = (np.array(column) for column in zip(*shared, strict=True))
    targets, ignored = before.targets[rows], before.ignored[rows]
    a, b = before.logits[rows], after.logits[others]
    protocol = protocol_of(before.dataset, ignored).protocol
    means = [
        paper_metrics(
            logits, targets, ignored, protocol=protocol, threshold=_LOGIT_THRESHOLD
        ).mean_average_precision
        for logits in (a, b)
    ]
    change = np.abs(a.astype(np.float64) - b)
    return Drift(
        images=len(rows),
        labels=a.size,
        before=means[0],
        after=means[1],
        largest=float(change.max()),
        mean=float(change.mean()),
        changed=int(((a >= 0) != (b >= 0)).sum()),
    )
