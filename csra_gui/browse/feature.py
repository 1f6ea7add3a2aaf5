"""Looking at photos, put together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Signal, Slot
from PySide6.QtWidgets import QMenu, QWidget

from csra_gui.base.disk_cache import DiskCache
from csra_gui.base.paths import cache_dir
from csra_gui.base.settings import THUMBNAIL_CACHE_MB, Settings
from csra_gui.browse.actions import BrowseActions
from csra_gui.browse.cached_decoder import CachedDecoder
from csra_gui.browse.controller import BrowseController
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.delete_key import DeleteKey
from csra_gui.browse.file_actions import FileActions
from csra_gui.browse.file_commands import FileCommands
from csra_gui.browse.file_notes import FileNotes
from csra_gui.browse.folder_watch import FolderWatch
from csra_gui.browse.folders_panel import FoldersPanel
from csra_gui.browse.full_screen import FullScreen
from csra_gui.browse.grid_panel import GridPanel
from csra_gui.browse.image_loader import large_loader
from csra_gui.browse.label_menu import fill_label_menu
from csra_gui.browse.opener import Opener
from csra_gui.browse.stage_panel import StagePanel
from csra_gui.browse.trash import PhotoTrash
from csra_gui.browse.turning import PhotoTurns
from csra_gui.browse.view_mode import Browsing, ViewMode
from csra_gui.session.session import Session
from csra_gui.widgets.empty_state import EmptyState
from csra_gui.widgets.notifier import Notifier
from engine.api.config import ThumbnailWish
from engine.records.thumbnail_cache import ThumbnailCache

_MB = 1_000_000
_WELCOME = (
    "The program says what is in each photo, and shows where it saw it. "
    "Your photos stay on this computer and are never changed."
)


class BrowseFeature(QObject):
    """Makes the panels, for the window to place, and what they share.

    Args:
        samples: the folder of sample photos, if there is one.
        window: over which dialogs open.

    Signals:
        menu_requested: what the menu of photos is about if they are several, and where on the
            screen it belongs.
    """

    menu_requested = Signal(str, QPoint)

    def __init__(
        self,
        session: Session,
        settings: Settings,
        decoder: ImageDecoder,
        samples: Path | None,
        notifier: Notifier,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        cache = ThumbnailCache(self._thumbnail_folder, self._thumbnail_limit)
        self._cached = CachedDecoder(decoder, cache)
        self.cache = DiskCache(
            "Thumbnails",
            THUMBNAIL_CACHE_MB,
            lambda: self._cached.total().result(),
            lambda: self._cached.clear().result(),
        )
        self.loader = large_loader(decoder, self)
        self.browsing = Browsing(session, settings, self)
        self.watch = FolderWatch(session, settings, self)
        self.opener = Opener(session, settings, samples, self.watch, window)
        FileNotes(session, self.watch, self.opener, notifier, self)
        self.grid = GridPanel(session, settings, self.browsing, self._cached, window)
        session.tagger.thumbnails = self._wanted_of_tagging
        self.stage = StagePanel(
            session, settings, self.browsing, self.grid.thumbnails, decoder, window
        )
        self.folders = FoldersPanel(session, settings, self.opener, window)
        self.controller = controller = BrowseController(
            session, self.browsing, self.loader, notifier, self._cached, window
        )
        self.files = FileCommands(session, self.browsing, decoder, notifier, window)
        self.actions = BrowseActions(
            session, settings, self.opener, self.browsing, controller, self.folders
        )
        self.trash = PhotoTrash(session, settings, self.browsing, self.watch, notifier, window)
        self.turns = PhotoTurns(session, self.browsing, self.watch, notifier, window)
        self.file_actions = FileActions(session, self.browsing, self.files, self.trash, self.turns)
        places = (self.grid.grid, self.grid.list, self.stage.filmstrip, self.stage)
        self._delete_key = DeleteKey(self.file_actions["move_to_trash"], places, self)
        self.welcome = EmptyState(window)
        self.welcome.set_texts("Drop a folder of photos here", _WELCOME)
        offered = ("open_folder", "open_samples") if samples is not None else ("open_folder",)
        self.welcome.set_actions([self.actions[name] for name in offered])
        self.grid.photo_activated.connect(lambda: self.browsing.set_mode(ViewMode.LARGE))
        for panel in (self.folders, self.grid, self.stage):
            self.watch.files_changed.connect(panel.take_changes)
        for place in (self.grid, self.stage):
            place.nothing.folder_requested.connect(self.opener.choose_folder)
        for panel in (self.grid, self.stage):
            panel.menu_requested.connect(self._on_menu_requested)
        window.addAction(self.file_actions["photo_menu"])
        controller.full_screen_opened.connect(self._on_full_screen_opened)
        self.browsing.mode_changed.connect(self.focus_photos)
        session.shown.settled.connect(self._on_shown_settled)
        settings.setting_changed.connect(self._on_settings_changed)

    def set_recent_menu(self, menu: QMenu) -> None:
        """List the folders opened lately in a menu."""
        clear = self.actions["clear_recent"]
        menu.aboutToShow.connect(lambda: self.opener.fill_recent_menu(menu, clear))

    def set_label_menu(self, menu: QMenu) -> None:
        """List the labels of the photos that commands are for, to find others that have them."""
        menu.setToolTipsVisible(False)
        fill = partial(fill_label_menu, menu, self._session, self.browsing)
        menu.aboutToShow.connect(fill)

    @Slot()
    def focus_photos(self) -> None:
        """Let keys go to the photos."""
        has_grid = self.browsing.mode in (ViewMode.GRID, ViewMode.LIST)
        (self.grid.view if has_grid else self.stage.filmstrip).setFocus()

    @property
    def _thumbnail_folder(self) -> Path:
        return cache_dir() / "thumbnails"

    @property
    def _thumbnail_limit(self) -> int:
        return int(self._settings.value(THUMBNAIL_CACHE_MB)) * _MB

    def _wanted_of_tagging(self) -> ThumbnailWish:
        """Photos that are tagged will be looked at: their thumbnails come of the same decoding."""
        side = self.grid.thumbnails.side
        return ThumbnailWish(self._thumbnail_folder, side, self._thumbnail_limit)

    @Slot(object)
    def _on_full_screen_opened(self, screen: FullScreen) -> None:
        screen.menu_requested.connect(self._on_menu_requested)
        self._delete_key.watch(screen)
        screen.addActions([self.file_actions[spec.id] for spec in self.file_actions.specs])

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        count = len(self.browsing.targets)
        if count:
            self.menu_requested.emit(f"{count:,} photos" if count > 1 else "", place)

    @Slot(bool)
    def _on_shown_settled(self, is_asked: bool) -> None:
        """Whoever asked for other photos goes on with them, unless something else has the keys."""
        focused = self.grid.window().focusWidget()
        if is_asked and (focused is None or not focused.isVisible()):
            self.focus_photos()

    def close(self) -> None:
        """Load no photos any more."""
        self.grid.thumbnails.close()
        self.loader.close()
        self.stage.compare.loader.close()
        self._cached.close()

    @Slot(str, object)
    def _on_settings_changed(self, key: str, value: object) -> None:
        if key == THUMBNAIL_CACHE_MB.key and isinstance(value, int):
            self._cached.set_limit(value * _MB)
