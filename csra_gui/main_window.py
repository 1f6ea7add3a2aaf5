"""The window: menus, panels and how they are wired; what to do is decided elsewhere."""

from __future__ import annotations

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

from csra_gui.base.actions import FeatureActions
from csra_gui.base.close_guard import ClosingQuestion
from csra_gui.base.settings import Settings
from csra_gui.base.shortcut_guard import TypingGuard
from csra_gui.browse.actions import BrowseActions
from csra_gui.browse.cached_decoder import CachedDecoder
from csra_gui.browse.controller import BrowseController
from csra_gui.browse.folder_watch import FolderWatch
from csra_gui.browse.folders_panel import FoldersPanel
from csra_gui.browse.grid_panel import GridPanel
from csra_gui.browse.image_loader import ImageDecoder
from csra_gui.browse.opener import Opener
from csra_gui.browse.stage_panel import StagePanel
from csra_gui.browse.view_mode import Browsing, ViewMode
from csra_gui.evaluation.actions import EvaluationActions
from csra_gui.evaluation.controller import EvaluationController
from csra_gui.library.controller import LibraryController
from csra_gui.maps.actions import MapActions
from csra_gui.maps.display import MapDisplay
from csra_gui.maps.export_actions import MapExportActions
from csra_gui.maps.exporter import MapExports
from csra_gui.maps.maps_panel import MapsPanel
from csra_gui.maps.viewer_panel import ViewerPanel
from csra_gui.models.actions import ModelActions
from csra_gui.models.controller import ModelController
from csra_gui.models.manager import ModelManager
from csra_gui.review.actions import ReviewActions
from csra_gui.review.controller import ReviewController
from csra_gui.review.label_history import UsedLabels
from csra_gui.review.labels_panel import LabelsPanel
from csra_gui.search.actions import SearchActions
from csra_gui.search.facets_panel import FacetsDock
from csra_gui.search.search_panel import SearchPanel
from csra_gui.session.session import Session
from csra_gui.shell.action_table import ActionTable
from csra_gui.shell.actions import WindowActions
from csra_gui.shell.controller import WindowDialogs
from csra_gui.shell.drop_target import DropTarget
from csra_gui.shell.status_panel import StatusPanel
from csra_gui.tagging.actions import TaggingActions
from csra_gui.tagging.activity import TaggingActivity
from csra_gui.tagging.controller import TaggingController
from csra_gui.training.actions import TrainingActions
from csra_gui.training.controller import TrainingController
from csra_gui.training.runner import TrainingRunner
from csra_gui.widgets.activity_bar import ActivityBar
from csra_gui.widgets.empty_state import EmptyState
from csra_gui.widgets.message_bar import MessageBar
from csra_gui.widgets.notifier import Notifier
from csra_gui.widgets.windows import fit_to_screen
from engine.texts import display_text

