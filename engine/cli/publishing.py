"""The numbers of an evaluation as a table, and the files that are asked for."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from engine.api.errors import DataError
from engine.api.label_names import shown_label
from engine.atomic import write_text
from engine.cli.common import EXIT_DONE, write_out
from engine.data.datasets.reading import listed
from engine.metrics.bootstrap import BootstrapSettings
from engine.metrics.localisation import Frame
from engine.records.evaluations import EvaluationRun, EvaluationStore
from engine.records.run_comparison import compare_runs
from engine.report.drift import Drift
from engine.report.numbers import EvaluationReport, learned_from
from engine.report.page import html_report, write_html
from engine.report.verdict import categories_text, verdict
from engine.report.worst_errors import ErrorExample
from engine.texts import display_path, number, percent, reason_text


def kept_run(name: str) -> EvaluationRun:
    """A run by its id, the beginning of it, or ``last``.

    Raises:
        DataError: there is none, or it is damaged.
    """
    store = EvaluationStore()
    return store.load(store.find(name))


def run_to_compare(options: argparse.Namespace) -> EvaluationRun | None:
    """That of ``--compare``, looked up before any other run is made and ``last`` means that one.

    Raises:
        DataError: there is none, or it is damaged.
    """
    return kept_run(options.compare) if options.compare else None


def publish(
    options: argparse.Namespace,
    numbers: EvaluationReport,
    earlier: EvaluationRun | None,
    examples: Sequence[ErrorExample] = (),
    found: Drift | None = None,
) -> int:
    """Write the files that are wanted and print the table.

    Args:
        options: with ``json``, ``html`` and ``resamples``.
        numbers: of the run.
        earlier: the run to compare with.
        examples: of its worst errors.
        found: what reading photos the other way changes.

    Raises:
        DataError: a file cannot be written.
    """
    bootstrap = BootstrapSettings(options.resamples)
    changes = compare_runs(earlier, numbers.run, bootstrap) if earlier else None
    try:
        if options.json:
            shown = display_path(options.json)
            other: dict[str, object] = {}
            if found is not None:
                other["decode_drift"] = found.as_dict()
            if changes is not None:
                other["comparison"] = {**changes.as_dict(), "verdict": verdict(changes)}
            write_text(options.json, json.dumps({**numbers.as_dict(), **other}, indent=2) + "\n")
        if options.html:
            shown = display_path(options.html)
            write_html(options.html, html_report(numbers, examples, changes))
    except OSError as error:
        raise DataError(f"{shown} could not be written: {reason_text(error)}.") from error
    # Last: whoever reads the table may stop reading, and the files must be there then.
    for line in _table(numbers):
        write_out(line)
    for text in (
        () if changes is None else (verdict(changes), categories_text(changes), *changes.notes)
    ):
        write_out(text)
    if found is not None:
        write_out("")
        write_out(_told(found, numbers.run.settings["decode"]))
    return EXIT_DONE


def _table(numbers: EvaluationReport) -> list[str]:
    run, paper, interval = numbers.run, numbers.paper, numbers.intervals
    mean = interval.mean_average_precision
    lines = [
        f"{run.model['name']} on {run.dataset['name']}: {paper.num_images} images"
        + (f", {len(run.failed)} could not be read" if run.failed else ""),
        f"mAP {percent(paper.mean_average_precision)}  "
        f"({mean.level:.0%} interval {percent(mean.low)} to {percent(mean.high)}; "
        f"{paper.protocol}, {paper.protocol.ap_kind})",
        f"arithmetic {paper.protocol}, since {numbers.protocol_reason}",
        _decisions("all", paper.labels.as_dict()),
        _decisions("top 3", paper.top3.as_dict()),
        *_at_other_thresholds(numbers),
        *_calibration(numbers),
    ]
    if missing := paper.without_negatives:
        names = listed(map(shown_label, missing))
        lines.append(f"mAP leaves out {len(missing)}: no image is known to lack {names}")
    if numbers.localisation is not None:
        games = numbers.localisation.pointing
        for frame in Frame:
            points = [games[f"{frame}, {part}"].accuracy for part in ("all", "difficult")]
            shown = " / ".join(map(percent, points))
            lines.append(f"pointing game {shown} (all / difficult; 15 px of {frame})")
    width = max(len(shown_label(name)) for name in run.categories)
    lines += ["", f"{'category':<{width}}     AP   low  high  images"]
    for category, ap in zip(paper.categories, interval.average_precision, strict=True):
        values = (category.average_precision, ap.low, ap.high)
        cells = " ".join(f"{percent(value):>5}" for value in values)
        lines.append(f"{shown_label(category.name):<{width}}  {cells}  {category.positives:>6}")
    return lines


def _at_other_thresholds(numbers: EvaluationReport) -> list[str]:
    """Those of the model's file, and the best of these images, which flatter."""
    stored, own = numbers.run.stored, numbers.at_stored
    best = _decisions("best", numbers.at_best.labels.as_dict())
    lines = [f"{best}  in-sample: at the best thresholds of these very images"]
    if own is not None and stored is not None:
        origin = learned_from(stored.thresholds_from, is_in_sample=stored.is_in_sample)
        cells = _decisions("stored", own.labels.as_dict())
        lines.insert(0, f"{cells}  at the thresholds in the model's file{origin}")
    elif stored is not None:
        lines.insert(0, "The model's file has no thresholds: its labels are those of 0.5.")
    return lines


def _calibration(numbers: EvaluationReport) -> list[str]:
    stored, after = numbers.run.stored, numbers.calibrated
    before = number(100 * numbers.calibration.ece_equal_width, 2)
    line = f"calibration error (ECE) {before} % of scores as they are"
    if after is not None and stored is not None:
        origin = learned_from(stored.calibration_from, is_in_sample=stored.is_in_sample)
        error = number(100 * after.ece_equal_width, 2)
        return [f"{line}, {error} % with the calibration in the model's file{origin}"]
    return [line if stored is None else f"{line}; the model's file has no calibration"]


def _told(found: Drift, mode: str) -> str:
    other = "exact" if mode == "fast" else "fast"
    return (
        f"--decode {other} instead of {mode}: mAP {100 * found.after:.2f} instead of "
        f"{100 * found.before:.2f}; logits move by {found.mean:.4f} in the mean and "
        f"{found.largest:.3f} at most; {found.changed:,} of {found.labels:,} labels change."
    )


def _decisions(name: str, values: dict[str, float | None]) -> str:
    cells = "  ".join(
        f"{key} {percent(values[key])}" for key in ("CP", "CR", "CF1", "OP", "OR", "OF1")
    )
    return f"{name:<6} {cells}"
