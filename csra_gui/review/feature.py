"""Reviewing, put together."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.base.settings import Settings
from csra_gui.browse.feature import BrowseFeature
from csra_gui.browse.full_screen import FullScreen
from csra_gui.browse.view_mode import ViewMode
from csra_gui.maps.feature import MapsFeature
from csra_gui.review.actions import ON_FULL_SCREEN, ReviewActions
from csra_gui.review.controller import ReviewController
from csra_gui.review.label_bar import PhotoLabelBar
from csra_gui.review.label_history import UsedLabels
from csra_gui.review.labels_panel import LabelsPanel
from csra_gui.review.rating_actions import RatingActions
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier


class ReviewFeature(QObject):
    """Makes the panel of labels, for the window to place, and the labels beneath single photos."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        browse: BrowseFeature,
        maps: MapsFeature,
        notifier: Notifier,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._browsing = browse.browsing
        self.used_labels = UsedLabels(settings, self)
        self.controller = ReviewController(
            session, browse.browsing, self.used_labels, notifier, self
        )
        self.labels = LabelsPanel(session, settings, maps.display, self.controller, window)
        self.actions = ReviewActions(session, self.controller, self.used_labels, self.labels)
        self.rating_actions = RatingActions(
            session, self.controller, self.labels.rating.controller, window
        )
        self.labels.why.setDefaultAction(maps.actions["why"])
        self.labels.reviewed.setDefaultAction(self.actions["reviewed"])
        self.labels.favourites.setDefaultAction(self.actions["edit_favourites"])
        compare = browse.stage.compare
        compare.set_labels(self._bar_of_pair(0, compare), self._bar_of_pair(1, compare))
        browse.controller.full_screen_opened.connect(self._on_full_screen_opened)
        self.labels.labels.category_pinned.connect(self._on_category_pinned)

    def _bar_of_pair(self, place: int, parent: QWidget) -> PhotoLabelBar:
        browsing = self._browsing

        def photo() -> int | None:
            comparing = browsing.mode is ViewMode.COMPARE and browsing.pair is not None
            return browsing.pair[place] if comparing and browsing.pair else None

        return PhotoLabelBar(self._session, browsing, self.controller, photo, parent)

    @Slot(object)
    def _on_full_screen_opened(self, screen: FullScreen) -> None:
        """Let the photo be reviewed there: its labels at the foot, and the keys that decide."""
        focus = self._session.focus
        self.labels.search.clear()  # keys go by what is listed, and nobody sees the list there
        bar = PhotoLabelBar(
            self._session, self._browsing, self.controller, lambda: focus.current, screen
        )
        bar.leave_keys_to_parent()
        screen.set_labels(bar)
        screen.woken.connect(self.actions.flush)
        screen.addActions([self.actions[name] for name in ON_FULL_SCREEN])
        screen.woken.connect(self.rating_actions.flush)
        screen.addActions([self.rating_actions[spec.id] for spec in self.rating_actions.specs])

    @Slot(int)
    def _on_category_pinned(self, category: int) -> None:
        if category >= 0:
            self._browsing.bring_photo()
