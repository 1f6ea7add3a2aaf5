"""What the commands about looking at photos do: the whole screen, the cache of thumbnails."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.browse.cached_decoder import CachedDecoder
from csra_gui.browse.full_screen import FullScreen
from csra_gui.browse.image_loader import ImageLoader
from csra_gui.browse.view_mode import Browsing
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier, Topic
from engine.texts import megabytes


class BrowseController(QObject):
    """Small things around the photos.

    Args:
        loader: of the large photos.
        thumbnails: with their cache.

    Signals:
        full_screen_opened: the ``FullScreen``, to show more on it.
    """

    full_screen_opened = Signal(object)

    def __init__(
        self,
        session: Session,
        browsing: Browsing,
        loader: ImageLoader,
        notifier: Notifier,
        thumbnails: CachedDecoder,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._browsing = browsing
        self._loader = loader
        self._notifier = notifier
        self._thumbnails = thumbnails
        self._window = window
        self._full_screen: FullScreen | None = None
        browsing.steps.end_reached.connect(self._on_steps_end_reached)

    def show_full_screen(self) -> None:
        """Show the current photo alone."""
        if self._full_screen is not None:
            self._full_screen.activateWindow()
            return
        steps = self._browsing.steps
        self._full_screen = screen = FullScreen(self._session, steps, self._loader, self._window)
        screen.destroyed.connect(self._forget_full_screen)
        self._browsing.set_alone(True)
        self.full_screen_opened.emit(screen)
        screen.open_over(self._window)

    def clear_thumbnails(self) -> None:
        """Empty the cache of thumbnails, and say when that is done."""
        thumbnails = self._thumbnails
        self._session.jobs.run(
            lambda: thumbnails.clear().result(),
            "clear thumbnails",
            lambda freed: self._notifier.info(
                f"The thumbnail cache is empty; {megabytes(freed)} are free again.", Topic.NOTE
            ),
        )

    @Slot(bool)
    def _on_steps_end_reached(self, is_last: bool) -> None:
        self._notifier.done(f"This is the {'last' if is_last else 'first'} photo.")

    def _forget_full_screen(self) -> None:
        self._full_screen = None
        self._browsing.set_alone(False)
