"""The models as a table in sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from csra_gui.base.tool_tips import tool_tip

COLUMNS = ("Name", "State", "Names", "Quality", "Size", "Speed")
_NUMBERS = (3, 4)
_QUALITY = 3
_QUALITY_TIP = (
    "How right it is, as mean average precision on photos of its own data: 100 % is perfect. To be "
    "compared only between models that name the same things."
)
_INDENTATION = 14
_ROW_PADDING = 6
_NAME = Qt.ItemDataRole.UserRole
_MORE = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One line.

    Attributes:
        name: what ``current_name`` answers.
        cells: texts in the order of ``COLUMNS``.
        marked: shown in bold.
        more: what the filter looks at as well.
    """

    name: str
    cells: tuple[str, ...]
    marked: bool = False
    more: str = ""


@dataclass(frozen=True, slots=True)
class ModelSection:
    """A caption and the lines below it."""

    caption: str
    lines: tuple[ModelLine, ...]
    is_open: bool = True


class ModelTree(QTreeWidget):
    """Keeps the chosen line and what is folded when its lines change.

    Signals:
        current_name_changed: another line is current, or none.
        name_activated: a double click, or Return.
    """

    current_name_changed = Signal()
    name_activated = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filter = ""
        self.setAccessibleName("Models")
        self.setHeaderLabels(COLUMNS)
        self.headerItem().setToolTip(_QUALITY, tool_tip(_QUALITY_TIP))
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setExpandsOnDoubleClick(False)
        header = self.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(False)
        self.setIndentation(_INDENTATION)
        header.setSectionsMovable(False)
        self.currentItemChanged.connect(self._on_current_item_changed)
        self.itemActivated.connect(self._on_item_activated)
        self.itemDoubleClicked.connect(self._on_item_double_clicked)

    @property
    def current_name(self) -> str | None:
        """Of the current line; ``None`` on a caption or if there is none."""
        item = self.currentItem()
        return None if item is None else item.data(0, _NAME)

    def set_current_name(self, name: str) -> None:
        """Go to a line, if it is there."""
        for item in self._lines():
            if item.data(0, _NAME) == name:
                self.setCurrentItem(item)

    def set_sections(self, sections: Sequence[ModelSection]) -> None:
        """Show other lines; the current one stays current if it is still there."""
        current = self.current_name
        folded = {item.text(0): item.isExpanded() for item in self._sections()}
        first = self.topLevelItemCount() == 0
        self.blockSignals(True)
        self.clear()
        for section in sections:
            if section.lines:
                self._add(section, is_open=folded.get(section.caption, section.is_open))
        if current is not None:
            self.set_current_name(current)
        self.blockSignals(False)
        if first:
            self._fit_columns()
        self.set_filter(self._filter)
        self.current_name_changed.emit()

    def set_filter(self, text: str) -> None:
        """Show only lines that hold this text; an empty text shows all."""
        self._filter = text.casefold().strip()
        for section in self._sections():
            shown = 0
            for line in _children(section):
                texts = [line.text(column) for column in range(len(COLUMNS))]
                matches = any(self._filter in t.casefold() for t in (*texts, line.data(0, _MORE)))
                line.setHidden(not matches)
                shown += matches
            section.setHidden(not shown)
            if self._filter and shown:
                section.setExpanded(True)

    def _add(self, section: ModelSection, *, is_open: bool) -> None:
        top = QTreeWidgetItem([section.caption])
        top.setFlags(Qt.ItemFlag.ItemIsEnabled)
        top.setSizeHint(0, QSize(0, self.fontMetrics().height() + _ROW_PADDING))
        self.addTopLevelItem(top)
        top.setFirstColumnSpanned(True)
        for line in section.lines:
            item = QTreeWidgetItem(list(line.cells))
            item.setData(0, _NAME, line.name)
            item.setData(0, _MORE, line.more)
            for column in _NUMBERS:
                item.setTextAlignment(
                    column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                )
            if line.marked:
                font = QFont(self.font())
                font.setBold(True)
                for column in range(len(COLUMNS)):
                    item.setFont(column, font)
            top.addChild(item)
        top.setExpanded(is_open)

    def _fit_columns(self) -> None:
        for column in range(len(COLUMNS)):
            self.resizeColumnToContents(column)
            self.setColumnWidth(column, min(self.columnWidth(column) + 8, 260))

    def _sections(self) -> Iterator[QTreeWidgetItem]:
        yield from _children(self.invisibleRootItem())

    def _lines(self) -> Iterator[QTreeWidgetItem]:
        for section in self._sections():
            yield from _children(section)

    @Slot(QTreeWidgetItem, QTreeWidgetItem)
    def _on_current_item_changed(self) -> None:
        self.current_name_changed.emit()

    # What the first of two clicks brings may fill the tree anew: then there is no item.

    @Slot(QTreeWidgetItem, int)
    def _on_item_activated(self, item: QTreeWidgetItem | None) -> None:
        name = None if item is None else item.data(0, _NAME)
        if name is not None:
            self.name_activated.emit(name)

    @Slot(QTreeWidgetItem, int)
    def _on_item_double_clicked(self, item: QTreeWidgetItem | None) -> None:
        if item is not None and item.data(0, _NAME) is None:
            item.setExpanded(not item.isExpanded())


def _children(item: QTreeWidgetItem) -> Iterator[QTreeWidgetItem]:
    for place in range(item.childCount()):
        child = item.child(place)
        if child is not None:
            yield child
