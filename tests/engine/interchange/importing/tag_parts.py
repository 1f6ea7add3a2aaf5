"""Photos and files of tags for the tests of their import."""

import json
import os
from collections.abc import Generator
from pathlib import Path

import numpy as np

from engine.api.categories import Categories
from engine.interchange.importing.tag_paths import PathMap
from engine.interchange.importing.tag_values import TagProgress, TagReport, TagWish
from engine.interchange.importing.tags import import_tags
from engine.library.store import Library
from engine.library.values import LibraryModel
from engine.records.tag_rows import FileLook, TaggedBy, TagRow, write_tag_rows

MODEL = LibraryModel("fp-1", "Small", Categories(("cat", "dog", "=sum")))
BY = TaggedBy(MODEL.name, MODEL.fingerprint, MODEL.categories)
SCORES = (0.25, 0.75, 0.0)


def make_photo(path: Path, content: bytes = b"photo") -> Path:
    """A file that passes for a photo: an import never opens it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(1, 1_700_000_000_123_456_789))
    return path


def row(path: Path | str, scores=SCORES, look: FileLook | None = None, error=None) -> TagRow:
    values = np.array(() if error else scores, np.float32)
    at = FileLook.at(Path(path)) if look is None else look
    return TagRow(str(path), at, 0 if error else 4, 0 if error else 3, (), values, error)


def parquet(path: Path, *rows: TagRow, by: TaggedBy = BY) -> Path:
    write_tag_rows(path, rows, by)
    return path


def json_line(path: Path | str, scores=SCORES, **more: object) -> str:
    labels = [
        {"category": name, "label": name, "score": score}
        for name, score in zip(MODEL.categories, scores, strict=False)
    ]
    return json.dumps({"path": str(path), "model": "Small", "labels": labels, **more})


def lines(path: Path, *rows: str) -> Path:
    path.write_text("".join(f"{text}\n" for text in rows), encoding="utf-8")
    return path


def result(work: Generator[TagProgress, None, TagReport]) -> TagReport:
    while True:
        try:
            next(work)
        except StopIteration as end:
            report: TagReport = end.value
            return report


def imported(library: Library, *files: Path, models=(MODEL,), **wish: object) -> TagReport:
    base = wish.pop("base", None)
    asked = TagWish(**{"paths": PathMap((), base), **wish})
    return result(import_tags(library, files, asked, models))


def scores_in(library: Library, model: LibraryModel = MODEL) -> dict[str, list[float]]:
    files = library.files()
    stored = library.stored(files, model.fingerprint)
    return {
        files[image].path.name: scores.tolist()
        for image, scores in zip(stored.scored.tolist(), stored.scores, strict=True)
    }


def why(report: TagReport) -> dict[str, int]:
    return {counted.what: counted.count for counted in report.refused}
