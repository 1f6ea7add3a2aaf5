"""Columns of a table that is shown are measured once, however many rows are new."""

from __future__ import annotations

from PySide6.QtWidgets import QHeaderView
from pytestqt.qtbot import QtBot

from csra_gui.widgets.table import Cell, Table


class CountingTable(Table):
    """Counts how often the width of a column is asked for."""

    measured = 0

    def sizeHintForColumn(self, column: int) -> int:
        self.measured += 1
        return super().sizeHintForColumn(column)


def test_rows_that_take_the_place_of_others_are_measured_together(qtbot: QtBot) -> None:
    table = CountingTable(("Label", "Photos", "Known to"), "Labels")
    qtbot.addWidget(table)
    table.show()
    for round_ in range(2):
        table.measured = 0
        table.set_rows([[Cell(f"{round_} {row}"), Cell("3", 3), Cell("x")] for row in range(300)])
        qtbot.wait(10)
        assert table.measured < 30
    columns, contents = table.horizontalHeader(), QHeaderView.ResizeMode.ResizeToContents
    assert columns.sectionResizeMode(0) is QHeaderView.ResizeMode.Stretch
    assert columns.sectionResizeMode(1) is columns.sectionResizeMode(2) is contents
    before = columns.sectionSize(1)
    table.set_rows([[Cell("a"), Cell("12,345,678,901", 1), Cell("x")]])
    assert columns.sectionSize(1) > before
