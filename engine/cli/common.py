"""What the commands share."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from difflib import get_close_matches
from typing import Protocol, TypeVar, get_args

from tqdm import tqdm
from typing_extensions import override

from engine.api.config import DecodeMode

EXIT_DONE, EXIT_ENGINE_ERROR, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
#: What a shell adds to the number of the signal that ended a program.
EXIT_BY_SIGNAL = 128

Commands = argparse._SubParsersAction  # argparse has no public name for it

T = TypeVar("T")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")

# A bar that is not updated for a while is none of a thread's business.
tqdm.monitor_interval = 0


class Parser(argparse.ArgumentParser):
    """One that tells of a wrong option at the command that lacks it, with the one likely meant."""

    @override
    def parse_known_args(  # type: ignore[override]  # the overloads of typeshed, told in one
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As its base, but nothing is left over."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._meant(unknown)}")
        return found, unknown

    def _meant(self, unknown: Sequence[str]) -> str:
        known = [name for name in self._option_string_actions if name.startswith("--")]
        wrong = [word.partition("=")[0] for word in unknown if word.startswith("-")]
        close = [name for word in wrong for name in get_close_matches(word, known, n=1)]
        return f" (did you mean {' and '.join(close)}?)" if close else ""


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


def add_device(parser: argparse.ArgumentParser, of: str = "") -> None:
    """Add where a model runs.

    Args:
        parser: of the command.
        of: what it is said of, before the choices.
    """
    parser.add_argument(
        "--device", type=_device, default="auto", help=f"{of}auto, cpu, cuda, cuda:N or mps"
    )


def _device(text: str) -> str:
    if _DEVICE.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is none of auto, cpu, cuda, cuda:N and mps")
    return text


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
