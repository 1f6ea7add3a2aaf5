"""``tag``: say what is in each photo, without a window."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from engine.api.config import PredictConfig
from engine.api.errors import EngineError
from engine.api.label_measures import least_scores, suggestions
from engine.api.values import DEFAULT_THRESHOLD, Prediction
from engine.atomic import atomic_path
from engine.cli.common import (
    EXIT_DONE,
    EXIT_ENGINE_ERROR,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    Commands,
    say,
)
from engine.cli.output import WRITERS
from engine.cli.photos import add_photo_arguments, find_photos
from engine.data.kinds import names_by_kind_text
from engine.service.local import LocalEngine


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    tag = commands.add_parser("tag", help="say what is in each photo")
    tag.set_defaults(command=_tag)
    add_photo_arguments(tag)
    tag.add_argument("--format", choices=sorted(WRITERS), default="jsonl")
    tag.add_argument("--output", type=Path, metavar="FILE", help="default: the terminal")
    tag.add_argument("--all-scores", action="store_true", help="write every category's score")
    tag.add_argument(
        "--facts",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="also write what is measured: format, black and white, dark, blurred (default: yes)",
    )


def _tag(options: argparse.Namespace) -> int:
    found = find_photos(options)
    if found is None:
        return EXIT_USAGE
    paths = found.paths
    with (
        contextlib.closing(
            LocalEngine(options.device, backend=options.backend, precision=options.precision)
        ) as engine,
        _output(options.output) as file,
    ):
        model = engine.open_model(options.model)
        least = least_scores(model.measures, options.threshold, DEFAULT_THRESHOLD)
        threshold = 0.0 if options.all_scores else least
        make_writer = WRITERS[options.format]
        names = model.categories
        suggested = frozenset(names[place] for place in suggestions(model.measures))
        writer = make_writer(file, model.full_name, names, threshold, found.others, suggested)
        config = PredictConfig(facts=options.facts)
        failed: list[str] = []
        done, status = 0, EXIT_DONE
        try:
            with contextlib.closing(engine.predict(model.id, paths, config)) as predictions:
                for prediction in _with_progress(predictions, len(paths), file):
                    writer.write(prediction)
                    done += 1
                    if prediction.error is not None:
                        failed.append(prediction.path.name)
        except KeyboardInterrupt:  # what is done is kept, here and below
            status = EXIT_INTERRUPTED
        except EngineError as error:
            say(f"error: {error}")
            status = EXIT_ENGINE_ERROR
    say(_summary(done, failed, len(paths), found.skipped))
    return status


@contextlib.contextmanager
def _output(path: Path | None) -> Generator[TextIO, None, None]:
    """The terminal, or a file that takes its name when all is written."""
    if path is None:
        yield sys.stdout
        return
    try:
        with (
            atomic_path(path) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            yield file
    except OSError as error:
        reason = error.strerror or str(error)
        raise EngineError(f"The result could not be written to {path}: {reason}.") from error


def _with_progress(
    predictions: Iterator[Prediction], total: int, file: TextIO
) -> Iterator[Prediction]:
    # On one terminal, a bar and the results would write over each other.
    hidden = file.isatty() or not sys.stderr.isatty()
    return iter(
        tqdm(predictions, total=total, unit="photo", disable=hidden, leave=False, file=sys.stderr)
    )


def _summary(done: int, failed: Sequence[str], total: int, skipped: int) -> str:
    parts = [f"{done - len(failed)} of {total} photos tagged"]
    if failed:
        parts.append(f"{len(failed)} could not be read ({names_by_kind_text(failed)})")
    if skipped:
        parts.append(f"{skipped} places could not be looked into")
    return ", ".join(parts) + "."
