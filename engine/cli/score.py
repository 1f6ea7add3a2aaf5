"""``score``: measure scores that any program saved, without a model."""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path
from typing import get_args

from engine.api.errors import DataError
from engine.api.label_names import shown_label
from engine.atomic import write_text
from engine.cli.command_line import command_line
from engine.cli.common import EXIT_DONE, Commands, say, write_out
from engine.cli.output import harmless
from engine.cli.publishing import publish, run_to_compare
from engine.data.datasets.category_mapping import read_mapping
from engine.data.datasets.registry import DATASETS
from engine.evaluation.saved_scores import NanRule, Scale, ScoreRequest, score_saved
from engine.metrics.bootstrap import BootstrapSettings
from engine.records.evaluations import EvaluationStore
from engine.records.names_file import read_names
from engine.report.label_errors import LabelError, label_errors
from engine.report.numbers import report
from engine.texts import display_path, display_text, percent, reason_text

_MOST_SHOWN = 10
_EPILOG = (
    "The result is a run like that of evaluate: runs list and runs compare know it, and the window "
    "shows it. See docs/EVALUATION.md for examples with NumPy, PyTorch, Hugging Face, FiftyOne and "
    "scikit-learn."
)


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    score = commands.add_parser(
        "score", help="measure scores that any program saved", epilog=_EPILOG
    )
    score.set_defaults(command=_score)
    score.add_argument(
        "--scores",
        type=Path,
        required=True,
        metavar="FILE",
        help="CSV, JSON lines, npz, npy or Parquet; or the folder of a kept run",
    )
    score.add_argument(
        "--labels",
        "--data",
        type=Path,
        metavar="FILE|DIR",
        help="the truth: a data set of any kind, a list of labels or an npz; the photos need not "
        "be there. Not needed where the scores' file has targets",
    )
    score.add_argument(
        "--dataset", metavar="KIND", default="", help=f"of the labels: {', '.join(DATASETS)}"
    )
    score.add_argument("--split", default="", help="of the labels, if there are several")
    score.add_argument("--name", default="", help="of what made the scores, for lists and reports")
    _add_reading(score)
    _add_results(score)


def _add_reading(score: argparse.ArgumentParser) -> None:
    score.add_argument(
        "--scale",
        choices=get_args(Scale),
        default="auto",
        help="what the numbers are; auto: as the file says, else probabilities if all lie from 0 "
        "to 1 (default: %(default)s)",
    )
    score.add_argument(
        "--nan",
        choices=get_args(NanRule),
        default="refuse",
        help="scores that are missing or NaN: refuse, ignore those entries, or count them as the "
        "lowest (default: %(default)s)",
    )
    score.add_argument(
        "--in-order",
        action="store_true",
        help="rows are in the order of the labels, where the file names no images",
    )
    score.add_argument(
        "--allow-missing", action="store_true", help="leave out labelled images without scores"
    )
    score.add_argument(
        "--categories",
        type=Path,
        metavar="FILE",
        help="names of the columns, one per line, where the file of scores or of labels has none",
    )
    score.add_argument("--mapping", type=Path, metavar="FILE", help="old,new category names")


def _add_results(score: argparse.ArgumentParser) -> None:
    score.add_argument("--json", type=Path, metavar="FILE", help="write every number")
    score.add_argument("--html", type=Path, metavar="FILE", help="write a report to look at")
    score.add_argument(
        "--label-errors",
        type=Path,
        metavar="FILE",
        help="write the labels that the scores contradict most, as CSV",
    )
    score.add_argument("--resamples", type=int, default=1000, help="for intervals")
    score.add_argument("--no-keep", action="store_true", help="do not keep the run")
    score.add_argument(
        "--compare", metavar="RUN", help="say, and show in the page, what changed since"
    )


def _score(options: argparse.Namespace) -> int:
    bootstrap = BootstrapSettings(options.resamples)
    earlier = run_to_compare(options)
    found = score_saved(_request(options))
    for text in (found.scale_text, *found.run.problems):
        say(display_text(text))
    numbers = report(found.run, bootstrap)
    if not options.no_keep:
        say(f"Kept as run {EvaluationStore().save(found.run, found.images).name}.")
    errors = label_errors(found.run)
    if options.label_errors is not None:
        _write(options.label_errors, errors)
    publish(options, numbers, earlier)
    for line in _told(errors):
        write_out(line)
    return EXIT_DONE


def _request(options: argparse.Namespace) -> ScoreRequest:
    return ScoreRequest(
        options.scores,
        options.labels,
        options.dataset,
        options.split,
        options.name,
        options.scale,
        options.nan,
        by_order=options.in_order,
        allow_missing=options.allow_missing,
        categories=tuple(read_names(options.categories)) if options.categories else (),
        mapping=read_mapping(options.mapping) if options.mapping else None,
        command=command_line(options.arguments),
    )


def _told(errors: tuple[LabelError, ...]) -> list[str]:
    if not errors:
        return []
    lines = ["", "Labels that the scores contradict most; some of them may be wrong:"]
    for error in errors[:_MOST_SHOWN]:
        says = "labelled" if error.is_label else "not labelled"
        text = f"{shown_label(error.name)}, {says}, score {percent(error.score, ' %')}"
        lines.append(f"  {display_text(error.sample)}: {text}")
    return lines


def _write(path: Path, errors: tuple[LabelError, ...]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("id", "category", "label", "score"))
    writer.writerows(
        (harmless(e.sample), harmless(e.name), int(e.is_label), f"{e.score:.6f}") for e in errors
    )
    try:
        write_text(path, text.getvalue())
    except OSError as error:
        raise DataError(
            f"{display_path(path)} could not be written: {reason_text(error)}."
        ) from error
