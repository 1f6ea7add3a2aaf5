"""What every measurement asks of its input, and means that leave out what is undefined."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import ConfigError, DataError

_T = TypeVar("_T")

FloatColumns = NDArray[np.floating]
BoolColumns = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores beside the truth, checked: images are rows, categories are columns.

    Attributes:
        scores: (N, C), without NaN.
        targets: (N, C).
        ignored: (N, C); nobody can say whether these entries have the category.
    """

    scores: FloatColumns
    targets: BoolColumns
    ignored: BoolColumns

    @property
    def counted(self) -> BoolColumns:
        """(N, C); the entries that are not ignored."""
        return ~self.ignored

    @property
    def positives(self) -> BoolColumns:
        """(N, C); the entries that count and have the category."""
        return self.targets & ~self.ignored

    @property
    def ranks(self) -> BoolColumns:
        """(C,); whether the order of a category's images can be wrong, so that it says something.

        It has positives; and where some entries are ignored, negatives are left beside them. A
        category that all images have, as somebody looked at each, keeps the average precision of 1
        that the official evaluation gives it.
        """
        has_negatives = np.any(~self.targets & ~self.ignored, axis=0)
        is_whole = ~np.any(self.ignored, axis=0)
        result: BoolColumns = np.any(self.positives, axis=0) & (has_negatives | is_whole)
        return result


def scored(scores: FloatColumns, targets: BoolColumns, ignored: BoolColumns | None) -> Scored:
    """Check that the arrays belong together; ``None`` ignores nothing.

    Raises:
        ConfigError: the arrays are not (N, C) and alike, or the targets are not booleans.
        DataError: a score is NaN.
    """
    scores, targets = np.asarray(scores), np.asarray(targets)
    ignored = np.zeros(targets.shape, dtype=np.bool_) if ignored is None else np.asarray(ignored)
    if scores.ndim != 2:
        raise ConfigError(f"Scores are (images, categories), not an array of shape {scores.shape}.")
    for name, array in (("targets", targets), ("ignored entries", ignored)):
        if array.shape != scores.shape:
            raise ConfigError(
                f"The {name} have the shape {array.shape}, but the scores {scores.shape}: "
                "there must be one for each image and category."
            )
        if array.dtype != np.bool_:
            raise ConfigError(f"The {name} are {array.dtype}, not booleans.")
    if scores.dtype.kind != "f":
        raise ConfigError(f"The scores are {scores.dtype}, not floating-point numbers.")
    if bad := int(np.isnan(scores).any(axis=1).sum()):
        raise DataError(
            f"The scores of {bad} images are not numbers (NaN). The model may be damaged, or its "
            "precision too low for these images; try another precision or device."
        )
    return Scored(scores, targets, ignored)


def finished(steps: Generator[None, None, _T]) -> _T:
    """What work in steps comes to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: _T = end.value
            return result


def require_images(data: Scored) -> None:
    """Raise a ``DataError`` if there is nothing to measure on."""
    if not data.scores.size:
        raise DataError("There are no images, or no categories, to evaluate.")


def defined_mean(values: NDArray[np.floating]) -> float:
    """The mean of the values that are not NaN; NaN if there is none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")


def ratio(part: NDArray[Any], whole: NDArray[Any], empty: float) -> NDArray[np.float64]:
    """``part / whole`` in float64, and ``empty`` where the whole is 0."""
    result = np.full(np.broadcast_shapes(part.shape, whole.shape), empty)
    np.divide(part, whole, out=result, where=np.broadcast_to(whole, result.shape) != 0)
    return result


def harmonic_mean(a: float, b: float) -> float:
    """2ab / (a + b), and 0 if both are 0: F1 from precision and recall."""
    return 2.0 * a * b / (a + b) if a + b != 0 else 0.0


def plain(value: float) -> float | None:
    """A number for JSON, which has no NaN: ``None`` stands for undefined."""
    return None if np.isnan(value) else float(value)
