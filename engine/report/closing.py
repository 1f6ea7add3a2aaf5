"""The end of the report: an earlier run, what was left out, and where the numbers come from."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from engine import __version__
from engine.metrics.checks import defined_mean
from engine.records.run_comparison import ImageLabel, RunComparison
from engine.report.markup import (
    Html,
    element,
    from_data,
    joined,
    note,
    number_cell,
    percent,
    section,
    table,
    whole,
)
from engine.report.numbers import EvaluationReport

_MOST_ITEMS = 200
_MOST_LABELS = 20


def comparison_section(comparison: RunComparison | None) -> Html | None:
    """What changed since an earlier run; ``None`` without one."""
    if comparison is None:
        return None
    before, after = defined_mean(comparison.before), defined_mean(comparison.after)
    return section(
        "comparison",
        "Compared with an earlier run",
        note(
            f"On the {whole(comparison.num_images)} images and {len(comparison.categories)} "
            f"categories that both have: mAP {percent(before)} before, {percent(after)} now. The "
            "categories that changed most come first."
        ),
        table(("Category", "Before", "Now", "Change"), _changes(comparison), kind="sortable"),
        element(
            "div",
            _labels("Wrong before, right now", comparison.better),
            _labels("Right before, wrong now", comparison.worse),
            class_="beside even",
        ),
    )


def problems_section(report: EvaluationReport) -> Html | None:
    """What was left out, and which images could not be read; ``None`` if all is well."""
    problems, failed = report.run.problems, report.run.failed
    if not problems and not failed:
        return None
    unreadable = [(from_data(name), from_data(reason)) for name, reason in failed[:_MOST_ITEMS]]
    sentences = (element("li", from_data(problem)) for problem in problems[:_MOST_ITEMS])
    return section(
        "problems",
        "Left out",
        element("ul", *sentences) if problems else None,
        element("h3", f"Images that could not be read: {len(failed)}") if failed else None,
        table(("Sample", "Reason"), unreadable, kind="texts") if failed else None,
        _more(len(failed)),
        _more(len(problems)),
    )


def provenance_section(report: EvaluationReport) -> Html:
    """Model, data set, settings and versions."""
    run, intervals = report.run, report.intervals
    numbers = {
        "run": run.id,
        "date": run.date,
        "resamples": f"{intervals.resamples}, seed {intervals.seed}",
        "program": f"csra-gui {__version__}",
        "numbers computed with": f"Python {platform.python_version()}, NumPy {np.__version__}",
    }
    groups = {"Model": run.model, "Data set": run.dataset, "Settings": run.settings}
    return section(
        "provenance",
        "Where these numbers come from",
        element(
            "div",
            *(_facts(title, facts) for title, facts in {**groups, "Run": numbers}.items()),
            class_="facts",
        ),
    )


def _facts(title: str, facts: Mapping[str, str]) -> Html:
    pairs = (
        joined([element("dt", from_data(key)), element("dd", from_data(value))])
        for key, value in facts.items()
    )
    return element("div", element("h3", title), element("dl", *pairs))


def _changes(comparison: RunComparison) -> Iterator[tuple[Html, ...]]:
    change = comparison.after - comparison.before
    order = np.argsort(-np.abs(np.nan_to_num(change)), kind="stable")[: _MOST_ITEMS // 2]
    for c in order.tolist():
        values = (comparison.before[c], comparison.after[c])
        shown = "–" if np.isnan(change[c]) else f"{100 * change[c]:+.1f}"
        yield (
            element("th", comparison.categories[c], scope="row"),
            *(number_cell(percent(value), value) for value in values),
            number_cell(shown, change[c]),
        )


def _labels(title: str, labels: Sequence[ImageLabel]) -> Html:
    rows = [(from_data(sample), category) for sample, category in labels[:_MOST_LABELS]]
    return element(
        "div",
        element("h3", f"{title}: {whole(len(labels))}"),
        table(("Sample", "Category"), rows, kind="texts") if rows else None,
    )


def _more(count: int) -> Html | None:
    return note(f"And {count - _MOST_ITEMS} more.") if count > _MOST_ITEMS else None
