"""Ratings, colour labels and titles for the photos selected."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from csra_gui.base.ask import ask_text
from csra_gui.review.controller import ReviewController
from csra_gui.session.session import Session
from csra_gui.widgets.rating_marks import rating_text
from engine.api.errors import EngineError
from engine.library.ratings import REJECTED
from engine.library.values import Attribute
from engine.texts import display_text, photos_text


class RatingController(QObject):
    """Sets them for the photos that decisions go to, as one edit each."""

    def __init__(self, session: Session, review: ReviewController, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._review = review

    @property
    def targets(self) -> tuple[int, ...]:
        """The photos that it is about."""
        return self._review.targets

    def common(self, attribute: Attribute) -> str | None:
        """What the photos have in common; ``None`` if they differ, empty if they have none."""
        known = self._session.photos.attributes
        values = {known.value(row, attribute) for row in self.targets}
        return values.pop() if len(values) == 1 else (None if values else "")

    def rate(self, rating: int) -> None:
        """Give stars, or take them away; -1 rejects the photos."""
        said = rating_text(rating) or "No rating"
        self._set(Attribute.RATING, str(rating or ""), f"Rate: {said}", said)

    def toggle_rejected(self) -> None:
        """Reject the photos, or take that back if all are."""
        is_rejected = self.common(Attribute.RATING) == str(REJECTED)
        self.rate(0 if is_rejected else REJECTED)

    def set_color(self, color: str) -> None:
        """Give a colour label, or take it away."""
        said = f"Colour label: {color or 'none'}"
        self._set(Attribute.COLOR, color, said, said)

    def toggle_color(self, color: str) -> None:
        """Give a colour label, or take it away if all have it."""
        self.set_color("" if self.common(Attribute.COLOR) == color else color)

    def ask_title(self, window: QWidget) -> None:
        """Let a title be typed; an empty one takes it away."""
        count = len(self.targets)
        if not count:
            return
        label = "Title" if count == 1 else f"Title of {photos_text(count)}"
        ask_text(window, "Title", f"{label}:", self.common(Attribute.TITLE) or "", self._set_title)

    def _set_title(self, title: str) -> None:
        said = f"Title: {display_text(title.strip())}" if title.strip() else "No title"
        self._set(Attribute.TITLE, title, "Change the title", said)

    def _set(self, attribute: Attribute, value: str, caption: str, said: str) -> None:
        targets = self.targets
        if not targets or self.common(attribute) == value:
            return
        try:
            self._session.decisions.rate(targets, attribute, value, caption=caption)
        except EngineError as error:
            self._review.tell_wrong(str(error))
            return
        on_many = f" ({photos_text(len(targets))})" if len(targets) > 1 else ""
        self._review.tell_done(f"{said}{on_many}.")
