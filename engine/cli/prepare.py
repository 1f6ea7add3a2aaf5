"""``prepare``: write a data set's labels as the JSON files that the official CSRA code reads."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.atomic import write_text
from engine.cli.common import EXIT_DONE, Commands, add_follow_links, say
from engine.data.datasets.annotation_places import WHOLE
from engine.data.datasets.csra_json import (
    BINARY,
    OFFICIAL_FILES,
    WIDER_TEST,
    TargetCoding,
    write_official,
)
from engine.data.datasets.folder import CATEGORIES_FILE
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.reading import listed, missing_files
from engine.data.datasets.registry import DATASETS, dataset_spec, load_dataset, recognise
from engine.texts import display_path


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    prepare = commands.add_parser(
        "prepare", help="write a data set's labels for the official CSRA code"
    )
    prepare.set_defaults(command=_prepare)
    prepare.add_argument("--dataset", required=True, metavar="KIND", help=", ".join(DATASETS))
    prepare.add_argument(
        "--data", required=True, type=Path, metavar="DIR", help="where the data set lies"
    )
    add_follow_links(prepare)
    prepare.add_argument(
        "--output",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="gets voc07, coco, wider or a folder of the kind's name (default: %(default)s, as the "
        "official code has it)",
    )
    prepare.add_argument(
        "--strict", action="store_true", help="stop at missing images and malformed entries"
    )


def _prepare(options: argparse.Namespace) -> int:
    kind = dataset_spec(options.dataset).name
    there = dataset_spec(options.dataset).splits(options.data)
    if kind not in OFFICIAL_FILES:
        # Without a split the reader says what it expects.
        return _prepare_other(options, kind, there or ("train",))
    wanted_files = OFFICIAL_FILES[kind]
    files = [file for file in wanted_files if file.split in there]
    if not files:
        wanted = " or ".join(file.split for file in wanted_files)
        found = recognise(options.data)
        hint = f" It looks like {found[0]} ({', '.join(found[1])})." if found else ""
        raise DataError(
            f"{display_path(options.data)} has no {options.dataset} split {wanted}.{hint}"
        )
    for file in wanted_files:
        if file in files:
            _write(options, file.name, _load(options, file.split), file.coding)
        else:
            say(f"There is no split {file.split!r}, so no {file.name} is written.")
    return EXIT_DONE


def _prepare_other(options: argparse.Namespace, kind: str, splits: Sequence[str]) -> int:
    """Of a data set that the official code does not know: its categories go beside the files."""
    parts: dict[str, LabelledImages] = {}
    for split in splits:
        try:
            parts[split] = _load(options, split)
        except DataError as error:
            if split == splits[-1] and not parts:
                raise
            say(f"No file is written of the split {split!r}: {error}")
    names = dict.fromkeys(name for images in parts.values() for name in images.categories)
    categories = Categories(tuple(names))
    for split, images in parts.items():
        # What is not divided is read back by the name that its file has then.
        called = "trainval" if tuple(splits) == (WHOLE,) else split
        coding = WIDER_TEST if images.ignored.any() else BINARY
        name = f"{kind}/{called}_{kind}.json"
        _write(options, name, images.aligned(categories), coding)
        if coding is WIDER_TEST:
            say(f"{name} has {coding.ignored} for labels that nobody knows.")
    list_file = options.output / kind / CATEGORIES_FILE
    write_text(list_file, "".join(f"{name}\n" for name in categories))
    sys.stdout.write(f"{display_path(list_file)}  {len(categories)} categories\n")
    return EXIT_DONE


def _load(options: argparse.Namespace, split: str) -> LabelledImages:
    # Like the official code, list images whether they are there or not, unless asked to be strict.
    return load_dataset(
        options.dataset,
        options.data,
        split,
        strict=options.strict,
        check_files=options.strict,
        follow_links=options.follow_links,
    )


def _write(
    options: argparse.Namespace, name: str, images: LabelledImages, coding: TargetCoding
) -> None:
    if coding.ignored == coding.absent:
        images = images.all_understood()
    target = options.output / name
    count = write_official(images, coding, target)
    for problem in images.problems:
        say(problem)
    if missing := missing_files(images.paths):
        say(f"Images that are listed but missing ({len(missing)}): {listed(missing)}.")
    sys.stdout.write(f"{display_path(target)}  {count} rows\n")
