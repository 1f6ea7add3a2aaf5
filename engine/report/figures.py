"""Curves as inline SVG: precision against recall, and promised against true frequency."""

from __future__ import annotations

import math

import numpy as np

from engine.metrics.calibration import ReliabilityBin
from engine.metrics.curves import PrCurve
from engine.metrics.report import CategoryReport
from engine.report.markup import Html, element, joined, note, percent, section, table, whole
from engine.report.numbers import EvaluationReport

_SIDE = 120
_MOST_CURVES = 100
_CURVE_BUCKETS = 40
_DIAGRAM_WIDTH, _DIAGRAM_HEIGHT, _COUNT_HEIGHT, _MARGIN = 340, 300, 70, 40


def curves_section(report: EvaluationReport) -> Html:
    """Small curves of precision against recall, the lowest average precision first."""
    by_name = {category.name: category for category in report.paper.categories}
    pairs = sorted(
        ((by_name[curve.name], curve) for curve in report.curves),
        key=lambda pair: pair[0].average_precision,
    )
    shown = joined(_curve(category, curve) for category, curve in pairs[:_MOST_CURVES])
    left_out = len(pairs) - _MOST_CURVES
    return section(
        "curves",
        "Precision and recall",
        note(
            "Precision (upwards) against recall, from 0 to 1, the lowest average precision first. "
            "The dot is where labels at 0.5 are."
        ),
        note(f"{left_out} more curves, with a higher AP, are not drawn.") if left_out > 0 else None,
        element("div", shown, class_="multiples"),
    )


def calibration_section(report: EvaluationReport) -> Html:
    """The reliability diagram, and how far scores are from frequencies."""
    found = report.calibration
    rows = [
        ("ECE, 15 bins of equal width", percent(found.ece_equal_width)),
        ("ECE, 15 bins of equal mass", percent(found.ece_equal_mass)),
        ("Brier score (mean squared error)", f"{found.brier:.4f}"),
    ]
    return section(
        "calibration",
        "Is a score of 0.8 right eight times in ten?",
        element(
            "div",
            _reliability(found.bins),
            element(
                "div",
                table(("All categories together", ""), rows),
                note(
                    "A bar is the share of true labels among scores of that height. At the red "
                    "line it is what the score promises; below it the model is too sure of itself. "
                    "Most scores are near 0, and they weigh most in ECE: with many categories a "
                    "small ECE is no feat. The lower bars count the scores, on a logarithmic "
                    "scale. Scores scaled on these very images would look better than they are."
                ),
            ),
            class_="beside",
        ),
    )


def _curve(category: CategoryReport, curve: PrCurve) -> Html:
    thin = curve.thinned(_CURVE_BUCKETS)
    x, y = (thin.recall * _SIDE).tolist(), ((1.0 - thin.precision) * _SIDE).tolist()
    line = "".join(f"L{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
    start = f"M0 {y[0]:.1f}"
    half = _SIDE // 2
    dot = None
    if not math.isnan(category.precision) and not math.isnan(category.recall):
        dot = element(
            "circle",
            cx=round(category.recall * _SIDE, 1),
            cy=round((1.0 - category.precision) * _SIDE, 1),
            r=3.5,
            class_="dot",
        )
    frame = element("rect", x=0, y=0, width=_SIDE, height=_SIDE, class_="frame")
    grid = element("path", d=f"M0 {half}H{_SIDE}M{half} 0V{_SIDE}", class_="grid")
    area = element("path", d=f"{start}{line}V{_SIDE}H0Z", class_="area")
    path = element("path", d=f"{start}{line}", class_="curve")
    words = (
        f"AP {percent(category.average_precision)} from {category.positives} images; at 0.5 "
        f"precision {percent(category.precision)}, recall {percent(category.recall)}"
    )
    picture = element(
        "svg",
        element("title", words),
        *(frame, grid, area, path, dot),
        viewBox=f"-4 -4 {_SIDE + 8} {_SIDE + 8}",
        role="img",
    )
    name = element("span", category.name, class_="name", title=category.name)
    value = element("span", percent(category.average_precision), class_="value")
    return element("figure", element("figcaption", name, value), picture)


def _reliability(bins: tuple[ReliabilityBin, ...]) -> Html:
    width, height = _DIAGRAM_WIDTH, _DIAGRAM_HEIGHT
    most = max((one.count for one in bins), default=0)
    parts: list[Html] = [element("rect", x=0, y=0, width=width, height=height, class_="frame")]
    for one in bins:
        if one.count:
            parts += _bin(one, math.log1p(most))
    parts.append(element("path", d=f"M0 {height}L{width} 0", class_="diagonal"))
    for tick in np.linspace(0.0, 1.0, 6).tolist():
        label = f"{tick:.1f}"
        at = round(tick * width, 1)
        parts.append(element("text", label, x=at, y=height + 16, text_anchor="middle"))
        up = round((1.0 - tick) * height + 4, 1)
        parts.append(element("text", label, x=-8, y=up, text_anchor="end"))
    parts.append(element("text", "share that is true", x=8, y=16))
    parts.append(element("text", "score", x=width / 2, y=height + 16, text_anchor="middle"))
    total = height + _COUNT_HEIGHT + 2 * _MARGIN
    return element(
        "svg",
        element("title", "Reliability diagram: frequency of true labels against the score"),
        *parts,
        viewBox=f"{-_MARGIN} -10 {width + _MARGIN + 20} {total}",
        class_="reliability",
        role="img",
    )


def _bin(one: ReliabilityBin, most: float) -> list[Html]:
    width, height = _DIAGRAM_WIDTH, _DIAGRAM_HEIGHT
    x, w = round(one.low * width + 1, 1), round((one.high - one.low) * width - 2, 1)
    tall = round(one.frequency * height, 1)
    promised = round((1.0 - one.mean_score) * height, 1)
    counted = round(math.log1p(one.count) / most * _COUNT_HEIGHT, 1)
    words = (
        f"scores {one.low:.2f} to {one.high:.2f}: {whole(one.count)} of them, mean "
        f"{one.mean_score:.3f}, true {one.frequency:.3f}"
    )
    base = height + 28
    return [
        element(
            "rect",
            element("title", words),
            x=x,
            y=round(height - tall, 1),
            width=w,
            height=tall,
            class_="bar",
        ),
        element("path", d=f"M{x} {promised}h{w}", class_="promised"),
        element("rect", x=x, y=base, width=w, height=counted, class_="count"),
    ]
