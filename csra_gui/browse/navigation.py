"""Going from photo to photo in the order that is shown."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from csra_gui.session.session import Session


class PhotoSteps(QObject):
    """Starts from the current photo.

    Signals:
        end_reached: whoever wanted to go on or back is there already; whether at the last photo.
    """

    end_reached = Signal(bool)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session

    def photo_after(self, steps: int) -> int | None:
        """The photo so many positions further, or back; the first or last one beyond the ends."""
        shown, current = self._session.shown, self._session.focus.current
        position = None if current is None else shown.position_of(current)
        if position is None:
            return shown.row_at(0)
        return shown.row_at(min(max(position + steps, 0), len(shown) - 1))

    def go(self, steps: int) -> None:
        """Go so many photos further, or back."""
        photo = self.photo_after(steps)
        if photo == self._session.focus.current:
            self.end_reached.emit(steps > 0)
        elif photo is not None:
            self._session.focus.set_current(photo)

    def go_to_start(self) -> None:
        """Go to the first photo."""
        self.go(-len(self._session.shown))

    def go_to_end(self) -> None:
        """Go to the last photo."""
        self.go(len(self._session.shown))
