"""What the commands share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator
from contextlib import closing
from typing import Protocol, TypeVar, get_args

from tqdm import tqdm

from engine.api.config import DecodeMode

EXIT_DONE, EXIT_ENGINE_ERROR, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

Commands = argparse._SubParsersAction  # argparse has no public name for it

T = TypeVar("T")

# A bar that is not updated for a while is none of a thread's business.
tqdm.monitor_interval = 0


class Progress(Protocol):
    """How far some work is."""

    @property
    def done(self) -> int:
        """Pieces that are ready."""

    @property
    def total(self) -> int:
        """Pieces that there are."""


def add_follow_links(parser: argparse.ArgumentParser) -> None:
    """Add the option of the commands that read data sets."""
    parser.add_argument(
        "--follow-links",
        action="store_true",
        help="take images also where links lead out of the data set's folder",
    )


def add_decode(parser: argparse.ArgumentParser, default: DecodeMode | None = "exact") -> None:
    """Add how the photos of a data set are read."""
    parser.add_argument(
        "--decode",
        choices=get_args(DecodeMode),
        default=default,
        help="exact reads photos in full, as the official code does; fast as tagging does, which "
        "moves scores a little (default: exact)",
    )


def with_bar(work: Generator[Progress, None, T], name: str) -> T:
    """Show a bar while some work over images is done; what it returns."""
    with closing(work), tqdm(desc=name, unit="image", disable=None) as bar:
        while True:
            try:
                progress = next(work)
            except StopIteration as end:
                result: T = end.value
                return result
            bar.total = progress.total
            bar.update(progress.done - bar.n)


def write_out(text: str) -> None:
    """Write a line of the result."""
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """Tell the person something, beside the results."""
    sys.stderr.write(text + "\n")
