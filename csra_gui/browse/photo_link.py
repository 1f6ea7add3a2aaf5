"""What views of photos share with the session: the current photo and the chosen ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import QObject, SignalInstance, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.session.session import Session


class PhotoChooser(Protocol):
    """A view in which photos are chosen: grid, list or filmstrip."""

    @property
    def current_photo_changed(self) -> SignalInstance:
        """The photo, or ``None``."""

    @property
    def selected_photos_changed(self) -> SignalInstance:
        """The chosen photos."""

    @property
    def current_photo(self) -> int | None:
        """The photo that the keys start from."""

    def set_current_photo(self, photo: int | None) -> None:
        """Go to a photo."""

    def set_selected_photos(self, photos: Sequence[int]) -> None:
        """Choose photos."""


class PhotoLink(QObject):
    """Tells the session what is chosen in a view, and the view what is chosen elsewhere.

    A view that cannot be seen only listens: several may show the same photos.
    """

    def __init__(self, session: Session, view: PhotoChooser, widget: QWidget) -> None:
        super().__init__(widget)
        self._session = session
        self._view = view
        self._widget = widget
        view.current_photo_changed.connect(self._on_view_current_changed)
        view.selected_photos_changed.connect(self._on_view_selected_changed)
        session.focus.current_changed.connect(self.catch_up)
        session.selection_changed.connect(self.catch_up)
        session.shown.settled.connect(self.catch_up)

    @Slot()
    def catch_up(self) -> None:
        """Show what the session says is current and chosen."""
        if self._session.focus.current != self._view.current_photo:
            self._view.set_current_photo(self._session.focus.current)
        self._view.set_selected_photos(self._session.selection)

    @Slot(object)
    def _on_view_current_changed(self, photo: int | None) -> None:
        if self._widget.isVisible():
            self._session.focus.set_current(photo)

    @Slot(object)
    def _on_view_selected_changed(self, photos: tuple[int, ...]) -> None:
        if self._widget.isVisible():
            self._session.set_selection(photos)
