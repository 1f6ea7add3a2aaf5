"""A slider with a caption and its value."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider, QWidget
from typing_extensions import override

from csra_gui.base.tool_tips import tool_tip
from engine.texts import number, whole_percent


class LabelledSlider(QWidget):
    """Chooses a number; a double click on the caption goes back to the default.

    Signals:
        value_changed: the new value, when the person changed it.
    """

    value_changed = Signal(float)

    def __init__(  # noqa: PLR0913  # a range is four numbers, and they read well as keywords
        self,
        caption: str,
        minimum: float,
        maximum: float,
        step: float,
        *,
        decimals: int = 2,
        percent: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """Make one.

        Args:
            caption: may hold an ``&`` before the letter that leads to the slider.
            minimum: the lowest value, also the first default.
            maximum: the highest value.
            step: of the arrow keys; ten times as much for the page keys.
            decimals: digits after the point.
            percent: show values of 0 to 1 as 0 % to 100 %.
            parent: of the widget.
        """
        super().__init__(parent)
        self._minimum, self._step = minimum, step
        self._decimals, self._percent = decimals, percent
        self._default = minimum
        self._caption = QLabel(caption)
        self._caption.setTextFormat(Qt.TextFormat.PlainText)
        self._number = QLabel()
        self._number.setTextFormat(Qt.TextFormat.PlainText)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, round((maximum - minimum) / step))
        self._slider.setPageStep(10)
        self._slider.setAccessibleName(caption.replace("&", ""))
        self._caption.setBuddy(self._slider)
        self._caption.installEventFilter(self)
        self.setFocusProxy(self._slider)
        self._lay_out(maximum)
        self._show_number()
        self._slider.valueChanged.connect(self._on_slider_value_changed)

    def value(self) -> float:
        """What is chosen, on the grid of steps."""
        return round(self._minimum + self._slider.value() * self._step, 10)

    def set_value(self, value: float) -> None:
        """Choose a value, the nearest possible one, without a signal."""
        blocked = self._slider.blockSignals(True)
        self._slider.setValue(round((value - self._minimum) / self._step))
        self._slider.blockSignals(blocked)
        self._show_number()

    def set_default(self, value: float) -> None:
        """What a double click on the caption goes back to."""
        self._default = value
        reset = self.tr("Double-click to go back to %1").replace("%1", self._text(value))
        self._caption.setToolTip(tool_tip(reset))

    @override
    def setToolTip(self, text: str) -> None:
        """Explain the slider; the caption keeps its own hint."""
        super().setToolTip(tool_tip(text))
        self._slider.setToolTip(tool_tip(text))
        self._slider.setAccessibleDescription(text)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._caption and event.type() == QEvent.Type.MouseButtonDblClick:
            self._slider.setValue(round((self._default - self._minimum) / self._step))
            return True
        return super().eventFilter(watched, event)

    def _lay_out(self, maximum: float) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.addWidget(self._caption, 0, 0)
        grid.addWidget(self._number, 0, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self._slider, 1, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        widest = max(self._text(self._minimum), self._text(maximum), key=len)
        self._number.setMinimumWidth(self._number.fontMetrics().horizontalAdvance(widest))
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def _text(self, value: float) -> str:
        return whole_percent(value) if self._percent else number(value, self._decimals)

    def _show_number(self) -> None:
        self._number.setText(self._text(self.value()))

    @Slot(int)
    def _on_slider_value_changed(self, _position: int) -> None:
        self._show_number()
        self.value_changed.emit(self.value())
