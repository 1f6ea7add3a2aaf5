"""The button by which a person chooses what runs a model, and how exactly."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from csra_gui.base.tool_tips import tool_tip
from csra_gui.models.entries import ModelEntry
from engine.records.backend_kinds import BACKENDS, INT8_BACKENDS
from engine.texts import display_text

_TIP = (
    "What computes the labels. All give the same ones; they differ in speed. The program measures "
    "once, in the background, which is the fastest on this computer."
)
_INT8 = "Faster, slightly less exact (int8)"
_INT8_TIP = (
    "Computes in whole numbers of eight bits, on the processor. Labels may differ a little: photos "
    "are tagged again. What was found in full precision is kept for when you switch back."
)
_NO_INT8_TIP = (
    "Nobody has made the int8 network of this model yet. It needs photos whose labels are known: "
    "press Make faster, or on the command line:\n"
    "csra models quantize {} --dataset KIND --data FOLDER"
)
_POOR_INT8_TIP = "In int8 this model was measured to be not good enough: {}."
_LOST_INT8_TIP = (
    "The int8 network is damaged or no longer there. Make it again, with photos whose labels are "
    "known: press Make faster, or on the command line:\n"
    "csra models quantize {} --dataset KIND --data FOLDER"
)
_NOT_IN_INT8_TIP = "{} does not run int8. Choose Full precision first."


class BackendButton(QPushButton):
    """Opens a menu of the backends that are installed, and of how exactly to compute.

    Signals:
        backend_chosen: its name; empty for the fastest.
        precision_chosen: whether in int8.
    """

    backend_chosen = Signal(str)
    precision_chosen = Signal(bool)

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
        menu.addSeparator()
        menu.setToolTipsVisible(True)
        self._full, self._int8 = self._precisions(menu)
        self.setMenu(menu)
        self.set_chosen("")
        self.set_int8(None)

    def _precisions(self, menu: QMenu) -> list[QAction]:
        group = QActionGroup(menu)
        actions = [menu.addAction("Full precision"), menu.addAction(_INT8)]
        for action, int8 in zip(actions, (False, True), strict=True):
            action.setCheckable(True)
            group.addAction(action)
            action.triggered.connect(lambda _on=False, int8=int8: self.precision_chosen.emit(int8))
        return actions

    def set_chosen(self, backend: str) -> None:
        """Mark the one that is chosen."""
        self._actions.get(backend, self._actions[""]).setChecked(True)

    def set_int8(self, model: ModelEntry | None) -> None:
        """Offer int8 if the model has it, with what it costs; else say how it comes by it."""
        figures = None if model is None else model.int8
        is_kept = model is not None and model.is_int8_kept
        text = f"{_INT8}: {display_text(figures.summary)}" if is_kept and figures else _INT8
        self._int8.setText(text.replace("&", "&&"))
        self._int8.setEnabled(is_kept)
        self._int8.setToolTip(tool_tip(_int8_tip(model)))
        is_chosen = model is not None and model.is_int8_chosen
        self._offer_backends(is_int8=is_chosen and is_kept)
        (self._int8 if is_chosen else self._full).setChecked(True)

    def _offer_backends(self, *, is_int8: bool) -> None:
        """Those that run the model as precisely as it was chosen."""
        for name, action in self._actions.items():
            is_fit = not (is_int8 and name and name not in INT8_BACKENDS)
            title = BACKENDS[name].title if name else "The fastest"
            action.setEnabled(is_fit)
            action.setText(title if is_fit else f"{title} (not in int8)")
            action.setToolTip(tool_tip("" if is_fit else _NOT_IN_INT8_TIP.format(title)))
            if action.isChecked() and not is_fit:  # what was chosen for full precision waits
                self.set_chosen("")


def _int8_tip(model: ModelEntry | None) -> str:
    if model is None or model.is_int8_kept:
        return _INT8_TIP
    if model.int8 is None:
        return _NO_INT8_TIP.format(display_text(model.name))
    if model.int8.is_offered:
        return _LOST_INT8_TIP.format(display_text(model.name))
    return _POOR_INT8_TIP.format(display_text(model.int8.text.removeprefix("not offered: ")))
