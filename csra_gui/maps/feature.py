"""The large photo and its maps, put together."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.base.settings import Settings
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.feature import BrowseFeature
from csra_gui.maps.actions import MapActions
from csra_gui.maps.display import MapDisplay
from csra_gui.maps.export_actions import MapExportActions
from csra_gui.maps.exporter import MapExports
from csra_gui.maps.maps_panel import MapsPanel
from csra_gui.maps.viewer_panel import ViewerPanel
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier


class MapsFeature(QObject):
    """Makes the viewer, which goes onto the stage, and the panel, for the window to place."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        browse: BrowseFeature,
        decoder: ImageDecoder,
        notifier: Notifier,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._photos = session.photos
        self.display = MapDisplay(session, settings, self)
        self.viewer = ViewerPanel(session, settings, self.display, browse.loader, window)
        self.panel = MapsPanel(session, settings, self.display, self.viewer.comparison, window)
        self.exports = MapExports(session, self.display, self.viewer, decoder, notifier, self)
        self.actions = MapActions(
            session, settings, browse.browsing, self.display, self.viewer, self.panel
        )
        self.export_actions = MapExportActions(
            session, browse.browsing, self.display, self.exports, self.viewer
        )
        self.viewer.hide_part.setDefaultAction(self.actions["hide_part"])
        self.viewer.photo_shown.connect(self.panel.set_photo)
        browse.stage.set_viewer(self.viewer)
        browse.watch.files_changed.connect(self._on_watch_files_changed)

    @Slot(object, object)
    def _on_watch_files_changed(self, changed: Sequence[int], _vanished: Sequence[int]) -> None:
        self.viewer.reload([self._photos.paths[row] for row in changed])
