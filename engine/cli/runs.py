"""``runs``: the evaluations that were kept."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.api.label_names import shown_label
from engine.cli.common import EXIT_DONE, Commands, write_out
from engine.metrics.bootstrap import BootstrapSettings
from engine.metrics.checks import defined_mean, finished
from engine.records.evaluations import EvaluationStore
from engine.records.exported_scores import write_scores
from engine.records.run_comparison import RunComparison, comparison_steps
from engine.report.verdict import CAVEAT, categories_text, seeds_text, sides, verdict
from engine.texts import change, display_text, percent

_MOST_SHOWN = 20


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    runs = commands.add_parser("runs", help="list and compare kept evaluations")
    actions = runs.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="all kept runs, oldest first")
    listing.set_defaults(command=_list)
    comparing = actions.add_parser(
        "compare",
        help="which is better and how sure that is, category by category and image by image",
        epilog="Several runs with commas between them are one recipe trained with several seeds: "
        "csra runs compare A1,A2,A3 B1,B2,B3",
    )
    comparing.set_defaults(command=_compare)
    which = "an id, its beginning, or 'last'; several of one recipe with commas between them"
    comparing.add_argument("before", metavar="RUN[,RUN…]", help=which)
    comparing.add_argument("after", metavar="RUN[,RUN…]")
    comparing.add_argument("--json", action="store_true", help="as JSON")
    comparing.add_argument(
        "--resamples", type=int, default=1000, help="for intervals (default: %(default)s)"
    )
    exporting = actions.add_parser(
        "export", help="write the scores and labels of a run for other programs, and for 'score'"
    )
    exporting.set_defaults(command=_export)
    exporting.add_argument("run", metavar="RUN", help="an id, its beginning, or 'last'")
    exporting.add_argument("file", type=Path, metavar="FILE", help=".npz (all) or .csv (scores)")
    comparing.add_argument("--seed", type=int, default=0, help="of the resamples")


def _list(_options: argparse.Namespace) -> int:
    store = EvaluationStore()
    records = store.records()
    for record in reversed(records):
        run, text = record.value, record.problem
        if run is not None:
            text = f"mAP {percent(run.mean_average_precision):>5}  {run.num_images:6} images  "
            text += f"{run.model} on {run.dataset}"
        write_out(f"{record.path.name}  {display_text(text)}")
    if not records:
        write_out(f"No evaluation was kept yet in {store.root}.")
    return EXIT_DONE


def _export(options: argparse.Namespace) -> int:
    store = EvaluationStore()
    write_scores(store.load(store.find(options.run)), options.file)
    return EXIT_DONE


def _compare(options: argparse.Namespace) -> int:
    store = EvaluationStore()
    before, after = (
        [store.load(store.find(name.strip())) for name in names.split(",")]
        for names in (options.before, options.after)
    )
    bootstrap = BootstrapSettings(options.resamples, seed=options.seed)
    result = finished(comparison_steps(before, after, bootstrap))
    if options.json:
        write_out(json.dumps({**result.as_dict(), "verdict": verdict(result)}, indent=2))
        return EXIT_DONE
    write_out(" → ".join(sides(result)))
    write_out(f"{result.num_images} images and {len(result.categories)} categories in both")
    for note in result.notes:
        write_out(note)
    means = (defined_mean(result.before), defined_mean(result.after))
    write_out(f"mAP {percent(means[0])} → {percent(means[1])}")
    for line in (verdict(result), seeds_text(result), CAVEAT, categories_text(result)):
        if line:
            write_out(line)
    write_out("")
    for line in _category_lines(result):
        write_out(line)
    for kind, labels in (("better", result.better), ("worse", result.worse)):
        if len(before) == len(after) == 1:
            write_out(f"{kind}: {len(labels)} labels")
        for sample, category in labels[:_MOST_SHOWN]:
            write_out(f"  {display_text(sample)}: {shown_label(category)}")
    return EXIT_DONE


def _category_lines(result: RunComparison) -> Iterator[str]:
    """What gained most comes first; a star marks what differs for certain."""
    difference = result.difference
    if difference is None:
        return
    for place in np.argsort(result.before - result.after, kind="stable").tolist():
        old, new = float(result.before[place]), float(result.after[place])
        if np.isnan(old):
            continue
        by = difference.by_category[place]
        star = "*" if difference.differs[place] else " "
        name = shown_label(result.categories[place])
        adjusted = difference.adjusted[place]
        p_value = "" if np.isnan(adjusted) else f", p {adjusted:.2g}"
        ends = f"{change(0.0, by.low)} to {change(0.0, by.high)}"
        numbers = f"{percent(old)} → {percent(new)}; {ends}{p_value}"
        yield f"{change(old, new):>6}{star} {name} ({numbers})"
