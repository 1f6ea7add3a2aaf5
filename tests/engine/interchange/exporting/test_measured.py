"""What was measured of photos goes into tables and JSON, never among the labels."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.api.categories import Categories
from engine.api.facts import Fact
from engine.api.values import Prediction
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.job import export
from engine.interchange.exporting.values import WhichLabels
from engine.library.opening import open_library
from engine.library.values import LibraryModel, look_at

MODEL = LibraryModel("abc123", "Small", Categories(("dog", "person")))
SOFT = Fact.BLURRED | Fact.SQUARE_FORMAT


def exported(tmp_path: Path, name: str, filter_text: str = "") -> Path:
    """An export of a photo that is soft, one that is wide, and one that was not measured."""
    photos, target = tmp_path / "photos", tmp_path / f"export.{name}"
    photos.mkdir()
    paths = [photos / f"{stem}.png" for stem in ("soft", "wide", "unmeasured")]
    for path in paths:
        Image.new("RGB", (8, 8)).save(path)
    scores = np.array([0.9, 0.1], dtype=np.float32)
    facts = (SOFT, Fact.LANDSCAPE_FORMAT, None)
    with open_library(tmp_path / "library.db") as library:
        library.add_images([file for path in paths if (file := look_at(path)) is not None])
        library.add_model(MODEL)
        said = [
            Prediction(path, MODEL.fingerprint, scores, facts=fact)
            for path, fact in zip(paths, facts, strict=True)
        ]
        library.record_predictions(MODEL.fingerprint, said)
        chosen = library.ids_below(photos, recursive=True)
        choice = ExportChoice(chosen, WhichLabels.BOTH, MODEL, filter_text=filter_text)
        for _ in export(library, choice, name, target):
            pass
    return target


def test_csv_has_a_column_of_it(tmp_path: Path) -> None:
    with exported(tmp_path, "csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {Path(row["path"]).stem: row["measured"] for row in rows}
    assert found == {
        "soft": "square format; blurred",
        "wide": "landscape format",
        "unmeasured": "",
    }
    assert {row["label"] for row in rows} == {"dog", ""}


def test_json_lines_have_a_list_of_it(tmp_path: Path) -> None:
    rows = list(map(json.loads, exported(tmp_path, "jsonl").read_text().splitlines()))
    found = {Path(row["path"]).stem: row["measured"] for row in rows}
    assert found == {
        "soft": ["square format", "blurred"],
        "wide": ["landscape format"],
        "unmeasured": [],
    }
    assert {label["label"] for row in rows for label in row["labels"]} == {"dog"}


@pytest.mark.parametrize(
    ("filter_text", "expected"),
    [
        ("measured:blurred", ["soft"]),
        ("measured:* NOT measured:blurred", ["wide"]),
        ("NOT measured:*", ["unmeasured"]),
    ],
)
def test_a_filter_chooses_by_it(tmp_path: Path, filter_text: str, expected: list[str]) -> None:
    rows = exported(tmp_path, "jsonl", filter_text).read_text().splitlines()
    assert [Path(json.loads(row)["path"]).stem for row in rows] == expected
