"""The actions of all features by their ids, with their keys, in menus and bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QObject, QPoint, Qt, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QApplication, QMenu, QMenuBar, QToolBar, QWidget

from csra_gui.base.actions import SEPARATOR, FeatureActions, MenuSpec, menu_paths, plain_text
from csra_gui.base.disk_cache import DiskCache
from csra_gui.base.settings import Settings
from csra_gui.base.shortcuts import Shortcuts
from csra_gui.base.tool_tips import tool_tip
from csra_gui.session.session import Session
from csra_gui.shell.actions import WindowActions
from csra_gui.shell.menus import CONTEXT_MENU, ICONS_ONLY, MENUS, OTHER_KEYS, TOOL_BAR
from csra_gui.shell.shortcuts_dialog import ShortcutsDialog


class ActionTable(QObject):
    """Adds the window's actions to those of the features; a look shows them as things are now.

    Args:
        session: that the window shows.
        settings: with the keys that the person chose.
        features: of which no id is that of another.
        caches: can be emptied in the settings.
        window: over which menus and dialogs open.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        features: Iterable[FeatureActions],
        caches: Sequence[DiskCache],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._window = window
        of_window = WindowActions(session, settings, caches, self.show_shortcuts, window)
        self._features = (*features, of_window)
        self._feature_of = {spec.id: each for each in self._features for spec in each.specs}
        self._menus: dict[str, QMenu] = {}
        specs = [spec for each in self._features for spec in each.specs]
        self.shortcuts = Shortcuts(settings, specs)
        self._apply_shortcuts()
        self.shortcuts.changed.connect(self._apply_shortcuts)

    def __getitem__(self, name: str) -> QAction:
        feature = self._feature_of[name]
        feature.flush()
        return feature[name]

    def command(self, key: QKeySequence) -> QAction | None:
        """What a key runs."""
        name = self._by_key.get(key.toString())
        return None if name is None else self[name]

    def menu(self, name: str) -> QMenu:
        """A menu by its id."""
        return self._menus[name]

    @Slot()
    def flush(self) -> None:
        """Refresh what is due: a menu is about to show it, or a key to run it."""
        for feature in self._features:
            feature.flush()

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
        for name in ICONS_ONLY:
            button = bar.widgetForAction(self[name])
            button.setProperty("toolButtonStyle", Qt.ToolButtonStyle.ToolButtonIconOnly)

    def pop_up(self, heading: str, place: QPoint) -> None:
        """Show the menu of photos.

        Args:
            heading: what it is about; empty if that is plain.
            place: on the screen.
        """
        self.flush()
        menu = QMenu(QApplication.activeWindow() or self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        if heading:
            menu.addAction(heading).setEnabled(False)
            menu.addSeparator()
        for name in CONTEXT_MENU:
            if name == SEPARATOR:
                menu.addSeparator()
            elif name in self._menus:
                menu.addAction(self._menus[name].menuAction())
            else:
                menu.addAction(self[name])
        menu.popup(place)

    def show_shortcuts(self) -> None:
        """List what each key does; the keys of commands can be changed."""
        ShortcutsDialog(self.shortcuts, OTHER_KEYS, menu_paths(MENUS), self._window).open()

    @Slot()
    def _apply_shortcuts(self) -> None:
        self._by_key: dict[str, str] = {}
        for spec in self.shortcuts.specs:
            action = self[spec.id]
            self._by_key |= dict.fromkeys(self.shortcuts.keys(spec.id), spec.id)
            action.setShortcuts([QKeySequence(key) for key in self.shortcuts.keys(spec.id)])
            plain = plain_text(spec.text)
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            action.setToolTip(tool_tip(f"{plain} ({keys})" if keys else plain, spec.tip))

    def _fill(self, menu: QMenu, spec: MenuSpec) -> None:
        self._menus[spec.id] = menu
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(self.flush)
        for entry in spec.entries:
            if isinstance(entry, MenuSpec):
                self._fill(menu.addMenu(entry.text), entry)
            elif entry == SEPARATOR:
                menu.addSeparator()
            else:
                menu.addAction(self[entry])
