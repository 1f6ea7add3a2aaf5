"""The place of the large photo: one, or two to compare, and the filmstrip below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QSizePolicy, QStackedLayout, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.settings import Settings
from csra_gui.browse.compare_panel import ComparePanel
from csra_gui.browse.context_menu import is_from_keys
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.filmstrip import Filmstrip
from csra_gui.browse.image_loader import ImageLoader
from csra_gui.browse.nothing_shown import NothingShown
from csra_gui.browse.photo_link import PhotoLink
from csra_gui.browse.photo_list_model import FilmstripModel
from csra_gui.browse.view_mode import Browsing, ViewMode
from csra_gui.session.session import Session

_LOAD_AHEAD = 12


class StagePanel(QWidget):
    """Shows what the view mode asks for; the filmstrip is there when the grid is not.

    Signals:
        menu_requested: where on the screen the menu of the chosen photos belongs.

    Args:
        thumbnails: shared with the grid; only one of the two can be seen at a time.
    """

    menu_requested = Signal(QPoint)

    def __init__(
        self,
        session: Session,
        settings: Settings,
        browsing: Browsing,
        thumbnails: ImageLoader,
        decoder: ImageDecoder,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._browsing = browsing
        self._thumbnails = thumbnails
        self.compare = ComparePanel(session, browsing, decoder, self)
        self.nothing = NothingShown(session, settings, self)
        self._viewer: QWidget = self.compare
        self._filmstrip_model = FilmstripModel(session, thumbnails, self)
        self.filmstrip = Filmstrip(self._filmstrip_model, self)
        self._link = PhotoLink(session, self.filmstrip, self.filmstrip)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.compare)
        self._stack.addWidget(self.nothing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._stack, 1)
        layout.addWidget(self.filmstrip)
        self.filmstrip.visible_photos_changed.connect(self._on_filmstrip_visible_changed)
        self.filmstrip.menu_requested.connect(self.menu_requested)
        browsing.mode_changed.connect(self._show_mode)
        session.shown.settled.connect(self._show_mode)
        self._show_mode()

    def set_viewer(self, viewer: QWidget) -> None:
        """Show the large photo in this panel."""
        self._viewer = viewer
        self._stack.addWidget(viewer)
        self._show_mode()

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Of the large photo, or of the one of two that was clicked."""
        place = event.globalPos()
        if is_from_keys(event):
            focused = self.focusWidget() or self
            place = focused.mapToGlobal(focused.rect().center())
        elif self._browsing.mode is ViewMode.COMPARE:
            self.compare.choose_at(place)
        self.menu_requested.emit(place)

    @Slot()
    def _show_mode(self) -> None:
        mode = self._browsing.mode
        is_alone = mode in (ViewMode.LARGE, ViewMode.COMPARE)  # else the grid says it
        page = self.compare if mode is ViewMode.COMPARE else self._viewer
        there = len(self._session.shown) > 0
        focused = self.window().focusWidget()
        if there and focused is not None and self.nothing.isAncestorOf(focused):
            self.filmstrip.setFocus()
        self._show_page(page if there or not is_alone else self.nothing)
        self.filmstrip.setVisible(is_alone)
        self.setVisible(mode is ViewMode.COMPARE or self._browsing.shows_photo)

    def _show_page(self, page: QWidget) -> None:
        """Show one page; room that hidden ones ask for would be lacking on a small screen."""
        for one in (self.compare, self.nothing, self._viewer):
            wish = QSizePolicy.Policy.Preferred if one is page else QSizePolicy.Policy.Ignored
            one.setSizePolicy(one.sizePolicy().horizontalPolicy(), wish)
        self._stack.setCurrentWidget(page)

    @Slot(object, object)
    def take_changes(self, changed: Sequence[int], _vanished: Sequence[int]) -> None:
        """Load compared photos anew whose files are other ones now."""
        self.filmstrip.ask_soon()
        self.compare.reload(changed)

    @Slot(int, int)
    def _on_filmstrip_visible_changed(self, first: int, end: int) -> None:
        self._thumbnails.want(self._filmstrip_model.paths_between(first, end + _LOAD_AHEAD))
