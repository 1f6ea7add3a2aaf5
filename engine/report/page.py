"""An evaluation as one page to look at: nothing in it is loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from engine import __version__
from engine.api.errors import DataError
from engine.api.label_names import shown_label
from engine.metrics.bootstrap import Interval
from engine.metrics.curves import PrCurve
from engine.metrics.localisation import Frame
from engine.metrics.report import CategoryReport
from engine.records.evaluations import StoredFit
from engine.records.litter import write_noted
from engine.records.run_comparison import RunComparison
from engine.report.label_errors import label_errors
from engine.report.numbers import EvaluationReport, learned_from
from engine.report.published import (
    POINTING_SOURCE,
    VOC_POINTING,
    published_rows,
    why_not_comparable,
)
from engine.report.templates import finished_markup, from_data, render
from engine.report.verdict import CAVEAT, categories_text, seeds_text, verdict
from engine.report.worst_errors import ErrorExample
from engine.texts import display_path

#: Each section has a template of that name, which may have nothing to say.
_CONTENTS = {
    "overview": "Overview",
    "metrics": "Means",
    "published": "Published",
    "comparison": "Compared",
    "categories": "Categories",
    "errors": "Errors",
    "label_errors": "Label errors",
    "curves": "Curves",
    "maps": "Maps",
    "calibration": "Calibration",
    "pairs": "Pairs",
    "problems": "Left out",
    "provenance": "Provenance",
}
_MOST_PAIRS = 15
_MOST_CHANGES = 100
_MOST_LABEL_ERRORS = 30


def html_report(
    report: EvaluationReport,
    examples: Sequence[ErrorExample] = (),
    comparison: RunComparison | None = None,
) -> str:
    """The whole page, UTF-8. It works without its script, which only sorts tables.

    Texts from the data set and the model are escaped, and a policy in the page forbids whatever
    is not part of it. Folders of this machine are left out; only names remain.

    Args:
        report: of a run.
        examples: of its worst errors.
        comparison: of an earlier run with this one.
    """
    run, maps = report.run, report.localisation
    values = {
        **vars(report),
        "calibration_from": _learned_from(run.stored, "calibration"),
        "changes": _changes(comparison),
        "chosen_on": run.model.get("chosen on", ""),
        "comparison": comparison,
        "confusions": _confusions(report),
        "curves": _curves(report),
        "examples": examples,
        "label_errors": label_errors(run, _MOST_LABEL_ERRORS),
        "pointing": None if maps is None else maps.pointing[f"{Frame.PHOTO}, all"],
        "pointing_source": POINTING_SOURCE,
        "provenance": _provenance(report),
        "published": published_rows(run),
        "published_pointing": VOC_POINTING,
        "told": _told(comparison),
        "thresholds_from": _learned_from(run.stored, "thresholds"),
        "together": list(_together(report)),
        "why_not": why_not_comparable(run),
    }
    parts = {key: render(f"{key}.html", **values).strip() for key in _CONTENTS}
    script = finished_markup("sort.js")
    page = render(
        "page.html",
        contents=_CONTENTS,
        css=finished_markup("report.css"),
        dataset=from_data(run.dataset.get("name", "a data set")),
        model=from_data(run.model.get("name", "A model")),
        policy=_policy(script),
        run=run,
        script=script,
        sections={key: part for key, part in parts.items() if part},
    )
    return f"{page}\n"


def write_html(path: Path, text: str) -> None:
    """Write the page, whole or not at all.

    Raises:
        DataError: it cannot be written.
    """
    try:
        write_noted(path, text.encode())
    except OSError as error:
        raise DataError(
            f"The report could not be written to {display_path(path)}: {error.strerror}."
        ) from error


def _learned_from(stored: StoredFit | None, what: str) -> str:
    """Where the thresholds or the calibration of the model's file come from."""
    if stored is None:
        return ""
    origin = stored.calibration_from if what == "calibration" else stored.thresholds_from
    return from_data(learned_from(origin, is_in_sample=stored.is_in_sample))


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _changes(
    comparison: RunComparison | None,
) -> list[tuple[str, float, float, Interval | None, bool]]:
    """Category, average precision before and after, interval and whether it differs for certain.

    The largest change comes first.
    """
    if comparison is None:
        return []
    change = np.abs(np.nan_to_num(comparison.after - comparison.before))
    order = np.argsort(-change, kind="stable")[:_MOST_CHANGES].tolist()
    names = [shown_label(name) for name in comparison.categories]
    before, after, found = comparison.before, comparison.after, comparison.difference
    if found is None:
        return [(names[c], before[c], after[c], None, False) for c in order]
    return [
        (names[c], before[c], after[c], found.by_category[c], bool(found.differs[c])) for c in order
    ]


def _told(comparison: RunComparison | None) -> list[str]:
    """What a comparison comes to, a sentence or two each."""
    if comparison is None:
        return []
    texts = [verdict(comparison), seeds_text(comparison), CAVEAT, categories_text(comparison)]
    return [text for text in (*texts, *comparison.notes) if text]


def _curves(report: EvaluationReport) -> list[tuple[CategoryReport, PrCurve]]:
    """The lowest average precision first."""
    by_name = {category.name: category for category in report.paper.categories}
    pairs = [(by_name[curve.name], curve) for curve in report.curves]
    return sorted(pairs, key=lambda pair: pair[0].average_precision)


def _confusions(report: EvaluationReport) -> list[tuple[str, str, int, float]]:
    """What is there, what was given instead, on how many images, and their share."""
    names = [shown_label(name) for name in report.run.categories]
    found = report.co_occurrence.confusions(_MOST_PAIRS)
    return [(names[p.present], names[p.predicted], p.count, p.share) for p in found]


def _together(report: EvaluationReport) -> Iterator[tuple[str, str, int, int]]:
    """Two categories, how many images have both, and how many were given both."""
    names, found = [shown_label(n) for n in report.run.categories], report.co_occurrence
    counts = np.triu(found.true_true, 1)
    order = np.argsort(-counts, axis=None, kind="stable")[:_MOST_PAIRS]
    for a, b in zip(*np.unravel_index(order, counts.shape), strict=True):
        if counts[a, b]:
            yield names[a], names[b], int(counts[a, b]), int(found.predicted_predicted[a, b])


def _provenance(report: EvaluationReport) -> dict[str, Mapping[str, str]]:
    run, intervals = report.run, report.intervals
    numbers = {
        "run": run.id,
        "date": run.date,
        "resamples": f"{intervals.resamples}, seed {intervals.seed}",
        "program": f"csra-gui {__version__}",
        "numbers computed with": f"Python {platform.python_version()}, NumPy {np.__version__}",
    }
    return {"Model": run.model, "Data set": run.dataset, "Settings": run.settings, "Run": numbers}
