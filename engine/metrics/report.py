"""The numbers of one evaluation: as the paper computes them, and computed consistently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from engine.api.errors import ConfigError
from engine.api.values import DEFAULT_THRESHOLD
from engine.metrics.checks import (
    BoolColumns,
    FloatColumns,
    Scored,
    defined_mean,
    plain,
    require_images,
    scored,
)
from engine.metrics.decisions import (
    TOP,
    LabelCounts,
    LabelMetrics,
    Threshold,
    count_labels,
    label_metrics,
    predicted_labels,
)
from engine.metrics.ranking import ApKind, average_precisions


class Protocol(StrEnum):
    """Whose arithmetic the numbers follow; it is written beside them.

    PAPER_VOC: the official evaluation on VOC; ignored (difficult) entries never count.
    PAPER_COCO: the official evaluation on COCO, which ignores nothing; otherwise as VOC.
    PAPER_WIDER: the official evaluation on WIDER-Attribute: ignored (unspecified) entries do not
        count in average precision, but are negatives in precision and recall.
    CONSISTENT: ignored entries never count, equal scores are one threshold, and a category that
        was never predicted adds nothing to the number of predicted labels.
    """

    PAPER_VOC = "paper-voc"
    PAPER_COCO = "paper-coco"
    PAPER_WIDER = "paper-wider"
    CONSISTENT = "consistent"

    @property
    def is_paper(self) -> bool:
        """Whether the numbers can be set beside published ones."""
        return self is not Protocol.CONSISTENT

    @property
    def ap_kind(self) -> ApKind:
        """The definition of average precision."""
        return ApKind.NON_INTERPOLATED if self.is_paper else ApKind.TIES_COLLAPSED


@dataclass(frozen=True, slots=True)
class CategoryReport:
    """How well one category is recognised.

    Attributes:
        name: of the category.
        average_precision: 0 to 1; NaN without positives, and where ignored entries leave no
            negatives.
        precision: of its labels at the threshold, 0 to 1; NaN if it was never predicted.
        recall: of its labels at the threshold, 0 to 1; NaN without positives.
        f1: of its labels at the threshold, 0 to 1; NaN without positives.
        positives: images that have it.
        negatives: images that do not.
        ignored: images of which nobody can say.
        predicted: labels given, as counted by the protocol.
    """

    name: str
    average_precision: float
    precision: float
    recall: float
    f1: float
    positives: int
    negatives: int
    ignored: int
    predicted: int

    def as_dict(self) -> dict[str, str | int | float | None]:
        """For JSON."""
        return {
            "category": self.name,
            "AP": plain(self.average_precision),
            "precision": plain(self.precision),
            "recall": plain(self.recall),
            "F1": plain(self.f1),
            "positives": self.positives,
            "negatives": self.negatives,
            "ignored": self.ignored,
            "predicted": self.predicted,
        }


@dataclass(frozen=True)
class MetricReport:
    """All numbers of one evaluation under one protocol, fractions from 0 to 1.

    Attributes:
        protocol: whose arithmetic.
        num_images: evaluated.
        mean_average_precision: over the categories that have one, in the protocol's definition.
        mean_by_kind: the mean average precision in every definition, 0 to 1.
        labels: of all scores that reach the threshold.
        top3: the three best of each image, if they reach the threshold too (the definition in
            the official code).
        top3_always: the three best of each image whatever their score (the definition of most
            of the literature).
        categories: one report for each, in order.
    """

    protocol: Protocol
    num_images: int
    mean_average_precision: float
    mean_by_kind: Mapping[ApKind, float]
    labels: LabelMetrics
    top3: LabelMetrics
    top3_always: LabelMetrics
    categories: tuple[CategoryReport, ...]

    @property
    def without_positives(self) -> tuple[str, ...]:
        """The categories that are left out of every mean, since no image has them."""
        return tuple(report.name for report in self.categories if not report.positives)

    @property
    def without_negatives(self) -> tuple[str, ...]:
        """The categories that are left out of mAP, since no image is known to lack them.

        Only of those with ignored entries: one that all images have counts, as in the official
        evaluation.
        """
        return tuple(
            report.name
            for report in self.categories
            if report.positives and np.isnan(report.average_precision)
        )

    def as_dict(self) -> dict[str, object]:
        """For JSON: ``mAP``, the six label metrics by name, and the rest nested."""
        return {
            "protocol": str(self.protocol),
            "num_images": self.num_images,
            "mAP": plain(self.mean_average_precision),
            **self.labels.as_dict(),
            "top3": self.top3.as_dict(),
            "top3_always": self.top3_always.as_dict(),
            "mAP_by_definition": {str(kind): plain(v) for kind, v in self.mean_by_kind.items()},
            "per_category": [report.as_dict() for report in self.categories],
            "categories_without_positives": list(self.without_positives),
            "categories_without_negatives": list(self.without_negatives),
        }


def paper_metrics(
    scores: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    *,
    protocol: Protocol = Protocol.PAPER_VOC,
    threshold: Threshold = DEFAULT_THRESHOLD,
    names: Sequence[str] | None = None,
) -> MetricReport:
    """The numbers as the paper's official evaluation computes them, quirks included.

    Where that evaluation fails, on a category without positives, the category is left out of the
    means over categories and listed. So is, of mAP alone, one whose ignored entries leave no
    negatives.

    Args:
        scores: (N, C) in [0, 1]; or logits, with a threshold of 0, which saturate less.
        targets: (N, C).
        ignored: (N, C); nobody can say. ``None`` ignores nothing.
        protocol: of which data set.
        threshold: labels have at least this score; one for all or (C,).
        names: of the categories; ``None`` numbers them.

    Raises:
        ConfigError: the arrays, names or thresholds do not belong together, or the protocol is not
            one of the paper's.
        DataError: there are no images, or a score is NaN.
    """
    if not protocol.is_paper:
        raise ConfigError(f"{protocol!s} is not one of the paper's protocols.")
    return _report(scored(scores, targets, ignored), protocol, threshold, names)


def consistent_metrics(
    scores: FloatColumns,
    targets: BoolColumns,
    ignored: BoolColumns | None = None,
    *,
    threshold: Threshold = DEFAULT_THRESHOLD,
    names: Sequence[str] | None = None,
) -> MetricReport:
    """The same numbers without the quirks; see ``Protocol.CONSISTENT`` and ``paper_metrics``."""
    return _report(scored(scores, targets, ignored), Protocol.CONSISTENT, threshold, names)


def _report(
    data: Scored, protocol: Protocol, threshold: Threshold, names: Sequence[str] | None
) -> MetricReport:
    require_images(data)
    by_kind = average_precisions(data.scores, data.targets, data.ignored)

    def counts(threshold: Threshold, top: int | None) -> LabelCounts:
        labels = predicted_labels(data.scores, threshold, top)
        return count_labels(data, labels, protocol is Protocol.PAPER_WIDER)

    def summary(counts: LabelCounts) -> LabelMetrics:
        return label_metrics(counts, as_paper=protocol.is_paper)

    all_labels = counts(threshold, None)
    return MetricReport(
        protocol=protocol,
        num_images=len(data.scores),
        mean_average_precision=defined_mean(by_kind[protocol.ap_kind]),
        mean_by_kind={kind: defined_mean(values) for kind, values in by_kind.items()},
        labels=summary(all_labels),
        top3=summary(counts(threshold, TOP)),
        top3_always=summary(counts(-np.inf, TOP)),
        categories=_category_reports(data, by_kind[protocol.ap_kind], all_labels, names),
    )


def _category_reports(
    data: Scored,
    average_precision: FloatColumns,
    counts: LabelCounts,
    names: Sequence[str] | None,
) -> tuple[CategoryReport, ...]:
    num_images, num_categories = data.scores.shape
    if names is None:
        names = [str(category) for category in range(num_categories)]
    if len(names) != num_categories:
        raise ConfigError(f"There are {len(names)} names for {num_categories} categories.")
    ignored = np.count_nonzero(data.ignored, axis=0)
    precision, recall, f1 = counts.precision, counts.recall, counts.f1
    return tuple(
        CategoryReport(
            name=names[c],
            average_precision=float(average_precision[c]),
            precision=float(precision[c]),
            recall=float(recall[c]),
            f1=float(f1[c]),
            positives=int(counts.positives[c]),
            negatives=int(num_images - ignored[c] - counts.positives[c]),
            ignored=int(ignored[c]),
            predicted=int(counts.predicted[c]),
        )
        for c in range(num_categories)
    )
