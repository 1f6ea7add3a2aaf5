"""What goes on, a row each: how far it is, and the ways to end it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.activity import Activity
from csra_gui.base.icons import icon

_BAR_WIDTH, _BAR_HEIGHT = 160, 8
#: The bar counts in shares of this, because large files have more bytes than it can count.
_SHARES = 1000


class _ElidedLabel(QLabel):
    """One line of plain text that ends in an ellipsis where there is no room."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        shown = self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, self.width()
        )
        align = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
        painter.drawText(self.rect(), int(align), shown)


class ActivityRow(QWidget):
    """A line of text, a bar, and the buttons that make sense; hidden while nothing goes on.

    Cancel and Pause stay off once they were clicked, until something else goes on.
    """

    def __init__(self, activity: Activity, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._activity = activity
        self._what = ""
        self._text = _ElidedLabel()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(_BAR_WIDTH, _BAR_HEIGHT)
        self._bar.setAccessibleName(activity.name)
        self._pause = self._button("pause", "Pause", activity.pause)
        self._resume = self._button("play", "Continue", activity.resume)
        self._cancel = self._button("cancel", "Cancel", activity.cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 8, 2)
        row.setSpacing(10)
        row.addWidget(self._text, 1)
        row.addWidget(self._bar)
        if activity.show is not None:
            caption, show = activity.show
            more = QPushButton(caption)
            more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            more.clicked.connect(show)
            row.addWidget(more)
        for button in (self._pause, self._resume, self._cancel):
            row.addWidget(button)
        activity.progress_changed.connect(self._update)
        self._update()

    def text(self) -> str:
        """The line that is shown; empty while nothing goes on."""
        return self._text.text()

    def _button(self, name: str, caption: str, act: Callable[[], object] | None) -> QPushButton:
        button = QPushButton(icon(name), caption)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # it goes when the work is over

        def click() -> None:
            button.setEnabled(False)
            if act is not None:
                act()

        button.clicked.connect(click)
        return button

    @Slot()
    def _update(self) -> None:
        activity, progress = self._activity, self._activity.progress
        self.setVisible(progress is not None)
        what = "" if progress is None else progress.text
        if what != self._what:
            self._what = what
            for button in (self._pause, self._resume, self._cancel):
                button.setEnabled(True)
        if progress is None:
            self._text.clear()
            return
        self._text.setText(progress.line)
        total = progress.total
        self._bar.setVisible(total != 0)
        self._bar.setRange(0, _SHARES if total else 0)
        self._bar.setValue(min(_SHARES, progress.done * _SHARES // total) if total else 0)
        self._pause.setVisible(progress.can_pause and activity.pause is not None)
        self._resume.setVisible(progress.is_paused and activity.resume is not None)
        self._cancel.setVisible(progress.can_cancel and activity.cancel is not None)


class ActivityBar(QWidget):
    """Everything that goes on, in a fixed order."""

    def __init__(self, activities: Iterable[Activity], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = [ActivityRow(activity, self) for activity in activities]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for row in self._rows:
            layout.addWidget(row)

    def texts(self) -> tuple[str, ...]:
        """The lines that are shown."""
        return tuple(row.text() for row in self._rows if row.text())
