"""Which model counts where none is named, and whose thresholds count for its int8 network."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import cli
from engine.api.categories import Categories
from engine.api.values import Prediction
from engine.library.opening import open_library
from engine.library.schema import MIGRATIONS
from engine.library.values import LibraryModel, look_at

BEFORE = next(n for n, steps in enumerate(MIGRATIONS) if "int8_of" in "".join(steps))
NAMES = Categories(("cat", "dog"))
PLAIN = LibraryModel("aaaa", "lite", NAMES)
INT8 = LibraryModel("bbbb", "lite (int8)", NAMES, int8_of="aaaa")
OTHER = LibraryModel("cccc", "other", NAMES)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    path = tmp_path / "photos" / "a.png"
    Image.new("RGB", (8, 8)).save(path)
    return path


def said(model: LibraryModel, photo: Path, *scores: float) -> Prediction:
    return Prediction(photo, model.fingerprint, np.array(scores, dtype=np.float32))


def exported(photo: Path, *more: str) -> set[str]:
    """The machine's labels of the photo, as the command writes them."""
    target = photo.parents[1] / "labels.csv"
    target.unlink(missing_ok=True)
    where = [
        "--format",
        "csv",
        "--output",
        str(target),
        "--library",
        str(photo.parents[1] / "l.db"),
    ]
    assert cli.run(["export", str(photo.parent), *where, "--labels", "machine", *more]) == 0
    with target.open(newline="", encoding="utf-8") as stream:
        return {row["label"] for row in csv.DictReader(stream) if row["state"] == "present"}


def test_an_export_goes_by_the_model_that_was_used_last(photo: Path) -> None:
    with open_library(photo.parents[1] / "l.db") as library:
        library.add_images([file for path in (photo,) if (file := look_at(path))])
        library.use_model(PLAIN)
        library.record_predictions("aaaa", [said(PLAIN, photo, 0.9, 0.1)])
        library.use_model(OTHER)
        library.record_predictions("cccc", [said(OTHER, photo, 0.1, 0.9)])
    assert exported(photo) == {"dog"}
    with open_library(photo.parents[1] / "l.db") as library:
        library.use_model(PLAIN)
        library.add_model(OTHER)  # known, not used
        assert [model.name for model in library.models()] == ["other", "lite"]
    assert exported(photo) == {"cat"}
    assert exported(photo, "--model", "other") == {"dog"}


def test_scores_of_int8_go_by_the_thresholds_of_their_model(photo: Path) -> None:
    with open_library(photo.parents[1] / "l.db") as library:
        library.add_images([file for path in (photo,) if (file := look_at(path))])
        library.use_model(INT8)
        library.record_predictions("bbbb", [said(INT8, photo, 0.7, 0.7)])
        library.add_model(INT8.thresholds_of)
        library.set_own_thresholds("aaaa", {0: 0.8})
    assert exported(photo) == {"dog"}
    assert exported(photo, "--threshold", "0.6") == {"cat", "dog"}


def test_a_library_of_before_learns_whose_int8_network_it_has(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    with open_library(path, migrations=MIGRATIONS[:BEFORE]):
        pass
    with open_library(path) as library:
        library.add_model(replace(INT8, int8_of=""))  # as older versions noted it
        library.add_model(INT8)
        library.add_model(replace(INT8, int8_of=""))
        assert [model.int8_of for model in library.models()] == ["aaaa"]
        assert library.models()[0].thresholds_of == PLAIN
