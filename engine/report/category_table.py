"""One row per category: how well it is recognised, and from how many images that is known."""

from __future__ import annotations

import math
from collections.abc import Iterator

from engine.metrics.bootstrap import Interval
from engine.metrics.localisation import Frame
from engine.report.markup import (
    Html,
    element,
    note,
    number_cell,
    percent,
    percent_range,
    section,
    table,
    whole,
)
from engine.report.numbers import EvaluationReport

_BAR_WIDTH, _BAR_HEIGHT = 120, 14
_MOST_ROWS = 1000


def category_section(report: EvaluationReport) -> Html:
    """The table of categories."""
    hits = _pointing_hits(report)
    heads = ("Category", "AP", "", "Interval", "Images", "Ignored", "Precision", "Recall", "F1")
    heads += ("Best threshold", "ECE", *(("Points",) if hits else ()))
    left_out = len(report.run.categories) - _MOST_ROWS
    return section(
        "categories",
        "Categories",
        note(
            f"AP with its {report.intervals.mean_average_precision.level:.0%} bootstrap interval; "
            "images that have the category, and those where nobody can say; precision, recall and "
            "F1 of labels at 0.5. The best threshold is the one with the best F1 on these very "
            "images, so it is too kind to be reported as a result; ",
            element("abbr", "common", title="too few images for a threshold of its own"),
            " marks a category with too few images, which gets the one of all categories. ECE is "
            "the expected calibration error. ",
            "Points is the share of hits of the pointing game, 15 px of the photo. "
            if hits
            else None,
            element("span", "A click on a heading sorts.", class_="needs-script"),
        ),
        note(f"{left_out} more categories are in the JSON file.") if left_out > 0 else None,
        table(heads, _rows(report, hits), kind="sortable categories"),
    )


def _rows(report: EvaluationReport, hits: tuple[float, ...] | None) -> Iterator[tuple[Html, ...]]:
    thresholds, calibration = report.thresholds, report.calibration
    for c, category in enumerate(report.paper.categories[:_MOST_ROWS]):
        interval = report.intervals.average_precision[c]
        rates = (category.precision, category.recall, category.f1)
        row = [
            element("th", category.name, scope="row"),
            number_cell(percent(category.average_precision), category.average_precision),
            number_cell(
                _bar(category.average_precision, interval),
                category.average_precision,
                class_="figure",
            ),
            number_cell(
                percent_range(interval.low, interval.high),
                interval.high - interval.low,
                class_="quiet",
            ),
            number_cell(whole(category.positives), category.positives),
            number_cell(whole(category.ignored), category.ignored, class_="quiet"),
            *(number_cell(percent(rate), rate) for rate in rates),
            _threshold(thresholds.values[c], is_common=thresholds.is_fallback[c]),
            number_cell(percent(calibration.ece_by_category[c]), calibration.ece_by_category[c]),
        ]
        if hits:
            row.append(number_cell(percent(hits[c]), hits[c]))
        yield tuple(row)


def _threshold(value: float, *, is_common: bool) -> Html:
    mark = element("small", "common ", class_="mark") if is_common else ""
    shown = Html(f"{mark}{value:.2f}")
    return number_cell(shown, value)


def _bar(value: float, interval: Interval) -> Html:
    """A bar from 0 to 1 with the interval as a line across its end."""
    if math.isnan(value):
        return Html("")
    middle = _BAR_HEIGHT / 2
    parts = [
        _rect("track", _BAR_WIDTH),
        _rect("bar", value * _BAR_WIDTH),
    ]
    if not math.isnan(interval.low):
        low, high = interval.low * _BAR_WIDTH, interval.high * _BAR_WIDTH
        path = f"M{low:.1f} {middle}H{high:.1f}M{low:.1f} 4v6M{high:.1f} 4v6"
        parts.append(element("path", d=path, class_="whisker"))
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {_BAR_WIDTH} {_BAR_HEIGHT}",
        width=_BAR_WIDTH,
        height=_BAR_HEIGHT,
        aria_hidden="true",
    )


def _rect(kind: str, width: float) -> Html:
    return element("rect", x=0, y=3, width=round(width, 1), height=8, rx=2, class_=kind)


def _pointing_hits(report: EvaluationReport) -> tuple[float, ...] | None:
    if report.localisation is None:
        return None
    return report.localisation.pointing[f"{Frame.PHOTO}, all"].by_category
