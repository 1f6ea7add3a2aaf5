"""How far a long piece of work is, and the way to end it."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget
from typing_extensions import override

from csra_gui.base.icons import icon

_BAR_WIDTH = 160
_BAR_HEIGHT = 8
_MB = 10**6
#: The bar counts in shares of this, because large files have more bytes than it can count.
_SHARES = 1000


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


def bytes_text(done: int, total: int | None) -> str:
    """How much of a file is here: "12.3 of 170.5 MB"; only what is here if nobody knows more."""
    if total is None:
        return f"{done / _MB:,.1f} MB"
    return f"{done / _MB:,.1f} of {total / _MB:,.1f} MB"


def byte_rate_text(per_second: float) -> str:
    """A speed: "3.2 MB/s"; empty if it is not a sensible number."""
    if not math.isfinite(per_second) or per_second <= 0:
        return ""
    return f"{per_second / _MB:.1f} MB/s" if per_second >= 1e5 else f"{per_second / 1e3:.0f} kB/s"


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
    """A line of text, a bar, a Cancel button and, where it makes sense, one to pause.

    Hidden while nothing goes on.

    Signals:
        pause_requested: the person wants the work to wait.
        resume_requested: the person wants it to go on.
        cancel_requested: the person wants the work to end. The button stays off until the next
            ``set_busy``, ``clear`` or another job's text.
    """

    cancel_requested = Signal()
    pause_requested = Signal()
    resume_requested = Signal()

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
        self._pause = QPushButton(icon("pause"), self.tr("Pause"))
        self._pause.clicked.connect(self._on_pause_clicked)
        self._pause.hide()
        self._resume = QPushButton(icon("play"), self.tr("Resume"))
        self._resume.clicked.connect(self.resume_requested)
        self._resume.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 8, 2)
        row.setSpacing(10)
        row.addWidget(self._text, 1)
        row.addWidget(self._bar)
        row.addWidget(self._pause)
        row.addWidget(self._resume)
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

    def set_transfer(
        self,
        text: str,
        done: int,
        total: int | None,
        rate_per_s: float | None = None,
        remaining_s: float | None = None,
    ) -> None:
        """A file is so far.

        Args:
            text: what goes on, for example "Downloading"; a busy bar is shown without a total.
            done: bytes that are here.
            total: bytes of the whole, if known.
            rate_per_s: bytes per second, if known.
            remaining_s: seconds, if known.
        """
        self._cancel.setVisible(True)
        self._bar.setRange(0, _SHARES if total else 0)
        self._bar.setValue(min(_SHARES, done * _SHARES // total) if total else 0)
        parts = [text, bytes_text(done, total) if done or total else ""]
        if rate_per_s is not None:
            parts.append(byte_rate_text(rate_per_s))
        if remaining_s is not None:
            parts.append(remaining_text(remaining_s))
        self._text.setText(" · ".join(part for part in parts if part))
        self.show()

    def set_pausable(self, *, on: bool) -> None:
        """Offer Pause beside Cancel, for the work that is shown now."""
        self._pause.setVisible(on)
        self._resume.hide()

    def set_paused(self, text: str, done: int, total: int) -> None:
        """Something waits to be gone on with, so far along."""
        self.set_progress(text, done, total)
        self._pause.hide()
        self._resume.show()

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
            self._pause.setEnabled(True)
            self.set_pausable(on=False)
        self._cancel.setEnabled(not self._canceling)

    def _on_pause_clicked(self) -> None:
        self._pause.setEnabled(False)
        self.pause_requested.emit()

    def _on_cancel_clicked(self) -> None:
        self._canceling = True
        self._cancel.setEnabled(False)
        self.cancel_requested.emit()
