"""A line over the photos that says what has just been done, and goes by itself."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QAction,
    QColor,
    QEnterEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget
from typing_extensions import override

from csra_gui.base.theme import BACKDROP, BACKDROP_TEXT
from csra_gui.widgets.labels import plain_label

SHOWN_MS = 3000
_LINK = QColor("#77b2ff")
_EDGE = QColor("#5a5a5e")
_RADIUS = 8.0
_ABOVE_THE_EDGE = 20


class Toast(QFrame):
    """One at a time, over the lower edge of its parent; takes no keys, and waits for the pointer.

    Screen readers hear it.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._place = parent
        self._action: QAction | None = None
        self._words = plain_label("", self)
        self._words.setWordWrap(False)
        self._button = QToolButton(self)
        self._set_up()
        self._timer = QTimer(self, singleShot=True, interval=SHOWN_MS)
        self._timer.timeout.connect(self.hide)
        self._button.clicked.connect(self._on_button_clicked)
        parent.installEventFilter(self)
        self.hide()

    def _set_up(self) -> None:
        palette = QPalette(self.palette())
        for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text):
            palette.setColor(role, BACKDROP_TEXT)
        self._words.setPalette(palette)
        palette.setColor(QPalette.ColorRole.ButtonText, _LINK)
        self._button.setPalette(palette)
        font = self._button.font()
        font.setUnderline(True)
        self._button.setFont(font)
        self._button.setAutoRaise(True)
        self._button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._button.setCursor(Qt.CursorShape.PointingHandCursor)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 10, 6)
        row.setSpacing(8)
        row.addWidget(self._words)
        row.addWidget(self._button)

    @property
    def text(self) -> str:
        """What it says; empty while it is not there."""
        return "" if self.isHidden() else self._words.text()

    def show_text(self, text: str, action: QAction | None = None) -> None:
        """Say something for a while, instead of what was said before.

        Args:
            text: plain.
            action: what can be done about it; it lives as long as it is offered.
        """
        if self._action is not None:
            self._action.deleteLater()
        self._action = action
        if action is not None:
            action.setParent(self)
            self._button.setText(action.text())
        self._button.setVisible(action is not None)
        self._words.setText(text)
        self.setAccessibleName(text)
        self._take_place()
        self.show()
        self.raise_()
        self._timer.start()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._take_place()
        return super().eventFilter(watched, event)

    @override
    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._timer.stop()

    @override
    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._timer.start()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(_EDGE, 1.0))
        painter.setBrush(BACKDROP)
        frame = self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, _RADIUS, _RADIUS)

    def _take_place(self) -> None:
        place = self._place.rect()
        self.adjustSize()
        self.resize(min(self.width(), place.width()), self.height())
        left = (place.width() - self.width()) // 2
        self.move(left, max(0, place.height() - self.height() - _ABOVE_THE_EDGE))

    @Slot()
    def _on_button_clicked(self) -> None:
        self.hide()
        if self._action is not None:
            self._action.trigger()
