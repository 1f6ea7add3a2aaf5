"""What lies over the window while something is dragged onto it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QRectF, Qt, QUrl
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.base.theme import Tone, tone_color

_MARGIN = 18.0
_ROUND = 12.0


class DropKind(Enum):
    """What dropping does, and how that is said."""

    OPEN = "Drop to open"
    OPEN_OR_ADD = "Drop to open\nHold Shift to add to what is open"
    ADD = "Drop to add to what is open"
    MODEL = "Drop to import this model"


class DropHint(QWidget):
    """A frame over the whole window that says what dropping will do."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._kind = DropKind.OPEN
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_over(self, kind: DropKind) -> None:
        """Cover the window and say what dropping now does."""
        self._kind = kind
        self.setGeometry(self._window.rect())
        self.raise_()
        self.show()
        self.update()

    @property
    def text(self) -> str:
        """What it says."""
        return self._kind.value

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QColor(self.palette().color(QPalette.ColorRole.Window))
        veil.setAlphaF(0.86)
        painter.fillRect(self.rect(), veil)
        painter.setPen(QPen(tone_color(Tone.ACCENT, self.palette()), 3, Qt.PenStyle.DashLine))
        frame = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        painter.drawRoundedRect(frame, _ROUND, _ROUND)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 1.5)
        painter.setFont(font)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text)


def local_paths(urls: Iterable[QUrl]) -> list[Path]:
    """The files and folders among what was dropped, also those whose names are not valid text."""
    return [_local_path(url) for url in urls if url.isLocalFile() and url.path()]


def _local_path(url: QUrl) -> Path:
    if sys.platform == "win32":
        return Path(url.toLocalFile())
    return Path(
        os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded)))
    )
