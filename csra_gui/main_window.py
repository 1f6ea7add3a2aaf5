"""The window: places what the features made."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QComboBox,
    QMainWindow,
    QSplitter,
    QStackedWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.engine_client import EngineFactory
from csra_gui.base.paths import library_file
from csra_gui.base.settings import Settings
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.feature import BrowseFeature
from csra_gui.evaluation.feature import EvaluationFeature
from csra_gui.interchange.feature import InterchangeFeature
from csra_gui.library.controller import LibraryController
from csra_gui.maps.feature import MapsFeature
from csra_gui.models.feature import ModelsFeature
from csra_gui.models.manager import ModelManager
from csra_gui.review.feature import ReviewFeature
from csra_gui.search.feature import SearchFeature
from csra_gui.session.session import Session
from csra_gui.shell.action_table import ActionTable
from csra_gui.shell.close_guard import ClosingQuestion
from csra_gui.shell.drop_target import DropTarget
from csra_gui.shell.settings_notice import SettingsNotice
from csra_gui.shell.shortcut_guard import TypingGuard
from csra_gui.shell.status_panel import StatusPanel
from csra_gui.shell.window_layout import WindowLayout
from csra_gui.tagging.feature import TaggingFeature
from csra_gui.training.feature import TrainingFeature
from csra_gui.training.feature_cache import FeatureCache
from csra_gui.widgets.activity_bar import ActivityBar
from csra_gui.widgets.fold import ScrollColumn
from csra_gui.widgets.message_bar import MessageBar
from csra_gui.widgets.notifier import Notifier
from csra_gui.widgets.windows import fit_to_screen
from engine.texts import display_text

_DEFAULT_SIZE = QSize(1440, 900)
#: A frame and a task bar take some of the screen, and nobody says how much.
_DEFAULT_SPLIT = (430, 560, 290)
_WIDE_ENOUGH_FOR_COUNTS = 1300


class MainWindow(QMainWindow):
    """Grid, photo and labels side by side.

    Signals:
        closed: the window has been closed by the person.
    """

    closed = Signal()

    def __init__(
        self,
        session: Session,
        manager: ModelManager,
        settings: Settings,
        decoder: ImageDecoder,
        samples: Path | None,
        trainer_factory: EngineFactory,
    ) -> None:
        super().__init__()
        self._session = session
        self._name_window("")
        self.message_bar = MessageBar(self)
        self.notifier = notifier = Notifier(self.message_bar, self)
        self.browse = BrowseFeature(session, settings, decoder, samples, notifier, self)
        self.maps = MapsFeature(session, settings, self.browse, decoder, notifier, self)
        self.review = ReviewFeature(session, settings, self.browse, self.maps, notifier, self)
        self.search = SearchFeature(session, settings, notifier, self)
        self.tagging = TaggingFeature(session, settings, notifier, self)
        self.interchange = InterchangeFeature(session, settings, notifier, self)
        self.models = ModelsFeature(session, manager, settings, notifier, self)
        self.evaluation = EvaluationFeature(session, manager, settings, notifier, self)
        self.models.controller.faster_requested.connect(self.evaluation.ask_faster)
        self.training = TrainingFeature(session, manager, trainer_factory, decoder, notifier, self)
        for place in (self.review.controller, self.search.panel, self.browse.grid.nothing):
            place.teach_requested.connect(self.training.teach)
        self.browse.stage.nothing.teach_requested.connect(self.training.teach)
        self.browse.turns.noted.connect(self.interchange.writes.read_last)
        self.interchange.writes.undone.connect(self.browse.turns.take_undone)
        library = LibraryController(session, notifier, self)
        library.import_requested.connect(self.interchange.import_actions.show_dialog)
        works = (
            self.models.closing_text,
            self.evaluation.closing_text,
            self.training.closing_text,
        )
        self.closing = ClosingQuestion(self, works)
        DropTarget(self, session, self.browse.opener, self.models.controller)
        features = (
            self.browse.actions,
            self.browse.file_actions,
            self.maps.actions,
            self.maps.export_actions,
            self.review.actions,
            self.review.rating_actions,
            self.search.actions,
            self.tagging.actions,
            self.interchange.write_actions,
            self.interchange.export_actions,
            self.interchange.import_actions,
            self.interchange.tag_import_actions,
            self.models.actions,
            self.evaluation.actions,
            self.training.actions,
        )
        caches = (self.browse.cache, FeatureCache(session, settings, self.training).cache)
        self.actions_table = ActionTable(session, settings, features, caches, self)
        self._guard_typing()
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._stack = QStackedWidget(self)
        notifier.place = self._stack
        self._layout = WindowLayout(self, self._splitter, settings)
        SettingsNotice(settings.file, notifier, self)
        self._place_panels()
        self._place_actions()
        session.pipeline.scan_started.connect(self._on_pipeline_scan_started)
        session.pipeline.scan_finished.connect(self._name_by_roots)
        self.search.panel.left.connect(self.browse.focus_photos)
        self._restore_layout()

    # Building.

    def _guard_typing(self) -> None:
        """Single keys are commands where photos, their labels or their maps are."""
        browse, labels = self.browse, self.review.labels
        lists = (browse.grid.grid, browse.grid.list, browse.stage.filmstrip, labels.labels)
        places = (*lists, browse.grid, browse.stage, labels, self.maps.panel)
        guard = TypingGuard(self, places, self.actions_table.command)
        guard.text_typed.connect(labels.type_text)
        for box in self.findChildren(QComboBox):  # keys stay there when the mouse chooses
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def _place_panels(self) -> None:
        for panel in (self.browse.grid, self.browse.stage, self.review.labels):
            self._splitter.addWidget(panel)
        self._splitter.setChildrenCollapsible(False)
        for place, stretch in enumerate((3, 4, 0)):
            self._splitter.setStretchFactor(place, stretch)
        self._stack.addWidget(ScrollColumn(self.browse.welcome, self))
        self._stack.addWidget(self._splitter)
        self.activity_bar = ActivityBar(
            (
                self.models.activity,
                self.browse.trash.activity,
                self.browse.turns.activity,
                self.maps.exports.activity,
                self.interchange.writes.activity,
                self.interchange.exports.activity,
                self.interchange.imports.activity,
                self.interchange.tag_imports.activity,
                self.search.duplicates.activity,
                self.evaluation.activity,
                self.training.activity,
                self.tagging.activity,
            ),
            self,
        )
        center = QWidget(self)
        layout = QVBoxLayout(center)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.message_bar)
        layout.addWidget(self.search.panel)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.activity_bar)
        self.setCentralWidget(center)
        for dock, side in (
            (self.browse.folders, Qt.DockWidgetArea.LeftDockWidgetArea),
            (self.maps.panel, Qt.DockWidgetArea.BottomDockWidgetArea),
            (self.search.facets, Qt.DockWidgetArea.LeftDockWidgetArea),
        ):
            self.addDockWidget(side, dock)
        self.browse.folders.hide()
        self.maps.panel.hide()

    def _place_actions(self) -> None:
        table = self.actions_table
        table.fill_menu_bar(self.menuBar())
        bar = QToolBar("Tools", self)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        table.fill_tool_bar(bar)
        self.addToolBar(bar)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.status = StatusPanel(self._session, self)
        self.status.models_requested.connect(self.models.controller.show_dialog)
        self.statusBar().addPermanentWidget(self.interchange.not_written)
        self.statusBar().addPermanentWidget(self.status)
        self.browse.set_recent_menu(table.menu("recent"))
        self.review.labels.favourites.setMenu(table.menu("favourites"))
        self.browse.set_label_menu(table.menu("find_by_label"))
        self.browse.menu_requested.connect(table.pop_up)

    # Facts.

    def _name_window(self, photos: str) -> None:
        """By what is open, and by the library if it is another than the usual one."""
        library = self._session.library.path
        own = "" if library == library_file() else display_text(library.stem)
        what = " · ".join(part for part in (photos, own) if part)
        self.setWindowTitle(f"{what} — CSRA" if what else "CSRA")

    @Slot()
    def _on_pipeline_scan_started(self) -> None:
        focused = self.focusWidget()
        was_welcome = focused is None or self.browse.welcome.isAncestorOf(focused)
        self._stack.setCurrentWidget(self._splitter)
        focused = self.focusWidget()
        if was_welcome and focused is not None:
            # What is hidden hands it on to any line to type in; the photos take it once they come.
            focused.clearFocus()
        self._name_by_roots()

    @Slot()
    def _name_by_roots(self) -> None:
        roots = self._session.pipeline.found_roots
        more = f" and {len(roots) - 1} more" if len(roots) > 1 else ""
        self._name_window(f"{display_text(roots[0].name or str(roots[0]))}{more}" if roots else "")

    # The window itself.

    def _restore_layout(self) -> None:
        fit_to_screen(self, _DEFAULT_SIZE)
        self._splitter.setSizes(_DEFAULT_SPLIT)
        if not self._layout.restore():
            self.search.facets.setVisible(self.width() >= _WIDE_ENOUGH_FOR_COUNTS)

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.closing.may_close():
            event.ignore()
            return
        self._layout.save()
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
            self.browse.watch.look_again()
        if event.type() == QEvent.Type.WindowStateChange:
            self.actions_table["full_screen"].setChecked(self.isFullScreen())
