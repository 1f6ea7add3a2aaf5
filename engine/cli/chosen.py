"""What the commands over the library share: which library, photos, model and thresholds."""

from __future__ import annotations

import argparse
import getpass
import os
from pathlib import Path

import numpy as np

from engine.api.errors import EngineError
from engine.api.label_measures import LabelMeasure, least_scores, suggestions
from engine.api.values import DEFAULT_THRESHOLD, FloatArray
from engine.cli.common import say
from engine.cli.photos import fraction
from engine.library.backup import backups
from engine.library.columns import IntArray
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import LibraryModel
from engine.records.inventory import measures_of
from engine.records.models import default_store
from engine.resources import data_folder
from engine.texts import display_path


def add_library_arguments(parser: argparse.ArgumentParser, paths: str = "+") -> None:
    """Add what says which photos of which library, and whose scores."""
    add = parser.add_argument
    add("paths", nargs=paths, type=Path, metavar="PATH", help="photo or folder of the library")
    add("--model", metavar="NAME", help="whose scores count; default: the one that was used last")
    add(
        "--threshold",
        type=fraction,
        help=f"least score of the machine's tags (default: your own, or {DEFAULT_THRESHOLD})",
    )
    add("--recursive", "-r", action="store_true", help="also folders in folders")
    add("--library", type=Path, metavar="FILE", help="default: the window's library")


def library_place(options: argparse.Namespace, *, may_be_new: bool = False) -> Path:
    """The library's file.

    Args:
        options: of ``add_library_arguments``.
        may_be_new: whether it is made if there is none.

    Raises:
        EngineError: there is none.
    """
    place: Path = options.library or data_folder() / "library.db"
    if may_be_new:
        place.parent.mkdir(parents=True, exist_ok=True)
    elif not place.is_file() and not backups(place):  # with copies, opening says what is wrong
        raise EngineError(
            f"There is no library {display_path(place)}; open photos in the window first."
        )
    return place


def said_open(place: Path) -> Library:
    """The library, open; what a person should know of how it was found is said.

    Raises:
        LibraryError: it is damaged, or open elsewhere, or cannot be written.
    """
    library = open_library(place)
    if library.notice:
        say(f"warning: {library.notice}")
    return library


def person() -> str:
    """Who sits at the computer, for the library to note who said what."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name
        return "person"


def chosen_ids(library: Library, paths: list[Path], *, recursive: bool) -> IntArray:
    """The photos of the library that were named, each once.

    Raises:
        EngineError: the library has nothing there.
    """
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


def chosen_model(library: Library, name: str | None) -> LibraryModel | None:
    """The model whose scores count: the named one, or the one that was used last.

    Raises:
        EngineError: the library knows none of this name.
    """
    models = library.models()
    if name is None:
        return models[-1] if models else None
    for model in reversed(models):
        if name in (model.name, model.fingerprint):
            return model
    known = ", ".join(dict.fromkeys(model.name for model in models)) or "none"
    raise EngineError(f"The library has no scores of a model called {name!r}; it has: {known}.")


def chosen_thresholds(
    library: Library, model: LibraryModel | None, threshold: float | None
) -> FloatArray | None:
    """(C,): the least scores of its labels: one for all, or the person's own.

    Suggestions need the usual one at least, as in the window.
    """
    if model is None:
        return None
    usual = DEFAULT_THRESHOLD if threshold is None else threshold
    values = np.empty(len(model.categories), dtype=np.float32)
    values[:] = least_scores(_measures(model), usual, DEFAULT_THRESHOLD)
    if threshold is None:
        for place, own in library.own_thresholds(model.thresholds_of.fingerprint).items():
            values[place] = own
    return values


def chosen_suggestions(model: LibraryModel | None) -> tuple[int, ...]:
    """Places of labels that the machine may only suggest, as its file says; none if it is gone."""
    if model is None:
        return ()
    return suggestions(_measures(model))


def _measures(model: LibraryModel) -> tuple[LabelMeasure, ...] | None:
    return measures_of(model.thresholds_of.fingerprint, default_store())
