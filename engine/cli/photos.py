"""What the commands over photos share: which photos, which model, from which score on."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.api.values import DEFAULT_THRESHOLD
from engine.cli.common import say
from engine.data.scan import scan
from engine.texts import display_path, display_text


def add_photo_arguments(parser: argparse.ArgumentParser) -> None:
    """Add them to the parser of a command."""
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH", help="photo or folder")
    add("--model", metavar="NAME|FILE", help="default: the model that ships")
    add(
        "--threshold",
        type=_fraction,
        default=DEFAULT_THRESHOLD,
        help="least score of a label, 0 to 1 (default %(default)s)",
    )
    add("--recursive", "-r", action="store_true", help="also folders in folders")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")


def find_photos(options: argparse.Namespace) -> tuple[list[Path], int] | None:
    """The photos, and how many places could not be looked into; what goes wrong is said.

    Returns:
        ``None`` if something that was named is not there.
    """
    missing = [path for path in options.paths if not path.exists()]
    if missing:
        say(f"error: there is no file or folder {display_path(missing[0])!r}.")
        return None
    paths: list[Path] = []
    skipped = 0
    for batch in scan(options.paths, recursive=options.recursive):
        paths.extend(batch.paths)
        skipped += len(batch.skipped)
        for problem in batch.skipped:
            say(f"{display_path(problem.path)}: {display_text(problem.message)}")
    if not paths:
        say("No photos found." + ("" if options.recursive else " Try --recursive."))
    return paths, skipped


def _fraction(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value
