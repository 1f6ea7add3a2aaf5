"""Reviewing labels: right, wrong, missing, and the next photo."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QIcon

from csra_gui.base.actions import ActionSpec, Slots, Standard
from csra_gui.base.icons import icon
from csra_gui.review.controller import ReviewController
from csra_gui.review.label_history import FAVOURITES, UsedLabels
from csra_gui.review.label_list_model import Share
from csra_gui.review.labels_panel import LabelsPanel
from csra_gui.review.review_dialogs import ReviewDialogs
from csra_gui.session.session import Session
from engine.texts import display_text

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions

_LABELS = 9
LABEL_KEYS = tuple(f"label_{n}" for n in range(1, _LABELS + 1))
FAVOURITE_KEYS = tuple(f"favourite_{n}" for n in range(1, FAVOURITES + 1))
_REVIEWED = {
    Share.ALL: "Reviewed",
    Share.SOME: "Partly",
    Share.NONE: "Not reviewed",
}

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("undo", "&Undo", (Standard.Undo,), "undo"),
    ActionSpec("redo", "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
    ActionSpec(
        "accept_all",
        "&Accept all labels and go on",
        ("Return", "Enter"),
        "check",
        "All labels listed are right: show the next photo that is not reviewed.",
    ),
    ActionSpec(
        "repeat", "Re&peat the last decisions", ("R",), "refresh", "Say the same of this photo."
    ),
    ActionSpec("next_unreviewed", "&Next photo to review", ("N",), "next"),
    ActionSpec(
        "reviewed",
        "Re&viewed",
        ("V",),
        "",
        "Mark the photo as reviewed, or take the mark away.",
        checkable=True,
    ),
    ActionSpec("add_label", "A&dd a label", ("A",), "tag", "Type a label to give to the photo."),
    ActionSpec(
        "pin",
        "&Keep the map of the label",
        ("P",),
        "pin",
        "Keep the map of the label pointed at over the photo, or let it go.",
    ),
    ActionSpec(
        "bulk_edit",
        "Change labels of &many photos…",
        ("Ctrl+B",),
        "",
        "Add, remove or replace a label on all photos selected or shown.",
    ),
    ActionSpec(
        "edit_favourites", "&Edit favourites…", (), "star", "Choose nine labels to give by a key."
    ),
    *(
        ActionSpec(f"label_{n}", f"Label &{n}: right, wrong, nothing", (str(n),))
        for n in range(1, _LABELS + 1)
    ),
    *(
        ActionSpec(f"favourite_{n}", f"Favourite &{n}", (f"Ctrl+Shift+{n}",))
        for n in range(1, FAVOURITES + 1)
    ),
)


class ReviewCommands:
    """Decisions on the photos selected, and taking them back."""

    def __init__(
        self,
        session: Session,
        review: ReviewController,
        used: UsedLabels,
        panel: LabelsPanel,
        dialogs: ReviewDialogs,
    ) -> None:
        self._session = session
        self._review = review
        self._used = used
        self._panel = panel
        self._dialogs = dialogs

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        review = self._review
        slots: Slots = {
            "undo": self._session.decisions.undo,
            "redo": self._session.decisions.redo,
            "accept_all": review.accept_all_and_go_on,
            "repeat": review.repeat,
            "next_unreviewed": review.go_to_next_unreviewed,
            "reviewed": review.toggle_reviewed,
            "add_label": self._panel.start_typing,
            "pin": self._toggle_pin,
            "bulk_edit": self._dialogs.show_bulk_edit,
            "edit_favourites": self._dialogs.show_favourites,
        }
        slots |= {name: _numbered(review.turn, place) for place, name in enumerate(LABEL_KEYS)}
        slots |= {
            name: _numbered(review.toggle_favourite, place)
            for place, name in enumerate(FAVOURITE_KEYS)
        }
        return slots

    def update(self, actions: Actions) -> None:
        """Enable and check the group's actions as things are now."""
        session, review = self._session, self._review
        _name(actions, "undo", "&Undo", session.decisions.undo_caption)
        _name(actions, "redo", "&Redo", session.decisions.redo_caption)
        any_photo = bool(review.targets)
        for name in ("accept_all", "reviewed", "add_label", *LABEL_KEYS):
            actions[name].setEnabled(any_photo)
        actions["repeat"].setEnabled(review.can_repeat)
        actions["next_unreviewed"].setEnabled(len(session.shown) > 0)
        actions["bulk_edit"].setEnabled(len(session.photos) > 0)
        actions["pin"].setEnabled(session.focus.category is not None)
        share = review.reviewed
        is_done = any_photo and share is Share.ALL
        actions["reviewed"].setChecked(is_done)
        actions["reviewed"].setIconText(_REVIEWED[share])
        actions["reviewed"].setIcon(icon("check") if is_done else QIcon())
        for place, label in enumerate(self._used.favourites(), start=1):
            action = actions[f"favourite_{place}"]
            action.setEnabled(any_photo and bool(label))
            shown = display_text(label).replace("&", "&&") if label else "none yet"
            action.setText(f"Favourite &{place}: {shown}")

    def _toggle_pin(self) -> None:
        session = self._session
        is_kept = session.focus.category == session.focus.pinned
        session.focus.set_pinned(None if is_kept else session.focus.category)


def _numbered(slot: Callable[[int], object], place: int) -> Callable[[], object]:
    """A slot that takes nothing: Qt would pass the state of a switch to one that takes a value."""

    def numbered() -> None:
        slot(place)

    return numbered


def _name(actions: Actions, name: str, verb: str, caption: str) -> None:
    actions[name].setEnabled(bool(caption))
    shown = display_text(caption).replace("&", "&&")
    actions[name].setText(f"{verb}: {shown}" if caption else verb)
