"""Counts under headings as a Qt model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from typing_extensions import override

from csra_gui.base.tool_tips import tool_tip
from csra_gui.search.facet import Facet, FacetGroup
from csra_gui.search.facets import unfolded
from csra_gui.search.filter_terms import TermState
from engine.texts import display_text, photos_text

_Index = QModelIndex | QPersistentModelIndex
_HELP = "Click: only these · Shift+click: not these · again: all"
_STATES = {
    TermState.ABSENT: "",
    TermState.WANTED: ", only these",
    TermState.UNWANTED: ", not these",
    TermState.NOT_APPLIED: ", not applied",
}


@dataclass(frozen=True, slots=True)
class FacetRow:
    """A heading, or a facet with how the filter treats it.

    Attributes:
        caption: safe to show.
        facet: ``None`` for a heading.
        state: how the filter treats the facet's term.
        share: of the photos shown, 0 to 1.
        is_open: whether its parts are listed; ``None`` if it has none.
    """

    caption: str
    facet: Facet | None = None
    state: TermState = TermState.ABSENT
    share: float = 0.0
    is_open: bool | None = None

    @property
    def depth(self) -> int | None:
        """How deep it is in a tree; ``None`` if it is in none."""
        return None if self.facet is None else self.facet.depth


class FacetRole(IntEnum):
    """What the delegate asks for."""

    ROW = Qt.ItemDataRole.UserRole + 1


class FacetModel(QAbstractListModel):
    """One row per heading and facet; headings cannot be chosen."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[FacetRow, ...] = ()

    def set_groups(
        self,
        groups: Sequence[FacetGroup],
        states: Mapping[str, TermState],
        total: int,
        is_open: Callable[[Facet], bool] = lambda _facet: True,
    ) -> None:
        """Show other counts.

        Args:
            groups: of facets.
            states: of those terms that the filter treats in some way.
            total: how many photos are shown.
            is_open: whether the parts of a facet are listed.
        """
        rows: list[FacetRow] = []
        for group in groups:
            rows.append(FacetRow(group.caption))
            for facet in unfolded(group.facets, is_open):
                state = states.get(facet.term, TermState.ABSENT)
                if not group.is_applied:
                    state = TermState.NOT_APPLIED
                counts = total and state is not TermState.NOT_APPLIED
                share = facet.count / total if counts else 0.0
                opened = is_open(facet) if facet.has_parts else None
                rows.append(FacetRow(display_text(facet.caption), facet, state, share, opened))
        self._replace(tuple(rows))

    def rows(self) -> tuple[FacetRow, ...]:
        """What is shown."""
        return self._rows

    def _replace(self, rows: tuple[FacetRow, ...]) -> None:
        def terms(rows: Sequence[FacetRow]) -> list[str]:
            return [row.caption if row.facet is None else row.facet.term for row in rows]

        if terms(rows) != terms(self._rows):
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
        elif rows != self._rows:
            self._rows = rows
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))

    @override
    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    @override
    def flags(self, index: _Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        if self._rows[index.row()].facet is None:
            return Qt.ItemFlag.ItemNeverHasChildren
        return super().flags(index)

    @override
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        match role:
            case FacetRole.ROW:
                return row
            case Qt.ItemDataRole.DisplayRole:
                return row.caption
            case Qt.ItemDataRole.AccessibleTextRole:
                return _sentence(row)
            case Qt.ItemDataRole.ToolTipRole if row.facet is not None:
                return tool_tip(_sentence(row), display_text(row.facet.term), _HELP)
        return None


def _sentence(row: FacetRow) -> str:
    if row.facet is None:
        return row.caption
    figure = "" if row.state is TermState.NOT_APPLIED else f", {photos_text(row.facet.count)}"
    fold = {None: "", True: ", open", False: ", folded"}[row.is_open]
    return f"{row.caption}{figure}{_STATES[row.state]}{fold}"
