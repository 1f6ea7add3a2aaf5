"""The labels of one image, or of several, as a Qt model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from typing_extensions import override

from csra_gui.base.tool_tips import tool_tip
from csra_gui.session.scored_label import MARK_TEXTS, mark_of
from engine.api.label_measures import LabelStatus
from engine.library.values import Verdict
from engine.texts import sure_percent, whole_percent

_Index = QModelIndex | QPersistentModelIndex
_HELP = "Click: right · Shift+click: wrong · Ctrl+click or P: keep its map over the photo"
_SAID = {
    Verdict.ACCEPTED: ", accepted",
    Verdict.REJECTED: ", rejected",
    Verdict.ADDED: ", added by you",
    Verdict.IMPORTED: ", imported from a file",
}
#: Beside the sign of a detail, in place of what is said of any suggestion.
_DETAIL = (
    "? A possible detail: a guess which kind it is, by eye right two times of three. It is "
    "written to files only if you accept it."
)


class Share(Enum):
    """How many of several photos have a label."""

    ALL = auto()
    SOME = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One category, how sure the model is of it, and what the person said of it.

    Attributes:
        index: of the category in the model's list; −1 if the model does not know it.
        category: its name.
        score: 0 to 1, of several photos the mean; NaN if the model does not say.
        threshold: from this score on it counts as found.
        verdict: of the person; of several photos what was said of all alike.
        having: how many of the photos have it as a label.
        of: how many photos there are; 1 is the ordinary case.
        in_file: it is a keyword in the photo's files, and nobody said anything of it here.
        beneath: labels that follow from it and are not listed by themselves, the nearest first.
        status: how well the model is known to know it; ``None`` if its file does not say.
        is_detail: it is a breed, a species or a make that is only possible.
    """

    index: int
    category: str
    score: float
    threshold: float
    verdict: Verdict | None = None
    having: int = 0
    of: int = 1
    in_file: bool = False
    beneath: tuple[str, ...] = ()
    status: LabelStatus | None = None
    is_detail: bool = False

    @property
    def above(self) -> bool:
        """Whether the model alone has found it."""
        return self.score >= self.threshold

    @property
    def counts(self) -> bool:
        """Whether it is a label: found and not rejected, or said by the person."""
        if self.of > 1:
            return self.having > 0
        return self.above if self.verdict is None else self.verdict is not Verdict.REJECTED

    @property
    def share(self) -> Share:
        """How many of the photos have it."""
        if self.of == 1:
            return Share.ALL if self.counts else Share.NONE
        return {0: Share.NONE, self.of: Share.ALL}.get(self.having, Share.SOME)

    @property
    def percent(self) -> str:
        """The score for people; only 1 and 0 themselves are called 100 % and 0 %."""
        if math.isnan(self.score):
            return ""
        if 0.99 < self.score < 1.0:
            return sure_percent(self.score)
        if 0.0 < self.score < 0.01:
            return "< 1 %"
        return whole_percent(self.score)

    @property
    def mark(self) -> str:
        """A quiet sign behind the name of a label that is not known to be known well."""
        return mark_of(self.status, self.verdict)

    @property
    def mark_text(self) -> str:
        """What the sign means; empty if there is none."""
        return _DETAIL if self.mark == "?" and self.is_detail else MARK_TEXTS[self.mark]

    @property
    def figure(self) -> str:
        """What stands beside the name: the score, or how many photos have the label."""
        if self.in_file:
            return "in the file"
        return f"{self.having:,} of {self.of:,}" if self.of > 1 else self.percent


class LabelRole(IntEnum):
    """What the delegate asks for."""

    ROW = Qt.ItemDataRole.UserRole + 1
    PINNED = Qt.ItemDataRole.UserRole + 2


class LabelListModel(QAbstractListModel):
    """Rows in the order they are given; one of them may be pinned."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[LabelRow, ...] = ()
        self._row_of: dict[int, int] = {}
        self._pinned = -1

    def set_rows(self, rows: Sequence[LabelRow]) -> None:
        """Show other rows; the same categories in the same order only change their values."""
        rows = tuple(rows)
        if [(r.index, r.category) for r in rows] != [(r.index, r.category) for r in self._rows]:
            self.beginResetModel()
            self._rows = rows
            self._row_of = {row.index: i for i, row in enumerate(rows) if row.index >= 0}
            self.endResetModel()
            return
        changed = [
            i for i, (old, new) in enumerate(zip(self._rows, rows, strict=True)) if old != new
        ]
        self._rows = rows
        if changed:
            self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))

    def rows(self) -> tuple[LabelRow, ...]:
        """What is shown."""
        return self._rows

    def row_of(self, category_index: int) -> int:
        """The row of a category; −1 if it is not shown."""
        return self._row_of.get(category_index, -1)

    def row_named(self, category: str) -> int:
        """The row of a category's name; −1 if it is not shown."""
        names = (i for i, row in enumerate(self._rows) if row.category == category)
        return next(names, -1)

    @property
    def pinned(self) -> int:
        """Index of the pinned category; −1 if none is."""
        return self._pinned

    def set_pinned(self, category_index: int) -> None:
        """Mark one category, shown or not; −1 marks none."""
        before, self._pinned = self._pinned, category_index
        if before == category_index:
            return
        for place in (self.row_of(before), self.row_of(category_index)):
            if place >= 0:
                self.dataChanged.emit(self.index(place), self.index(place))

    @override
    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    @override
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        return _shown(row, role, pinned=row.index >= 0 and row.index == self._pinned)


def _shown(row: LabelRow, role: int, *, pinned: bool) -> object:
    match role:
        case LabelRole.ROW:
            return row
        case LabelRole.PINNED:
            return pinned
        case Qt.ItemDataRole.DisplayRole:
            return row.category
        case Qt.ItemDataRole.AccessibleTextRole:
            return row_sentence(row, pinned=pinned)
        case Qt.ItemDataRole.ToolTipRole:
            sentence = row_sentence(row, pinned=pinned)
            return tool_tip(*filter(None, (sentence, row.mark_text, _HELP)))
        case _:
            return None


def row_sentence(row: LabelRow, *, pinned: bool = False) -> str:
    """A label in words, for tool tips and screen readers."""
    figure = f", {row.figure}" if row.figure else ""
    photos = " photos" if row.of > 1 else ""
    is_below = row.verdict is None and not row.counts and not row.in_file
    below = ", below the threshold" if is_below else ""
    said = "" if row.verdict is None else _SAID[row.verdict]
    beneath = f" ({', '.join(row.beneath)})" if row.beneath else ""
    return f"{row.category}{beneath}{figure}{photos}{below}{said}{', pinned' if pinned else ''}"
