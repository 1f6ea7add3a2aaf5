"""Tool tips of cells leave those to the right and below in sight."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from csra_gui.review.label_delegate import LabelDelegate
from csra_gui.widgets import tips

SCREEN = QRect(0, 0, 1280, 800)


def test_a_tip_ends_above_its_cell_unless_there_is_no_room() -> None:
    tip = QRect(300, 420, 200, 60)
    view = QRect(100, 100, 900, 600)
    assert tips.place_above(tip, 400, view, SCREEN) == QPoint(300, 336)
    assert tips.place_above(tip, 30, view, SCREEN) == QPoint(300, 420)


def test_a_tip_leaves_what_is_beside_its_view_in_sight() -> None:
    narrow = QRect(900, 100, 250, 600)
    assert tips.place_above(QRect(620, 420, 200, 60), 400, narrow, SCREEN).x() == 900
    assert tips.place_above(QRect(1070, 420, 200, 60), 400, narrow, SCREEN).x() == 949
    wide = QRect(620, 420, 360, 60)
    assert tips.place_above(wide, 400, narrow, SCREEN).x() + wide.width() == narrow.right()


def test_the_tip_of_a_label_is_shown_above_it(qtbot: QtBot) -> None:
    view = QListWidget()
    qtbot.addWidget(view)
    view.move(200, 300)
    view.resize(200, 200)
    item = QListWidgetItem("dog", view)
    item.setToolTip("dog, 91 %")
    with qtbot.waitExposed(view):
        view.show()
    index = view.indexFromItem(item)
    cell = view.visualRect(index)
    top = view.viewport().mapToGlobal(cell.topLeft())
    event = QHelpEvent(QHelpEvent.Type.ToolTip, cell.center(), top + QPoint(10, 5))
    assert LabelDelegate(view).helpEvent(event, view, QStyleOptionViewItem(), index)
    tip = tips._shown_tip()
    assert tip is not None and tip.geometry().bottom() < top.y()
    tip.hide()
