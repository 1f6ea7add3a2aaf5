"""When something can be said of how good a model is, and how sure that is: light."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

#: A label is judged only with so many photos that have it, and so many that do not. With fewer,
#: even a perfect answer leaves open whether the label is right half of the time.
FEWEST_TO_VALIDATE = 5
#: Standard deviations on either side of an interval of 95 %.
_WIDTH = 1.96


class Comparison(StrEnum):
    """What a comparison says.

    BETTER: more labels were mended than spoiled, and hardly by chance.
    WORSE: the other way round.
    OPEN: it may be chance.
    """

    BETTER = "better"
    WORSE = "worse"
    OPEN = "open"


def can_validate(positives: int, negatives: int) -> bool:
    """Whether so many photos with and without a label are enough to judge it by."""
    return min(positives, negatives) >= FEWEST_TO_VALIDATE


def share_interval(count: float, total: int) -> tuple[float, float]:
    """Where the share of all may lie if ``count`` of ``total`` were found: 95 %, Wilson's.

    Returns:
        Lower and upper end in [0, 1]; all of it if nothing was looked at.
    """
    if not total:
        return 0.0, 1.0
    share, square = count / total, _WIDTH**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    spread = _WIDTH * math.sqrt(share * (1 - share) / total + square / (4 * total**2))
    spread /= 1 + square / total
    return max(0.0, middle - spread), min(1.0, middle + spread)


def mean_precision_interval(
    precisions: Sequence[float], positives: Sequence[int]
) -> tuple[float, float]:
    """Where the mean of categories' average precisions may lie on other images: 95 %.

    Each average precision is taken for a share of the category's positives (Boyd, Eng and Page,
    "Area under the precision-recall curve", 2013, section 3.1), and the categories for independent.

    Args:
        precisions: K average precisions in [0, 1].
        positives: K, how many images have each category.

    Returns:
        Lower and upper end in [0, 1]; all of it without any category.
    """
    if not len(precisions):
        return 0.0, 1.0
    ends = [
        share_interval(precision * count, count)
        for precision, count in zip(precisions, positives, strict=True)
    ]
    mean = sum(precisions) / len(precisions)
    below, above = (
        math.sqrt(sum((p - end[side]) ** 2 for p, end in zip(precisions, ends, strict=True)))
        for side in (0, 1)
    )
    return max(0.0, mean - below / len(ends)), min(1.0, mean + above / len(ends))


def compared(mended: int, spoiled: int) -> Comparison:
    """Whether more was mended than spoiled, beyond what chance does.

    Args:
        mended: what was wrong before and is right now.
        spoiled: what was right before and is wrong now.
    """
    low, high = share_interval(mended, mended + spoiled)
    if low > 0.5:
        return Comparison.BETTER
    return Comparison.WORSE if high < 0.5 else Comparison.OPEN
