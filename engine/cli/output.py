"""Writing predictions as JSON lines, CSV or a table for the terminal."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TextIO

from engine.api.categories import Categories
from engine.api.facts import names_of
from engine.api.label_names import SHIPPED_NAMES, shown_label
from engine.api.values import Label, Prediction
from engine.cli.looks import Origin
from engine.texts import display_path

# A spreadsheet takes a cell that starts with one of these as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


#: The other files of photos that have several: the RAW of a JPEG.
OtherFiles = Mapping[Path, Sequence[Path]]
_NONE: OtherFiles = {}


class PredictionWriter(Protocol):
    """Writes one prediction after the other."""

    def write(self, prediction: Prediction) -> None:
        """Write one; it is on its way out when this returns."""
        ...


class JsonLinesWriter:
    """``{"path", "model", "labels": [{"category", "label", "score"}], "error"}`` per line.

    ``category`` is the model's name, ``label`` what it is called in the window. A photo that has
    other files, the RAW of a JPEG, has ``other_files``, too; ``measured`` has the names of the
    facts that were measured (``engine.api.facts``), which are no labels. A label that nobody has
    measured has ``suggestion``, too. With an ``origin`` there are ``model_id``, ``size`` and
    ``mtime`` of the file, by which an import knows it again.

    Args:
        file: text file.
        model: name of the model.
        categories: of the model.
        threshold: labels whose score reaches it are written, one for all or one for each
            category; 0 writes all.
        others: the other files of photos that have several.
        suggested: categories whose labels are suggestions.
    """

    def __init__(
        self,
        file: TextIO,
        model: str,
        categories: Categories,
        threshold: float | Sequence[float],
        others: OtherFiles = _NONE,
        suggested: frozenset[str] = frozenset(),
    ) -> None:
        self._file, self._model = file, model
        self._categories, self._threshold = categories, threshold
        self._others, self._suggested = others, suggested
        self.origin: Origin | None = None

    def write(self, prediction: Prediction) -> None:
        """Write one line, in ASCII: JSON's escapes carry any name through any terminal."""
        row: dict[str, object] = {
            "path": os.fspath(prediction.path),
            "model": self._model,
            "labels": [
                {
                    "category": label.category,
                    "label": SHIPPED_NAMES.label(label.category),
                    "score": round(label.score, 6),
                    **({"suggestion": True} if label.category in self._suggested else {}),
                }
                for label in prediction.labels(self._categories, self._threshold)
            ],
            "error": prediction.error,
        }
        others = self._others.get(prediction.path)
        if others:
            row["other_files"] = [os.fspath(path) for path in others]
        if self.origin is not None:
            row |= self.origin.next()
        if prediction.facts is not None:
            row["measured"] = list(names_of(prediction.facts))
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()


class CsvWriter:
    """A row per label: path, model, category, score, error, label; one for a photo without labels.

    If any photo has other files, the RAW of a JPEG, there is a column ``other_files`` for their
    names. The last column names the facts that were measured, with semicolons between. Cells that a
    spreadsheet would run as a formula get a leading apostrophe.
    """

    def __init__(
        self,
        file: TextIO,
        model: str,
        categories: Categories,
        threshold: float | Sequence[float],
        others: OtherFiles = _NONE,
        suggested: frozenset[str] = frozenset(),
    ) -> None:
        self._writer = csv.writer(file)
        self._file, self._model = file, model
        self._categories, self._threshold = categories, threshold
        self._others, self._suggested = others, suggested
        titles = ("path", "model", "category", "score", "error", "label")
        more = ("other_files", "measured") if others else ("measured",)
        more = (*more, "suggestion") if suggested else more
        self._writer.writerow((*titles, *more))

    def write(self, prediction: Prediction) -> None:
        """Write the rows of one image."""
        labels: tuple[Label | None, ...] = prediction.labels(self._categories, self._threshold)
        for label in labels or (None,):
            cells = [
                _printable(os.fspath(prediction.path)),
                self._model,
                label.category if label else "",
                f"{label.score:.6f}" if label else "",
                prediction.error or "",
                SHIPPED_NAMES.label(label.category) if label else "",
            ]
            if self._others:
                others = self._others.get(prediction.path, ())
                cells.append(_printable(" ".join(path.name for path in others)))
            cells.append("; ".join(_measured(prediction)))
            if self._suggested:
                cells.append("yes" if label and label.category in self._suggested else "")
            self._writer.writerow([harmless(cell) for cell in cells])
        self._file.flush()


class TableWriter:
    """One line per photo for a person at a terminal; suggestions have a question mark."""

    _NAME_WIDTH = 40

    def __init__(
        self,
        file: TextIO,
        model: str,
        categories: Categories,
        threshold: float | Sequence[float],
        others: OtherFiles = _NONE,
        suggested: frozenset[str] = frozenset(),
    ) -> None:
        self._file = file
        self._categories, self._threshold = categories, threshold
        self._others, self._suggested = others, suggested
        file.write(f"{'photo':<{self._NAME_WIDTH}}  labels ({model})\n")

    def write(self, prediction: Prediction) -> None:
        """Write one line."""
        others = self._others.get(prediction.path, ())
        kinds = "".join(f" +{path.suffix[1:].upper()}" for path in others)
        name = display_path(prediction.path) + kinds
        if len(name) > self._NAME_WIDTH:
            name = "…" + name[1 - self._NAME_WIDTH :]
        labels = prediction.labels(self._categories, self._threshold)
        text = ", ".join(
            f"{shown_label(label.category)}{'?' * (label.category in self._suggested)} "
            f"{label.score:.0%}"
            for label in labels
        )
        measured = ", ".join(_measured(prediction))
        if measured:
            text = f"{text or '–'}  [{measured}]"
        if prediction.error is not None:
            text = f"not read: {prediction.error}"
        self._file.write(f"{name:<{self._NAME_WIDTH}}  {text or '–'}\n")
        self._file.flush()


_MakeWriter = Callable[
    [TextIO, str, Categories, float | Sequence[float], OtherFiles, frozenset[str]], PredictionWriter
]
WRITERS: dict[str, _MakeWriter] = {
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
    "table": TableWriter,
}


def _measured(prediction: Prediction) -> tuple[str, ...]:
    return () if prediction.facts is None else names_of(prediction.facts)


def harmless(cell: str) -> str:
    """A cell of CSV with an apostrophe before what a spreadsheet would run as a formula."""
    is_number = cell.replace(".", "", 1).isdigit()
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) and not is_number else cell


def _printable(path: str) -> str:
    return path.encode(errors="surrogateescape").decode(errors="replace")
