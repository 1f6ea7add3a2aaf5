"""Labels and words that the dialogs about training share."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QWidget


def plain_label(text: str = "", parent: QWidget | None = None) -> QLabel:
    """Plain text over several lines; nothing in it is taken for markup."""
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label


def muted_label(text: str = "", parent: QWidget | None = None) -> QLabel:
    """As ``plain_label``, for what is read second."""
    label = plain_label(text, parent)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def heading(text: str, parent: QWidget | None = None) -> QLabel:
    """A line that names what follows."""
    label = plain_label(text, parent)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label


def percent(share: float | None) -> str:
    """A share as people read it: "91.4 %"; a dash where nothing is known."""
    if share is None or not math.isfinite(share):
        return "–"
    return f"{100 * share:.1f} %"


def change(before: float | None, after: float | None) -> str:
    """The difference in points: "+1.2"; empty where one of both is not known."""
    if before is None or after is None or not (math.isfinite(before) and math.isfinite(after)):
        return ""
    points = round(100 * (after - before), 1)
    return "±0" if points == 0 else f"{points:+.1f}".replace("-", "−")


def duration(seconds: float) -> str:
    """A duration as people say it: "40 s", "12 min", "3 h 20 min"."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 60:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def gib(count: int) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.1f} GB" if count >= 2**30 / 10 else f"{count / 2**20:.0f} MB"


def photos(count: int) -> str:
    """So many photos."""
    return f"{count:,} photo" if count == 1 else f"{count:,} photos"
