"""What ``csra tag`` prints tells labels that nobody measured from the others."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np

from engine.api.categories import Categories
from engine.api.values import Prediction
from engine.cli.output import WRITERS

NAMES = Categories(("cat", "lizard", "dog"))
PREDICTION = Prediction(Path("a.jpg"), "model", np.array([0.9, 0.6, 0.1], dtype=np.float32))


def printed(form: str, suggested: frozenset[str]) -> str:
    file = io.StringIO()
    WRITERS[form](file, "model", NAMES, 0.5, {}, suggested).write(PREDICTION)
    return file.getvalue()


def test_a_suggestion_is_told_from_a_label_in_every_form() -> None:
    suggested = frozenset({"lizard", "dog"})
    labels = json.loads(printed("jsonl", suggested))["labels"]
    assert [("suggestion" in label, label["category"]) for label in labels] == [
        (False, "cat"),
        (True, "lizard"),
    ]
    rows = list(csv.DictReader(io.StringIO(printed("csv", suggested))))
    assert [(row["category"], row["suggestion"]) for row in rows] == [
        ("cat", ""),
        ("lizard", "yes"),
    ]
    assert "cat 90%, lizard? 60%" in printed("table", suggested)


def test_a_model_whose_labels_are_no_suggestions_has_no_column_for_them() -> None:
    assert "suggestion" not in printed("csv", frozenset())
    assert "?" not in printed("table", frozenset())
