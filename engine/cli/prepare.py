"""``prepare``: write a data set's labels as the JSON files that the official CSRA code reads."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.api.errors import DataError
from engine.cli.common import EXIT_DONE, Commands, add_follow_links, say
from engine.data.datasets.csra_json import OFFICIAL_FILES, OfficialFile, write_official
from engine.data.datasets.reading import listed, missing_files
from engine.data.datasets.registry import dataset_spec, load_dataset, recognise
from engine.texts import display_path


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    prepare = commands.add_parser(
        "prepare", help="write a data set's labels for the official CSRA code"
    )
    prepare.set_defaults(command=_prepare)
    prepare.add_argument("--dataset", required=True, choices=tuple(OFFICIAL_FILES))
    prepare.add_argument(
        "--data", required=True, type=Path, metavar="DIR", help="where the data set lies"
    )
    add_follow_links(prepare)
    prepare.add_argument(
        "--output",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="gets voc07, coco or wider (default: %(default)s, as the official code has it)",
    )
    prepare.add_argument(
        "--strict", action="store_true", help="stop at missing images and malformed entries"
    )


def _prepare(options: argparse.Namespace) -> int:
    there = dataset_spec(options.dataset).splits(options.data)
    files = [file for file in OFFICIAL_FILES[options.dataset] if file.split in there]
    if not files:
        wanted = " or ".join(file.split for file in OFFICIAL_FILES[options.dataset])
        kind = recognise(options.data)
        hint = f" It looks like {kind[0]} ({', '.join(kind[1])})." if kind else ""
        raise DataError(
            f"{display_path(options.data)} has no {options.dataset} split {wanted}.{hint}"
        )
    for file in OFFICIAL_FILES[options.dataset]:
        if file in files:
            _write(options, file)
        else:
            say(f"There is no split {file.split!r}, so no {file.name} is written.")
    return EXIT_DONE


def _write(options: argparse.Namespace, file: OfficialFile) -> None:
    # Like the official code, list images whether they are there or not, unless asked to be strict.
    images = load_dataset(
        options.dataset,
        options.data,
        file.split,
        strict=options.strict,
        check_files=options.strict,
        follow_links=options.follow_links,
    )
    if file.coding.ignored == file.coding.absent:
        images = images.all_understood()
    target = options.output / file.name
    count = write_official(images, file.coding, target)
    for problem in images.problems:
        say(problem)
    if missing := missing_files(images.paths):
        say(f"Images that are listed but missing ({len(missing)}): {listed(missing)}.")
    sys.stdout.write(f"{display_path(target)}  {count} rows\n")
