"""The commands as actions; menus, tool bar and shortcut list come from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar

from csra_gui.base.actions import SEPARATOR, ActionSpec, MenuSpec, plain_text
from csra_gui.base.icons import icon
from csra_gui.base.shortcuts import Shortcuts
from csra_gui.shell.menus import ACTIONS, MENUS, TOOL_BAR


class Actions(QObject):
    """The commands as ``QAction``, each connected to the slot of its id.

    Args:
        slots: what each command does, by its id.
        shortcuts: the keys of each command; they may change.
        parent: of the actions.
    """

    def __init__(
        self,
        slots: Mapping[str, Callable[..., object]],
        shortcuts: Shortcuts,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._shortcuts = shortcuts
        self._actions: dict[str, QAction] = {}
        self._menus: dict[str, QMenu] = {}
        self._groups: dict[str, QActionGroup] = {}
        for spec in ACTIONS:
            self._actions[spec.id] = self._made(spec, slots[spec.id])
        self._apply_shortcuts()
        shortcuts.changed.connect(self._apply_shortcuts)

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def menu(self, name: str) -> QMenu:
        """A menu by its id."""
        return self._menus[name]

    def fill_menu_bar(self, bar: QMenuBar) -> None:
        """Add every menu."""
        for spec in MENUS:
            self._fill(bar.addMenu(spec.text), spec)

    def fill_tool_bar(self, bar: QToolBar) -> None:
        """Add the tool bar's commands."""
        for name in TOOL_BAR:
            if name == SEPARATOR:
                bar.addSeparator()
            else:
                bar.addAction(self[name])

    @Slot()
    def _apply_shortcuts(self) -> None:
        for spec in ACTIONS:
            action = self[spec.id]
            action.setShortcuts([QKeySequence(key) for key in self._shortcuts.keys(spec.id)])
            plain = plain_text(spec.text)
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            action.setToolTip(f"{plain} ({keys})" if keys else plain)

    def _fill(self, menu: QMenu, spec: MenuSpec) -> None:
        self._menus[spec.id] = menu
        menu.setToolTipsVisible(True)
        for entry in spec.entries:
            if isinstance(entry, MenuSpec):
                self._fill(menu.addMenu(entry.text), entry)
            elif entry == SEPARATOR:
                menu.addSeparator()
            else:
                menu.addAction(self[entry])

    def _made(self, spec: ActionSpec, slot: Callable[..., object]) -> QAction:
        action = QAction(spec.text, self)
        action.setObjectName(spec.id)
        action.setStatusTip(spec.tip)
        if spec.icon:
            action.setIcon(icon(spec.icon))
        action.setCheckable(spec.checkable)
        if spec.group:
            group = self._groups.setdefault(spec.group, QActionGroup(self))
            group.addAction(action)
        action.triggered.connect(slot)
        return action
