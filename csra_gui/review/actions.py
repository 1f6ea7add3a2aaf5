"""Reviewing labels: right, wrong, missing, and the next photo."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QIcon, QKeySequence
from PySide6.QtWidgets import QApplication
from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions, Slots, Standard
from csra_gui.base.icons import icon
from csra_gui.browse.full_screen import FullScreen
from csra_gui.review.add_label_dialog import AddLabelDialog
from csra_gui.review.bulk_dialog import BulkDialog
from csra_gui.review.controller import ReviewController
from csra_gui.review.favourites_dialog import FavouritesDialog
from csra_gui.review.label_history import FAVOURITES, UsedLabels
from csra_gui.review.label_list_model import Share
from csra_gui.review.labels_dialog import LabelsDialog
from csra_gui.review.labels_panel import LabelsPanel
from csra_gui.session.session import Session
from engine.texts import display_text

_LABELS = 9
LABEL_KEYS = tuple(f"label_{n}" for n in range(1, _LABELS + 1))
FAVOURITE_KEYS = tuple(f"favourite_{n}" for n in range(1, FAVOURITES + 1))
#: What keys do while a photo is alone on the screen.
ON_FULL_SCREEN = (
    *("undo", "redo", "accept_all", "repeat", "next_unreviewed", "reviewed", "add_label"),
    *LABEL_KEYS,
    *FAVOURITE_KEYS,
)
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
    ActionSpec("add_label", "A&dd a label", ("A",), "tag"),
    ActionSpec(
        "search_labels",
        "&Search in the list of labels",
        ("Ctrl+L",),
        "",
        "List the labels with a name, also those below the threshold.",
    ),
    ActionSpec(
        "bulk_edit",
        "Change labels of &many photos…",
        ("Ctrl+B",),
        "",
        "Add, remove or replace a label on all photos selected or shown.",
    ),
    ActionSpec(
        "edit_labels",
        "&Labels…",
        (),
        "",
        "Rename, merge or delete those you typed or taught.",
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


class ReviewActions(FeatureActions):
    """Decisions on the photos selected, and taking them back."""

    def __init__(
        self, session: Session, review: ReviewController, used: UsedLabels, panel: LabelsPanel
    ) -> None:
        super().__init__(ACTIONS, panel)
        self._session = session
        self._review = review
        self._used = used
        self._panel = panel
        self.connect_slots(self._slots())
        self.refresh_on(
            session.pipeline.photos_reset,
            session.pipeline.photos_added,
            session.focus.current_changed,
            session.selection_changed,
            session.decisions.changed,
            session.decisions.undo_changed,
            session.shown.changed,
            review.rows_changed,
            review.targets_changed,
            used.favourites_changed,
        )

    def _slots(self) -> Slots:
        review = self._review
        slots: Slots = {
            "undo": review.undo,
            "redo": review.redo,
            "accept_all": review.accept_all_and_go_on,
            "repeat": review.repeat,
            "next_unreviewed": review.go_to_next_unreviewed,
            "reviewed": review.toggle_reviewed,
            "add_label": self._add_label,
            "search_labels": self._panel.start_search,
            "bulk_edit": self._show_bulk_edit,
            "edit_favourites": self._show_favourites,
            "edit_labels": self._show_labels,
        }
        slots |= {name: _numbered(review.turn, place) for place, name in enumerate(LABEL_KEYS)}
        slots |= {
            name: _numbered(review.toggle_favourite, place)
            for place, name in enumerate(FAVOURITE_KEYS)
        }
        return slots

    @override
    def refresh(self) -> None:
        session, review = self._session, self._review
        self._name("undo", "&Undo", session.decisions.undo_caption)
        self._name("redo", "&Redo", session.decisions.redo_caption)
        any_photo = bool(review.targets)
        for name in ("accept_all", "reviewed", "add_label", *LABEL_KEYS):
            self[name].setEnabled(any_photo)
        self["search_labels"].setEnabled(any_photo and self._panel.can_search)
        self["repeat"].setEnabled(review.can_repeat)
        self["next_unreviewed"].setEnabled(len(session.shown) > 0)
        self["bulk_edit"].setEnabled(len(session.photos) > 0)
        share = review.reviewed
        is_done = any_photo and share is Share.ALL
        self["reviewed"].setChecked(is_done)
        self["reviewed"].setIconText(_REVIEWED[share])
        self["reviewed"].setIcon(icon("check") if is_done else QIcon())
        for place, label in enumerate(self._used.favourites(), start=1):
            action = self[f"favourite_{place}"]
            action.setEnabled(any_photo and bool(label))
            shown = display_text(label).replace("&", "&&") if label else "none yet"
            action.setText(f"Favourite &{place}: {shown}")

    def _name(self, name: str, verb: str, caption: str) -> None:
        self[name].setEnabled(bool(caption))
        shown = display_text(caption).replace("&", "&&")
        self[name].setText(f"{verb}: {shown}" if caption else verb)

    def _add_label(self) -> None:
        """In the panel, unless another window covers it."""
        place = QApplication.activeWindow()
        if isinstance(place, FullScreen):
            AddLabelDialog(self._session, self._review, place).open()
        else:
            self._panel.start_typing()

    def _show_bulk_edit(self) -> None:
        BulkDialog(self._session, self._review, self._panel.window()).open()

    def _show_labels(self) -> None:
        LabelsDialog(self._session, self._review, self._used, self._panel.window()).open()

    def _show_favourites(self) -> None:
        native = QKeySequence.SequenceFormat.NativeText
        keys = [self[name].shortcut().toString(native) for name in FAVOURITE_KEYS]
        known = self._review.known_labels
        FavouritesDialog(self._used, known, keys, self._panel.window()).open()


def _numbered(slot: Callable[[int], object], place: int) -> Callable[[], object]:
    """A slot that takes nothing: Qt would pass the state of a switch to one that takes a value."""

    def numbered() -> None:
        slot(place)

    return numbered
