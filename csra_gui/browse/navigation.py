"""Going from photo to photo in the order that is shown."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from csra_gui.session.session import Session


class PhotoSteps(QObject):
    """Knows where the current photo is, or was before a filter or a decision took it away.

    The first photo of what is opened becomes the current one. A photo that is no longer shown
    stays current until the person goes on; the next one then is what took its place.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._position = 0
        session.focus.current_changed.connect(self._note_position)
        session.shown.changed.connect(self._on_shown_changed)

    def photo_after(self, steps: int) -> int | None:
        """The photo so many positions further, or back; the first or last one beyond the ends."""
        shown, current = self._session.shown, self._session.focus.current
        if not len(shown):
            return None
        position = None if current is None else shown.position_of(current)
        if position is None:
            # What came after the photo that went stands in its place now.
            position = self._position - (1 if steps > 0 else 0)
        return shown.row_at(min(max(position + steps, 0), len(shown) - 1))

    def go(self, steps: int) -> None:
        """Go so many photos further, or back."""
        photo = self.photo_after(steps)
        if photo is not None:
            self._session.focus.set_current(photo)

    def go_to_start(self) -> None:
        """Go to the first photo."""
        self.go(-len(self._session.shown))

    def go_to_end(self) -> None:
        """Go to the last photo."""
        self.go(len(self._session.shown))

    @Slot()
    def _on_shown_changed(self) -> None:
        if self._session.focus.current is None and len(self._session.shown):
            self._session.focus.set_current(self._session.shown.row_at(0))
        else:
            self._note_position()

    @Slot()
    def _note_position(self) -> None:
        current = self._session.focus.current
        position = None if current is None else self._session.shown.position_of(current)
        if position is not None:
            self._position = position
