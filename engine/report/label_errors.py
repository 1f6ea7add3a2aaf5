"""Labels of a data set that a model contradicts: some of them are wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.explain.evidence import sigmoid
from engine.records.evaluations import EvaluationRun, LabelMark


@dataclass(frozen=True, slots=True)
class LabelError:
    """A label of the data set that the model contradicts.

    Attributes:
        sample: the image's id in the run.
        category: index.
        name: of the category.
        is_label: what the data set says.
        score: what the model says, in [0, 1].
    """

    sample: str
    category: int
    name: str
    is_label: bool
    score: float

    @property
    def mark(self) -> LabelMark:
        """The mark that says that this label is wrong."""
        return LabelMark(self.sample, self.name, self.is_label)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "id": self.sample,
            "category": self.name,
            "label": self.is_label,
            "score": round(self.score, 6),
        }


def label_errors(run: EvaluationRun, limit: int = 500) -> tuple[LabelError, ...]:
    """The labels that the model contradicts most surely, over all categories.

    Args:
        run: with scores and labels.
        limit: at most so many.
    """
    counted, logits = ~run.ignored, run.logits
    wrong = np.where(~run.targets & counted, logits, -np.inf)
    missed = np.where(run.targets & counted, -logits, -np.inf)
    sureness = np.maximum(wrong, missed).ravel()
    number = min(limit, int(np.count_nonzero(sureness > 0)))
    if not number:
        return ()
    top = np.argpartition(-sureness, number - 1)[:number]
    top = top[np.argsort(-sureness[top], kind="stable")]
    rows, columns = np.unravel_index(top, logits.shape)
    scores = sigmoid(logits[rows, columns]).tolist()
    return tuple(
        LabelError(
            run.ids[row],
            int(column),
            run.categories[column],
            bool(run.targets[row, column]),
            score,
        )
        for row, column, score in zip(rows.tolist(), columns.tolist(), scores, strict=True)
    )
