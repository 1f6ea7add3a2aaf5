"""Closing the window while something goes on that would be stopped: the person is asked first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox, QWidget

from csra_gui.base.ask import ask_whether

_QUESTION = "Close the window?"


class ClosingQuestion(QObject):
    """Knows what would be stopped, and asks once.

    Args:
        window: is closed when the person agrees.
        works: each says what goes on and what becomes of it, in a sentence or two; an empty text
            when nothing does.
    """

    def __init__(self, window: QWidget, works: Iterable[Callable[[], str]]) -> None:
        super().__init__(window)
        self._window = window
        self._works = tuple(works)
        self._is_agreed = False
        self._box: QMessageBox | None = None

    def may_close(self) -> bool:
        """Whether nothing would be stopped, or the person has agreed; otherwise they are asked."""
        texts = [text for work in self._works if (text := work())]
        if self._is_agreed or not texts:
            return True
        if self._box is None:
            self._ask("\n\n".join(texts))
        return False

    def close_without_asking(self) -> None:
        """Close the window, for example because the computer shuts down."""
        self._is_agreed = True
        self._window.close()

    def _ask(self, text: str) -> None:
        self._box = ask_whether(
            self._window,
            _QUESTION,
            text,
            "Stop and close",
            self.close_without_asking,
            "Keep the window open",
        )
        self._box.finished.connect(self._forget_box)

    def _forget_box(self) -> None:
        self._box = None
