"""The button by which a person chooses what runs a model."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from csra_gui.base.tool_tips import tool_tip
from engine.records.backend_kinds import BACKENDS

_TIP = (
    "What computes the labels. All give the same ones; they differ in speed. The program measures "
    "once, in the background, which is the fastest on this computer."
)


class BackendButton(QPushButton):
    """Opens a menu of the backends that are installed.

    Signals:
        backend_chosen: its name; empty for the fastest.
    """

    backend_chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Run &with", parent)
        self.setToolTip(tool_tip(_TIP))
        menu = QMenu(self)
        group = QActionGroup(menu)
        self._actions: dict[str, QAction] = {}
        here = {kind.name: kind.title for kind in BACKENDS.values() if kind.is_here}
        for name, title in {"": "The fastest", **here}.items():
            action = menu.addAction(title)
            action.setCheckable(True)
            group.addAction(action)
            action.triggered.connect(lambda _on=False, name=name: self.backend_chosen.emit(name))
            self._actions[name] = action
        self.setMenu(menu)
        self.set_chosen("")

    def set_chosen(self, backend: str) -> None:
        """Mark the one that is chosen."""
        self._actions.get(backend, self._actions[""]).setChecked(True)
