"""What can be said of how good a model is."""

from __future__ import annotations

import pytest

from engine.api.validation import Comparison, can_validate, compared, share_interval


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(0, 0, 0.0, 1.0), (5, 10, 0.237, 0.763), (18, 18, 0.824, 1.0), (0, 18, 0.0, 0.176)],
)
def test_the_interval_is_wilsons(count: int, total: int, low: float, high: float) -> None:
    assert share_interval(count, total) == pytest.approx((low, high), abs=1e-3)


@pytest.mark.parametrize(
    ("mended", "spoiled", "says"),
    [
        (0, 0, Comparison.OPEN),
        (1, 0, Comparison.OPEN),
        (3, 1, Comparison.OPEN),
        (8, 0, Comparison.BETTER),
        (0, 8, Comparison.WORSE),
        (40, 35, Comparison.OPEN),
        (40, 15, Comparison.BETTER),
    ],
)
def test_nothing_is_better_that_chance_may_have_done(
    mended: int, spoiled: int, says: Comparison
) -> None:
    assert compared(mended, spoiled) is says


def test_one_side_alone_judges_nothing() -> None:
    assert can_validate(5, 5)
    assert not can_validate(4, 100)
    assert not can_validate(100, 4)
