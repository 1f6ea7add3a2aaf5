"""The numbers that are printed, beside those that others printed, and what to know of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.theme import Tone
from csra_gui.evaluation.analysis import Analysis
from csra_gui.evaluation.cases import Outcome, overall_cases
from csra_gui.evaluation.result_state import ResultState
from csra_gui.plots.sharing import Sharing
from csra_gui.plots.values import PlotTable
from csra_gui.widgets.fact_sheet import FactSheet
from csra_gui.widgets.table import Cell, Table
from engine.metrics.decisions import LabelMetrics
from engine.metrics.localisation import Frame
from engine.report.numbers import EvaluationReport, learned_from
from engine.report.published import published_rows, why_not_comparable
from engine.texts import NOTHING, date_text, display_text, number, percent, whole_percent

_HEADER = ("", "mAP", "CP", "CR", "CF1", "OP", "OR", "OF1", "from")
_SHOWS = {
    1: Outcome.WRONG,
    2: Outcome.WRONG,
    3: Outcome.MISSED,
    4: Outcome.WRONG,
    5: Outcome.WRONG,
    6: Outcome.MISSED,
    7: Outcome.WRONG,
}
_TIPS = {
    1: "Mean average precision over the categories",
    2: "Precision, mean over categories",
    3: "Recall, mean over categories",
    4: "F1 of CP and CR",
    5: "Precision over all labels",
    6: "Recall over all labels",
    7: "F1 of OP and OR",
}
_CHOSEN = (
    "{}: the model's epoch, thresholds and calibration were chosen there, so numbers that are "
    "measured there are too high."
)
Row = tuple[str, ...]


def number_rows(analysis: Analysis) -> tuple[list[Row], int]:
    """The rows of the table, and how many of them are this run's."""
    report = analysis.report
    interval = report.intervals.mean_average_precision
    mean = percent(report.paper.mean_average_precision)
    if analysis.has_intervals:
        mean += f"  ({percent(interval.low)} – {percent(interval.high)})"
    name = display_text(report.run.model.get("name", ""))
    own = [
        (name, mean, *_six(report.paper.labels), f"this run, {report.paper.protocol}"),
        (
            "three best labels of each image",
            NOTHING,
            *_six(report.paper.top3),
            "this run, of scores from 50 %",
        ),
    ]
    if report.at_stored is not None:
        own.append(
            (
                "at the thresholds in the model's file",
                NOTHING,
                *_six(report.at_stored.labels),
                "this run, one for each label",
            )
        )
    own.append(
        (
            "at the best thresholds of these images",
            NOTHING,
            *_six(report.at_best.labels),
            "this run, in-sample: too good to be reported",
        )
    )
    rows: list[Row] = list(own)
    for row in published_rows(report.run):
        printed = [NOTHING] * 6
        printed[2] = _printed(row.class_f1)
        printed[5] = _printed(row.overall_f1)
        mean = _printed(row.mean_average_precision)
        rows.append((row.title, mean, *printed, f"published: {row.source}"))
    return rows, len(own)


def facts(analysis: Analysis) -> list[tuple[str, str]]:
    """What to know of the run, caption and text."""
    run, report = analysis.run, analysis.report
    found = [("Images", f"{len(run.ids):,}" + _unreadable(len(run.failed)))]
    interval = report.intervals.mean_average_precision
    if analysis.has_intervals:
        found.append(
            (
                "Interval of mAP",
                f"{whole_percent(interval.level)} of resampled image sets lie between the two "
                "numbers. It says nothing of another training, nor which of two models is better.",
            )
        )
    else:
        found.append(("Interval of mAP", "being computed…"))
    if chosen := run.model.get("chosen on", ""):
        found.append(("Chosen on the test split", _CHOSEN.format(chosen)))
    found.append(("Arithmetic", f"{report.paper.protocol}, since {report.protocol_reason}."))
    found += _stored_facts(report)
    reason = why_not_comparable(run)
    found.append(("Published numbers", reason or "These can be set beside this run."))
    if report.localisation is not None:
        game = report.localisation.pointing[f"{Frame.PHOTO}, all"]
        hard = report.localisation.pointing[f"{Frame.PHOTO}, difficult"]
        found.append(
            (
                "Pointing game",
                f"{percent(game.accuracy)} % of {game.pairs:,} maps point at the thing; "
                f"{percent(hard.accuracy)} % of the {hard.pairs:,} difficult ones.",
            )
        )
    if missing := report.paper.without_positives:
        found.append(("Left out of the means, as no image has them", ", ".join(missing)))
    if missing := report.paper.without_negatives:
        found.append(("Left out of mAP, as no image is known to lack them", ", ".join(missing)))
    found += [("Note", text) for text in run.problems]
    settings = "; ".join(f"{key}: {value}" for key, value in run.settings.items())
    found.append(("Made", f"{date_text(run.date)}. {settings}"))
    return [(caption, display_text(text)) for caption, text in found]


