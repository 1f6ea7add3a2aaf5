"""A label of a photo as lists and cells show it, and the signs of how well a model knows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.api.label_measures import LEAST_LIMITED, LEAST_MEASURED, LabelStatus
from engine.library.values import Verdict
from engine.texts import whole_percent

#: Nothing is said of what is known to be known.
_MARKS = {LabelStatus.MEASURED: "", LabelStatus.LIMITED: "~", LabelStatus.UNMEASURED: "?"}
#: What each sign means, for people.
MARK_TEXTS = {
    "": "",
    "~": f"~ The model was measured on few photos with it ({LEAST_LIMITED} to "
    f"{LEAST_MEASURED - 1}).",
    "?": "? A suggestion: nobody has measured how well the model knows it. It is written to files "
    "only if you accept it.",
}


def mark_of(status: LabelStatus | None, verdict: Verdict | None) -> str:
    """A quiet sign behind the name of a label that is not known to be known well.

    Empty once the person has said something of it, and where the model's file says nothing.
    """
    return "" if verdict is not None or status is None else _MARKS[status]


@dataclass(frozen=True, slots=True)
class ScoredLabel:
    """A label to show.

    Attributes:
        index: of the category in the model; -1 for one that it does not know.
        category: the label's name, as it is shown.
        score: in [0, 1]; NaN if the model has said nothing of it.
        verdict: what the person said of it, if anything.
        status: how well the model is known to know it; ``None`` if its file does not say.
    """

    index: int
    category: str
    score: float
    verdict: Verdict | None = None
    status: LabelStatus | None = None

    @property
    def score_text(self) -> str:
        """The score in percent; empty if there is none."""
        return "" if np.isnan(self.score) else whole_percent(self.score)

    @property
    def mark(self) -> str:
        """``mark_of`` it."""
        return mark_of(self.status, self.verdict)
