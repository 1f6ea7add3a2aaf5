from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.base.theme import palette_for
from csra_gui.plots.bars import BarGroup, BarPlot
from csra_gui.plots.colors import series_color
from csra_gui.plots.curves import CurvePlot, LiveCurve
from csra_gui.plots.heat_matrix import HeatMatrix
from csra_gui.plots.values import PlotTable, Series

_W = TypeVar("_W", bound=QWidget)

X = np.array([0.0, 0.5, 1.0])


@pytest.fixture
def keep(qtbot: QtBot) -> Iterator[Callable[[_W], _W]]:
    """Holds widgets until they are closed: a plot must not lose its parts while it is painted."""
    kept: list[QWidget] = []

    def active_model(widget: _W) -> _W:
        qtbot.addWidget(widget)
        kept.append(widget)
        return widget

    yield active_model
    kept.clear()


@pytest.fixture
def curves(keep: Callable[[CurvePlot], CurvePlot]) -> CurvePlot:
    plot = keep(CurvePlot("Two lines"))
    plot.set_axes("recall", "precision")
    plot.set_series([Series("cat", X, 1 - X), Series("", X, X, is_guide=True)])
    plot.resize(300, 200)
    plot.show()
    return plot


def test_the_numbers_of_a_plot_are_its_lines_without_guides(curves: CurvePlot) -> None:
    curves.sharing.copy_numbers()
    assert QApplication.clipboard().text() == (
        "series,recall,precision\ncat,0,1\ncat,0.5,0.5\ncat,1,0\n"
    )


def test_a_name_that_a_spreadsheet_would_run_is_taken_for_text() -> None:
    table = PlotTable(("name", "value"), [("=1+1", None), ("cat", float("nan"))])
    assert table.as_csv() == "name,value\n'=1+1,\ncat,\n"


def test_moving_the_marker_emits_and_setting_it_does_not(curves: CurvePlot, qtbot: QtBot) -> None:
    moved: list[tuple[float, float]] = []
    curves.marker_moved.connect(lambda x, y: moved.append((x, y)))
    curves.set_marker((0.5, 0.5))
    assert curves.marker == (0.5, 0.5)
    assert moved == []
    curves._marker.setPos(0.25, 0.75)
    assert moved == [(0.25, 0.75)]
    curves.set_marker(None)
    assert curves.marker is None


def test_arrow_keys_ask_for_a_step(curves: CurvePlot, qtbot: QtBot) -> None:
    with qtbot.waitSignal(curves.step_requested) as step:
        QTest.keyClick(curves, Qt.Key.Key_Left)
    assert step.args == [-1]


@pytest.mark.parametrize("dark", [False, True])
def test_a_plot_takes_the_colours_of_the_palette(
    curves: CurvePlot, qtbot: QtBot, dark: bool
) -> None:
    palette = palette_for(dark=dark)
    curves.setPalette(palette)
    picture = curves.grab().toImage()
    assert picture.pixelColor(2, 2) == palette.color(QPalette.ColorRole.Base)
    seen = {picture.pixelColor(x, y).name() for x in range(300) for y in range(200)}
    assert series_color(0, palette).name() in seen


def test_a_stepped_line_holds_each_value_up_to_its_place() -> None:
    x, y = Series("", X, np.array([1.0, 2.0, 3.0]), is_stepped=True).drawn()
    assert list(zip(x, y, strict=True)) == [(0, 1), (0, 2), (0.5, 2), (0.5, 3), (1, 3)]


def test_a_line_grows_and_its_best_place_is_marked(keep: Callable[[LiveCurve], LiveCurve]) -> None:
    plot = keep(LiveCurve("Loss"))
    for step in range(70):
        plot.append("train", step, 1 / (step + 1))
    plot.append("val", 0, 2.0)
    plot.mark_best(12)
    plot.setPalette(palette_for(dark=True))
    assert [series.name for series in plot.series] == ["train", "val"]
    assert len(plot.series[0].x) == 70
    assert list(plot._lines[0].getData()[1][:2]) == [1.0, 0.5]
    plot.clear()
    assert plot.series == ()


def test_a_click_finds_the_bar_of_its_group(
    qtbot: QtBot, keep: Callable[[BarPlot], BarPlot]
) -> None:
    plot = keep(BarPlot("Scores"))
    counts = np.array([3.0, 0.0, 5.0, 2.0])
    plot.set_bars(
        np.linspace(0, 1, 5), [BarGroup("a", counts, counts), BarGroup("b", counts, counts)]
    )
    assert plot.bar_at(0.05) == (0, 0)
    assert plot.bar_at(0.20) == (1, 0)
    assert plot.bar_at(0.30) is None
    assert plot.bar_at(0.99) == (1, 3)
    assert plot.bar_at(1.5) is None
    plot.resize(300, 200)
    plot.show()
    plot.set_ranges((0.0, 1.0), (0.0, 5.0))
    scene = plot._item.vb.mapViewToScene(plot._pg.Point(0.55, 1.0))
    at = plot._view.mapFromScene(scene)
    with qtbot.waitSignal(plot.bar_clicked) as clicked:
        QTest.mouseClick(
            plot._view.viewport(),
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
            QPoint(at),
        )
    assert clicked.args == [0, 2]


def test_a_matrix_says_in_words_what_a_cell_counts(
    qtbot: QtBot, keep: Callable[[HeatMatrix], HeatMatrix]
) -> None:
    matrix = keep(HeatMatrix("Pairs"))
    counts = np.array([[4, 1], [0, 2]])
    matrix.set_counts(["cat", "dog"], counts, counts / 4, "{row} and {column}: {count}")
    index = matrix.model().index(0, 1)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "cat and dog: 1"
    assert matrix.table().as_csv() == ",cat,dog\ncat,4,1\ndog,0,2\n"
    with qtbot.waitSignal(matrix.cell_activated) as cell:
        matrix.clicked.emit(index)
    assert cell.args == [0, 1]


def test_the_picture_of_a_plot_is_handed_over_for_a_file(
    curves: CurvePlot, qtbot: QtBot, tmp_path: Path
) -> None:
    curves.sharing.ask_picture()
    [dialog] = curves.findChildren(QFileDialog)
    with qtbot.waitSignal(curves.export_requested) as export:
        dialog.fileSelected.emit(str(tmp_path / "plot.png"))
    dialog.close()
    path, content = export.args
    assert path == tmp_path / "plot.png"
    assert content.startswith(b"\x89PNG")
