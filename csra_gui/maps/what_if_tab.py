"""What if λ, T, the heads or the input size were others: sliders that act at once."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from csra_gui.base.tool_tips import tool_tip
from csra_gui.maps.display import NOT_WHERE, head_title
from csra_gui.maps.head_change import HeadChange
from csra_gui.maps.source import MapSource
from csra_gui.session.session import Session
from csra_gui.widgets.labelled_slider import LabelledSlider
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.temperature_slider import TemperatureSlider
from engine.explain.evidence import heads_knowing
from engine.texts import display_text

_LAM_TIP = (
    "λ, the weight of attention in the paper: logit = base + λ · attention. At 0 the photo as a "
    "whole decides; the higher it is, the more the places that look most like the label do."
)
_TEMPERATURE_TIP = (
    "T, how sharply a head looks: its attention is softmax(T · score). Low T spreads it over the "
    "photo, high T gathers it; max looks at the one best cell."
)
_HEAD_TIP = (
    "Heads add up. The model was trained with all of them, so without one, all scores are lower."
)
_NO_ATTENTION_TIP = f"{NOT_WHERE} So there is no attention to change."
_SIZE_TIP = (
    "Side of the square that the network sees. A larger one is a finer grid, from a real second "
    "look; things then have other sizes than those it learned from."
)
_MAX_LAM, _LAM_STEP = 2.0, 0.05
_SMALLEST, _LARGEST, _SIZE_STEP = 128, 896, 32


class WhatIfTab(QScrollArea):
    """Changes the ``MapSource`` only: nothing here is stored."""

    def __init__(self, session: Session, source: MapSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._source = source
        self._shown_model = ""
        self.lam = LabelledSlider("&λ, weight of attention", 0.0, _MAX_LAM, _LAM_STEP)
        self.size_slider = LabelledSlider(
            "&Input size in pixels", _SMALLEST, _LARGEST, _SIZE_STEP, decimals=0
        )
        self.all_heads = TemperatureSlider("T of all heads")
        self.switches: list[QCheckBox] = []
        self.temperatures: list[TemperatureSlider] = []
        self.reset = QPushButton("&Reset")
        self._caption = QLabel()
        self._heads = QWidget()
        self.unknowing = plain_label("", self)
        self._right = QVBoxLayout()
        self._set_up()
        source.changed.connect(self.update_state)
        session.models.state_changed.connect(self.update_state)
        session.focus.category_changed.connect(self._update_unknowing)
        self.update_state()

    def _set_up(self) -> None:
        self.lam.setToolTip(tool_tip(_LAM_TIP))
        self.size_slider.setToolTip(tool_tip(_SIZE_TIP))
        self.reset.setToolTip("Back to what is stored.")
        left = QVBoxLayout()
        left.addWidget(self.lam)
        left.addWidget(self.size_slider)
        left.addWidget(self.reset, 0, Qt.AlignmentFlag.AlignLeft)
        left.addStretch(1)
        self._caption.setBuddy(self.all_heads)
        common = QHBoxLayout()
        common.addWidget(self._caption)
        common.addWidget(self.all_heads, 1)
        self._right.addLayout(common)
        self._right.addWidget(self._heads)
        self._right.addWidget(self.unknowing)
        self._right.addStretch(1)
        content = QWidget(self)
        row = QHBoxLayout(content)
        row.setContentsMargins(8, 6, 8, 6)
        row.setSpacing(20)
        row.addLayout(left, 1)
        row.addLayout(self._right, 1)
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.lam.value_changed.connect(self._on_sliders_changed)
        self.size_slider.value_changed.connect(self._on_size_slider_value_changed)
        self.all_heads.value_changed.connect(self._on_all_heads_value_changed)
        self.reset.clicked.connect(self._source.reset)

    @Slot()
    def update_state(self) -> None:
        """Show what is in force."""
        model = self._session.models.model
        self.setEnabled(model is not None)
        if model is None:
            return
        if model.id != self._shown_model:
            self._shown_model = model.id
            self._make_heads(model.temperatures, model.head_titles)
            self.lam.set_default(model.lam)
            self.size_slider.set_default(model.input_size)
        has_attention = model.says_where
        for part in (self.lam, self.all_heads, self._caption, self._heads):
            part.setEnabled(has_attention)
        self.lam.setToolTip(tool_tip(_LAM_TIP if has_attention else _NO_ATTENTION_TIP))
        self._caption.setToolTip(tool_tip(_TEMPERATURE_TIP if has_attention else _NO_ATTENTION_TIP))
        self.size_slider.setEnabled(not model.is_onnx)
        change = self._source.change
        self.reset.setEnabled(self._source.is_changed)
        self.lam.set_value(model.lam if change.lam is None else change.lam)
        self.size_slider.set_value(self._source.input_size or model.input_size)
        temperatures = change.temperatures or model.temperatures
        self.all_heads.set_value(temperatures[0])
        if len(set(temperatures)) > 1:
            self.all_heads.set_mixed()
        on = change.heads or (True,) * len(temperatures)
        for switch, slider, is_on, value in zip(
            self.switches, self.temperatures, on, temperatures, strict=True
        ):
            switch.setChecked(is_on)
            switch.setEnabled(not is_on or sum(on) > 1)
            slider.set_value(value)
        self._update_unknowing()

    @Slot()
    def _update_unknowing(self) -> None:
        """Say which heads change nothing of the label that is shown."""
        self.unknowing.setText(self._unknowing_text())

    def _unknowing_text(self) -> str:
        model, stored = self._session.models.model, self._source.stored
        category = self._session.focus.category
        if model is None or stored is None or category is None:
            return ""
        count, known = len(model.temperatures), heads_knowing(stored, category)
        lacking = [place for place in range(count) if place not in known]
        if count != len(stored.values) or not known or not lacking:
            return ""
        captions = [head_title(i, model.temperatures[i], model.head_titles) for i in lacking]
        name = display_text(self._session.photos.categories[category])
        return f"{name} is unknown to {', '.join(captions)}."

    def _make_heads(self, temperatures: tuple[float, ...], titles: tuple[str, ...]) -> None:
        heads = QWidget()
        grid = QGridLayout(heads)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        self.switches, self.temperatures = [], []
        for place, temperature in enumerate(temperatures):
            switch, slider = self._made_head(place, head_title(place, temperature, titles))
            grid.addWidget(switch, place, 0)
            grid.addWidget(slider, place, 1)
        has_several = len(temperatures) > 1
        heads.setVisible(has_several)
        self._caption.setText("&T of all heads" if has_several else "&T, how sharply it looks")
        tip = f"The same T for every head. {_TEMPERATURE_TIP}" if has_several else _TEMPERATURE_TIP
        self.all_heads.setToolTip(tool_tip(tip))
        self._right.replaceWidget(self._heads, heads)
        self._heads.deleteLater()
        self._heads = heads

    def _made_head(self, place: int, caption: str) -> tuple[QCheckBox, TemperatureSlider]:
        switch = QCheckBox(caption)
        switch.setChecked(True)
        switch.setToolTip(tool_tip(_HEAD_TIP))
        slider = TemperatureSlider(f"T of head {place + 1}")
        slider.setToolTip(tool_tip(_TEMPERATURE_TIP))
        switch.clicked.connect(self._on_sliders_changed)
        slider.value_changed.connect(self._on_sliders_changed)
        self.switches.append(switch)
        self.temperatures.append(slider)
        return switch, slider

    @Slot()
    def _on_sliders_changed(self) -> None:
        model = self._session.models.model
        if model is None:
            return
        temperatures = tuple(slider.value() for slider in self.temperatures)
        on = tuple(switch.isChecked() for switch in self.switches)
        lam_moved = abs(self.lam.value() - model.lam) > _LAM_STEP / 2
        self._source.set_change(
            HeadChange(
                lam=self.lam.value() if lam_moved else None,
                temperatures=None if temperatures == model.temperatures else temperatures,
                heads=None if all(on) else on,
            )
        )

    @Slot(float)
    def _on_all_heads_value_changed(self, temperature: float) -> None:
        for slider in self.temperatures:
            slider.set_value(temperature)
        self._on_sliders_changed()

    @Slot(float)
    def _on_size_slider_value_changed(self, side: float) -> None:
        self._source.set_input_size(round(side))
