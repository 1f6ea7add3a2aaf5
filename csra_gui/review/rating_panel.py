"""The rating, colour label and title of the photos selected, in the panel of labels."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget

from csra_gui.review.controller import ReviewController
from csra_gui.review.rating_controller import RatingController
from csra_gui.session.session import Session
from csra_gui.widgets.rating_bar import RatingBar
from csra_gui.widgets.rating_marks import rating_text
from engine.library.values import Attribute
from engine.texts import display_text


class RatingPanel(RatingBar):
    """Follows what is selected, and has clicks done.

    Signals:
        summary_changed: what there is, in a few signs.
    """

    summary_changed = Signal(str)

    def __init__(
        self, session: Session, review: ReviewController, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.controller = RatingController(session, review, self)
        self.rating_chosen.connect(self.controller.rate)
        self.color_chosen.connect(self.controller.set_color)
        self.title_requested.connect(self._on_title_requested)
        for fact in (
            session.focus.current_changed,
            session.selection_changed,
            review.targets_changed,
            session.pipeline.photos_reset,
        ):
            fact.connect(self._refresh)
        session.decisions.changed.connect(self._on_photos_changed)
        session.pipeline.predictions_changed.connect(self._on_photos_changed)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        controller = self.controller
        self.setEnabled(bool(controller.targets))
        said = controller.common(Attribute.RATING)
        rating = None if said is None else int(said or 0)
        color = controller.common(Attribute.COLOR)
        self.set_values(rating, color, controller.common(Attribute.TITLE))
        parts = (rating_text(rating or 0), display_text(color or ""))
        self.summary_changed.emit(" · ".join(part for part in parts if part))

    @Slot(object)
    def _on_photos_changed(self, rows: tuple[int, ...]) -> None:
        if not rows or not set(self.controller.targets).isdisjoint(rows):
            self._refresh()

    @Slot()
    def _on_title_requested(self) -> None:
        self.controller.ask_title(self.window())
