"""What a person does while reviewing, as decisions on the photos selected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QObject, Signal

from csra_gui.browse.view_mode import Browsing
from csra_gui.review.label_history import UsedLabels
from csra_gui.review.label_list_model import LabelRow, Share
from csra_gui.review.label_rows import (
    LabelContext,
    next_in_turn,
    rows_of_photo,
    rows_of_photos,
    toggled,
)
from csra_gui.session.session import Session
from csra_gui.session.typed_labels import label_problem, spelled_as_known, typed_labels
from csra_gui.session.unknown_words import can_teach, is_lacking, unknown_text
from csra_gui.widgets.notifier import Notifier, Remedy, Topic
from engine.api.teaching import ENOUGH_POSITIVES
from engine.library.columns import BoolArray, IntArray
from engine.library.values import Verdict
from engine.texts import photos_text

#: Categories that are listed whatever their score is, where scores add up to 100 %.
_BEST_GUESSES = 5
_ALL_DONE = "All photos that are shown have been reviewed."
_LAST = "That was the last one"
_FROM_THE_START = f"{_LAST}; on with the first that is not reviewed."
_WORDS = {
    Verdict.ACCEPTED: "accepted",
    Verdict.REJECTED: "rejected",
    Verdict.ADDED: "added",
    Verdict.IMPORTED: "imported",
    None: "open again",
}


class ReviewController(QObject):
    """Accepts, rejects, adds, repeats, and goes to the next photo.

    Signals:
        rows_changed: other labels are listed, or their values are others.
        targets_changed: decisions go to other photos now, though the same are selected.
        teach_requested: the model shall learn a label of this name.
    """

    rows_changed = Signal()
    targets_changed = Signal()

    teach_requested = Signal(str)

    def __init__(
        self,
        session: Session,
        browsing: Browsing,
        used: UsedLabels,
        notifier: Notifier,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._browsing = browsing
        self._used = used
        self._notifier = notifier
        self._rows: tuple[LabelRow, ...] = ()
        self._listed: tuple[LabelRow, ...] = ()
        self._last: dict[str, Verdict | None] = {}
        self._last_targets: tuple[int, ...] = ()
        browsing.subjects_changed.connect(self.targets_changed)

    # What it is about.

    @property
    def targets(self) -> tuple[int, ...]:
        """The photos that decisions go to."""
        return self._browsing.targets

    @property
    def is_for_both(self) -> bool:
        """Whether decisions go to both of the photos that are compared."""
        return len(self._browsing.subjects or ()) > 1

    def set_rows(self, rows: Sequence[LabelRow], listed: Sequence[LabelRow]) -> None:
        """What is said is about these.

        Args:
            rows: the labels of the photos: Return accepts them, whether they are listed or not.
            listed: those that are listed now, also found by a search: number keys go by them.
        """
        self._rows, self._listed = tuple(rows), tuple(listed)
        self.rows_changed.emit()

    def place_of(self, category: str) -> int | None:
        """Where a label is listed now, from 0; ``None`` if it is not."""
        places = (place for place, row in enumerate(self._listed) if row.category == category)
        return next(places, None)

    def rows_of(
        self, photos: Sequence[int], *, show_all: bool = False, in_file: Sequence[str] = ()
    ) -> list[LabelRow]:
        """The labels of one photo, or those that any of several have.

        Args:
            photos: at least one.
            show_all: also what is below the threshold.
            in_file: labels that the files of one photo have as keywords.
        """
        table, thresholds = self._session.photos, self._session.thresholds
        guesses = _BEST_GUESSES if thresholds.is_shared else 0
        model, most = self._session.models.model, self._session.thresholds.most_labels
        if model is None or len(model.categories) != len(table.categories):
            context = LabelContext(table.categories, thresholds.values, show_all, guesses, most)
        else:
            known = model.parents, model.measures
            context = LabelContext(
                table.categories, thresholds.values, show_all, guesses, most, *known
            )
        if len(photos) == 1:
            photo = photos[0]
            said = table.verdicts(photo)
            return rows_of_photo(context, table.row_scores(photo), said, in_file)
        rows = np.asarray(photos, dtype=np.int64)
        return rows_of_photos(context, table.scores[rows], table.verdict_codes(rows))

    @property
    def known_labels(self) -> list[str]:
        """What can be completed: labels typed before, then all that model and library know."""
        photos = self._session.photos
        used = (photos.names.label(name) for name in self._used.used())
        return list(dict.fromkeys((*used, *photos.known_labels)))

    def spelled(self, typed: str) -> str:
        """The label that a typed name means."""
        return spelled_as_known(typed, self.known_labels, self._session.photos.names)

    def is_lacking(self, typed: str, found: bool) -> bool:
        """Whether no label is what a person types; see ``unknown_words.is_lacking``."""
        return is_lacking(self._session, typed, found)

    def tell_unknown(self, word: str, *, by_return: bool = False) -> tuple[str, bool]:
        """What is said of a word that no label means, and whether the model can be taught it.

        Args:
            word: as it was typed.
            by_return: Return adds it, and no button.
        """
        said, can = unknown_text(self._session, word), can_teach(self._session, word)
        photos = "this photo" if len(self.targets) < 2 else "these photos"
        add = f"Return adds it to {photos}" if by_return else f"Add it to {photos}"
        teach = f", or teach it with {ENOUGH_POSITIVES} photos or more" if can else ""
        return f"{said} {add}{teach}.", can

    def note_labels(self, *labels: str) -> None:
        """Remember that labels were typed."""
        for label in labels:
            self._used.note(label)

    @property
    def can_repeat(self) -> bool:
        """Whether there is something to say again of other photos."""
        return bool(self._last) and bool(self.targets) and self.targets != self._last_targets

    # Decisions.

    def undo(self) -> None:
        """Take back the last edit, of whichever photos."""
        decisions = self._session.decisions
        if decisions.undo_caption:
            self._notifier.done(f"Undone: {decisions.undo_caption}", Remedy("Redo", self.redo))
            decisions.undo()

    def redo(self) -> None:
        """Make again what was undone last."""
        decisions = self._session.decisions
        if decisions.redo_caption:
            self._notifier.done(f"Done again: {decisions.redo_caption}", Remedy("Undo", self.undo))
            decisions.redo()

    def accept(self, category: str) -> None:
        """A label is right; once more takes that back."""
        row = self._row(category)
        self._say({category: toggled(row, Verdict.ACCEPTED)}, _caption("Accept", category))

    def reject(self, category: str) -> None:
        """A label is wrong; once more takes that back."""
        row = self._row(category)
        self._say({category: toggled(row, Verdict.REJECTED)}, _caption("Reject", category))

    def turn(self, place: int) -> None:
        """The label at a place of the list, the first is 0: right, then wrong, then nothing."""
        if place < len(self._listed):
            row = self._listed[place]
            self._say({row.category: next_in_turn(row)}, _caption("Decide on", row.category))

    def add(self, typed: str) -> None:
        """Give labels that were typed, with commas between; the model need not know them."""
        names = typed_labels(typed, self.known_labels, self._session.photos.names)
        problem = next(filter(None, map(label_problem, names or [""])), "")
        if problem:
            self._notifier.warning(problem, Topic.NOTE)
            return
        for name in names:
            self._used.note(name)
        given = {name: self._given(self._row(name)) for name in names}
        self._say(given, f"Add {', '.join(f'“{name}”' for name in names)}")

    def toggle_favourite(self, place: int) -> None:
        """Give the label on a key, 0 to 8, or take it away from photos that all have it."""
        name = self._session.photos.names.label(self._used.favourites()[place])
        if not name:
            return
        row = self._row(name)
        if row.share is not Share.ALL:
            self._say({name: self._given(row)}, _caption("Add", name))
        else:
            by_hand = row.verdict is Verdict.ADDED
            word = None if by_hand else Verdict.REJECTED
            self._say({name: word}, _caption("Take away", name))

    def accept_all_and_go_on(self) -> None:
        """All labels shown are right; the next photo, please."""
        verdicts = {
            row.category: Verdict.ACCEPTED
            for row in self._rows
            if row.share is Share.ALL and row.verdict is None
        }
        following, said = self._next_unreviewed(), f"{photos_text(len(self.targets))} accepted."
        if self._is_last(self.targets):
            said += f" {_LAST}." if following is None else f" {_FROM_THE_START}"
        self._say(verdicts, "Accept all labels", reviewed=True, said=said)
        self._go_to(following)

    def repeat(self) -> None:
        """Say of these photos what was last said of others."""
        if self.can_repeat:
            said = f"Said the same of {photos_text(len(self.targets))}."
            self._decide(self._last, "Repeat decisions", None, said)
            self._last_targets = self.targets

    def set_reviewed(self, reviewed: bool) -> None:
        """Mark the photos, or take the mark away."""
        mark = "as reviewed" if reviewed else "as not reviewed"
        said = f"{photos_text(len(self.targets))} marked {mark}."
        self._decide({}, f"Mark {mark}", reviewed, said)

    def toggle_reviewed(self) -> None:
        """Mark the photos, or take the mark away if all have it."""
        self.set_reviewed(self.reviewed is not Share.ALL)

    @property
    def reviewed(self) -> Share:
        """How many of the photos are marked as reviewed."""
        targets = self.targets
        marked = int(np.count_nonzero(self._reviewed(np.asarray(targets, dtype=np.int64))))
        if not marked:
            return Share.NONE
        return Share.ALL if marked == len(targets) else Share.SOME

    def go_to_next_unreviewed(self) -> None:
        """The next photo that is not marked; from the end on, the first one."""
        following, shown = self._next_unreviewed(), self._session.shown
        before = max((shown.position_of(row) or 0 for row in self.targets), default=0)
        if following is not None and (shown.position_of(following) or 0) < before:
            self._notifier.done(_FROM_THE_START)
        self._go_to(following)

    def progress(self) -> tuple[int, int]:
        """How many of the photos shown are reviewed, and how many there are."""
        rows = self._session.shown.rows
        return int(np.count_nonzero(self._reviewed(rows))), len(rows)

    # Helpers.

    def _row(self, category: str) -> LabelRow:
        """The label as it is listed; one that is not is a label of none of the photos."""
        for row in (*self._rows, *self._listed):
            if row.category == category:
                return row
        index, verdict = self._session.photos.index_of(category), None
        if len(self.targets) == 1:
            verdict = self._session.photos.verdicts(self.targets[0]).get(category)
        return LabelRow(index, category, 0.0, 1.0, verdict, of=max(len(self.targets), 1))

    @staticmethod
    def _given(row: LabelRow) -> Verdict:
        """What it means to give a label: to agree with the machine, or to know better."""
        found = row.having > 0 if row.of > 1 else row.above
        return Verdict.ACCEPTED if found else Verdict.ADDED

    def _say(
        self,
        verdicts: Mapping[str, Verdict | None],
        caption: str,
        reviewed: bool | None = None,
        said: str = "",
    ) -> None:
        """Decide, and remember it for repeating: all that is said of the same photos is a set."""
        targets = self.targets
        if not targets:
            return
        if targets != self._last_targets:
            self._last, self._last_targets = {}, targets
        self._last |= verdicts
        self._decide(verdicts, caption, reviewed, said or _said(verdicts, len(targets)))

    def _decide(
        self,
        verdicts: Mapping[str, Verdict | None],
        caption: str,
        reviewed: bool | None,
        said: str,
    ) -> None:
        targets = self.targets
        if targets and (verdicts or reviewed is not None):
            self._session.decisions.decide(targets, verdicts, caption=caption, reviewed=reviewed)
            self.tell_done(said)

    def tell_wrong(self, said: str) -> None:
        """Say why something cannot be done."""
        self._notifier.warning(said, Topic.NOTE)

    def tell_done(self, said: str) -> None:
        """Say what has just been done, and offer to take it back."""
        self._notifier.done(said, Remedy("Undo", self.undo))

    def _next_unreviewed(self) -> int | None:
        session, current = self._session, self._session.focus.current
        rows = session.shown.rows
        here = None if current is None else session.shown.position_of(current)
        start = 0 if here is None else here + 1
        in_turn = np.concatenate([rows[start:], rows[:start]])
        left = in_turn[~self._reviewed(in_turn)]
        left = left[~np.isin(left, self.targets)]
        return int(left[0]) if len(left) else None

    def _is_last(self, rows: Sequence[int]) -> bool:
        """Whether nothing that is shown comes after these photos."""
        return self._session.shown.row_at(len(self._session.shown) - 1) in rows

    def _reviewed(self, rows: IntArray) -> BoolArray:
        marks: BoolArray = self._session.photos.decisions.reviewed[rows]
        return marks

    def _go_to(self, row: int | None) -> None:
        if row is None:
            self._notifier.info(_ALL_DONE, Topic.NOTE)
            return
        self._session.set_selection((row,))
        self._session.focus.set_current(row)


def _caption(verb: str, category: str) -> str:
    return f"{verb} “{category}”"


def _said(verdicts: Mapping[str, Verdict | None], count: int) -> str:
    """What has been done: the same to some labels, of one photo or of several."""
    labels, words = ", ".join(f"“{label}”" for label in verdicts), set(verdicts.values())
    word = words.pop() if len(words) == 1 else Verdict.ADDED  # some were found by the machine, too
    on_many = f" on {photos_text(count)}" if count > 1 else ""
    return f"{labels} {_WORDS[word]}{on_many}."
