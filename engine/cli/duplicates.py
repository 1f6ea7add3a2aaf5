"""``duplicates``: groups of photos that show nearly the same picture."""

from __future__ import annotations

import argparse
import json

from engine.cli.common import EXIT_DONE, EXIT_USAGE, Commands, say, with_bar, write_out
from engine.cli.described import add_comparing_arguments, described, ids_of, usable_library
from engine.cli.photos import find_photos, fraction
from engine.library.neighbours import DUPLICATES_FROM, near_duplicates
from engine.texts import photos_text


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("duplicates", help="find photos that are nearly the same")
    parser.set_defaults(command=_duplicates)
    add_comparing_arguments(parser)
    parser.add_argument(
        "--least",
        type=fraction,
        default=DUPLICATES_FROM,
        help="how much those of a group must be alike, 0 to 1 (default %(default)s)",
    )


def _duplicates(options: argparse.Namespace) -> int:
    """One line of JSON for each group, the largest first."""
    found = find_photos(options)
    if found is None:
        return EXIT_USAGE
    with usable_library(options) as library:
        index, images = described(library, options, found.paths)
        groups = with_bar(near_duplicates(index, ids_of(images), options.least), "compare")
    for group in groups:
        paths = [str(images[image_id]) for image_id in group]
        write_out(json.dumps({"paths": paths}))
    if groups:
        count = sum(map(len, groups))
        what = "group" if len(groups) == 1 else "groups"
        say(f"{photos_text(count)} in {len(groups):,} {what} of near-duplicates.")
    else:
        say(f"No near-duplicates among {photos_text(len(images))}.")
    return EXIT_DONE
