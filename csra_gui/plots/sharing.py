"""The context menu of whatever shows numbers: copy and save it, as a picture and as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QPoint, Qt
from PySide6.QtGui import QGuiApplication, QPixmap
from PySide6.QtWidgets import QAbstractScrollArea, QMenu, QWidget

from csra_gui.base.ask import ask_target
from csra_gui.plots.values import PlotTable

Export = Callable[[Path, bytes], object]


class Sharing:
    """What the menu of one widget does.

    Args:
        widget: whose menu it is.
        name: of the files that are offered, without an ending.
        table: its numbers as they are now.
        export: takes a file that the person has chosen, and what belongs into it; writing is
            not this thread's work.
    """

    def __init__(
        self, widget: QWidget, name: str, table: Callable[[], PlotTable], export: Export
    ) -> None:
        self._widget = widget
        self._name = name
        self._table = table
        self._export = export
        widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        widget.customContextMenuRequested.connect(self._show_menu)

    def _show_menu(self, at: QPoint) -> None:
        widget = self._widget
        area = widget.viewport() if isinstance(widget, QAbstractScrollArea) else widget
        menu = QMenu(widget)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy &picture", self.copy_picture)
        menu.addAction("&Save picture…", self.ask_picture)
        menu.addSeparator()
        menu.addAction("&Copy numbers", self.copy_numbers)
        menu.addAction("Save &numbers as CSV…", self.ask_numbers)
        menu.popup(area.mapToGlobal(at))

    def copy_picture(self) -> None:
        """Put the widget as it looks into the clipboard."""
        QGuiApplication.clipboard().setPixmap(self._widget.grab())

    def copy_numbers(self) -> None:
        """Put the numbers into the clipboard, as comma-separated values."""
        QGuiApplication.clipboard().setText(self._table().as_csv())

    def ask_picture(self) -> None:
        """Ask for a file and hand over the widget as it looks."""
        picture = _png(self._widget.grab())
        self._ask("Save the picture", "Pictures (*.png)", ".png", picture)

    def ask_numbers(self) -> None:
        """Ask for a file and hand over the numbers."""
        numbers = self._table().as_csv().encode("utf-8", "replace")
        self._ask("Save the numbers", "Comma-separated values (*.csv)", ".csv", numbers)

    def _ask(self, title: str, kind: str, suffix: str, content: bytes) -> None:
        name = f"{self._name}{suffix}"
        ask_target(self._widget, title, name, (kind,), lambda path: self._export(path, content))


def _png(pixmap: QPixmap) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    pixmap.save(buffer, "PNG")
    return bytes(buffer.data().data())
