"""What the tests of the library share."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np

from engine.api.categories import Categories
from engine.api.values import Prediction
from engine.library.backup import back_up
from engine.library.columns import VERDICT_CODES, Columns, attribute_columns, facts_column
from engine.library.connections import connect_reading
from engine.library.store import Library
from engine.library.values import ImageFile, LibraryModel, Verdict

CATEGORIES = Categories(("dog", "person", "traffic light"))
MODEL = LibraryModel("abc123", "Small", CATEGORIES)
ME = "me"
#: A migration that does not exist yet.
NEXT = (
    "CREATE TABLE notes (image_id INTEGER, note TEXT) STRICT",
    "INSERT INTO notes SELECT id, 'old' FROM images",
    "ALTER TABLE images ADD COLUMN stars INTEGER",
)


def files(count: int, folder: Path = Path("/photos/trip")) -> list[ImageFile]:
    return [
        ImageFile(folder / f"IMG_{i:04}.jpg", 1000 + i, 1_700_000_000 * 10**9) for i in range(count)
    ]


def prediction(path: Path, *scores: float) -> Prediction:
    return Prediction(path, MODEL.fingerprint, np.array(scores, dtype=np.float32), 640, 480)


def filled(library: Library, count: int = 4) -> list[int]:
    """Add images whose scores for dog go from 0 up to 1, with person at 0.7 everywhere."""
    found = files(count)
    ids = library.add_images(found)
    library.add_model(MODEL)
    batch = [prediction(f.path, i / max(1, count - 1), 0.7, 0.1) for i, f in enumerate(found)]
    library.record_predictions(MODEL.fingerprint, batch)
    return ids


def categories_of(
    library: Library, image_id: int, fingerprint: str = MODEL.fingerprint
) -> set[str]:
    """The labels of an image that count, at a threshold of one half."""
    known = library.stored([image_id], fingerprint)
    said = {category: verdict for _, category, verdict in known.verdicts}
    scores = known.scores[0] if len(known.scores) else ()
    above = {name for name, score in zip(CATEGORIES, scores, strict=False) if score >= 0.5}
    return {name for name in above | said.keys() if said.get(name) is not Verdict.REJECTED}


def columns_of(library: Library) -> Columns:
    """All images that have not vanished, by id, laid out as the window does it."""
    found = library.files()
    ids = sorted(found)
    known = library.stored(ids, MODEL.fingerprint)
    names = tuple(dict.fromkeys((*CATEGORIES, *sorted(name for _, name, _ in known.verdicts))))
    folders = tuple(dict.fromkeys(str(found[i].path.parent) for i in ids))
    scores = np.full((len(ids), len(CATEGORIES)), np.nan, dtype=np.float16)
    scores[np.searchsorted(ids, known.scored)] = known.scores
    verdicts = np.zeros((len(ids), len(names)), dtype=np.uint8)
    for image, name, verdict in known.verdicts:
        verdicts[ids.index(image), names.index(name)] = VERDICT_CODES[verdict]
    return Columns(
        image_ids=np.array(ids, dtype=np.int64),
        names=tuple(found[i].path.name for i in ids),
        folders=folders,
        folder_of=np.array([folders.index(str(found[i].path.parent)) for i in ids], dtype=np.int64),
        mtimes_ns=np.array([found[i].mtime_ns for i in ids], dtype=np.int64),
        reviewed=np.array([i in known.reviewed for i in ids], dtype=bool),
        failed=np.array([i in known.errors for i in ids], dtype=bool),
        categories=names,
        model_categories=len(CATEGORIES),
        scores=scores,
        verdicts=verdicts,
        attributes=attribute_columns(
            len(ids), ((ids.index(i), *said) for i, *said in known.attributes)
        ),
        facts=facts_column(len(ids), ((ids.index(i), bits) for i, bits in known.facts)),
    )


def untagged(library: Library) -> dict[int, Path]:
    """The images that the model has neither scored nor failed on, in the order they came."""
    found = library.files()
    known = library.stored(found, MODEL.fingerprint)
    done = {*known.scored.tolist(), *known.errors}
    return {image: found[image].path for image in sorted(found.keys() - done)}


def backed_up(path: Path) -> Path:
    """Copy a library, which may be open, as opening it does once a day."""
    with contextlib.closing(connect_reading(path)) as connection:
        return back_up(connection, path)
