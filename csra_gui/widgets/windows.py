"""How windows come up: in front of others, and no larger than the screen."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

_SHARE_OF_SCREEN = 0.9


def bring_up(window: QWidget) -> None:
    """Show a window in front of all others, ready for keys."""
    window.show()
    window.raise_()
    window.activateWindow()


def fit_to_screen(window: QWidget, size: QSize) -> None:
    """Make a window this large if the screen has room for it."""
    window.resize(size.boundedTo(window.screen().availableGeometry().size() * _SHARE_OF_SCREEN))
