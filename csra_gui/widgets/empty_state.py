"""What an empty place says, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.icons import icon_pixmap
from csra_gui.base.theme import Tone, tone_color
from csra_gui.base.tool_tips import tool_tip

_ICON_SIDE = 72
_TEXT_WIDTH = 420
_INSET = 14.0
_RADIUS = 12.0


class EmptyState(QWidget):
    """An icon, a headline, a text and up to two buttons, in the middle."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._headline = _plain_label()
        self._text = _plain_label()
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 1.5)
        font.setWeight(QFont.Weight.DemiBold)
        self._headline.setFont(font)
        self._actions: tuple[QAction, ...] = ()
        self._buttons = (QPushButton(), QPushButton())
        for place, button in enumerate(self._buttons):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # it goes when it is clicked
            button.clicked.connect(lambda _checked=False, at=place: self._actions[at].trigger())
        self.set_actions(())
        self._lay_out()
        self.set_texts(
            self.tr("Drop a folder or photos here"),
            self.tr("They stay where they are; nothing is changed or sent anywhere."),
        )
        self._tint()

    def set_texts(self, headline: str, text: str = "") -> None:
        """Say something else; plain text."""
        self._headline.setText(headline)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self.setAccessibleName(headline)
        self.setAccessibleDescription(text)

    def set_actions(self, actions: Sequence[QAction]) -> None:
        """Up to two actions, each a button."""
        self._actions = tuple(actions)
        for button in self._buttons[len(actions) :]:
            button.hide()
        for button, action in zip(self._buttons, actions, strict=False):
            button.setText(action.text())
            button.setIcon(action.icon())
            button.setToolTip(tool_tip(action.toolTip()))
            button.show()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.DevicePixelRatioChange):
            self._tint()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addStretch(1)
        for button in self._buttons:
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(12)
        column.addStretch(1)
        column.addWidget(self._picture)
        for label in (self._headline, self._text):
            label.setMaximumWidth(_TEXT_WIDTH)
            row = QHBoxLayout()
            row.addWidget(label)
            column.addLayout(row)
        column.addSpacing(6)
        column.addLayout(buttons)
        column.addStretch(1)

    def _tint(self) -> None:
        color = tone_color(Tone.MUTED, self.palette())
        ratio = self.devicePixelRatioF()
        self._picture.setPixmap(icon_pixmap("image", _ICON_SIDE, color, ratio))
        quiet = self._text.palette()
        quiet.setColor(self._text.foregroundRole(), tone_color(Tone.MUTED, self.palette()))
        self._text.setPalette(quiet)


def _plain_label() -> QLabel:
    label = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    return label
