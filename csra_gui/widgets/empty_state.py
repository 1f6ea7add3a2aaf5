"""What an empty place says, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QAction, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.icons import icon, icon_pixmap
from csra_gui.base.theme import Tone, tone_color

_ICON_SIDE = 72
_TEXT_WIDTH = 420
_INSET = 14.0
_RADIUS = 12.0


class EmptyState(QWidget):
    """An icon, a headline, a text and up to two buttons, in the middle.

    Signals:
        primary_requested: the first button.
        secondary_requested: the second one.
    """

    primary_requested = Signal()
    secondary_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = "image"
        self._dropping = False
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._headline = _plain_label()
        self._text = _plain_label()
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 1.5)
        font.setWeight(QFont.Weight.DemiBold)
        self._headline.setFont(font)
        self._primary = QPushButton()
        self._secondary = QPushButton()
        self._primary.clicked.connect(self.primary_requested)
        self._secondary.clicked.connect(self.secondary_requested)
        self._lay_out()
        self.set_texts(
            self.tr("Drop a folder or photos here"),
            self.tr("They stay where they are; nothing is changed or sent anywhere."),
        )
        self.set_buttons("")
        self._tint()

    def set_texts(self, headline: str, text: str = "") -> None:
        """Say something else; plain text."""
        self._headline.setText(headline)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self.setAccessibleName(headline)
        self.setAccessibleDescription(text)

    def set_icon(self, icon_name: str) -> None:
        """Show another of our icons."""
        self._icon_name = icon_name
        self._tint()

    def set_buttons(
        self, primary: str, secondary: str = "", *, primary_icon: str = "", secondary_icon: str = ""
    ) -> None:
        """Captions of the buttons; one without a caption is not there."""
        for button, caption, name in (
            (self._primary, primary, primary_icon),
            (self._secondary, secondary, secondary_icon),
        ):
            button.setText(caption)
            button.setVisible(bool(caption))
            if name:
                button.setIcon(icon(name))

    def set_actions(self, actions: Sequence[QAction]) -> None:
        """One or two actions in place of the buttons' signals and captions."""
        for button, action in zip((self._primary, self._secondary), actions, strict=False):
            button.setText(action.text())
            button.setIcon(action.icon())
            button.setToolTip(action.toolTip())
            button.setVisible(True)
            button.clicked.connect(action.trigger)

    def set_drop_highlight(self, highlighted: bool) -> None:
        """Show that something may be dropped here."""
        self._dropping = highlighted
        self._tint()
        self.update()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.DevicePixelRatioChange):
            self._tint()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._dropping:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = tone_color(Tone.ACCENT, self.palette())
        painter.setPen(QPen(color, 2.0, Qt.PenStyle.DashLine))
        color.setAlphaF(0.08)
        painter.setBrush(color)
        frame = QRectF(self.rect()).adjusted(_INSET, _INSET, -_INSET, -_INSET)
        painter.drawRoundedRect(frame, _RADIUS, _RADIUS)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addStretch(1)
        buttons.addWidget(self._primary)
        buttons.addWidget(self._secondary)
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
        tone = Tone.ACCENT if self._dropping else Tone.MUTED
        color = tone_color(tone, self.palette())
        ratio = self.devicePixelRatioF()
        self._picture.setPixmap(icon_pixmap(self._icon_name, _ICON_SIDE, color, ratio))
        quiet = self._text.palette()
        quiet.setColor(self._text.foregroundRole(), tone_color(Tone.MUTED, self.palette()))
        self._text.setPalette(quiet)


def _plain_label() -> QLabel:
    label = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    return label
