"""``runs``: the evaluations that were kept."""

from __future__ import annotations

import argparse
import json

import numpy as np

from engine.api.label_names import shown_label
from engine.cli.common import EXIT_DONE, Commands, write_out
from engine.records.evaluations import EvaluationStore
from engine.records.run_comparison import compare_runs
from engine.texts import display_text

_MOST_SHOWN = 20


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    runs = commands.add_parser("runs", help="list and compare kept evaluations")
    actions = runs.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="all kept runs, oldest first")
    listing.set_defaults(command=_list)
    comparing = actions.add_parser("compare", help="what got better and worse, image by image")
    comparing.set_defaults(command=_compare)
    comparing.add_argument("before", metavar="RUN", help="an id, its beginning, or 'last'")
    comparing.add_argument("after", metavar="RUN")
    comparing.add_argument("--json", action="store_true", help="as JSON")


def _list(_options: argparse.Namespace) -> int:
    store = EvaluationStore()
    records = store.records()
    for record in reversed(records):
        run, text = record.value, record.problem
        if run is not None:
            text = f"mAP {100 * run.mean_average_precision:5.1f}  {run.num_images:6} images  "
            text += f"{run.model} on {run.dataset}"
        write_out(f"{record.path.name}  {display_text(text)}")
    if not records:
        write_out(f"No evaluation was kept yet in {store.root}.")
    return EXIT_DONE


def _compare(options: argparse.Namespace) -> int:
    store = EvaluationStore()
    before, after = (store.load(store.find(name)) for name in (options.before, options.after))
    result = compare_runs(before, after)
    if options.json:
        write_out(json.dumps(result.as_dict(), indent=2))
        return EXIT_DONE
    write_out(f"{display_text(before.model['name'])} → {display_text(after.model['name'])}")
    write_out(f"{result.num_images} images and {len(result.categories)} categories in both")
    means = (100 * np.nanmean(result.before), 100 * np.nanmean(result.after))
    write_out(f"mAP {means[0]:.1f} → {means[1]:.1f}")
    for place in np.argsort(result.before - result.after, kind="stable").tolist():
        old, new = 100 * result.before[place], 100 * result.after[place]
        if not np.isnan(old):
            name = shown_label(result.categories[place])
            write_out(f"{new - old:+6.1f}  {name} ({old:.1f} → {new:.1f})")
    for kind, labels in (("better", result.better), ("worse", result.worse)):
        write_out(f"{kind}: {len(labels)} labels")
        for sample, category in labels[:_MOST_SHOWN]:
            write_out(f"  {display_text(sample)}: {shown_label(category)}")
    return EXIT_DONE
