"""What windows share: how they come up, how large they are, and the buttons at their foot."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

_SHARE_OF_SCREEN = 0.9


def bring_up(window: QWidget) -> None:
    """Show a window in front of all others, ready for keys; one that was closed where it was."""
    if window.isHidden() and window.windowHandle() is not None:
        # Else X11 takes its place, inside the frame, for that of the frame: a title bar lower.
        window.move(window.pos())
    window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
    window.show()
    window.raise_()
    window.activateWindow()


def fit_to_screen(window: QWidget, size: QSize) -> None:
    """Make a window this large if the screen has room for it."""
    window.resize(size.boundedTo(window.screen().availableGeometry().size() * _SHARE_OF_SCREEN))


def button_row(*buttons: QPushButton, close: QPushButton) -> QHBoxLayout:
    """Buttons side by side and, apart from them, the one that closes; Enter presses none."""
    row = QHBoxLayout()
    for button in (*buttons, close):
        button.setAutoDefault(False)
        row.addWidget(button)
    row.insertStretch(len(buttons), 1)
    close.clicked.connect(close.window().close)
    return row
