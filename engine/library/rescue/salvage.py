"""The rows of a damaged file, put into a new library of the same version."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.library.connections import connect_to_copy
from engine.library.errors import DAMAGE, FutureLibraryError
from engine.library.rescue.log import committed_pages
from engine.library.rescue.pages import (
    USUAL_PAGE_SIZE,
    Cell,
    PageFile,
    UnreadableError,
    Value,
    page_size_of,
)
from engine.library.rescue.trees import Forest, Shape, Tree, is_root, roots_by_sql, shapes
from engine.library.schema import APPLICATION_ID, TABLES
from engine.texts import display_name

#: Indexes that hold enough of a row to make it anew → its table. Without size and time, an image
#: counts as changed when it is seen again, so that it is tagged anew; decisions on it stay.
_KEYS = {"sqlite_autoindex_images_1": "images", "sqlite_autoindex_folders_1": "folders"}


@dataclass(frozen=True, slots=True)
class Damaged:
    """A damaged file, with what is known of how it was made.

    Attributes:
        file: its pages.
        version: of its tables.
        copy: a sound copy of the same library, from before; ``None``: there is none.
        lost_log: whether changes were in a log that is gone, so that the copy may be newer.
    """

    file: PageFile
    version: int
    copy: Path | None
    lost_log: bool = False


@dataclass
class Salvaged:
    """What came out of a damaged file.

    Attributes:
        rows: table → how many.
        is_whole: tables of which nothing is missing, as far as can be told.
        pages: how many the file has.
        unreadable: how many of them are empty or cut.
        keys: table, columns and values of rows of which only an index is left.
    """

    rows: dict[str, int] = field(default_factory=dict)
    is_whole: set[str] = field(default_factory=set)
    pages: int = 0
    unreadable: int = 0
    keys: list[tuple[str, tuple[str, ...], tuple[Value, ...]]] = field(default_factory=list)


def read_damaged(main: Path, log: Path | None, copy: Path | None, newest: int) -> Damaged:
    """Read a file that nobody has open.

    Args:
        main: it; need not be there.
        log: what was committed since lies in, if it is there; ``None`` if its own is lost.
        copy: a sound copy from before.
        newest: version of this program's tables.

    Raises:
        FutureLibraryError: a newer program made it.
        OSError: the disk does not give it.
    """
    data = main.read_bytes() if main.exists() else b""
    head = b""
    if copy is not None:
        with copy.open("rb") as file:
            head = file.read(100)
        if _version(head) > newest:
            copy, head = None, b""
    size = page_size_of(data) or page_size_of(head) or USUAL_PAGE_SIZE
    newer = committed_pages(log.read_bytes(), size) if log is not None and log.exists() else {}
    pages = PageFile(data, size, newer)
    if _version(pages.raw(1)) > newest:
        raise FutureLibraryError(
            f"{display_name(main)} was made by a newer version of this program; update it first."
        )
    versions = [_version(pages.raw(1)), _version(head), newest]
    return Damaged(pages, next(v for v in versions if v), copy, lost_log=log is None)


def _version(head: bytes) -> int:
    """Of the tables; 0 where a header does not tell."""
    if page_size_of(head) is None or int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        return 0
    return int.from_bytes(head[60:64], "big")


def salvage(damaged: Damaged, target: sqlite3.Connection) -> Salvaged:
    """Copy every row that can be read.

    Args:
        damaged: the file.
        target: an empty library of its version, in a transaction, without foreign keys.
    """
    return _Salvage(damaged, target).run()


class _Salvage:
    def __init__(self, damaged: Damaged, target: sqlite3.Connection) -> None:
        self._file = damaged.file
        self._target = target
        self._shapes = shapes(target)
        self._forest = Forest(damaged.file)
        self._owners, copied = _owners(damaged.copy, self._shapes)
        self._roots = self._known_roots(self._forest.schema(), copied)
        self._used: set[int] = {1}
        self._found = Salvaged(pages=damaged.file.count, unreadable=self._forest.unreadable())

    def run(self) -> Salvaged:
        for name in (*TABLES, *(n for n in self._shapes if n not in TABLES)):
            shape = self._shapes.get(name)
            if shape is not None:  # a table of a later version
                self._take_tree(shape)
        self._take_loose()
        self._take_keys()
        self._take_sequences()
        return self._found

    def _known_roots(self, own: Mapping[str, int], copied: Mapping[str, int]) -> dict[str, int]:
        """The file's own word first, then the copy's, then where a new library has them."""
        made = roots_by_sql(self._target)
        found: dict[str, int] = {}
        for name, shape in self._shapes.items():
            for root in (own.get(name), copied.get(name), made.get(name)):
                if root is not None and root not in found.values() and self._is_root(root, shape):
                    found[name] = root
                    break
        return found

    def _is_root(self, root: int, shape: Shape) -> bool:
        try:
            return is_root(self._file.page(root), shape)
        except UnreadableError:
            return False

    def _take_tree(self, shape: Shape) -> None:
        tree = Tree(is_whole=shape.name in self._roots)
        if tree.is_whole:
            root = self._roots[shape.name]
            cells = self._forest.walk(root, tree, is_of_table=shape.is_of_table)
            if shape.name in TABLES:
                self._insert(shape, cells, tree)
            else:
                for _ in cells:
                    pass
        self._used |= tree.pages
        if tree.is_whole:
            self._found.is_whole.add(shape.name)

    def _insert(self, shape: Shape, cells: Iterable[Cell], tree: Tree | None = None) -> None:
        before = self._target.total_changes
        for cell in cells:
            values = list(cell.values)
            if not shape.fits(cell.values):
                if tree is not None:
                    tree.is_whole = False
                continue
            if shape.number >= 0:
                values[shape.number] = cell.rowid
            insert(self._target, shape.name, shape.columns[: len(values)], values)
        self._add(shape.name, before)

    def _add(self, table: str, before: int) -> None:
        count = self._target.total_changes - before
        self._found.rows[table] = self._found.rows.get(table, 0) + count

    def _take_loose(self) -> None:
        """Pages that lost what led to them; of whole tables they are old and say nothing."""
        lacking = {n: s for n, s in self._shapes.items() if n not in self._found.is_whole}
        for top in self._forest.tops(self._used):
            name = self._owners.get(top)
            if name is None:
                name = self._forest.guess(top, lacking)
            shape = lacking.get(name or "")
            if shape is None or shape.is_of_table != self._forest.is_of_table(top):
                continue
            cells = self._forest.walk(top, Tree(), is_of_table=shape.is_of_table)
            if shape.name in TABLES:
                self._insert(shape, cells)
            elif shape.name in _KEYS:
                self._insert_keys(shape, cells)

    def _take_keys(self) -> None:
        for name, table in _KEYS.items():
            if table not in self._found.is_whole and name in self._roots:
                shape = self._shapes[name]
                cells = self._forest.walk(self._roots[name], Tree(), is_of_table=False)
                self._insert_keys(shape, cells)

    def _insert_keys(self, shape: Shape, cells: Iterable[Cell]) -> None:
        table = _KEYS[shape.name]
        columns = [name if name != "rowid" else "id" for name in shape.columns]
        rest: list[int] = []
        if table == "images":
            columns, rest = [*columns, "size", "mtime_ns"], [0, 0]
        for cell in cells:
            if shape.fits(cell.values):
                self._found.keys.append((table, tuple(columns), (*cell.values, *rest)))

    def _take_sequences(self) -> None:
        """Numbers that were given once are not given again."""
        root = self._forest.schema().get("sqlite_sequence")
        if root is None:
            return
        for cell in self._forest.walk(root, Tree(), is_of_table=True):
            if len(cell.values) == 2:
                name, number = cell.values
                if isinstance(name, str) and isinstance(number, int) and 0 < number < 1 << 53:
                    raise_sequence(self._target, name, number)


def raise_sequence(target: sqlite3.Connection, table: str, number: int) -> None:
    """Give the next row of a table a number above this one."""
    if table in TABLES:
        target.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0"
            " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
            (table,),
        )
        target.execute(
            "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (number, table)
        )


def insert(
    target: sqlite3.Connection, table: str, columns: Collection[str], values: Iterable[object]
) -> None:
    """Add a row, unless it is there or is not allowed."""
    marks = ", ".join("?" * len(columns))
    names = ", ".join(columns)
    with contextlib.suppress(sqlite3.IntegrityError):  # a value that the table does not allow
        target.execute(
            f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
            tuple(values),
        )


def _owners(copy: Path | None, known: Mapping[str, Shape]) -> tuple[dict[int, str], dict[str, int]]:
    """Of a copy: page → name of what it belongs to, and name → root page."""
    if copy is None:
        return {}, {}
    try:
        with contextlib.closing(connect_to_copy(copy)) as connection:
            roots = roots_by_sql(connection)
        data = copy.read_bytes()
    except (*DAMAGE, OSError):
        return {}, {}
    forest = Forest(PageFile(data, page_size_of(data) or USUAL_PAGE_SIZE))
    return forest.owners(roots, known), roots
