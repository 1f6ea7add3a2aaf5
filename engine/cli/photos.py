"""What the commands over photos share: which photos, which model, from which score on."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.api.values import DEFAULT_THRESHOLD
from engine.cli.common import add_device, say
from engine.data.kinds import LeftOut, kinds_text
from engine.data.patience import ask
from engine.data.scan import scan
from engine.data.shards import Shard
from engine.records.backend_kinds import AUTO, BACKENDS
from engine.texts import display_path, display_text


def add_photo_arguments(
    parser: argparse.ArgumentParser,
    nargs: str = "+",
    kind: Callable[[str], Path | str] = Path,
) -> None:
    """Add them to the parser of a command.

    Args:
        parser: of the command.
        nargs: how many paths there must be.
        kind: what is made of each.
    """
    add = parser.add_argument
    add("paths", nargs=nargs, type=kind, metavar="PATH", help="photo or folder")
    add("--model", metavar="NAME|FILE", help="default: the model that ships")
    add(
        "--threshold",
        type=fraction,
        default=DEFAULT_THRESHOLD,
        help="least score of a label, 0 to 1 (default %(default)s); labels that nobody measured "
        f"need {DEFAULT_THRESHOLD} at least",
    )
    add("--recursive", "-r", action="store_true", help="also folders in folders")
    add(
        "--follow-links",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="look also where links lead out of the folders (default: yes)",
    )
    add("--separate-raw", action="store_true", help="a RAW beside its JPEG is a photo of its own")
    add("--list-left-out", action="store_true", help="name each file of a kind that is not opened")
    add_device_arguments(parser)
    add_precision(parser)


def add_device_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which device runs a model, and what on it."""
    add = parser.add_argument
    add_device(parser)
    add(
        "--backend",
        choices=(AUTO, *BACKENDS),
        default=AUTO,
        help="what runs the network; auto takes the fastest that was measured here (models "
        "measure), else ONNX Runtime on a CPU and PyTorch on a GPU",
    )


def add_precision(parser: argparse.ArgumentParser) -> None:
    """Add whether the model's int8 network shall run, which somebody made with quantize."""
    parser.add_argument(
        "--precision",
        choices=("float", "int8"),
        default="float",
        help="int8: faster, nearly the same, once made with models quantize (default float)",
    )


@dataclass
class FoundPhotos:
    """What there is in the files and folders that were named.

    Attributes:
        paths: of the photos.
        skipped: how many places could not be looked into.
        left_out: files of kinds that cannot be opened.
        others: the other files of photos that have several: the RAW of a JPEG.
    """

    paths: list[Path] = field(default_factory=list)
    skipped: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    others: dict[Path, list[Path]] = field(default_factory=dict)


def find_photos(options: argparse.Namespace, shard: Shard | None = None) -> FoundPhotos | None:
    """The photos; what goes wrong and what is left out is said.

    Args:
        options: of a command that has ``add_photo_arguments``.
        shard: of which all paths are, the only ones that are kept in memory; ``None`` for all.

    Returns:
        ``None`` if something that was named is not there.
    """
    missing = [path for path in options.paths if not ask(path.exists, True)]
    if missing:
        say(f"error: there is no file or folder {display_path(missing[0])!r}.")
        return None
    found = FoundPhotos()
    walk = scan(
        options.paths,
        recursive=options.recursive,
        follow_links=options.follow_links,
        pair_raw=not options.separate_raw,
    )
    kept, is_empty = shard or Shard(0, 1), True
    for batch in walk:
        is_empty = is_empty and not batch.paths
        found.paths += kept.part(batch.paths, options.paths)
        found.skipped += len(batch.skipped)
        found.left_out += batch.left_out
        for companion in batch.companions:
            # The first one stays: that there are any decides on a column, the same in all shards.
            if not found.others or any(kept.part([companion.of], options.paths)):
                found.others.setdefault(companion.of, []).append(companion.path)
        for problem in batch.skipped:
            say(f"{display_path(problem.path)}: {display_text(problem.message)}")
    if is_empty:
        what = "No photos found that can be opened." if found.left_out else "No photos found."
        say(what + ("" if options.recursive else " Try --recursive."))
    _say_left_out(found.left_out, with_paths=options.list_left_out)
    return found


def _say_left_out(files: Sequence[LeftOut], *, with_paths: bool) -> None:
    if files:
        hint = "" if with_paths else " (--list-left-out names them)"
        say(f"Left out: {kinds_text(files)}{hint}")
    for file in files if with_paths else ():
        say(f"{display_path(file.path)}: {file.kind} is not opened.")


def fraction(text: str) -> float:
    """A number of 0 to 1 on the command line."""
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value
