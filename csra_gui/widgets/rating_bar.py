"""Buttons for a rating, a colour label and a title."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from csra_gui.base.icons import icon
from csra_gui.base.tool_tips import tool_tip
from csra_gui.widgets.rating_marks import color_icon
from engine.library.ratings import COLORS, MOST_STARS, REJECTED
from engine.texts import display_text

_ICON_SIDE = 15
_NO_TITLE = "No title"
_SEVERAL = "Several titles"


class RatingBar(QWidget):
    """A cross, five stars and five colours in a row; the title below.

    Signals:
        rating_chosen: -1 (rejected) to 5; 0 for none: the one that is there was clicked again.
        color_chosen: one of ``COLORS``; empty for none.
        title_requested: another title is wished for.
    """

    rating_chosen = Signal(int)
    color_chosen = Signal(str)
    title_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rating: int | None = 0
        self._color: str | None = ""
        self.rejected = self._button("Reject the photo", self._on_rejected_clicked)
        self.rejected.setIcon(icon("close"))
        self.stars = [
            self._button(f"{n} star{'s' if n > 1 else ''}", partial(self._choose_rating, n))
            for n in range(1, MOST_STARS + 1)
        ]
        self.colors = {
            color: self._button(f"Colour label: {color}", partial(self._choose_color, color))
            for color in COLORS
        }
        for color, button in self.colors.items():
            button.setIcon(color_icon(color))
        self.title = self._button("Title", self.title_requested.emit)
        self.title.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout()
        row.setSpacing(0)
        for button in (self.rejected, *self.stars):
            row.addWidget(button)
        row.addStretch(1)
        for button in self.colors.values():
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.title)
        self.set_values(0, "", "")

    def set_values(self, rating: int | None, color: str | None, title: str | None) -> None:
        """Show what photos have in common; ``None`` where they differ."""
        self._rating, self._color = rating, color
        self.rejected.setChecked(rating == REJECTED)
        for stars, button in enumerate(self.stars, start=1):
            is_lit = rating is not None and stars <= rating
            button.setIcon(icon("star-filled" if is_lit else "star"))
        for name, button in self.colors.items():
            button.setChecked(color == name)
        other = "" if not color or color in COLORS else f"{display_text(color)} · "
        text = _SEVERAL if title is None else display_text(title) or _NO_TITLE
        shown = self.fontMetrics().elidedText(
            f"{other}{text}", Qt.TextElideMode.ElideRight, max(self.width(), 200)
        )
        self.title.setText(shown.replace("&", "&&"))
        self.title.setToolTip(tool_tip(f"{other}{text}", "Click to change the title."))
        self.title.setAccessibleName(f"Title: {text}")

    def _button(self, name: str, clicked: Callable[[], object]) -> QToolButton:
        button = QToolButton(self)
        button.setAutoRaise(True)
        button.setIconSize(QSize(_ICON_SIDE, _ICON_SIDE))
        button.setCheckable(name.startswith(("Colour", "Reject")))
        button.setAccessibleName(name)
        button.setToolTip(tool_tip(name))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)

        def clicked_alone() -> None:  # without the state that Qt passes
            clicked()

        button.clicked.connect(clicked_alone)
        return button

    def _on_rejected_clicked(self) -> None:
        self._choose_rating(REJECTED)

    def _choose_rating(self, rating: int) -> None:
        self.rating_chosen.emit(0 if rating == self._rating else rating)

    def _choose_color(self, color: str) -> None:
        self.color_chosen.emit("" if color == self._color else color)
