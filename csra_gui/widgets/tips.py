"""Tool tips of cells: above the one that they are about, so that the next ones stay in sight."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)
from typing_extensions import override

_GAP = 4


class DelegateWithTipsAbove(QStyledItemDelegate):
    """For views whose cells lie close together."""

    @override
    def helpEvent(
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> bool:
        if event.type() == QEvent.Type.ToolTip and show_above(event, view, index):
            return True
        return super().helpEvent(event, view, option, index)


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
        port = view.viewport()
        around = QRect(port.mapToGlobal(QPoint(0, 0)), port.size())
        top = port.mapToGlobal(cell.topLeft()).y()
        tip.move(place_above(tip.geometry(), top, around, view.screen().availableGeometry()))
    return True


def place_above(tip: QRect, top: int, view: QRect, screen: QRect) -> QPoint:
    """Where a tip goes that Qt has placed: above a cell, and little of it beside the view.

    Args:
        tip: where Qt has it; it stays so high if there is no room above the cell.
        top: of the cell, on the screen.
        view: of the cell, on the screen.
        screen: all that can be seen.
    """
    furthest = max(view.right() - tip.width(), screen.left())
    left = min(max(tip.left(), view.left()), furthest)
    above = top - _GAP - tip.height()
    return QPoint(left, tip.top() if above < screen.top() else above)


def _shown_tip() -> QWidget | None:
    windows = QApplication.topLevelWidgets()
    return next((w for w in windows if w.inherits("QTipLabel") and w.isVisible()), None)
