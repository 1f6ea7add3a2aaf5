"""The window: menus, panels and how they are wired; what to do is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import (
    QMainWindow,
    QSplitter,
    QStackedWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui import settings as keys
from csra_gui.actions import ACTIONS, OTHER_KEYS, Actions, plain_text
from csra_gui.dialogs.problems_dialog import Problem, ProblemsDialog
from csra_gui.dialogs.settings_dialog import SettingsDialog
from csra_gui.dialogs.text_dialogs import AboutDialog, ShortcutsDialog
from csra_gui.notifier import Notifier
from csra_gui.opener import Opener
from csra_gui.panels.drop_hint import DropHint, local_paths
from csra_gui.panels.grid_panel import GridPanel
from csra_gui.panels.labels_panel import LabelsPanel
from csra_gui.panels.status_panel import StatusPanel
from csra_gui.panels.viewer_panel import ViewerPanel
from csra_gui.panels.work_panel import WorkPanel
from csra_gui.session import Session
from csra_gui.settings import Settings
from csra_gui.widgets.empty_state import EmptyState
from csra_gui.widgets.message_bar import MessageBar
from csra_gui.workers.image_loader import ImageDecoder
from engine.texts import display_text

_DEFAULT_SIZE = QSize(1440, 900)
#: A frame and a task bar take some of the screen, and nobody says how much.
_SHARE_OF_SCREEN = 0.9
_DEFAULT_SPLIT = (430, 560, 290)
_THUMBNAIL_STEP = 32
_WELCOME = (
    "The program says what is in each photo, and shows where it saw it. "
    "Your photos stay on this computer and are never changed."
)


class MainWindow(QMainWindow):
    """Grid, photo and labels side by side.

    Signals:
        closed: the window has been closed by the person.
    """

    closed = Signal()

    def __init__(
        self,
        session: Session,
        settings: Settings,
        decoder: ImageDecoder,
        samples: Path | None = None,
    ) -> None:
        super().__init__()
        self.session = session
        self._settings = settings
        self._samples = samples
        self.setWindowTitle("CSRA")
        self.setAcceptDrops(True)
        self.grid = GridPanel(session, settings, decoder, self)
        self.viewer = ViewerPanel(session, settings, decoder, self)
        self.labels = LabelsPanel(session, settings, self)
        self.message_bar = MessageBar(self)
        self.notifier = Notifier(self.message_bar, self)
        self.work = WorkPanel(session, self.notifier, self)
        self.empty = EmptyState(self)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._stack = QStackedWidget(self)
        self._drop_hint = DropHint(self)
        self.opener = Opener(session, settings, samples, self)
        self.actions_table = Actions(self._slots(), self)
        self._set_up_layout()
        self._set_up_bars()
        self._connect()
        self._restore_layout()
        self._update_actions()

    # Building.

    def _set_up_layout(self) -> None:
        for panel in (self.grid, self.viewer, self.labels):
            self._splitter.addWidget(panel)
        self._splitter.setChildrenCollapsible(False)
        for place, stretch in enumerate((3, 4, 0)):
            self._splitter.setStretchFactor(place, stretch)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._splitter)
        center = QWidget(self)
        layout = QVBoxLayout(center)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.message_bar)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.work)
        self.setCentralWidget(center)

    def _set_up_bars(self) -> None:
        self.actions_table.fill_menu_bar(self.menuBar())
        bar = QToolBar("Tools", self)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.actions_table.fill_tool_bar(bar)
        for name in ("zoom_in", "zoom_out", "zoom_fit", "zoom_actual"):
            button = bar.widgetForAction(self.actions_table[name])
            button.setProperty("toolButtonStyle", Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.addToolBar(bar)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.statusBar().addPermanentWidget(StatusPanel(self.session, self))

    def _connect(self) -> None:
        session, actions = self.session, self.actions_table
        session.scan_started.connect(self._on_session_scan_started)
        for fact in (
            session.scan_finished,
            session.photos_added,
            session.photos_reset,
            session.tagging_started,
            session.tagging_finished,
            session.predictions_changed,
            session.model_changed,
            session.current_changed,
            session.pinned_changed,
        ):
            fact.connect(self._update_actions)
        self.work.problems_requested.connect(self._show_problems)
        self._settings.setting_changed.connect(self._update_actions)
        self.empty.set_texts("Drop a folder of photos here", _WELCOME)
        offered = ["open_folder"] if self._samples is None else ["open_folder", "open_samples"]
        self.empty.set_actions([actions[name] for name in offered])
        recent = actions.menu("recent")
        recent.aboutToShow.connect(
            lambda: self.opener.fill_recent_menu(recent, actions["clear_recent"])
        )

    def _slots(self) -> dict[str, Callable[..., object]]:
        view, settings = self.viewer.view, self._settings
        return {
            "open_folder": self.opener.choose_folder,
            "open_photos": self.opener.choose_photos,
            "add_folder": self.opener.choose_folder_to_add,
            "open_samples": self.opener.open_samples,
            "reload": self.session.rescan,
            "include_subfolders": self._set_include_subfolders,
            "clear_recent": settings.clear_recent_folders,
            "settings": lambda: SettingsDialog(settings, self).open(),
            "quit": self.close,
            "theme_system": lambda: settings.set_value(keys.THEME, "system"),
            "theme_light": lambda: settings.set_value(keys.THEME, "light"),
            "theme_dark": lambda: settings.set_value(keys.THEME, "dark"),
            "larger_thumbnails": lambda: self._resize_thumbnails(_THUMBNAIL_STEP),
            "smaller_thumbnails": lambda: self._resize_thumbnails(-_THUMBNAIL_STEP),
            "zoom_in": view.zoom_in,
            "zoom_out": view.zoom_out,
            "zoom_fit": view.fit,
            "zoom_actual": view.actual_size,
            "show_overlay": lambda on: settings.set_value(keys.SHOW_OVERLAY, on),
            "unpin": lambda: self.session.set_pinned(None),
            "previous_photo": lambda: self._step(-1),
            "next_photo": lambda: self._step(1),
            "full_screen": self._set_full_screen,
            "tag": self.session.tag,
            "cancel": self.session.cancel_tagging,
            "show_problems": self._show_problems,
            "shortcuts": self._show_shortcuts,
            "about": lambda: AboutDialog(self.session.model, self).open(),
        }

    # Slots of actions.

    def _set_include_subfolders(self, on: bool) -> None:
        self._settings.set_value(keys.INCLUDE_SUBFOLDERS, on)
        self.session.rescan()

    def _resize_thumbnails(self, step: int) -> None:
        side = int(self._settings.value(keys.THUMBNAIL_SIDE)) + step
        self._settings.set_value(keys.THUMBNAIL_SIDE, side)

    def _step(self, step: int) -> None:
        count = len(self.session.photos)
        if count:
            current = -step if self.session.current is None else self.session.current
            self.session.set_current(min(max(current + step, 0), count - 1))

    def _set_full_screen(self, on: bool) -> None:
        if on:
            self.showFullScreen()
        else:
            self.showNormal()

    @Slot()
    def _show_problems(self) -> None:
        photos = self.session.photos
        problems = [Problem(photos.paths[row], text, row) for row, text in photos.errors.items()]
        problems += [Problem(skip.path, skip.message) for skip in self.session.skipped]
        dialog = ProblemsDialog(problems, self)
        dialog.photo_chosen.connect(self.session.set_current)
        dialog.show()

    @Slot()
    def _show_shortcuts(self) -> None:
        rows = [
            (", ".join(key.toString() for key in self.actions_table[spec.id].shortcuts()), spec)
            for spec in ACTIONS
        ]
        listed = [(shown, plain_text(spec.text)) for shown, spec in rows if shown]
        ShortcutsDialog([*listed, *OTHER_KEYS], self).open()

    # Facts.

    @Slot()
    def _on_session_scan_started(self) -> None:
        self._stack.setCurrentWidget(self._splitter)
        roots = self.session.roots
        more = f" and {len(roots) - 1} more" if len(roots) > 1 else ""
        self.setWindowTitle(f"{display_text(roots[0].name or str(roots[0]))}{more} — CSRA")

    @Slot()
    def _update_actions(self) -> None:
        session, actions, settings = self.session, self.actions_table, self._settings
        there = len(session.photos) > 0
        current = session.current is not None
        ready = there and session.model is not None
        actions["tag"].setEnabled(ready and not session.is_tagging and not session.is_scanning)
        actions["tag"].setText(self._tag_text())
        actions["cancel"].setEnabled(session.is_tagging)
        actions["open_samples"].setEnabled(self._samples is not None)
        actions["reload"].setEnabled(bool(session.roots))
        actions["show_problems"].setEnabled(bool(session.photos.errors or session.skipped))
        actions["unpin"].setEnabled(session.pinned_category is not None)
        for name in ("zoom_in", "zoom_out", "zoom_fit", "zoom_actual"):
            actions[name].setEnabled(current)
        for name in ("previous_photo", "next_photo"):
            actions[name].setEnabled(there)
        actions["include_subfolders"].setChecked(bool(settings.value(keys.INCLUDE_SUBFOLDERS)))
        actions["show_overlay"].setChecked(bool(settings.value(keys.SHOW_OVERLAY)))
        actions[f"theme_{settings.value(keys.THEME)}"].setChecked(True)

    def _tag_text(self) -> str:
        photos = self.session.photos
        tagged = photos.tagged_count()
        if not tagged:
            return "&Tag now"
        return "&Tag again" if tagged + len(photos.errors) >= len(photos) else "&Resume tagging"

    # The window itself.

    def _restore_layout(self) -> None:
        room = self.screen().availableGeometry().size()
        self.resize(_DEFAULT_SIZE.boundedTo(room * _SHARE_OF_SCREEN))
        self.restoreGeometry(self._settings.layout("window"))
        if not self._splitter.restoreState(self._settings.layout("splitter")):
            self._splitter.setSizes(_DEFAULT_SPLIT)

    def _save_layout(self) -> None:
        self._settings.set_layout("window", QByteArray(self.saveGeometry()))
        self._settings.set_layout("splitter", QByteArray(self._splitter.saveState()))
        self._settings.save()

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        self._save_layout()
        event.accept()
        self.closed.emit()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.actions_table["full_screen"].setChecked(self.isFullScreen())

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_paths(event.mimeData().urls()):
            self._show_drop_hint(event)

    @override
    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._show_drop_hint(event)

    @override
    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drop_hint.hide()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        self._drop_hint.hide()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        paths = local_paths(event.mimeData().urls())
        if paths and self._drop_adds(event):
            self.opener.add(paths)
        elif paths:
            self.opener.open(paths)

    def _show_drop_hint(self, event: QDropEvent) -> None:
        # Photos are read, never moved: whoever they come from must not delete them.
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._drop_hint.show_over(adds=self._drop_adds(event), may_add=bool(self.session.roots))

    @staticmethod
    def _drop_adds(event: QDropEvent) -> bool:
        return bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
