"""The beginning of the report: the numbers that are compared most, and what they mean."""

from __future__ import annotations

from collections.abc import Iterator

from engine.metrics.bootstrap import Interval
from engine.metrics.decisions import LabelMetrics
from engine.metrics.localisation import Frame
from engine.metrics.ranking import ApKind
from engine.metrics.report import MetricReport, Protocol
from engine.report.markup import (
    Child,
    Html,
    element,
    from_data,
    joined,
    note,
    percent,
    percent_range,
    section,
    table,
    whole,
)
from engine.report.numbers import EvaluationReport
from engine.report.published import published_rows, why_not_comparable

_PROTOCOLS = {
    Protocol.PAPER_VOC: "of the official evaluation on VOC: a label whose objects are all marked "
    "difficult does not count",
    Protocol.PAPER_COCO: "of the official evaluation on COCO: nothing is ignored",
    Protocol.PAPER_WIDER: "of the official evaluation on WIDER-Attribute: unspecified attributes "
    "do not count in average precision, but are negatives in precision and recall",
}
_AP_KINDS = {
    ApKind.NON_INTERPOLATED: "what the paper and the multi-label literature print",
    ApKind.TIES_COLLAPSED: "what scikit-learn and torchmetrics compute",
    ApKind.INTERPOLATED: "VOC from 2010 on",
    ApKind.ELEVEN_POINT: "VOC until 2009",
}
_SIX = ("CP", "CR", "CF1", "OP", "OR", "OF1", "macro F1")


def overview(report: EvaluationReport) -> Html:
    """Tiles with the main numbers, and which arithmetic they follow."""
    paper, run = report.paper, report.run
    reason = why_not_comparable(run)
    return element(
        "section",
        element("div", *_tiles(report), class_="tiles"),
        note(
            f"mAP is the mean over categories of the {paper.protocol.ap_kind} average precision, "
            f"in the arithmetic {_PROTOCOLS[paper.protocol]} ({paper.protocol}). Labels are scores "
            "of at least 0.5. All numbers are percentages unless they are counts.",
        ),
        note(element("strong", "Not comparable with published numbers. "), reason, kind="warning")
        if reason
        else None,
        _left_out(paper),
        id="overview",
    )


def metrics_section(report: EvaluationReport) -> Html:
    """All means: in the paper's arithmetic and in a consistent one, and every definition of AP."""
    paper, consistent = report.paper, report.consistent
    rows = [
        *_metric_rows(paper, f"As in the paper ({paper.protocol})"),
        *_metric_rows(consistent, "Consistent"),
    ]
    kinds = [
        (str(kind), meaning, percent(paper.mean_by_kind[kind]))
        for kind, meaning in _AP_KINDS.items()
    ]
    return section(
        "metrics",
        "Means",
        table(("Labels", "mAP", *_SIX), rows, kind="wide"),
        note(
            "CF1 is the harmonic mean of CP and CR, OF1 that of OP and OR; macro F1 is the mean of "
            "the categories' F1. In the paper's arithmetic a category that is never predicted "
            "counts as predicted once, wrongly. “Consistent” ignores what nobody can say "
            "everywhere, takes equal scores for one threshold and adds no such prediction."
        ),
        element("h3", "The same ranking in four definitions of average precision"),
        table(("Definition", "Used by", "mAP"), kinds, kind="definitions"),
    )


def published_section(report: EvaluationReport) -> Html | None:
    """What others printed on this data set, with the sources; ``None`` if nothing is known."""
    rows = published_rows(report.run)
    if not rows:
        return None
    run, paper, reason = report.run, report.paper, why_not_comparable(report.run)
    own = (
        element("strong", f"This run: {from_data(run.model.get('name', ''))}"),
        element("strong", percent(paper.mean_average_precision)),
        percent(paper.labels.class_f1),
        percent(paper.labels.overall_f1),
        "this report",
    )
    others = (
        (r.title, *map(_printed, (r.mean_average_precision, r.class_f1, r.overall_f1)), r.source)
        for r in rows
    )
    warning = f"This run is not comparable with the rows below it. {reason}" if reason else None
    return section(
        "published",
        "Published on this data set",
        table(("Model", "mAP", "CF1", "OF1", "Source"), [own, *others], kind="texts"),
        note(warning, kind="warning") if warning else None,
        note("Models with the backbone of this run come first; a dash was not printed."),
    )


def _tiles(report: EvaluationReport) -> Iterator[Html]:
    paper, intervals = report.paper, report.intervals
    yield _tile(
        "mAP",
        percent(paper.mean_average_precision),
        _interval(intervals.mean_average_precision),
        kind="main",
    )
    # The intervals leave ignored entries out everywhere, as the consistent numbers do.
    yield _tile("CF1", percent(paper.labels.class_f1), _interval(intervals.class_f1))
    yield _tile("OF1", percent(paper.labels.overall_f1), _interval(intervals.overall_f1))
    if report.localisation is not None:
        game = report.localisation.pointing[f"{Frame.PHOTO}, all"]
        yield _tile("Pointing game", percent(game.accuracy), "15 px of the photo, all pairs")
    yield _tile("Images", whole(paper.num_images), f"{len(report.run.categories)} categories")
    failed = len(report.run.failed)
    yield _tile("Unreadable", whole(failed), "not in any number", kind="bad" if failed else "")


def _tile(name: str, value: str, below: str, kind: str = "") -> Html:
    return element(
        "div",
        element("span", name, class_="name"),
        element("span", value, class_="value"),
        element("span", below, class_="below"),
        class_=f"tile {kind}".strip(),
    )


def _interval(interval: Interval) -> str:
    return f"{interval.level:.0%} interval {percent_range(interval.low, interval.high)}"


def _left_out(paper: MetricReport) -> Html | None:
    names = paper.without_positives
    if not names:
        return None
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    return note(
        element("strong", f"No image has {len(names)} of the categories. "),
        f"The means leave them out: {shown}.",
        kind="warning",
    )


def _metric_rows(metrics: MetricReport, title: str) -> Iterator[tuple[Child, ...]]:
    yield (element("th", title, scope="rowgroup", colspan=2 + len(_SIX), class_="group"),)
    mean = element("strong", percent(metrics.mean_average_precision))
    yield ("every score ≥ 0.5", mean, *_six(metrics.labels))
    yield ("top 3, if ≥ 0.5 (the official code's)", "", *_six(metrics.top3))
    yield ("top 3, whatever the score (the literature's)", "", *_six(metrics.top3_always))


def _six(labels: LabelMetrics) -> tuple[Html, ...]:
    values = (
        labels.class_precision,
        labels.class_recall,
        labels.class_f1,
        labels.overall_precision,
        labels.overall_recall,
        labels.overall_f1,
        labels.macro_f1,
    )
    return tuple(joined([percent(value)]) for value in values)


def _printed(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"
