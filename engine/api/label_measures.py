"""How well a model knows each of its labels, as its file says: measured, limited, unmeasured.

A model of several hundred labels cannot have been checked alike on all of them. What was seen on
labelled images is said of each label by itself, so that nobody has to trust an average.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.api.errors import ConfigError
from engine.texts import percent

#: Images with a label from which on its figures say something; fewer are a hint, below the
#: second number nothing.
LEAST_MEASURED, LEAST_LIMITED = 20, 5
#: The share of such intervals that hold the true value.
LEVEL = 0.95


class LabelStatus(StrEnum):
    """How much is known of how well a model knows a label.

    MEASURED: on 20 labelled images that have it, or more.
    LIMITED: on 5 to 19.
    UNMEASURED: on fewer, or none; its labels are suggestions.
    """

    MEASURED = "measured"
    LIMITED = "limited"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share that was measured on some images, with its interval of 95 %.

    Attributes:
        value: in [0, 1].
        low: lower end, in [0, value].
        high: upper end, in [value, 1].
    """

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.low <= self.value <= self.high <= 1.0:
            raise ConfigError(
                f"A measured share lies within its interval and both in 0 to 1, not {self.value} "
                f"in {self.low} to {self.high}."
            )

    @property
    def text(self) -> str:
        """In percent, for people: "91.2 (85.0 to 95.1)"."""
        return f"{percent(self.value)} ({percent(self.low)} to {percent(self.high)})"


@dataclass(frozen=True, slots=True)
class LabelMeasure:
    """What was measured of one label of a model.

    Attributes:
        positives: labelled images that have it, of those it was measured on.
        average_precision: how well its scores rank images; ``None`` without positives, or
            without an image that is known to lack it.
        precision: of the images it names, how many have it; ``None`` if it named none.
        recall: of the images that have it, how many it names; ``None`` without positives.
    """

    positives: int = 0
    average_precision: Estimate | None = None
    precision: Estimate | None = None
    recall: Estimate | None = None

    def __post_init__(self) -> None:
        if self.positives < 0:
            raise ConfigError(f"There cannot be {self.positives} images with a label.")

    @property
    def status(self) -> LabelStatus:
        """Measured from 20 positives on, limited from 5 on, else unmeasured."""
        if self.positives >= LEAST_MEASURED:
            return LabelStatus.MEASURED
        return LabelStatus.LIMITED if self.positives >= LEAST_LIMITED else LabelStatus.UNMEASURED

    def as_dict(self) -> dict[str, object]:
        """For JSON; shares with four digits."""
        shares = {name: getattr(self, name) for name in _SHARES}
        written = {
            name: [round(value, 4) for value in (share.value, share.low, share.high)]
            for name, share in shares.items()
            if share is not None
        }
        return {"positives": self.positives, **written}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> LabelMeasure:
        """The same from ``body``, which ``as_dict`` gave.

        Raises:
            ConfigError: the numbers make no sense.
            KeyError, TypeError, ValueError: it never did.
        """
        positives = body["positives"]
        if not isinstance(positives, int) or isinstance(positives, bool):
            raise TypeError("the number of positives must be a whole number")
        return cls(positives, **{name: _estimate(body[name]) for name in _SHARES if name in body})


_SHARES = ("average_precision", "precision", "recall")
#: What is known of a label that nobody measured.
UNMEASURED = LabelMeasure()


def statuses(measures: Sequence[LabelMeasure]) -> Mapping[LabelStatus, int]:
    """How many labels have each status, the best first."""
    found = [measure.status for measure in measures]
    return {status: found.count(status) for status in LabelStatus}


def suggestions(measures: Sequence[LabelMeasure] | None) -> tuple[int, ...]:
    """Places of labels that are never written to files unless a person said so: the unmeasured.

    None of a model whose file says nothing of its labels: nobody called them suggestions.
    """
    found = enumerate(measures or ())
    return tuple(place for place, one in found if one.status is LabelStatus.UNMEASURED)


def least_scores(
    measures: Sequence[LabelMeasure] | None, threshold: float, usual: float
) -> float | tuple[float, ...]:
    """What the scores of a model's labels are compared with: one number, or one for each label.

    What scores below the usual threshold mean was measured of no suggestion: of many labels that
    nobody measured, some always have 20 or 30 %. So a lower threshold lets in no suggestion; a
    higher one holds for all.

    Args:
        measures: of the model; ``None`` if its file says nothing, so that there are none.
        threshold: that was chosen for all, in [0, 1].
        usual: from which on scores mean anything, in [0, 1].
    """
    suggested = frozenset(suggestions(measures))
    if not suggested or threshold >= usual:
        return threshold
    return tuple(usual if i in suggested else threshold for i in range(len(measures or ())))


def _estimate(values: object) -> Estimate:
    if not isinstance(values, list) or len(values) != 3:
        raise TypeError("a share and the ends of its interval were expected")
    numbers = tuple(float(value) for value in values)
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a share must be a number")
    return Estimate(*numbers)
