"""The window: menus, panels and how they are wired; what to do is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent
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
from csra_gui.actions import Actions
from csra_gui.drop_target import DropTarget
from csra_gui.map_commands import MapCommands
from csra_gui.map_display import MapDisplay
from csra_gui.model_desk import ModelDesk
from csra_gui.model_shelf import ModelShelf
from csra_gui.notifier import Notifier
from csra_gui.opener import Opener
from csra_gui.panels.grid_panel import GridPanel
from csra_gui.panels.labels_panel import LabelsPanel
from csra_gui.panels.shelf_strip import ShelfStrip
from csra_gui.panels.status_panel import StatusPanel
from csra_gui.panels.viewer_panel import ViewerPanel
from csra_gui.panels.work_panel import WorkPanel
from csra_gui.session import Session
from csra_gui.settings import Settings
from csra_gui.widgets.empty_state import EmptyState
from csra_gui.widgets.message_bar import MessageBar
from csra_gui.window_dialogs import WindowDialogs
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
        shelf: ModelShelf,
        settings: Settings,
        decoder: ImageDecoder,
        samples: Path | None = None,
    ) -> None:
        super().__init__()
        self.session = session
        self._settings = settings
        self._samples = samples
        self.setWindowTitle("CSRA")
        self.grid = GridPanel(session, settings, decoder, self)
        self.maps = MapDisplay(session, settings, self)
        self.viewer = ViewerPanel(session, self.maps, decoder, self)
        self.labels = LabelsPanel(session, settings, self.maps, self)
        self.message_bar = MessageBar(self)
        self.notifier = Notifier(self.message_bar, self)
        self.work = WorkPanel(session, self.notifier, self)
        self.models_strip = ShelfStrip(shelf, self)
        self.status = StatusPanel(session, self)
        self.empty = EmptyState(self)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._stack = QStackedWidget(self)
        self._drop_target = DropTarget(self, session)
        self.opener = Opener(session, settings, samples, self)
        self.dialogs = WindowDialogs(session, settings, self)
        self.desk = ModelDesk(session, shelf, self.notifier, self)
        self._map_commands = MapCommands(settings)
        self.actions_table = Actions(self._slots(), self)
        self._set_up_layout()
        self._set_up_bars()
        self.labels.why.setDefaultAction(self.actions_table["why"])
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
        layout.addWidget(self.models_strip)
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
        self.statusBar().addPermanentWidget(self.status)

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
        self.work.problems_requested.connect(self.dialogs.show_problems)
        self.status.models_requested.connect(self.desk.show_dialog)
        self._drop_target.photos_dropped.connect(self._on_drop_target_photos_dropped)
        self._drop_target.models_dropped.connect(self.desk.import_files)
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
            "settings": self.dialogs.show_settings,
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
            **self._map_commands.slots(),
            "mark_region": view.set_marks_regions,
            "unpin": lambda: self.session.set_pinned(None),
            "previous_photo": lambda: self._step(-1),
            "next_photo": lambda: self._step(1),
            "full_screen": self._set_full_screen,
            "tag": self.session.tag,
            "cancel": self.session.cancel_tagging,
            "show_problems": self.dialogs.show_problems,
            "why": self.dialogs.show_why,
            "models": self.desk.show_dialog,
            "import_model": self.desk.choose_import,
            "shortcuts": lambda: self.dialogs.show_shortcuts(self.actions_table),
            "about": self.dialogs.show_about,
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

    # Facts.

    @Slot()
    def _on_session_scan_started(self) -> None:
        self._stack.setCurrentWidget(self._splitter)
        roots = self.session.roots
        more = f" and {len(roots) - 1} more" if len(roots) > 1 else ""
        self.setWindowTitle(f"{display_text(roots[0].name or str(roots[0]))}{more} — CSRA")

    @Slot(object, bool)
    def _on_drop_target_photos_dropped(self, paths: list[Path], adds: bool) -> None:
        if adds:
            self.opener.add(paths)
        else:
            self.opener.open(paths)

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
        for name in ("zoom_in", "zoom_out", "zoom_fit", "zoom_actual", "mark_region", "why"):
            actions[name].setEnabled(current)
        for name in ("previous_photo", "next_photo"):
            actions[name].setEnabled(there)
        actions["include_subfolders"].setChecked(bool(settings.value(keys.INCLUDE_SUBFOLDERS)))
        self._map_commands.update(actions)
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
