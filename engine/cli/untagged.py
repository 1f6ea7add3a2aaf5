"""Photos that the library has no scores of: found, tagged and noted."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.api.config import PredictConfig
from engine.api.values import Prediction
from engine.cli.common import say, with_bar
from engine.data.scan import scan
from engine.library.store import Library
from engine.library.values import LibraryImage, LibraryModel, look_at
from engine.service.local import LocalEngine
from engine.texts import display_path, display_text

_AT_ONCE = 64
_ASKED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Tagged:
    """How many of the photos are done."""

    done: int
    total: int


def tag_untagged(library: Library, options: argparse.Namespace) -> LibraryModel:
    """Note the photos that were named, and what the model says of those it has not seen yet.

    Returns:
        The model.

    Raises:
        EngineError: the model cannot be opened, or the library cannot be written.
    """
    images = _noted(library, options)
    with contextlib.closing(
        LocalEngine(options.device, backend=options.backend, precision=options.precision)
    ) as engine:
        info = engine.open_model(options.model)
        model = LibraryModel.of(info)
        library.use_model(model)
        missing = _untagged(library, model, images)
        if missing:
            with_bar(tag_into(library, engine, info.id, missing), "tag")
    return model


def _noted(library: Library, options: argparse.Namespace) -> list[LibraryImage]:
    paths = [Path(os.path.abspath(path)) for path in options.paths]  # noqa: PTH100 - see chosen
    images = []
    for batch in scan(paths, recursive=options.recursive):
        files = [file for path in batch.paths if (file := look_at(path)) is not None]
        ids = library.add_images(files)
        images += [LibraryImage(i, file.path) for i, file in zip(ids, files, strict=True)]
        for problem in batch.skipped:
            say(f"{display_path(problem.path)}: {display_text(problem.message)}")
    return images


def _untagged(library: Library, model: LibraryModel, images: list[LibraryImage]) -> list[Path]:
    missing = []
    for start in range(0, len(images), _ASKED_AT_ONCE):
        some = images[start : start + _ASKED_AT_ONCE]
        stored = library.stored([image.id for image in some], model.fingerprint)
        known = {*stored.scored[~stored.provisional].tolist(), *stored.errors}
        missing += [image.path for image in some if image.id not in known]
    return missing


def tag_into(
    library: Library,
    engine: LocalEngine,
    fingerprint: str,
    paths: Sequence[Path],
    config: PredictConfig | None = None,
) -> Generator[Tagged, None, None]:
    """Tag photos and note in the library what comes out.

    Args:
        library: knows the photos and the model.
        engine: has the model open.
        fingerprint: of the model.
        paths: of the photos.
        config: how to run it; ``None`` is as usual, and to measure what is decoded.
    """
    config = config or PredictConfig(facts=True)
    waiting: list[Prediction] = []
    done = 0
    with contextlib.closing(engine.predict(fingerprint, paths, config)) as predictions:
        for prediction in predictions:
            waiting.append(prediction)
            done += 1
            if len(waiting) >= _AT_ONCE or done == len(paths):
                library.record_predictions(fingerprint, waiting)
                waiting = []
                yield Tagged(done, len(paths))
    if waiting:
        library.record_predictions(fingerprint, waiting)
