"""``similar``: which photos are most like one, best first."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np

from engine.cli.common import EXIT_DONE, EXIT_ENGINE_ERROR, EXIT_USAGE, Commands, say, write_out
from engine.cli.described import add_comparing_arguments, described, ids_of, usable_library
from engine.cli.photos import find_photos, fraction
from engine.data.patience import ask
from engine.library.neighbours import SIMILAR_FROM
from engine.texts import display_path

_LIMIT = 20


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("similar", help="find the photos that are most like one")
    parser.set_defaults(command=_similar)
    add = parser.add_argument
    add("photo", type=Path, metavar="PHOTO", help="what they shall be like")
    add_comparing_arguments(parser)
    add("--limit", type=_count, default=_LIMIT, help="so many at most (default %(default)s)")
    add(
        "--least",
        type=fraction,
        default=SIMILAR_FROM,
        help="how much they must be alike, 0 to 1 (default %(default)s)",
    )
    add("--format", choices=("jsonl", "table"), default="jsonl")


def _similar(options: argparse.Namespace) -> int:
    if not ask(options.photo.is_file, True):
        say(f"error: there is no photo {display_path(options.photo)!r}.")
        return EXIT_USAGE
    found = find_photos(options)
    if found is None:
        return EXIT_USAGE
    own = Path(os.path.abspath(options.photo))  # noqa: PTH100 - the library doesn't follow links
    with usable_library(options) as library:
        index, images = described(library, options, [own, *found.paths])
        asked = [image_id for image_id, path in images.items() if path == own]
        if not asked:
            say(f"error: {display_path(options.photo)!r} cannot be read, so nothing is like it.")
            return EXIT_ENGINE_ERROR
        others = {image_id: path for image_id, path in images.items() if path != own}
        ids = ids_of(others)
        values = index.similarities(asked, ids)
    if values is None:
        return EXIT_DONE
    enough = np.flatnonzero(values >= np.float32(options.least))
    best = enough[np.argsort(-values[enough], kind="stable")][: options.limit]
    for place in best.tolist():
        write_out(_line(others[int(ids[place])], float(values[place]), options.format))
    if not len(best):
        say(f"None of {len(others):,} photos is alike to {options.least:g} or more.")
    return EXIT_DONE


def _line(path: Path, similarity: float, form: str) -> str:
    if form == "table":
        return f"{similarity:.3f}  {display_path(path)}"
    return json.dumps({"path": str(path), "similarity": round(similarity, 4)})


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value
