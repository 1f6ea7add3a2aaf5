"""Labels of plain text over several lines; nothing in it is taken for markup."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QWidget


def plain_label(text: str = "", parent: QWidget | None = None) -> QLabel:
    """What is read first."""
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
