"""A library with some photos, of which things were said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.api.categories import Categories
from engine.api.values import Prediction
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import LibraryModel, Verdict, Wish, look_at
from tests.engine.images import save_image

MODEL = LibraryModel("abc", "Small", Categories(("dog", "person", "cat")))
NAMES = ("a.jpg", "b.png", "ä ö.jpg", "unseen.jpg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "photos"
    place.mkdir()
    for name in NAMES:
        save_image(place / name, 8, 6)
    return place


@pytest.fixture
def library(tmp_path: Path, folder: Path) -> Iterator[Library]:
    """``a`` was accepted as dog and rejected as cat; ``b`` was given Grandma and a & <b>."""
    with open_library(tmp_path / "library.db") as opened:
        paths = [folder / name for name in NAMES]
        ids = opened.add_images([file for path in paths if (file := look_at(path))])
        opened.add_model(MODEL)
        rows = ((0.9, 0.8, 0.7), (0.1, 0.8, 0.1), (0.9, 0.1, 0.1))
        opened.record_predictions(
            "abc",
            [
                Prediction(path, "abc", np.array(row, dtype=np.float32), 8, 6)
                for path, row in zip(paths, rows, strict=False)
            ],
        )
        wishes = [
            Wish(ids[0], "dog", Verdict.ACCEPTED),
            Wish(ids[0], "cat", Verdict.REJECTED),
            Wish(ids[1], "Grandma", Verdict.ADDED),
            Wish(ids[1], "a & <b>", Verdict.ADDED),
            Wish(ids[2], "dog", Verdict.ACCEPTED),
        ]
        opened.decide(wishes, who="me", caption="Test")
        yield opened
