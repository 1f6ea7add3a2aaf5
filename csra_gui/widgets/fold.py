"""What needs no room all the time: groups that fold away, and columns that scroll."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.settings import Setting, Settings
from csra_gui.base.tool_tips import tool_tip
from csra_gui.widgets.labels import muted_label

#: A column that has less room than it wants still shows this much of its content, in pixels.
_LEAST_HEIGHT = 48
#: Before a heading was laid out, its summary is taken to have this much room, in pixels.
_LEAST_SUMMARY = 40


class Fold(QWidget):
    """A heading over a widget, which a click on it hides or shows; remembered.

    Args:
        caption: of the heading.
        content: what is folded away.
        settings: where it is remembered.
        setting: whether it is folded.
    """

    def __init__(
        self,
        caption: str,
        content: QWidget,
        settings: Settings,
        setting: Setting,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._setting = setting
        self._content = content
        self._summary = muted_label("", self)
        self._said = ""
        self.button = QToolButton(self)
        self.button.setText(caption)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addWidget(self._summary, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(content)
        self._set_up_summary()
        self._show_state()
        self.button.clicked.connect(self.toggle)
        settings.setting_changed.connect(self._on_settings_changed)

    def _set_up_summary(self) -> None:
        self._summary.setWordWrap(False)
        self._summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._summary.installEventFilter(self)

    @property
    def is_folded(self) -> bool:
        """Whether the content is hidden."""
        return bool(self._settings.value(self._setting))

    def set_summary(self, text: str) -> None:
        """What is said beside the heading while the content is hidden."""
        self._said = text
        self.button.setAccessibleDescription(text)
        self._show_state()

    @Slot()
    def toggle(self) -> None:
        """Hide the content, or show it."""
        self._settings.set_value(self._setting, not self.is_folded)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._summary and event.type() == QEvent.Type.MouseButtonPress:
            self.toggle()
            return True
        if watched is self._summary and event.type() == QEvent.Type.Resize:
            self._show_summary()
        return super().eventFilter(watched, event)

    def _show_state(self) -> None:
        folded = self.is_folded
        self.button.setArrowType(Qt.ArrowType.RightArrow if folded else Qt.ArrowType.DownArrow)
        self._content.setVisible(not folded)
        self._show_summary()

    def _show_summary(self) -> None:
        text = self._said if self.is_folded else ""
        room = max(self._summary.width(), _LEAST_SUMMARY)
        shown = self._summary.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room)
        self._summary.setText(shown)
        self._summary.setToolTip(tool_tip(text if shown != text else ""))

    @Slot(str, object)
    def _on_settings_changed(self, key: str, _value: object) -> None:
        if key == self._setting.key:
            self._show_state()


class ScrollColumn(QScrollArea):
    """Wants as much room as its content, takes less, and scrolls then: never the window's size."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        content.setAutoFillBackground(False)
        self.viewport().setAutoFillBackground(False)
        content.installEventFilter(self)

    @override
    def sizeHint(self) -> QSize:
        return self._content_hint()

    @override
    def minimumSizeHint(self) -> QSize:
        hint = self._content_hint()
        bar = self.verticalScrollBar().sizeHint().width()
        width = self._content.minimumSizeHint().width() + bar
        return QSize(width, min(hint.height(), _LEAST_HEIGHT))

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()  # texts take other heights

    def _content_hint(self) -> QSize:
        hint = self._content.sizeHint()
        if self._content.hasHeightForWidth():
            hint.setHeight(self._content.heightForWidth(self.viewport().width()))
        return hint
