import numpy as np
import pytest

from benchmarks.perturbation import (
    area_under,
    rank_correlation,
    ranking,
    step_shares,
    with_first_cells,
)

GRID = np.array([[0.1, 0.9, 0.2], [0.5, -1.0, 0.9]], dtype=np.float32)


def test_cells_rank_from_the_highest_on_and_equal_ones_in_rows():
    assert ranking(GRID).tolist() == [1, 5, 3, 2, 0, 4]


def test_the_first_cells_are_replaced_and_nothing_else():
    photo = np.full((4, 6, 3), 7, dtype=np.uint8)
    baseline = np.zeros_like(photo)
    half = with_first_cells(photo, baseline, ranking(GRID), 0.5, (2, 3))
    cells = half[::2, ::2, 0]  # one pixel of each cell
    assert cells.tolist() == [[7, 0, 7], [0, 7, 0]]
    assert (half.reshape(2, 2, 3, 2, 3).std(axis=(1, 3)) == 0).all()
    order = ranking(GRID)
    assert (with_first_cells(photo, baseline, order, 0.0, (2, 3)) == photo).all()
    assert (with_first_cells(photo, baseline, order, 1.0, (2, 3)) == baseline).all()


def test_a_grid_that_does_not_divide_the_pixels_still_covers_them():
    photo, baseline = np.ones((5, 7, 3), np.uint8), np.zeros((5, 7, 3), np.uint8)
    order = ranking(GRID)
    hidden = with_first_cells(photo, baseline, order, 0.5, (2, 3))
    shown = with_first_cells(baseline, photo, order, 0.5, (2, 3))
    assert (hidden + shown == 1).all()


def test_the_area_of_a_straight_line_is_its_middle():
    assert step_shares(4).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert area_under(np.array([1.0, 0.75, 0.5, 0.25, 0.0])) == pytest.approx(0.5)
    assert area_under(np.array([1.0, 0.0, 0.0])) == pytest.approx(0.25)


def test_rank_correlation_is_that_of_the_order_alone():
    assert rank_correlation(GRID, np.exp(3.0 * GRID)) == pytest.approx(1.0)
    assert rank_correlation(GRID, -GRID) == pytest.approx(-1.0)
    assert np.isnan(rank_correlation(GRID, np.ones_like(GRID)))
    # Ranks 0, 1.5, 1.5, 3 and 0, 1, 2, 3: by hand 4.5 / sqrt(4.5 · 5).
    ties, order = np.array([0.0, 2.0, 2.0, 5.0]), np.array([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(ties, order) == pytest.approx(4.5 / np.sqrt(4.5 * 5.0))
