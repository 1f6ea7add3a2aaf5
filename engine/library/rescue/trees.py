"""Which pages belong to which table: by the schema, by a copy, and by what the rows look like."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from engine.library.rescue.pages import Cell, Kind, Page, PageFile, UnreadableError, Value

_SCHEMA_ROOT = 1
_LOOKED_AT = 50
_TYPES: Mapping[str, tuple[type, ...]] = {
    "INTEGER": (int,),
    "TEXT": (str,),
    "BLOB": (bytes,),
    "REAL": (int, float),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What the records of a table or index look like.

    Attributes:
        name: of it.
        is_of_table: whether its tree is one of rows with numbers.
        columns: in the order of the record.
        types: of each, as ``STRICT`` tables have them.
        required: of each, whether it is never NULL.
        number: place of the column that is the row's number and not stored; -1 for none.
    """

    name: str
    is_of_table: bool
    columns: tuple[str, ...]
    types: tuple[str, ...]
    required: tuple[bool, ...]
    number: int = -1

    def fits(self, values: tuple[Value, ...]) -> bool:
        """Whether a record may be one of these; columns that came later may be missing."""
        least = len(self.columns) if not self.is_of_table else 1
        if not least <= len(values) <= len(self.columns):
            return False
        for place, value in enumerate(values):
            if value is None:
                if self.required[place] and place != self.number:
                    return False
            elif place == self.number or type(value) not in _TYPES[self.types[place]]:
                return False
        return True


def shapes(connection: sqlite3.Connection) -> dict[str, Shape]:
    """Those of all tables and indexes of a library, by name."""
    found = {}
    listed = connection.execute("PRAGMA table_list").fetchall()
    for _, table, kind, _, is_without_rowid, *_ in listed:
        if kind != "table" or table.startswith("sqlite_"):
            continue
        facts = connection.execute(f"PRAGMA table_info ({table})").fetchall()
        if not is_without_rowid:
            keys = [row[0] for row in facts if row[5]]
            number = keys[0] if len(keys) == 1 and facts[keys[0]][2] == "INTEGER" else -1
            found[table] = _shape(table, facts, number)
        for row in connection.execute(f"PRAGMA index_list ({table})").fetchall():
            index, origin = row[1], row[3]
            parts = connection.execute(f"PRAGMA index_xinfo ({index})").fetchall()
            name = table if is_without_rowid and origin == "pk" else index
            chosen = [facts[row[1]] if row[1] >= 0 else _ROW_NUMBER for row in parts]
            found[name] = _shape(name, chosen, is_of_table=False)
    return found


_ROW_NUMBER = (-1, "rowid", "INTEGER", 1, None, 0)


def _shape(
    name: str, facts: list[tuple[Value, ...]], number: int = -1, *, is_of_table: bool = True
) -> Shape:
    return Shape(
        name,
        is_of_table,
        tuple(str(row[1]) for row in facts),
        tuple(str(row[2]) for row in facts),
        tuple(bool(row[3]) for row in facts),
        number,
    )


def roots_by_sql(connection: sqlite3.Connection) -> dict[str, int]:
    """Name → root page, as SQLite says; a table without row numbers has its own name only."""
    rows = connection.execute("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0")
    return {str(name): int(root) for name, root in rows}


@dataclass
class Tree:
    """The cells of a table or an index.

    Attributes:
        pages: that were reached.
        is_whole: whether nothing of it is missing, as far as can be told.
    """

    pages: set[int] = field(default_factory=set)
    is_whole: bool = True


class Forest:
    """All trees of a file.

    Args:
        file: their pages.
    """

    def __init__(self, file: PageFile) -> None:
        self._file = file
        self._free = file.free_pages()
        self._kinds: dict[int, Kind] = {}
        self._children: dict[int, tuple[int, ...]] = {}
        kinds = {int(kind): kind for kind in Kind}
        for number in range(2, file.count + 1):
            data = file.raw(number)
            if number in self._free or not data or data[0] not in kinds:
                continue
            self._kinds[number] = kinds[data[0]]
            if data[0] in (Kind.TABLE_INNER, Kind.INDEX_INNER):
                try:
                    self._children[number] = file.page(number).children
                except UnreadableError:
                    del self._kinds[number]

    @property
    def pages(self) -> set[int]:
        """Those that may belong to a tree."""
        return set(self._kinds)

    def unreadable(self) -> int:
        """How many pages are empty or cut, where none should be."""
        return sum(not self._file.raw(n).strip(b"\0") for n in range(1, self._file.count + 1))

    def schema(self) -> dict[str, int]:
        """Name → root page, as the file's own first page says; as much as can be read."""
        found = {}
        for cell in self.walk(_SCHEMA_ROOT, Tree(), is_of_table=True):
            if len(cell.values) == 5:
                _, name, _, root, _ = cell.values
                if isinstance(name, str) and isinstance(root, int) and 1 < root <= self._file.count:
                    found[name] = root
        return found

    def owners(self, roots: Mapping[str, int], known: Mapping[str, Shape]) -> dict[int, str]:
        """Page → name of what it belongs to, for a sound file."""
        found = {}
        for name, root in roots.items():
            if name in known:
                stack = [root]
                while stack:
                    number = stack.pop()
                    if number not in found:
                        found[number] = name
                        stack += self._children.get(number, ())
        return found

    def walk(self, root: int, tree: Tree, *, is_of_table: bool) -> Iterator[Cell]:
        """The records below a page, in order of pages; notes in the tree what was reached.

        Args:
            root: page to begin at.
            tree: is filled.
            is_of_table: which kind of pages it has.
        """
        stack = [root]
        while stack:
            number = stack.pop()
            if number in tree.pages or number in self._free:
                tree.is_whole = False
                continue
            try:
                page = self._file.page(number)
            except UnreadableError:
                tree.is_whole = False
                continue
            if page.is_of_table != is_of_table:
                tree.is_whole = False
                continue
            tree.pages.add(number)
            tree.is_whole &= page.is_whole
            if page.kind is not Kind.TABLE_INNER:
                yield from page.cells
            stack += reversed(page.children)

    def tops(self, used: set[int]) -> list[int]:
        """Pages without a tree: those that no other such page leads to."""
        loose = self.pages - used
        below = {child for number in loose for child in self._children.get(number, ())}
        return sorted(loose - below)

    def guess(self, top: int, candidates: Mapping[str, Shape]) -> str | None:
        """What a loose tree may belong to by what its rows look like; ``None``: not to be told."""
        is_of_table = self._kinds[top] in (Kind.TABLE_LEAF, Kind.TABLE_INNER)
        rows = list(islice(self.walk(top, Tree(), is_of_table=is_of_table), _LOOKED_AT))
        fitting = [
            name
            for name, shape in candidates.items()
            if shape.is_of_table == is_of_table
            and rows
            and all(shape.fits(cell.values) for cell in rows)
        ]
        return fitting[0] if len(fitting) == 1 else None

    def is_of_table(self, top: int) -> bool:
        """Whether a page is of a tree of rows with numbers."""
        return self._kinds[top] in (Kind.TABLE_LEAF, Kind.TABLE_INNER)


def is_root(page: Page, shape: Shape) -> bool:
    """Whether a page may be the root of a table or an index, by its first rows."""
    if page.is_of_table != shape.is_of_table:
        return False
    return page.kind is Kind.TABLE_INNER or all(shape.fits(c.values) for c in page.cells[:5])
