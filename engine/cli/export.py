"""``export``: write what the library knows of photos for other programs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

from engine.api.errors import EngineError
from engine.api.values import DEFAULT_THRESHOLD, FloatArray
from engine.cli.common import EXIT_DONE, EXIT_USAGE, Commands, say, with_bar
from engine.cli.photos import fraction
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.formats import FORMATS
from engine.interchange.exporting.job import export
from engine.interchange.exporting.values import ExportOptions, WhichLabels
from engine.library.columns import IntArray
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import LibraryModel
from engine.resources import data_folder
from engine.texts import display_path


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("export", help="write decisions and tags for other programs")
    parser.set_defaults(command=_export)
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH", help="photo or folder of the library")
    add("--format", choices=list(FORMATS), required=True)
    add("--output", type=Path, required=True, metavar="PLACE", help="file, or new folder")
    add(
        "--labels",
        choices=[which.value for which in WhichLabels],
        default=WhichLabels.ACCEPTED.value,
        help="accepted or typed by a person (default), the machine's, or both",
    )
    add("--filter", default="", metavar="TEXT", help="which of the photos, as in the window")
    add("--model", metavar="NAME", help="whose scores count; default: the last one")
    add(
        "--threshold",
        type=fraction,
        help=f"least score of the machine's tags (default: your own, or {DEFAULT_THRESHOLD})",
    )
    add("--recursive", "-r", action="store_true", help="also folders in folders")
    add("--bom", action="store_true", help="csv: with the mark by which Excel knows UTF-8")
    add("--copies", action="store_true", help="folders with photos: copies instead of links")
    add("--library", type=Path, metavar="FILE", help="default: the window's library")


def _export(options: argparse.Namespace) -> int:
    place = options.library or data_folder() / "library.db"
    if not place.is_file():
        say(f"error: there is no library {display_path(place)}; open photos in the window first.")
        return EXIT_USAGE
    with open_library(place) as library:
        model = _model(library, options.model)
        choice = ExportChoice(
            _chosen(library, options.paths, recursive=options.recursive),
            WhichLabels(options.labels),
            model,
            _thresholds(library, model, options.threshold),
            options.filter,
        )
        wanted = ExportOptions(bom=options.bom, copies=options.copies)
        work = export(library, choice, options.format, options.output, wanted)
        say(with_bar(work, "export").text())
    return EXIT_DONE


def _chosen(library: Library, paths: list[Path], *, recursive: bool) -> IntArray:
    found = []
    for path in paths:
        place = Path(os.path.abspath(path))  # noqa: PTH100 - the library doesn't follow links
        ids = library.ids_below(place, recursive=recursive)
        if not len(ids):
            hint = " Open" if recursive else " Try --recursive, or open"
            raise EngineError(
                f"The library has no photo in {display_path(path)}.{hint} it in the window."
            )
        found.append(ids)
    ids = np.concatenate(found)
    _, first = np.unique(ids, return_index=True)
    return np.asarray(ids[np.sort(first)], dtype=np.int64)


def _model(library: Library, name: str | None) -> LibraryModel | None:
    models = library.models()
    if name is None:
        return models[-1] if models else None
    for model in reversed(models):
        if name in (model.name, model.fingerprint):
            return model
    known = ", ".join(dict.fromkeys(model.name for model in models)) or "none"
    raise EngineError(f"The library has no scores of a model called {name!r}; it has: {known}.")


def _thresholds(
    library: Library, model: LibraryModel | None, threshold: float | None
) -> FloatArray | None:
    if model is None:
        return None
    usual = DEFAULT_THRESHOLD if threshold is None else threshold
    values = np.full(len(model.categories), usual, dtype=np.float32)
    if threshold is None:
        for place, own in library.own_thresholds(model.fingerprint).items():
            values[place] = own
    return values
