"""Tool tips of cells: above the one that they are about, so that the next ones stay in sight."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QToolTip, QWidget

_GAP = 4


def show_above(
    event: QHelpEvent, view: QAbstractItemView, index: QModelIndex | QPersistentModelIndex
) -> bool:
    """Show the tool tip of a cell above it; whether it has one.

    The pointer mostly goes on to the right or down, where Qt would lay the tip.

    Args:
        event: asks for it.
        view: of the cell.
        index: of the cell.
    """
    text = index.data(Qt.ItemDataRole.ToolTipRole)
    if not text:
        return False
    cell = view.visualRect(index)
    QToolTip.showText(event.globalPos(), str(text), view.viewport(), cell)
    tip = _shown_tip()
    if tip is not None:
        top = view.viewport().mapToGlobal(cell.topLeft()).y()
        tip.move(place_above(tip.geometry(), top, view.screen().availableGeometry()))
    return True


def place_above(tip: QRect, top: int, screen: QRect) -> QPoint:
    """Where a tip goes that Qt has placed, to end above a cell; there, if it has no room above.

    Args:
        tip: where Qt has it.
        top: of the cell, on the screen.
        screen: all that can be seen.
    """
    above = top - _GAP - tip.height()
    return QPoint(tip.left(), tip.top() if above < screen.top() else above)


def _shown_tip() -> QWidget | None:
    windows = QApplication.topLevelWidgets()
    return next((w for w in windows if w.inherits("QTipLabel") and w.isVisible()), None)
