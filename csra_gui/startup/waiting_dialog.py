"""The window that is open does not answer: that is said, and what can be done is offered."""

from __future__ import annotations

import threading

from PySide6.QtCore import QEventLoop, QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox

from csra_gui.base.settings import Settings
from csra_gui.startup.handover import Handover, Outcome, hand_over
from csra_gui.startup.instance import Instance
from csra_gui.startup.qt_application import qt_application

_TITLE = "CSRA is already open"
_TEXT = "CSRA is already open, but its window does not answer."
_MORE = (
    "It may be starting, closing, or very busy. As soon as it answers, it comes to the front, and "
    "this question closes.\n\n"
    "You can open another window meanwhile. It has a library of its own: labels and decisions made "
    "there are kept, but apart from your usual ones."
)
#: Between two tries, in seconds: nobody is in a hurry any more.
_PAUSE_S = 0.3


def ask_while_waiting(instance: Instance, handover: Handover) -> Outcome | None:
    """Say that there is no answer, and wait for one or for the person.

    Returns:
        ``NO_ANSWER`` to open another window, ``None`` for nothing at all.
    """
    qt_application(Settings.of_library(instance.library))
    return WaitingDialog(instance, handover).ask()


class WaitingDialog(QObject):
    """Asks, and goes on calling the window in a thread."""

    _came_out = Signal()

    def __init__(self, instance: Instance, handover: Handover) -> None:
        super().__init__()
        self._instance = instance
        self._handover = handover
        self._is_over = threading.Event()
        self._outcome = Outcome.NO_ANSWER
        self.box = QMessageBox(
            QMessageBox.Icon.Warning, _TITLE, _TEXT, QMessageBox.StandardButton.Cancel
        )
        self.box.setTextFormat(Qt.TextFormat.PlainText)
        self.box.setInformativeText(_MORE)
        self.open_button = self.box.addButton(
            "Open another window", QMessageBox.ButtonRole.AcceptRole
        )
        self.box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        self._came_out.connect(self.box.reject, Qt.ConnectionType.QueuedConnection)

    def ask(self) -> Outcome | None:
        """How it came out, as for ``ask_while_waiting``."""
        loop = QEventLoop()
        self.box.finished.connect(loop.quit)
        caller = threading.Thread(target=self._call, name="second start")
        caller.start()
        self.box.open()
        loop.exec()
        self._is_over.set()
        caller.join()
        clicked = self.box.clickedButton()  # none if the answer closed it
        if clicked is not None and clicked is not self.open_button:
            if self._outcome is Outcome.FIRST:
                self._instance.release()
            return Outcome.HANDED_OVER if self._outcome is Outcome.HANDED_OVER else None
        return self._outcome

    def _call(self) -> None:
        self._outcome = hand_over(self._instance, self._handover, self._is_over.is_set, _PAUSE_S)
        self._came_out.emit()
