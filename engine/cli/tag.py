"""``tag``: say what is in each photo, without a window."""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from engine.api.config import PredictConfig
from engine.api.errors import ConfigError, EngineError
from engine.api.label_measures import least_scores, suggestions
from engine.api.values import DEFAULT_THRESHOLD, ModelInfo, Prediction
from engine.atomic import atomic_path
from engine.cli.common import (
    EXIT_DONE,
    EXIT_ENGINE_ERROR,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    Commands,
    say,
)
from engine.cli.looks import Origin
from engine.cli.output import WRITERS, JsonLinesWriter, PredictionWriter
from engine.cli.parquet_output import parquet_writer
from engine.cli.photos import FoundPhotos, add_photo_arguments, find_photos
from engine.cli.tag_cluster import add_tag_arguments, place, tag_on_cluster, without_cluster
from engine.data.kinds import names_by_kind_text
from engine.data.shards import Shard
from engine.metadata.sidecars import sweep
from engine.records.tag_rows import TaggedBy, pyarrow
from engine.service.local import LocalEngine
from engine.texts import reason_text

#: Needs a package of its own, and is no text.
_PARQUET = "parquet"
#: Another may still be writing what is younger; it writes some thousand rows at once.
_SWEPT_AFTER_S = 86_400
_NEGATIVE = re.compile(r"-\d+(/.*)?|-\d*\.\d+")


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    tag = commands.add_parser("tag", help="say what is in each photo")
    tag.set_defaults(command=_tag)
    add_photo_arguments(tag, "*", place)
    add = tag.add_argument
    add("--format", choices=sorted((*WRITERS, _PARQUET)), default="jsonl")
    add(
        "--output",
        type=place,
        metavar="FILE",
        help="default: the terminal; a folder with --ray",
    )
    add("--all-scores", action="store_true", help="write every category's score")
    add(
        "--facts",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="also write what is measured: format, black and white, dark, blurred (default: yes)",
    )
    # "-1/4" is no option but a mistake, of which the shard can tell.
    tag._negative_number_matcher = _NEGATIVE
    add(
        "--shard",
        type=_shard,
        metavar="K/N",
        help="tag only the K-th of N parts, from 0: for several machines with the same photos, "
        "which need not know of each other",
    )
    add(
        "--sha256",
        action="store_true",
        help=f"with --format {_PARQUET} or --ray: also each file's SHA-256, for which it is read "
        "once more",
    )
    add_tag_arguments(tag)


