"""Which images judge a model that learns again and again from a growing collection."""

from pathlib import Path

import numpy as np
import pytest

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.splits import held_out_split

CATEGORIES = Categories(("common", "rare"))


def images(ids, rare=()):
    targets = np.zeros((len(ids), 2), dtype=bool)
    targets[:, 0] = True
    targets[list(rare), 1] = True
    paths = tuple(Path(f"{row}") for row in range(len(ids)))
    return LabelledImages("x", CATEGORIES, paths, targets, np.zeros_like(targets), tuple(ids))


def test_about_the_wanted_share_is_kept_apart_and_each_image_is_in_one_part():
    train, val = held_out_split(images([f"{i}" for i in range(1000)]), 0.2)
    assert sorted([*train, *val]) == list(range(1000))
    assert 160 < len(val) < 240


def test_what_once_judged_never_teaches_later_wherever_it_is_moved():
    ids = [f"{i}" for i in range(300)]
    _, val = held_out_split(images(ids), 0.2)
    grown = [f"new {i}" for i in range(200)] + ids[::-1]
    _, later = held_out_split(images(grown), 0.2)
    old = {ids[row] for row in val}
    assert {grown[row] for row in later} & set(ids) == old


def test_copies_of_an_image_stay_together():
    train, val = held_out_split(images([f"{i // 2}" for i in range(200)]), 0.3)
    assert {row // 2 for row in train}.isdisjoint({row // 2 for row in val})


def test_a_rare_category_is_in_both_parts_if_it_can_be_and_else_teaches():
    for seed in range(20):
        ids = [f"{seed}/{i}" for i in range(50)]
        labelled = images(ids, rare=(7, 9))
        parts = held_out_split(labelled, 0.2)
        assert [int(labelled.targets[rows, 1].sum()) for rows in parts] == [1, 1]


def test_neither_part_is_empty():
    for seed in range(20):
        train, val = held_out_split(images([f"{seed}", f"{seed} b"]), 0.01)
        assert len(train) == len(val) == 1
    with pytest.raises(DataError, match="too few"):
        held_out_split(images(["same", "same"]), 0.5)
