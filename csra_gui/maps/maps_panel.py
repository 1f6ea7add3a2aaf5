"""More about maps, for whoever wants to know: heads, labels together, and what-ifs."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QDockWidget, QSplitter, QTabWidget, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.settings import Settings
from csra_gui.maps.comparison import Comparison
from csra_gui.maps.display import NOT_WHERE, MapDisplay
from csra_gui.maps.heads_tab import HeadsTab
from csra_gui.maps.label_changes import LabelChange, label_changes
from csra_gui.maps.together_tab import TogetherTab
from csra_gui.maps.what_if_tab import WhatIfTab
from csra_gui.session.session import Session
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.table import Cell, Table
from engine.texts import change, display_text, percent

_NOTHING = (
    "Move a slider, or mark a part of the photo and hide it, to see the labels change. "
    "Nothing here is stored."
)
_NOT_WHERE = (
    f"{NOT_WHERE} Mark a part of the photo and hide it, to see the labels change. "
    "Nothing here is stored."
)
_HEADER = ("Label", "Stored", "Now", "Change")
_SIZES = (3000, 2000)
_WORKING = "Asking the network…"


class MapsPanel(QDockWidget):
    """A dock below or beside the photo; hidden until it is asked for."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        display: MapDisplay,
        comparison: Comparison,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Maps", parent)
        self.setObjectName("maps")
        self._session = session
        self._display = display
        self.heads = HeadsTab(session, settings, display, self)
        self.together = TogetherTab(session, display, comparison, self)
        self.what_if = WhatIfTab(session, display.source, self)
        self.tabs = QTabWidget(self)
        self.told = plain_label("", self)
        self.table = Table(_HEADER, "Labels before and after", self)
        self.table.setMinimumSize(170, 60)
        self._set_up()
        display.changed.connect(self.update_table)
        session.thresholds.changed.connect(self.update_table)
        session.models.state_changed.connect(self._update_tabs)
        session.models.state_changed.connect(self.update_table)
        self.update_table()
        self._update_tabs()

    def _set_up(self) -> None:
        for widget, caption in (
            (self.heads, "&Heads"),
            (self.together, "&Together"),
            (self.what_if, "&What if"),
        ):
            self.tabs.addTab(widget, caption)
        self.tabs.setDocumentMode(True)
        changes = QWidget(self)
        column = QVBoxLayout(changes)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(self.told)
        column.addWidget(self.table, 1)
        column.addStretch(0)
        both = QSplitter(Qt.Orientation.Horizontal, self)
        both.addWidget(self.tabs)
        both.addWidget(changes)
        both.setStretchFactor(0, 3)
        both.setStretchFactor(1, 2)
        both.setSizes(_SIZES)
        self.setWidget(both)

    def set_photo(self, image: QImage | None) -> None:
        """The photo that is seen."""
        self.heads.set_photo(image)

    @override
    def sizeHint(self) -> QSize:
        # Low, so that the labels beside the photo keep their room.
        return QSize(640, 200)

    def show_changes(self) -> None:
        """Come out with the table that says what became of the labels."""
        self.show()
        self.tabs.setCurrentWidget(self.what_if)

    def show_together(self) -> None:
        """Come out with the list of labels to tick."""
        self.show()
        self.tabs.setCurrentWidget(self.together)

    @Slot()
    def _update_tabs(self) -> None:
        """A head alone looks where all of them together look."""
        model = self._session.models.model
        has_several = model is not None and len(model.temperatures) > 1
        self.tabs.setTabVisible(self.tabs.indexOf(self.heads), has_several)

    @Slot()
    def update_table(self) -> None:
        """Compare the labels with the stored ones anew."""
        source, model = self._display.source, self._session.models.model
        stored, now = source.stored, source.scores
        if not source.is_changed or stored is None or model is None:
            says_where = model is None or model.says_where
            self._tell(_NOTHING if says_where else _NOT_WHERE, [])
        elif now is None:
            self._tell(display_text(source.error) or _WORKING, [])
        else:
            labels, least = self._session.photos.categories, self._session.thresholds.values
            changes = label_changes(stored, now, labels, least)
            rows = [_cells(change) for change in changes]
            self._tell(f"What if: {source.text()}. Nothing of this is stored.", rows)

    def _tell(self, text: str, rows: list[list[Cell]]) -> None:
        self.told.setText(text)
        self.table.set_rows(rows)
        self.table.setVisible(bool(rows))


def _cells(label: LabelChange) -> list[Cell]:
    name, is_other = display_text(label.name), label.was_label is not label.is_label
    if is_other:
        name += " (now a label)" if label.is_label else " (no label any more)"
    if label.is_silenced:
        tip = f"{display_text(label.name)}: every head that knows it is off, so nothing is left."
        before = Cell(percent(label.before, " %"), label.before, is_bold=is_other)
        gone = Cell("\N{EN DASH}", 0.0, is_bold=is_other, tip=tip)
        return [Cell(name, is_bold=is_other, tip=tip), before, gone, gone]
    difference = label.after - label.before
    return [
        Cell(name, is_bold=is_other, tip=name),
        Cell(percent(label.before, " %"), label.before, is_bold=is_other),
        Cell(percent(label.after, " %"), label.after, is_bold=is_other),
        Cell(change(label.before, label.after), difference, is_bold=is_other),
    ]
