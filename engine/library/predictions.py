"""What models said, in the library's tables; each function runs in the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.errors import ConfigError
from engine.api.passing import PASSING
from engine.api.values import Prediction
from engine.library.descriptors import note_descriptor
from engine.library.errors import LibraryError
from engine.library.images import find_image
from engine.library.measured import note_facts
from engine.library.values import LibraryModel

HalfArray = NDArray[np.float16]
#: So many images are taken over from another model at a time: some milliseconds of work.
TAKEN_AT_ONCE = 5000
SCORE_TYPE = np.dtype("<f2")


def add_model(connection: sqlite3.Connection, model: LibraryModel) -> None:
    """Make a model known, or give it its present name; needed before its predictions.

    Raises:
        LibraryError: it is known with other categories.
    """
    categories = json.dumps(list(model.categories), ensure_ascii=False)
    if model.former and model.former != model.fingerprint:
        # Its scores are the same, so nothing has to be tagged again.
        connection.execute(
            "UPDATE OR IGNORE models SET fingerprint = ? WHERE fingerprint = ?",
            (model.fingerprint, model.former),
        )
    connection.execute(
        "INSERT INTO models (fingerprint, name, categories, int8_of) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (fingerprint) DO UPDATE SET name = excluded.name,"
        " int8_of = iif(excluded.int8_of = '', int8_of, excluded.int8_of)",
        (model.fingerprint, model.name, categories, model.int8_of),
    )
    if find_model(connection, model.fingerprint)[1].categories != model.categories:
        raise LibraryError(f"The library knows {model.name} with other categories.")


def use_model(connection: sqlite3.Connection, model: LibraryModel) -> None:
    """As ``add_model``; from now on it is the one that was used last.

    Raises:
        LibraryError: it is known with other categories.
    """
    add_model(connection, model)
    connection.execute(
        "UPDATE models SET used = (SELECT max(used) FROM models) + 1"
        " WHERE fingerprint = ? AND (used = 0 OR used < (SELECT max(used) FROM models))",
        (model.fingerprint,),
    )


def models(connection: sqlite3.Connection) -> list[LibraryModel]:
    """All models, the one that was used last at the end; before, in the order they came."""
    rows = connection.execute(
        "SELECT fingerprint, name, categories, int8_of FROM models ORDER BY used, id"
    )
    return [_model(*row) for row in rows]


def find_model(connection: sqlite3.Connection, fingerprint: str) -> tuple[int, LibraryModel]:
    """A model and its key in the tables.

    Raises:
        LibraryError: the library does not know it.
    """
    row = connection.execute(
        "SELECT id, fingerprint, name, categories, int8_of FROM models WHERE fingerprint = ?",
        (fingerprint,),
    ).fetchone()
    if row is None:
        raise LibraryError("The library has nothing of this model yet.")
    return int(row[0]), _model(*row[1:])


def _model(fingerprint: str, name: str, categories: str, int8_of: str) -> LibraryModel:
    try:
        names = Categories(tuple(json.loads(categories)))
        return LibraryModel(fingerprint, name, names, int8_of=int8_of)
    except (ValueError, TypeError, RecursionError) as error:
        raise LibraryError(f"The library's list of categories is damaged: {error}") from error


def record(
    connection: sqlite3.Connection, fingerprint: str, predictions: Sequence[Prediction]
) -> int:
    """Store one batch of a model, all or nothing, in place of what it said before.

    Decisions are not touched.

    Returns:
        How many; images that are no longer in the library are passed over, and those that could
        not be looked at for reasons that pass.

    Raises:
        LibraryError: the model is not known or has another number of categories.
    """
    model, info = find_model(connection, fingerprint)
    recorded = 0
    for prediction in predictions:
        if prediction.error in PASSING:
            continue
        image = find_image(connection, prediction.path)
        if image is not None:
            _record_one(connection, model, image, prediction, len(info.categories))
            recorded += 1
    return recorded


def _record_one(
    connection: sqlite3.Connection, model: int, image: int, prediction: Prediction, count: int
) -> None:
    error = prediction.error
    if error is None and prediction.scores.shape != (count,):
        raise LibraryError(f"There are {len(prediction.scores)} scores for {count} categories.")
    if error is None and not np.isfinite(prediction.scores).all():
        error = "The model gave no usable scores."
    if error is None:
        scores = prediction.scores.clip(0.0, 1.0).astype(SCORE_TYPE).tobytes()
        connection.execute("REPLACE INTO scores VALUES (?, ?, ?)", (model, image, scores))
        obsolete = "DELETE FROM errors WHERE model_id = ? AND image_id = ?"
    else:
        message = error.encode("utf-8", "replace").decode()
        connection.execute("REPLACE INTO errors VALUES (?, ?, ?)", (model, image, message))
        obsolete = "DELETE FROM scores WHERE model_id = ? AND image_id = ?"
    connection.execute(obsolete, (model, image))
    connection.execute(
        "DELETE FROM provisional WHERE model_id = ? AND image_id = ?", (model, image)
    )
    if error is None and prediction.descriptor is not None:
        note_descriptor(connection, image, prediction.descriptor)
    if error is None and prediction.facts is not None:
        note_facts(connection, image, prediction.facts)


def take_over_scores(connection: sqlite3.Connection, fingerprint: str, origin: str) -> int:
    """Give images that a model has not seen the scores of the one it was taught from.

    They are provisional: they count until the model has seen the images. Categories that the
    other one does not know have no score meanwhile.

    Args:
        connection: to the library.
        fingerprint: of the model.
        origin: of the one that it was taught from.

    Returns:
        How many images; with ``TAKEN_AT_ONCE`` there may be more.

    Raises:
        LibraryError: the model is not known.
    """
    model, info = find_model(connection, fingerprint)
    known = {other.fingerprint for other in models(connection)}
    if origin not in known:
        return 0
    old, old_info = find_model(connection, origin)
    rows = connection.execute(
        "SELECT image_id, scores FROM scores WHERE model_id = ? AND length(scores) = ?"
        " AND image_id NOT IN (SELECT image_id FROM scores WHERE model_id = ?)"
        " AND image_id NOT IN (SELECT image_id FROM errors WHERE model_id = ?) LIMIT ?",
        (old, len(old_info.categories) * SCORE_TYPE.itemsize, model, model, TAKEN_AT_ONCE),
    ).fetchall()
    before = np.frombuffer(b"".join(row[1] for row in rows), dtype=SCORE_TYPE)
    before = before.reshape(len(rows), len(old_info.categories))
    scores = carried_scores(before, old_info.categories, info.categories).astype(SCORE_TYPE)
    connection.executemany(
        "INSERT INTO scores VALUES (?, ?, ?)",
        [(model, row[0], one.tobytes()) for row, one in zip(rows, scores, strict=True)],
    )
    connection.executemany(
        "REPLACE INTO provisional VALUES (?, ?)", [(model, row[0]) for row in rows]
    )
    return len(rows)


def carried_scores(scores: HalfArray, old: Sequence[str], new: Sequence[str]) -> HalfArray:
    """Scores (N, C) of a model for the categories of another one; NaN where it knows nothing."""
    places = {name: place for place, name in enumerate(old)}
    carried = np.full((len(scores), len(new)), np.nan, dtype=np.float16)
    for column, name in enumerate(new):
        if name in places:
            carried[:, column] = scores[:, places[name]]
    return carried


def own_thresholds(connection: sqlite3.Connection, fingerprint: str) -> dict[int, float]:
    """The thresholds that were set, by the category's index; none for an unknown model."""
    rows = connection.execute(
        "SELECT category, threshold, categories FROM thresholds JOIN models ON models.id = model_id"
        " WHERE fingerprint = ?",
        (fingerprint,),
    )
    return {
        int(category): float(threshold)
        for category, threshold, names in rows
        if 0 <= category < len(json.loads(names))
    }


def set_own_thresholds(
    connection: sqlite3.Connection, fingerprint: str, values: Mapping[int, float]
) -> None:
    """Store some thresholds of a model and forget all others.

    Raises:
        ConfigError: one lies outside of [0, 1].
        LibraryError: the model is not known.
    """
    model, _ = find_model(connection, fingerprint)
    if not all(0 <= value <= 1 for value in values.values()):
        raise ConfigError("Thresholds lie between 0 and 1.")
    connection.execute("DELETE FROM thresholds WHERE model_id = ?", (model,))
    connection.executemany(
        "INSERT INTO thresholds VALUES (?, ?, ?)",
        [(model, category, float(value)) for category, value in values.items()],
    )


def forget_predictions(connection: sqlite3.Connection, image_ids: Iterable[int]) -> None:
    """What models said of images, and what was measured, is void: they look otherwise now."""
    ids = [(image_id,) for image_id in image_ids]
    for table in ("scores", "errors", "provisional", "examples", "descriptors", "measured"):
        connection.executemany(f"DELETE FROM {table} WHERE image_id = ?", ids)  # noqa: S608