_DEFAULT_SIZE = QSize(1440, 900)
#: A frame and a task bar take some of the screen, and nobody says how much.
_DEFAULT_SPLIT = (430, 560, 290)
_WIDE_ENOUGH_FOR_COUNTS = 1300
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

    def __init__(  # noqa: PLR0913 - what the composition has made
        self,
        session: Session,
        manager: ModelManager,
        settings: Settings,
        decoder: ImageDecoder,
        samples: Path | None = None,
        thumbnails: CachedDecoder | None = None,
        *,
        trainer: TrainingRunner,
    ) -> None:
        super().__init__()
        self.session = session
        self._settings = settings
        self._samples = samples
        self.setWindowTitle("CSRA")
        self.browsing = Browsing(session, settings, self)
        self.grid = GridPanel(session, settings, self.browsing, thumbnails or decoder, self)
        self.maps = MapDisplay(session, settings, self)
        self.viewer = ViewerPanel(session, settings, self.maps, decoder, self)
        self.maps_panel = MapsPanel(session, settings, self.maps, self.viewer.comparison, self)
        self.message_bar = MessageBar(self)
        self.notifier = Notifier(self.message_bar, self)
        self.used_labels = UsedLabels(settings, self)
        self.review = ReviewController(session, self.used_labels, self.notifier, self)
        self.labels = LabelsPanel(session, settings, self.maps, self.review, self)
        self.search = SearchPanel(session, settings, self)
        self.facets = FacetsDock(session, self)
        self.stage = StagePanel(session, self.browsing, self.viewer, self.grid.thumbnails, decoder)
        self.exports = MapExports(session, self.maps, self.viewer, decoder, self.notifier, self)
        self.tagging = TaggingActivity(session, self.notifier, self)
        self.status = StatusPanel(session, self)
        self.empty = EmptyState(self)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._stack = QStackedWidget(self)
        self._drop_target = DropTarget(self, session)
        self.opener = Opener(session, settings, samples, self)
        self.folders = FoldersPanel(session, settings, self.opener, self)
        self.watch = FolderWatch(session, settings, self)
        self.browse_controller = BrowseController(
            session, self.browsing, self.viewer.loader, self.notifier, thumbnails, self
        )
        self.dialogs = WindowDialogs(session, settings, self)
        self.controller = ModelController(session, manager, self.notifier, self)
        self.evaluation = EvaluationController(session, manager, settings, self.notifier, self)
        self.training = TrainingController(session, manager, trainer, self.notifier, decoder, self)
        self.activity_bar = ActivityBar(
            (
                manager.activity,
                self.exports.activity,
                self.evaluation.runner.activity,
                self.training.activity,
                self.tagging.activity,
            ),
            self,
        )
        self.closing = ClosingQuestion(self)
        self.closing.add(self.evaluation.closing_text)
        self.library_controller = LibraryController(session, self.notifier, self)
        self.tagging_controller = TaggingController(session, settings, self.notifier, self)
        self._typing_guard = TypingGuard(self)
        self._window_actions = WindowActions(settings, self.dialogs, self)
        self.actions_table = ActionTable(self._made_actions(), settings, self)
        self._window_actions.shortcuts_requested.connect(self.actions_table.show_shortcuts)
        self._set_up_layout()
        self._set_up_bars()
        self._give_actions_to_panels()
        self._connect()
        self._restore_layout()

    # Building.

    def _set_up_layout(self) -> None:
        for panel in (self.grid, self.stage, self.labels):
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
        layout.addWidget(self.search)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.activity_bar)
        self.setCentralWidget(center)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self.folders)
        self.folders.hide()
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.maps_panel)
        self.maps_panel.hide()
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self.facets)

    def _set_up_bars(self) -> None:
        self.actions_table.fill_menu_bar(self.menuBar())
        bar = QToolBar("Tools", self)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.actions_table.fill_tool_bar(bar)
        self.addToolBar(bar)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.statusBar().addPermanentWidget(self.status)

    def _give_actions_to_panels(self) -> None:
        actions, labels = self.actions_table, self.labels
        labels.why.setDefaultAction(actions["why"])
        labels.reviewed.setDefaultAction(actions["reviewed"])
        labels.favourites.setDefaultAction(actions["edit_favourites"])
        labels.favourites.setMenu(actions.menu("favourites"))
        self.search.left.connect(self._on_search_left)
        self.search.bar.set_facets_action(actions["show_facets"])
        self.viewer.hide_part.setDefaultAction(self.actions_table["hide_part"])

    def _connect(self) -> None:
        session, actions = self.session, self.actions_table
        session.pipeline.scan_started.connect(self._on_pipeline_scan_started)
        self.viewer.photo_shown.connect(self.maps_panel.set_photo)
        for panel in (self.folders, self.grid, self.stage):
            self.watch.files_changed.connect(panel.take_changes)
        self.watch.files_changed.connect(
            lambda rows: self.viewer.reload([session.photos.paths[row] for row in rows])
        )
        self.grid.photo_activated.connect(lambda: self.browsing.set_mode(ViewMode.LARGE))
        for asks in (self.grid.menu_requested, self.stage.menu_requested):
            asks.connect(lambda place: actions.pop_up("photo", place))
        self.tagging.problems_requested.connect(self.tagging_controller.show_problems)
        self.status.models_requested.connect(self.controller.show_dialog)
        self.closing.add(self.training.closing_text)
        self._drop_target.photos_dropped.connect(self._on_drop_target_photos_dropped)
        self._drop_target.models_dropped.connect(self.controller.import_files)
        self.empty.set_texts("Drop a folder of photos here", _WELCOME)
        offered = ["open_folder"] if self._samples is None else ["open_folder", "open_samples"]
        self.empty.set_actions([actions[name] for name in offered])
        recent = actions.menu("recent")
        recent.aboutToShow.connect(
            lambda: self.opener.fill_recent_menu(recent, actions["clear_recent"])
        )

    def _made_actions(self) -> list[FeatureActions]:
        session, settings, viewer = self.session, self._settings, self.viewer
        return [
            BrowseActions(
                session,
                settings,
                self.opener,
                self.browsing,
                self.browse_controller,
                self.folders,
            ),
            MapActions(session, settings, self.maps, viewer, self.maps_panel),
            MapExportActions(session, self.maps, self.exports, viewer),
            ReviewActions(session, self.review, self.used_labels, self.labels),
            SearchActions(session, self.search, self.facets),
            TaggingActions(session, self.tagging_controller),
            ModelActions(self.controller),
            EvaluationActions(session, self.evaluation),
            TrainingActions(session, self.training),
            self._window_actions,
        ]

    # Facts.

    @Slot()
    def _on_pipeline_scan_started(self) -> None:
        self._stack.setCurrentWidget(self._splitter)
        roots = self.session.pipeline.roots
        more = f" and {len(roots) - 1} more" if len(roots) > 1 else ""
        self.setWindowTitle(f"{display_text(roots[0].name or str(roots[0]))}{more} — CSRA")

    @Slot()
    def _on_search_left(self) -> None:
        self.grid.view.setFocus()

    @Slot(object, bool)
    def _on_drop_target_photos_dropped(self, paths: list[Path], adds: bool) -> None:
        if adds:
            self.opener.add(paths)
        else:
            self.opener.open(paths)

    # The window itself.

    def _restore_layout(self) -> None:
        fit_to_screen(self, _DEFAULT_SIZE)
        self.restoreGeometry(self._settings.layout("window"))
        if not self._splitter.restoreState(self._settings.layout("splitter")):
            self._splitter.setSizes(_DEFAULT_SPLIT)
        if not self.restoreState(self._settings.layout("docks")):
            self.facets.setVisible(self.width() >= _WIDE_ENOUGH_FOR_COUNTS)

    def _save_layout(self) -> None:
        self._settings.set_layout("window", QByteArray(self.saveGeometry()))
        self._settings.set_layout("docks", QByteArray(self.saveState()))
        self._settings.set_layout("splitter", QByteArray(self._splitter.saveState()))
        self._settings.save()

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.closing.may_close():
            event.ignore()
            return
        self._save_layout()
        event.accept()
        self.closed.emit()

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:  # what it runs may just have changed
            self.actions_table.flush()
        return super().event(event)

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.watch.look_again()
        if event.type() == QEvent.Type.WindowStateChange:
            self.actions_table["full_screen"].setChecked(self.isFullScreen())
