"""Commands that rate photos, give them colour labels and a title."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QApplication, QWidget
from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions, Slots
from csra_gui.review.controller import ReviewController
from csra_gui.review.rating_controller import RatingController
from csra_gui.session.session import Session
from csra_gui.widgets.rating_marks import color_icon
from engine.library.ratings import COLORS, MOST_STARS
from engine.library.values import Attribute

STAR_KEYS = tuple(f"rate_{stars}" for stars in range(MOST_STARS + 1))
COLOR_KEYS = tuple(f"color_{color}" for color in COLORS)
_ACCESS = {"red": "&Red", "yellow": "&Yellow", "green": "&Green", "blue": "&Blue"}

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("rate_0", "&No rating", ("Alt+Shift+0", "0"), checkable=True),
    *(
        ActionSpec(
            f"rate_{n}", f"&{n} star{'s' if n > 1 else ''}", (f"Alt+Shift+{n}",), checkable=True
        )
        for n in range(1, MOST_STARS + 1)
    ),
    ActionSpec(
        "reject_photo",
        "&Reject the photo",
        ("X",),
        "close",
        "Rate it as one to throw away; once more takes that back. Nothing is deleted.",
        checkable=True,
    ),
    ActionSpec("color_none", "&None", (), checkable=True),
    *(
        ActionSpec(
            f"color_{color}",
            _ACCESS.get(color, "&Purple"),
            (f"Shift+F{place}",),
            checkable=True,
            tip="Once more takes the colour label away.",
        )
        for place, color in enumerate(COLORS, start=1)
    ),
    ActionSpec("edit_title", "T&itle…", ("T",), "", "Shown by other programs above the photo."),
)


class RatingActions(FeatureActions):
    """For the photos selected."""

    def __init__(
        self,
        session: Session,
        review: ReviewController,
        ratings: RatingController,
        window: QWidget,
    ) -> None:
        super().__init__(ACTIONS, window)
        self._ratings = ratings
        self._window = window
        for color in ("", *COLORS):
            self[f"color_{color or 'none'}"].setIcon(color_icon(color))
        slots: Slots = {
            "reject_photo": ratings.toggle_rejected,
            "color_none": lambda: ratings.set_color(""),
            "edit_title": self._edit_title,
        }
        slots |= {
            name: _without_arguments(partial(ratings.rate, stars))
            for stars, name in enumerate(STAR_KEYS)
        }
        slots |= {
            name: _without_arguments(partial(ratings.toggle_color, color))
            for color, name in zip(COLORS, COLOR_KEYS, strict=True)
        }
        self.connect_slots(slots)
        self.refresh_on(
            session.pipeline.photos_reset,
            session.pipeline.photos_added,
            session.pipeline.predictions_changed,
            session.focus.current_changed,
            session.selection_changed,
            session.decisions.changed,
            review.targets_changed,
        )

    @override
    def refresh(self) -> None:
        ratings = self._ratings
        for spec in self.specs:
            self[spec.id].setEnabled(bool(ratings.targets))
        rating, color = ratings.common(Attribute.RATING), ratings.common(Attribute.COLOR)
        is_any = bool(ratings.targets)
        for stars, name in enumerate(STAR_KEYS):
            self[name].setChecked(is_any and rating == str(stars or ""))
        self["reject_photo"].setChecked(rating == "-1")
        for known, name in zip(("", *COLORS), ("color_none", *COLOR_KEYS), strict=True):
            self[name].setChecked(is_any and color == known)

    def _edit_title(self) -> None:
        self._ratings.ask_title(QApplication.activeWindow() or self._window)


def _without_arguments(slot: partial[None]) -> partial[None]:
    """A slot that takes nothing: Qt would pass the state of a switch to one that takes a value."""
    return partial(_call, slot)


def _call(slot: partial[None], *_: object) -> None:
    slot()
