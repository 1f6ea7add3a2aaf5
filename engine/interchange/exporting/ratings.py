"""Ratings, colour labels and titles in our own exports, read back."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.api.errors import DataError
from engine.data.datasets.label_cells import plain
from engine.data.datasets.reading import parse_json, read_json, text_lines
from engine.library.ratings import MOST_STARS, REJECTED
from engine.texts import display_path


@dataclass(frozen=True, slots=True)
class ExportedRating:
    """What an export says of a photo beside its labels: as ``ExportedImage`` has it."""

    rating: int = 0
    color: str = ""
    title: str = ""


def read_ratings(path: Path) -> dict[str, ExportedRating]:
    """What a table, JSON lines, an image folder or a FiftyOne data set of ours says of photos.

    Args:
        path: of the file, or of the folder.

    Returns:
        By the photo's name there; those without any of the three are not in it.

    Raises:
        DataError: it cannot be read, or is none of these.
    """
    if path.is_dir():
        lists = (path / "labels.json", path / "metadata.jsonl")
        path = next((one for one in lists if one.is_file()), path)
    readers = {".csv": _rows_of_csv, ".jsonl": _rows_of_lines, ".json": _rows_of_fiftyone}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{display_path(path)} is no list of ours with ratings.")
    return _rated(reader(path))


def _rated(rows: Iterable[tuple[str, Mapping[str, object]]]) -> dict[str, ExportedRating]:
    found = {}
    for name, said in rows:
        rating = _rating(said.get("rating"))
        color, title = (str(said.get(key) or "") for key in ("color", "title"))
        if rating or color or title:
            found[name] = ExportedRating(rating, color, title)
    return found


def _rating(said: object) -> int:
    try:
        rating = int(str(said or 0))
    except ValueError:
        return 0
    return rating if REJECTED <= rating <= MOST_STARS else 0


def _rows_of_csv(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    try:
        for row in csv.DictReader(text_lines(path)):
            yield plain(row.get("path") or ""), {k: plain(v or "") for k, v in row.items() if k}
    except (csv.Error, TypeError, AttributeError) as error:
        raise DataError(f"{display_path(path)} is no table of ours.") from error


def _rows_of_lines(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    for number, line in enumerate(text_lines(path), start=1):
        if line.strip():
            said = parse_json(line.encode(), f"Line {number} of {display_path(path)}")
            if isinstance(said, dict):
                yield str(said.get("path") or said.get("file_name") or ""), said


def _rows_of_fiftyone(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    content = read_json(path)
    said = content.get("csra") if isinstance(content, dict) else None
    for stem, known in (said if isinstance(said, dict) else {}).items():
        if isinstance(known, dict):
            yield str(stem), known
