"""Messages at the edge of the window that interrupt nobody."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.icons import icon, icon_pixmap
from csra_gui.base.theme import Tone, blended, tone_color
from csra_gui.base.tool_tips import tool_tip
from csra_gui.widgets.labels import plain_label

MAX_MESSAGES = 3
_ICON_SIDE = 18
_STRIPE = 4


class MessageLevel(StrEnum):
    """How much it matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_TONES = {
    MessageLevel.INFO: Tone.ACCENT,
    MessageLevel.WARNING: Tone.WARNING,
    MessageLevel.ERROR: Tone.DANGER,
}


class MessageBar(QFrame):
    """Up to three messages, the newest at the bottom; hidden while there is none.

    Signals:
        action_triggered: the action's text, when its button was pressed.
    """

    action_triggered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._messages: list[_Message] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setAccessibleName(self.tr("Messages"))
        self.hide()

    def show_message(
        self,
        text: str,
        level: MessageLevel = MessageLevel.INFO,
        action: str | QAction | None = None,
        topic: str = "",
    ) -> None:
        """Add a message; the same one again only moves to the end, the oldest makes room.

        Args:
            text: plain, what happened and what to do.
            level: its colour and icon.
            action: what can be done about it gets a button: a caption to be told of by
                ``action_triggered``, or an action that it triggers (and that lives as long as
                the message). Either closes the message.
            topic: what it is about; it takes the place of an older one about the same.
        """
        for old in tuple(self._messages):
            if (old.text, old.level) == (text, level) or (topic and old.topic == topic):
                self._remove(old)
        while len(self._messages) >= MAX_MESSAGES:
            self._remove(self._messages[0])
        message = _Message(text, level, action)
        message.topic = topic
        message.close_requested.connect(self._on_message_close_requested)
        message.action_requested.connect(self._on_message_action_requested)
        self._messages.append(message)
        self._column.addWidget(message)
        self.show()

    def texts(self) -> tuple[str, ...]:
        """What is shown, oldest first."""
        return tuple(message.text for message in self._messages)

    def clear(self, *topics: str) -> None:
        """Take away all messages, or those about some topics."""
        for message in tuple(self._messages):
            if not topics or message.topic in topics:
                self._remove(message)

    @Slot()
    def _on_message_close_requested(self) -> None:
        sender = self.sender()
        if isinstance(sender, _Message):
            self._remove(sender)

    @Slot(str)
    def _on_message_action_requested(self, caption: str) -> None:
        sender = self.sender()
        if isinstance(sender, _Message):
            self._remove(sender)
            self.action_triggered.emit(caption)
            if sender.action is not None:
                sender.action.trigger()

    def _remove(self, message: _Message) -> None:
        self._messages.remove(message)
        self._column.removeWidget(message)
        message.hide()
        message.deleteLater()
        self.setVisible(bool(self._messages))


class _Message(QWidget):
    """One line, with an icon, an action and a way to close it."""

    close_requested = Signal()
    action_requested = Signal(str)

    def __init__(self, text: str, level: MessageLevel, action: str | QAction | None) -> None:
        super().__init__()
        self.text, self.level, self.topic = text, level, ""
        self.action = action if isinstance(action, QAction) else None
        self._caption = ""
        if self.action is not None:
            self.action.setParent(self)
        self._icon = QLabel()
        words = plain_label(text)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout(self)
        row.setContentsMargins(_STRIPE + 10, 6, 8, 6)
        row.setSpacing(10)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(words, 1)
        if action is not None:
            self._caption = action.text() if isinstance(action, QAction) else action
            button = QPushButton(self._caption.replace("&", "&&"))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # it goes when it is clicked
            button.clicked.connect(self._on_button_clicked)
            row.addWidget(button)
        close = QToolButton()
        close.setIcon(icon("close"))
        close.setIconSize(QSize(14, 14))
        close.setAutoRaise(True)
        close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        close.setToolTip(tool_tip(self.tr("Close this message")))
        close.setAccessibleName(self.tr("Close this message"))
        close.clicked.connect(self.close_requested)
        row.addWidget(close)
        self.setAccessibleName(text)
        self._tint()

    @Slot()
    def _on_button_clicked(self) -> None:
        self.action_requested.emit(self._caption)

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.DevicePixelRatioChange):
            self._tint()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        ground = self.palette().color(QPalette.ColorRole.Base)
        painter.fillRect(self.rect(), blended(self._color(), ground, 0.10))
        painter.fillRect(0, 0, _STRIPE, self.height(), self._color())

    def _color(self) -> QColor:
        return tone_color(_TONES[self.level], self.palette())

    def _tint(self) -> None:
        ratio = self.devicePixelRatioF()
        self._icon.setPixmap(icon_pixmap(self.level.value, _ICON_SIDE, self._color(), ratio))
