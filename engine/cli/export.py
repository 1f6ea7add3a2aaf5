"""``export``: write what the library knows of photos for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.cli.chosen import (
    add_library_arguments,
    chosen_ids,
    chosen_model,
    chosen_suggestions,
    chosen_thresholds,
    said_open,
)
from engine.cli.common import EXIT_DONE, EXIT_USAGE, Commands, say, with_bar
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.formats import FORMATS
from engine.interchange.exporting.job import export
from engine.interchange.exporting.values import ExportOptions, WhichLabels
from engine.library.backup import backups
from engine.resources import data_folder
from engine.texts import display_path


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("export", help="write decisions and tags for other programs")
    parser.set_defaults(command=_export)
    add_library_arguments(parser)
    add = parser.add_argument
    add("--format", choices=list(FORMATS), required=True)
    add("--output", type=Path, required=True, metavar="PLACE", help="file, or new folder")
    add(
        "--labels",
        choices=[which.value for which in WhichLabels],
        default=WhichLabels.ACCEPTED.value,
        help="accepted or typed by a person (default), the machine's, or both",
    )
    add("--filter", default="", metavar="TEXT", help="which of the photos, as in the window")
    add("--bom", action="store_true", help="csv: with the mark by which Excel knows UTF-8")
    add(
        "--all-scores",
        action="store_true",
        help="csv: a row for every label, also where it is absent; otherwise for those that a "
        "photo has and those that you decided on",
    )
    add("--copies", action="store_true", help="folders with photos: copies instead of links")


def _export(options: argparse.Namespace) -> int:
    place = options.library or data_folder() / "library.db"
    if not place.is_file() and not backups(place):  # with copies, opening says what is wrong
        say(f"error: there is no library {display_path(place)}; open photos in the window first.")
        return EXIT_USAGE
    with said_open(place) as library:
        model = chosen_model(library, options.model)
        choice = ExportChoice(
            chosen_ids(library, options.paths, recursive=options.recursive),
            WhichLabels(options.labels),
            model,
            chosen_thresholds(library, model, options.threshold),
            options.filter,
            chosen_suggestions(model),
        )
        wanted = ExportOptions(options.bom, options.copies, options.all_scores)
        work = export(library, choice, options.format, options.output, wanted)
        say(with_bar(work, "export").text())
    return EXIT_DONE
