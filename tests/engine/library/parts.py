"""What the tests of the library share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.api.categories import Categories
from engine.api.values import Prediction
from engine.library.store import Library
from engine.library.values import ImageFile, LibraryModel

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


def categories_of(library: Library, image_id: int) -> set[str]:
    return {label.category for label in library.labels(image_id, MODEL.fingerprint)}
