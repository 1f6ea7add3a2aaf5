"""Writing predictions as JSON lines, CSV or a table for the terminal."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from typing import Protocol, TextIO

from engine.api.categories import Categories
from engine.api.label_names import SHIPPED_NAMES, shown_label
from engine.api.values import Label, Prediction
from engine.texts import display_path

# A spreadsheet takes a cell that starts with one of these as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class PredictionWriter(Protocol):
    """Writes one prediction after the other."""

    def write(self, prediction: Prediction) -> None:
        """Write one; it is on its way out when this returns."""
        ...


class JsonLinesWriter:
    """``{"path", "model", "labels": [{"category", "label", "score"}], "error"}`` per line.

    ``category`` is the model's name, ``label`` what it is called in the window.

    Args:
        file: text file.
        model: name of the model.
        categories: of the model.
        threshold: labels whose score reaches it are written; 0 writes all.
    """

    def __init__(self, file: TextIO, model: str, categories: Categories, threshold: float) -> None:
        self._file, self._model = file, model
        self._categories, self._threshold = categories, threshold

    def write(self, prediction: Prediction) -> None:
        """Write one line, in ASCII: JSON's escapes carry any name through any terminal."""
        row = {
            "path": os.fspath(prediction.path),
            "model": self._model,
            "labels": [
                {
                    "category": label.category,
                    "label": SHIPPED_NAMES.label(label.category),
                    "score": round(label.score, 6),
                }
                for label in prediction.labels(self._categories, self._threshold)
            ],
            "error": prediction.error,
        }
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()


class CsvWriter:
    """A row per label: path, model, category, score, error, label; one for a photo without labels.

    Cells that a spreadsheet would run as a formula get a leading apostrophe.
    """

    def __init__(self, file: TextIO, model: str, categories: Categories, threshold: float) -> None:
        self._writer = csv.writer(file)
        self._file, self._model = file, model
        self._categories, self._threshold = categories, threshold
        self._writer.writerow(("path", "model", "category", "score", "error", "label"))

    def write(self, prediction: Prediction) -> None:
        """Write the rows of one image."""
        labels: tuple[Label | None, ...] = prediction.labels(self._categories, self._threshold)
        for label in labels or (None,):
            cells = (
                _printable(os.fspath(prediction.path)),
                self._model,
                label.category if label else "",
                f"{label.score:.6f}" if label else "",
                prediction.error or "",
                SHIPPED_NAMES.label(label.category) if label else "",
            )
            self._writer.writerow([_harmless(cell) for cell in cells])
        self._file.flush()


class TableWriter:
    """One line per photo for a person at a terminal."""

    _NAME_WIDTH = 40

    def __init__(self, file: TextIO, model: str, categories: Categories, threshold: float) -> None:
        self._file = file
        self._categories, self._threshold = categories, threshold
        file.write(f"{'photo':<{self._NAME_WIDTH}}  labels ({model})\n")

    def write(self, prediction: Prediction) -> None:
        """Write one line."""
        name = display_path(prediction.path)
        if len(name) > self._NAME_WIDTH:
            name = "…" + name[1 - self._NAME_WIDTH :]
        labels = prediction.labels(self._categories, self._threshold)
        text = ", ".join(f"{shown_label(label.category)} {label.score:.0%}" for label in labels)
        if prediction.error is not None:
            text = f"not read: {prediction.error}"
        self._file.write(f"{name:<{self._NAME_WIDTH}}  {text or '–'}\n")
        self._file.flush()


_MakeWriter = Callable[[TextIO, str, Categories, float], PredictionWriter]
WRITERS: dict[str, _MakeWriter] = {
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
    "table": TableWriter,
}


def _harmless(cell: str) -> str:
    is_number = cell.replace(".", "", 1).isdigit()
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) and not is_number else cell


def _printable(path: str) -> str:
    return path.encode(errors="surrogateescape").decode(errors="replace")