def _stored_facts(report: EvaluationReport) -> list[tuple[str, str]]:
    """Thresholds and calibration of the model's file; nothing if the run did not note them."""
    stored, after = report.run.stored, report.calibrated
    if stored is None:
        return []
    sample = {"is_in_sample": stored.is_in_sample}
    thresholds = "none: its labels are those of one half."
    if report.at_stored is not None:
        six = report.at_stored.labels
        thresholds = (
            f"one for each label{learned_from(stored.thresholds_from, **sample)}: CF1 "
            f"{percent(six.class_f1)}, OF1 {percent(six.overall_f1)}."
        )
    before = number(100 * report.calibration.ece_equal_width, 2)
    calibration = f"none: scores are off by {before} points on average (ECE)."
    if after is not None:
        error = number(100 * after.ece_equal_width, 2)
        calibration = (
            f"scores are off by {before} points on average (ECE), and by {error} with the "
            f"calibration{learned_from(stored.calibration_from, **sample)}."
        )
    return [("Thresholds in the model's file", thresholds), ("Calibration there", calibration)]


class OverviewTab(QWidget):
    """A small table and a sheet of facts; a click on a number shows the images behind it."""

    def __init__(self, state: ResultState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._own = 0
        self.numbers = Table(
            _HEADER,
            "Means, in percent",
            self,
            stretched=len(_HEADER) - 1,
            tips=_TIPS,
            selects_rows=False,
        )
        self.sheet = FactSheet(self)
        self._sharing = Sharing(self.numbers, "overview", self.table, state.export_requested.emit)
        self._set_up()
        state.analysis_changed.connect(self._show)

    def table(self) -> PlotTable:
        """The numbers as they are shown."""
        analysis = self._state.analysis
        return PlotTable(_HEADER, () if analysis is None else number_rows(analysis)[0])

    def _set_up(self) -> None:
        self.numbers.cellClicked.connect(self._on_numbers_cell_activated)
        self.numbers.cellActivated.connect(self._on_numbers_cell_activated)
        self.sheet.setAccessibleName("About this run")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.numbers, 2)
        layout.addWidget(self.sheet, 3)

    @Slot()
    def _show(self) -> None:
        analysis = self._state.analysis
        rows: Sequence[Row] = ()
        if analysis is None:
            self.sheet.set_facts("", ())
        else:
            rows, self._own = number_rows(analysis)
            name = display_text(analysis.run.dataset.get("name", ""))
            self.sheet.set_facts(f"On {name}", facts(analysis))
        self.numbers.set_rows(
            [
                [_cell(place, column, text) for column, text in enumerate(row)]
                for place, row in enumerate(rows)
            ]
        )

    @Slot(int, int)
    def _on_numbers_cell_activated(self, row: int, column: int) -> None:
        state = self._state
        if row == 0 and column in _SHOWS and state.analysis is not None and state.table is not None:
            state.cases_requested.emit(
                overall_cases(state.analysis, state.table.thresholds, _SHOWS[column])
            )


def _cell(row: int, column: int, text: str) -> Cell:
    if column in (0, len(_HEADER) - 1):
        return Cell(text, tip=text)
    if row == 0 and column in _SHOWS:
        shows = "wrong" if _SHOWS[column] is Outcome.WRONG else "missed"
        tip = f"Click to see the images with {shows} labels"
        return Cell(text, math.nan, Tone.ACCENT, tip=tip)
    return Cell(text, math.nan)


def _six(metrics: LabelMetrics) -> tuple[str, ...]:
    values = metrics.as_dict()
    return tuple(percent(values[name]) for name in _HEADER[2:8])


def _printed(value: float | None) -> str:
    return number(value, 1)


def _unreadable(number: int) -> str:
    return f"; {number:,} could not be read and are left out" if number else ""
