"""From which logit on a label appears that no labelled photos measure.

The photos that score best for a category were looked at by eye. The label appears while four of
five that it names are right. Where that is never so, it appears above all 4,600 photos; above all
but six where nearly all that is wrong is one thing, of which these photos have more than most
folders.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from photos import Verdicts

#: What cannot be told counts half, what was not looked at is wrong.
_RIGHT = 0.8
_WRONG, _WRONG_IF_CONFUSED = 0, 6
#: Beside the last photo that it names, in logits.
_MARGIN = 0.05


def cut(
    logits: NDArray[np.float64], verdicts: Verdicts | None, *, is_confused: bool
) -> tuple[float, int, int]:
    """The logit to appear from; how many of the alarms are right, and how many there are.

    Args:
        logits: (N,) of all photos, before the cut.
        verdicts: of some of the best.
        is_confused: whether one thing accounts for what is wrong.
    """
    seen = {} if verdicts is None else dict(zip(verdicts.rows, verdicts.values, strict=True))
    order = np.argsort(-logits, kind="stable")[: 4 * (len(seen) + 4)]
    ranked = logits[order]
    worth = np.array([seen.get(int(row), 0.0) for row in order])
    share = np.cumsum(worth) / np.arange(1, len(worth) + 1)
    good = np.flatnonzero((share >= _RIGHT) & (worth == 1.0))
    allowed = _WRONG_IF_CONFUSED if is_confused else _WRONG
    few = np.flatnonzero(np.cumsum(worth < 1.0) <= allowed)
    last = max(int(good[-1]) if len(good) else -1, int(few[-1]) if len(few) else -1)
    # Nothing that was not looked at: what comes next may be as good or not.
    while last >= 0 and int(order[last]) not in seen:
        last -= 1
    if last < 0:
        return float(ranked[0]) + _MARGIN, 0, 0
    below = float(ranked[last + 1])
    threshold = max((float(ranked[last]) + below) / 2, float(ranked[last]) - _MARGIN)
    return threshold, int((worth[: last + 1] == 1.0).sum()), last + 1