def _shard(text: str) -> Shard:
    try:
        return Shard.parse(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _tag(options: argparse.Namespace) -> int:
    if options.ray is not None:
        return tag_on_cluster(options)
    if (misuse := _misuse(options)) is not None:
        say(f"error: {misuse}")
        return EXIT_USAGE
    found = find_photos(options, options.shard)
    if found is None:
        return EXIT_USAGE
    paths = found.paths
    with (
        contextlib.closing(
            LocalEngine(options.device, backend=options.backend, precision=options.precision)
        ) as engine,
        _output(options) as output,
    ):
        model = engine.open_model(options.model)
        with _writer(options, output, model, found, paths) as writer:
            config = PredictConfig(facts=options.facts and options.format != _PARQUET)
            predictions = engine.predict(model.id, paths, config)
            written = _Written()
            with contextlib.closing(predictions):
                bar = _with_progress(predictions, len(paths), output)
                status = _write(bar, writer, written, must_be_whole=_must_be_whole(options))
    say(_summary(written, len(paths), found.skipped, options.shard))
    return status


def _misuse(options: argparse.Namespace) -> str | None:
    """What about the options makes no sense together."""
    if (needs_cluster := without_cluster(options)) is not None:
        return needs_cluster
    is_parquet = options.format == _PARQUET
    if is_parquet and options.output is None:
        return f"--format {_PARQUET} cannot go to a terminal. Add --output FILE."
    if options.sha256 and not is_parquet:
        return f"--sha256 is for --format {_PARQUET} alone. Leave it out, or choose that format."
    if is_parquet:
        pyarrow()  # that it is not installed is said before anything is looked at
    return None


def _must_be_whole(options: argparse.Namespace) -> bool:
    """Whether a result that is there has to mean that the shard is done: nobody looks into it."""
    return options.shard is not None and options.output is not None


@dataclass
class _Written:
    """How far it is.

    Attributes:
        done: photos.
        failed: names of those that could not be read.
    """

    done: int = 0
    failed: list[str] = field(default_factory=list)


def _write(
    predictions: Iterator[Prediction],
    writer: PredictionWriter,
    written: _Written,
    *,
    must_be_whole: bool,
) -> int:
    """Write all of them; the exit status. What is done when it ends early is kept, or nothing."""
    try:
        for prediction in predictions:
            writer.write(prediction)
            written.done += 1
            if prediction.error is not None:
                written.failed.append(prediction.path.name)
    except (KeyboardInterrupt, EngineError) as error:
        if must_be_whole:
            say("The shard is not whole, so its file was not written. Start it again.")
            raise
        if isinstance(error, KeyboardInterrupt):
            return EXIT_INTERRUPTED
        say(f"error: {error}")
        return EXIT_ENGINE_ERROR
    return EXIT_DONE


@contextlib.contextmanager
def _output(options: argparse.Namespace) -> Generator[TextIO | Path, None, None]:
    """The terminal, or a file that takes its name when all is written; its path for Parquet."""
    path: Path | None = options.output
    if path is None:
        yield sys.stdout
        return
    if _must_be_whole(options):  # machines that are killed leave much, in one folder
        sweep(path.parent, _SWEPT_AFTER_S)
    try:
        with atomic_path(path) as temporary:
            if options.format == _PARQUET:
                yield temporary
            else:
                with temporary.open("w", encoding="utf-8", newline="") as file:
                    yield file
    except OSError as error:
        reason = reason_text(error)
        raise EngineError(f"The result could not be written to {path}: {reason}.") from error


@contextlib.contextmanager
def _writer(
    options: argparse.Namespace,
    output: TextIO | Path,
    model: ModelInfo,
    found: FoundPhotos,
    paths: Sequence[Path],
) -> Generator[PredictionWriter, None, None]:
    """What writes the predictions of the paths, in their order."""
    least = least_scores(model.measures, options.threshold, DEFAULT_THRESHOLD)
    names = model.categories
    if isinstance(output, Path):  # has all scores anyway
        by = TaggedBy(model.full_name, model.id, names)
        with parquet_writer(output, by, least, paths, hashes=options.sha256) as writer:
            yield writer
        return
    threshold = 0.0 if options.all_scores else least
    suggested = frozenset(names[place] for place in suggestions(model.measures))
    make_writer = WRITERS[options.format]
    text = make_writer(output, model.full_name, names, threshold, found.others, suggested)
    if isinstance(text, JsonLinesWriter):
        text.origin = Origin(model.id, paths)
    yield text


def _with_progress(
    predictions: Iterator[Prediction], total: int, output: TextIO | Path
) -> Iterator[Prediction]:
    # On one terminal, a bar and the results would write over each other.
    is_shared = not isinstance(output, Path) and output.isatty()
    hidden = is_shared or not sys.stderr.isatty()
    return iter(
        tqdm(predictions, total=total, unit="photo", disable=hidden, leave=False, file=sys.stderr)
    )


def _summary(written: _Written, total: int, skipped: int, shard: Shard | None) -> str:
    failed = written.failed
    of = f"shard {shard}: " if shard is not None else ""
    parts = [f"{of}{written.done - len(failed)} of {total} photos tagged"]
    if failed:
        parts.append(f"{len(failed)} could not be read ({names_by_kind_text(failed)})")
    if skipped:
        parts.append(f"{skipped} places could not be looked into")
    return ", ".join(parts) + "."
