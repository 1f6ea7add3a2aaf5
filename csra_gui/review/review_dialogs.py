"""The dialogs of reviewing, opened by its commands; none of them waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from csra_gui.review.bulk_dialog import BulkDialog
from csra_gui.review.controller import ReviewController
from csra_gui.review.favourites_dialog import FavouritesDialog
from csra_gui.review.label_history import UsedLabels
from csra_gui.session.session import Session


class ReviewDialogs(QObject):
    """Opens the change of many photos, and the favourites.

    Args:
        session: with the photos.
        review: decides.
        used: keeps labels.
        favourite_keys: says what is pressed for each favourite.
        window: over which dialogs open.
    """

    def __init__(
        self,
        session: Session,
        review: ReviewController,
        used: UsedLabels,
        favourite_keys: Callable[[], Sequence[str]],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._review = review
        self._used = used
        self._favourite_keys = favourite_keys
        self._window = window

    def show_bulk_edit(self) -> None:
        """Change a label of many photos."""
        BulkDialog(self._session, self._review, self._window).open()

    def show_favourites(self) -> None:
        """Choose the labels on keys."""
        known = self._review.known_labels
        FavouritesDialog(self._used, known, self._favourite_keys(), self._window).open()
