"""Chooses the kind of map and says what its colours mean."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QVBoxLayout, QWidget

from csra_gui.base.settings import (
    COLOR_MAP,
    JET_MISLEADS,
    MAP_HEAD,
    MAP_KIND,
    Setting,
    Settings,
)
from csra_gui.base.tool_tips import tool_tip
from csra_gui.maps.display import KIND_TEXTS, NOT_WHERE, MapDisplay, head_caption
from csra_gui.session.session import Session
from csra_gui.widgets.color_bar import ColorBar
from csra_gui.widgets.colormaps import ColorMapName
from csra_gui.widgets.labels import plain_label
from engine.explain.evidence import MapKind


class MapChooser(QWidget):
    """Kind, head and colours of maps, over the colour bar with a sentence on what it says."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        display: MapDisplay,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._display = display
        self.kinds = self._combo(MAP_KIND)
        self.heads = QComboBox(self)
        self.colors = self._combo(COLOR_MAP)
        self.bar = ColorBar(self)
        self.meaning = plain_label("", self)
        self._form = QFormLayout()
        self._set_up_layout()
        self.heads.activated.connect(self._on_heads_activated)
        session.focus.category_changed.connect(self.update_bar)
        session.focus.current_changed.connect(self.update_bar)
        session.models.state_changed.connect(self._update_heads)
        display.changed.connect(self._update_all)
        self._update_heads()
        self._update_all()

    def _set_up_layout(self) -> None:
        self.heads.setAccessibleName("Head")
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setVerticalSpacing(4)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.addRow("Ma&p:", self.kinds)
        self._form.addRow("&Head:", self.heads)
        self._form.addRow("&Colours:", self.colors)
        for box in (self.kinds, self.heads, self.colors):
            # The sentence below grows with each line, which the layout takes from whom it can.
            box.setMinimumHeight(box.sizeHint().height())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(self._form)
        layout.addWidget(self.bar)
        layout.addWidget(self.meaning)

    def _combo(self, setting: Setting) -> QComboBox:
        box = QComboBox(self)
        for stored, caption in setting.choices:
            box.addItem(caption, stored)
        for place, kind in enumerate(MapKind if setting is MAP_KIND else ()):
            box.setItemData(place, tool_tip(KIND_TEXTS[kind].meaning), Qt.ItemDataRole.ToolTipRole)
        jet = box.findData(ColorMapName.JET.value)
        if setting is COLOR_MAP and jet >= 0:
            box.setItemData(jet, tool_tip(JET_MISLEADS), Qt.ItemDataRole.ToolTipRole)
        box.setAccessibleName(setting.caption)
        box.setToolTip(tool_tip(setting.help))
        box.activated.connect(lambda at: self._settings.set_value(setting, box.itemData(at)))
        return box

    @Slot()
    def update_bar(self) -> None:
        """Show the scale of the category that is shown."""
        kind = self._display.kind
        self.bar.set_style(self._display.style(self._session.focus.category), KIND_TEXTS[kind].unit)

    @Slot()
    def _update_all(self) -> None:
        kind = self._display.kind
        self.kinds.setCurrentIndex(self.kinds.findData(kind.value))
        self.colors.setCurrentIndex(self.colors.findData(self._settings.value(COLOR_MAP)))
        signed = kind in (MapKind.EVIDENCE, MapKind.SCORE)
        self.colors.setEnabled(not signed)
        self.colors.setToolTip(
            tool_tip("Maps with a sign are always blue to red." if signed else COLOR_MAP.help)
        )
        self.heads.setCurrentIndex(0 if self._display.head is None else self._display.head + 1)
        self._form.setRowVisible(self.heads, kind is MapKind.ATTENTION and self.heads.count() > 1)
        model = self._session.models.model
        lacks = model is not None and not model.says_where
        for part in (self.kinds, self.colors, self.bar):
            part.setVisible(not lacks)
        self._form.setRowVisible(self.kinds, not lacks)
        self._form.setRowVisible(self.colors, not lacks)
        self.meaning.setText(NOT_WHERE if lacks else KIND_TEXTS[kind].meaning)
        self.meaning.setToolTip(tool_tip(KIND_TEXTS[kind].long))
        self.bar.setToolTip(tool_tip(KIND_TEXTS[kind].long))
        self.update_bar()

    @Slot()
    def _update_heads(self) -> None:
        model = self._session.models.model
        temperatures = () if model is None else model.temperatures
        titles = () if model is None else model.head_titles
        self.heads.clear()
        self.heads.addItem("All together")
        if len(temperatures) > 1:
            self.heads.addItems([head_caption(i, t, titles) for i, t in enumerate(temperatures)])
        self._update_all()

    @Slot(int)
    def _on_heads_activated(self, place: int) -> None:
        self._settings.set_value(MAP_HEAD, place)
