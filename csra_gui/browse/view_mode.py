"""How the photos are looked at: which view is there, and which two are compared."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.settings import PHOTO_BESIDE, VIEW_MODE, Settings
from csra_gui.browse.navigation import PhotoSteps
from csra_gui.session.session import Session


class ViewMode(StrEnum):
    """What the middle of the window shows."""

    GRID = "grid"
    LIST = "list"
    LARGE = "large"
    COMPARE = "compare"


class Browsing(QObject):
    """The view mode, which is remembered but for comparing, and the steps through the photos.

    Signals:
        mode_changed: the new ``ViewMode``; also when the photo beside it comes or goes.
        pair_changed: other photos are compared.
        subjects_changed: ``subjects`` may be others, though current and selected photos are not.
    """

    mode_changed = Signal(object)
    pair_changed = Signal()
    subjects_changed = Signal()

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self.steps = PhotoSteps(session, self)
        self._mode = ViewMode(settings.value(VIEW_MODE))
        self._before = self._mode
        self._pair: tuple[int, int] | None = None
        self._both = False
        self._alone = False
        self.mode_changed.connect(self.subjects_changed)
        self.pair_changed.connect(self.subjects_changed)
        session.focus.current_changed.connect(self._on_focus_current_changed)
        session.pipeline.photos_reset.connect(self._on_pipeline_photos_reset)
        session.shown.settled.connect(self._on_shown_settled)
        settings.setting_changed.connect(self._on_settings_changed)

    @property
    def mode(self) -> ViewMode:
        """What the middle of the window shows."""
        return self._mode

    @property
    def pair(self) -> tuple[int, int] | None:
        """The photos that are compared: the kept one, and the one that steps change."""
        # Where all photos have gone, others may ask before this has heard of it.
        return self._pair if len(self._session.photos) else None

    @property
    def subjects(self) -> tuple[int, ...] | None:
        """The photos that are looked at one by one; ``None`` where several may be selected.

        Whoever compares two photos, or sees one alone, means those, whatever else is selected.
        """
        current, comparing = self._session.focus.current, self._mode is ViewMode.COMPARE
        if not (self._alone or comparing):
            return None
        if comparing and not self._alone and self._both and self.pair:
            return self.pair
        return () if current is None else (current,)

    @property
    def targets(self) -> tuple[int, ...]:
        """The photos that commands are for: those selected, or the one being looked at."""
        if self.subjects is not None:
            return self.subjects
        selection, current = self._session.selection, self._session.focus.current
        if len(selection) > 1 and (current is None or current in selection):
            return selection
        return () if current is None else (current,)

    @property
    def both(self) -> bool:
        """Whether decisions go to both photos that are compared."""
        return self._both

    def set_both(self, on: bool) -> None:
        """Decide on both photos that are compared, or on the current one only."""
        if on != self._both:
            self._both = on
            self.subjects_changed.emit()

    def set_alone(self, on: bool) -> None:
        """The current photo alone fills the screen, or no longer."""
        self._alone = on
        self.subjects_changed.emit()

    def set_mode(self, mode: ViewMode) -> None:
        """Show another view; comparing needs two photos and is not begun without."""
        if mode is ViewMode.COMPARE:
            self._compare()
        else:
            self._settings.set_value(VIEW_MODE, mode.value)
            self._show(mode)

    def toggle_large(self) -> None:
        """Show the photo large, or what was there before."""
        self.set_mode(self._before if self._mode is ViewMode.LARGE else ViewMode.LARGE)

    @property
    def shows_photo(self) -> bool:
        """Whether the current photo can be seen large, with its map."""
        beside = bool(self._settings.value(PHOTO_BESIDE))
        return self._mode is ViewMode.LARGE or (beside and self._mode is not ViewMode.COMPARE)

    def set_photo_beside(self, on: bool) -> None:
        """Show the photo beside thumbnails and list, or leave them the whole width."""
        self._settings.set_value(PHOTO_BESIDE, on)

    @Slot()
    def bring_photo(self) -> None:
        """Show the photo large somewhere, if it is not."""
        if not self.shows_photo and self._mode is not ViewMode.COMPARE:
            self.set_photo_beside(True)

    @property
    def can_compare(self) -> bool:
        """Whether there are two photos to compare."""
        return self._proposed_pair() is not None

    def _compare(self) -> None:
        pair = self._proposed_pair()
        if pair is not None:
            self._pair = pair
            self._both = False
            self._session.focus.set_current(pair[0])
            self._show(ViewMode.COMPARE)
            self.pair_changed.emit()

    def _proposed_pair(self) -> tuple[int, int] | None:
        """The first two of the chosen photos, or the current one and its neighbour."""
        chosen, current = self._session.selection, self._session.focus.current
        if len(chosen) > 1:
            return chosen[0], chosen[1]
        if current is None or not len(self._session.shown):
            return None
        for steps in (1, -1):
            other = self.steps.photo_after(steps)
            if other is not None and other != current:
                return current, other
        return None

    def _show(self, mode: ViewMode) -> None:
        if mode is self._mode:
            return
        if mode is ViewMode.LARGE and self._mode is not ViewMode.COMPARE:
            self._before = self._mode
        self._mode = mode
        self.mode_changed.emit(mode)

    @Slot(object)
    def _on_focus_current_changed(self, photo: int | None) -> None:
        """Whoever goes on while comparing brings another photo beside the first."""
        if self._mode is ViewMode.COMPARE and self._pair and photo not in (None, *self._pair):
            self._pair = self._pair[0], photo
            self.pair_changed.emit()

    @Slot()
    def _on_shown_settled(self) -> None:
        """Only photos that are shown are compared."""
        shown = self._session.shown
        if self._mode is not ViewMode.COMPARE or not self._pair or not len(shown):
            return
        if any(shown.position_of(photo) is None for photo in self._pair):
            self._pair = self._proposed_pair()
            if self._pair is None:
                self._leave_comparing()
            self.pair_changed.emit()

    @Slot()
    def _on_pipeline_photos_reset(self) -> None:
        self._pair = None
        self._leave_comparing()

    def _leave_comparing(self) -> None:
        if self._mode is ViewMode.COMPARE:
            self._show(ViewMode(self._settings.value(VIEW_MODE)))

    @Slot(str, object)
    def _on_settings_changed(self, key: str, value: object) -> None:
        if key == VIEW_MODE.key and self._mode is not ViewMode.COMPARE:
            self._show(ViewMode(str(value)))
        elif key == PHOTO_BESIDE.key:
            self.mode_changed.emit(self._mode)
