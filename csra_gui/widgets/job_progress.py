"""How far a long piece of work is, and the way to end it."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget
from typing_extensions import override

from csra_gui.resources import icon

_BAR_WIDTH = 160
_BAR_HEIGHT = 8


def remaining_text(seconds: float) -> str:
    """A duration as people say it: "about 4 min left"; empty if it is not a sensible number."""
    if not math.isfinite(seconds):
        return ""
    seconds = max(0.0, seconds)
    if seconds < 3:
        return "almost done"
    if seconds < 57.5:
        return f"about {max(5, round(seconds / 5) * 5)} s left"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"about {minutes} min left"
    hours, rest = divmod(round(minutes / 5) * 5, 60)
    return f"about {hours} h {rest} min left" if rest else f"about {hours} h left"


def rate_text(per_second: float) -> str:
    """A speed: "14.2 images/s"; empty if it is not a sensible number."""
    if not math.isfinite(per_second) or per_second <= 0:
        return ""
    if per_second >= 100:
        return f"{per_second:,.0f} images/s"
    return f"{per_second:.1f} images/s" if per_second >= 0.1 else f"{per_second:.2f} images/s"


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


class JobProgress(QWidget):
    """A line of text, a bar and a Cancel button; hidden while nothing goes on.

    Signals:
        cancel_requested: the person wants the work to end. The button stays off until the next
            ``set_busy``, ``clear`` or another job's text.
    """

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._canceling = False
        self._job = ""
        self._text = _ElidedLabel()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(_BAR_WIDTH, _BAR_HEIGHT)
        self._bar.setAccessibleName(self.tr("Progress"))
        self._cancel = QPushButton(icon("cancel"), self.tr("Cancel"))
        self._cancel.clicked.connect(self._on_cancel_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 8, 2)
        row.setSpacing(10)
        row.addWidget(self._text, 1)
        row.addWidget(self._bar)
        row.addWidget(self._cancel)
        self.hide()

    def text(self) -> str:
        """The line that is shown."""
        return self._text.text()

    def set_busy(self, text: str, *, cancellable: bool = True) -> None:
        """Something goes on, and nobody knows how long; some of it cannot be ended halfway."""
        self._begin(text)
        self._cancel.setVisible(cancellable)
        self._bar.setRange(0, 0)
        self._text.setText(text)
        self.show()

    def set_progress(
        self,
        text: str,
        done: int,
        total: int,
        rate_per_s: float | None = None,
        remaining_s: float | None = None,
    ) -> None:
        """Something is so far.

        Args:
            text: what goes on, for example "Tagging".
            done: pieces that are ready.
            total: pieces there are; 0 shows a busy bar.
            rate_per_s: images per second, if known.
            remaining_s: seconds, if known.
        """
        self._begin(text)
        self._cancel.setVisible(True)
        self._bar.setRange(0, total)
        self._bar.setValue(min(done, total))
        parts = [text, f"{done:,} of {total:,}"]
        if rate_per_s is not None:
            parts.append(rate_text(rate_per_s))
        if remaining_s is not None and done < total:
            parts.append(remaining_text(remaining_s))
        self._text.setText(" · ".join(part for part in parts if part))
        self.show()

    def clear(self) -> None:
        """Nothing goes on."""
        self._begin("")
        self._bar.setRange(0, 1)
        self._bar.reset()
        self._text.clear()
        self.hide()

    def _begin(self, job: str) -> None:
        if job != self._job:
            self._job = job
            self._canceling = False
        self._cancel.setEnabled(not self._canceling)

    def _on_cancel_clicked(self) -> None:
        self._canceling = True
        self._cancel.setEnabled(False)
        self.cancel_requested.emit()
