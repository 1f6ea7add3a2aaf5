"""A slider for a temperature, whose last stop is max pooling."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

#: Temperatures in use are whole numbers; lower ones blur, and what is higher is almost the maximum.
STOPS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, math.inf)


class TemperatureSlider(QWidget):
    """Chooses one of some temperatures; one that is not among them stays until it is moved.

    Signals:
        value_changed: the new temperature, when the person changed it.
    """

    value_changed = Signal(float)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = 1.0
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, len(STOPS) - 1)
        self.slider.setPageStep(2)
        self.slider.setAccessibleName(name)
        self._number = QLabel(self)
        self._number.setTextFormat(Qt.TextFormat.PlainText)
        self._number.setMinimumWidth(self._number.fontMetrics().horizontalAdvance("T = 0.25"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.slider, 1)
        row.addWidget(self._number)
        self.setFocusProxy(self.slider)
        self.slider.valueChanged.connect(self._on_slider_value_changed)
        self.set_value(1.0)

    def value(self) -> float:
        """The temperature; ``math.inf`` is max pooling."""
        return self._value

    def set_value(self, temperature: float) -> None:
        """Show a temperature, without a signal."""
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(_nearest_stop(temperature))
        self.slider.blockSignals(blocked)
        self._take(temperature)

    def set_mixed(self) -> None:
        """Say that it stands for several, which differ."""
        self._number.setText("differ")
        self.slider.setAccessibleDescription("differ")

    def _take(self, temperature: float) -> None:
        self._value = temperature
        text = "max" if math.isinf(temperature) else f"T = {temperature:g}"
        self._number.setText(text)
        self.slider.setAccessibleDescription(text)

    @Slot(int)
    def _on_slider_value_changed(self, stop: int) -> None:
        self._take(STOPS[stop])
        self.value_changed.emit(self._value)


def _nearest_stop(temperature: float) -> int:
    if math.isinf(temperature):
        return len(STOPS) - 1
    return min(range(len(STOPS) - 1), key=lambda stop: abs(STOPS[stop] - temperature))
