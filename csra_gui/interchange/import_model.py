"""The names that files have, and what each means: a table that stays quick with 10,000 rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from csra_gui.base.tool_tips import tool_tip
from csra_gui.widgets.row_model import RowModel
from engine.api.label_names import SHIPPED_NAMES
from engine.interchange.importing.mapping import LEFT_OUT, KnownLabels, problem_of
from engine.interchange.importing.values import NameUse
from engine.texts import display_name, display_text, fold

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_HEADERS = ("In the files", "Photos", "Means", "Label")
NAME, COUNT, MEANS, LABEL = range(len(_HEADERS))
_SHOWN = 8


class Meaning(StrEnum):
    """What becomes of a name, in words."""

    THIS = "this label"
    NEW = "new label"
    OUT = "leave out"


class NamesModel(RowModel):
    """A row per name that passes the filter; what each means can be changed.

    Signals:
        mapping_changed: a name means something else now.
        label_refused: why no label can be called so.
    """

    mapping_changed = Signal()
    label_refused = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(_HEADERS, parent)
        self._uses: tuple[NameUse, ...] = ()
        self._rows: list[NameUse] = []
        self._known = KnownLabels((), SHIPPED_NAMES)
        self._proposed: dict[str, str] = {}
        self._filter = ""
        self._order = (COUNT, Qt.SortOrder.DescendingOrder)
        self.mapping: dict[str, str] = {}

    @property
    def known(self) -> KnownLabels:
        """The labels that there are, with their other names."""
        return self._known

    @property
    def known_labels(self) -> tuple[str, ...]:
        """The labels that there are."""
        return self._known.labels

    @property
    def uses(self) -> tuple[NameUse, ...]:
        """All names."""
        return self._uses

    def show_names(
        self, uses: Sequence[NameUse], proposed: Mapping[str, str], known: KnownLabels
    ) -> None:
        """Show other names, each with the label that it probably means."""
        self.beginResetModel()
        self._uses, self._known = tuple(uses), known
        self._proposed = dict(proposed)
        self.mapping = dict(proposed)
        self._choose()
        self.endResetModel()
        self.mapping_changed.emit()

    def set_filter(self, text: str) -> None:
        """Show only names, or labels, with a text in them."""
        self.beginResetModel()
        self._filter = fold(text.strip())
        self._choose()
        self.endResetModel()

    def use_at(self, row: int) -> NameUse:
        """The name in a row."""
        return self._rows[row]

    def give(self, names: Mapping[str, str]) -> int:
        """Let names mean labels, as a table says; how many of them there are here."""
        there = {name: label for name, label in names.items() if name in self.mapping}
        self._change(there)
        return len(there)

    def leave_out(self, rows: Sequence[int]) -> None:
        """Leave the names in some rows out; if all are already, take them as proposed."""
        names = [self._rows[row].name for row in rows]
        if all(self.mapping[name] == LEFT_OUT for name in names):
            self._change({name: self._proposed[name] or _leaf(name) for name in names})
        else:
            self._change(dict.fromkeys(names, LEFT_OUT))

    def leave_new_out(self) -> None:
        """Leave out all names that no label has yet."""
        known = self._known.is_known
        self._change(
            {n: LEFT_OUT for n, label in self.mapping.items() if label and not known(label)}
        )

    def meaning(self, name: str) -> Meaning:
        """What becomes of a name."""
        label = self.mapping[name]
        if label == LEFT_OUT:
            return Meaning.OUT
        return Meaning.THIS if self._known.is_known(label) else Meaning.NEW

    @property
    @override
    def rows(self) -> int:
        return len(self._rows)

    @override
    def flags(self, index: _Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() in (MEANS, LABEL) else flags

    @override
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        use, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.EditRole:
            return self.mapping[use.name] if column == LABEL else self._text(use, column)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(use, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tool_tip(display_text(use.name), photos_of(use))
        if role == Qt.ItemDataRole.TextAlignmentRole and column == COUNT:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    @override
    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        name, text = self._rows[index.row()].name, str(value).strip()
        if index.column() == MEANS:
            label = self._label_of(name, text)
        else:
            label = self._known.meant(text.replace("|", " ")) or text if text else LEFT_OUT
        problem = problem_of(label) if label else ""
        if problem:
            self.label_refused.emit(display_text(problem))
            return False
        self._change({name: label})
        return True

    @override
    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        self._order = (column, order)
        self._choose()
        self.layoutChanged.emit()

    def _text(self, use: NameUse, column: int) -> str:
        if column == NAME:
            return display_text(use.name)
        if column == COUNT:
            return f"{use.count:,}" + (f" (wrong on {use.rejected:,})" if use.rejected else "")
        if column == MEANS:
            return self.meaning(use.name).value
        return display_text(self.mapping[use.name])

    def _label_of(self, name: str, meaning: str) -> str:
        if meaning == Meaning.OUT:
            return LEFT_OUT
        if meaning == Meaning.NEW:
            return _leaf(name)
        return self._proposed[name] or self.mapping[name] or _leaf(name)

    def _change(self, names: Mapping[str, str]) -> None:
        if not names:
            return
        self.mapping |= names
        if self._rows:
            last = self.index(len(self._rows) - 1, LABEL)
            self.dataChanged.emit(self.index(0, MEANS), last)
        self.mapping_changed.emit()

    def _choose(self) -> None:
        wanted = self._filter
        self._rows = [
            use
            for use in self._uses
            if not wanted or wanted in fold(use.name) or wanted in fold(self.mapping[use.name])
        ]
        column, order = self._order
        if column == COUNT:
            self._rows.sort(key=lambda use: (use.count, use.rejected))
        else:
            self._rows.sort(key=lambda use: (fold(self._text(use, column)), fold(use.name)))
        if order == Qt.SortOrder.DescendingOrder:
            self._rows.reverse()


def photos_of(use: NameUse) -> str:
    """Some of the photos that have a name."""
    names = ", ".join(display_name(path) for path in use.examples[:_SHOWN])
    return f"{names}, …" if use.count + use.rejected > _SHOWN else names


def _leaf(name: str) -> str:
    return name.rpartition("|")[2].strip()
