"""Reading a data set's own files with limits, and keeping account of what could not be used."""

from __future__ import annotations

import codecs
import io
import json
import os
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

from engine.api.errors import DataError
from engine.texts import display_path, display_text, reason_text

#: Enough for the lists and tables of any data set of photos.
MAX_TEXT_BYTES = 256 << 20
#: The same of tables, which are read a line at a time.
MAX_TABLE_BYTES = 2 << 30

#: Coordinates beyond this many pixels are nonsense; no picture is that wide.
MAX_COORDINATE = 1e6

_NAMED_ITEMS = 10
_MAX_LINE = 16 << 20
NOT_UTF8 = (
    "not UTF-8, and in which other encoding it is cannot be told. Save the file as UTF-8. Excel "
    "calls that “CSV UTF-8”; LibreOffice asks for it when it saves."
)
# An object or a list costs at least 56 bytes once it is read, however short it is in the file.
_MAX_JSON_CONTAINERS = 12_000_000


class FaultLog:
    """What could not be used, gathered into one sentence per kind."""

    def __init__(self, *, strict: bool) -> None:
        """Start empty.

        Args:
            strict: whether ``check`` takes any fault for an error.
        """
        self._strict = strict
        self._faults: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}
        self._remedies: dict[str, str] = {}
        self._notes: list[str] = []

    def add(self, kind: str, item: str, remedy: str = "") -> None:
        """Count a fault.

        Args:
            kind: what begins the sentence, such as "Missing images".
            item: which one; only the first few are named.
            remedy: what the person can do about all of this kind; a sentence without its full stop.
        """
        if remedy:
            self._remedies[kind] = f" {remedy}."
        self._counts[kind] = self._counts.get(kind, 0) + 1
        named = self._faults.setdefault(kind, [])
        if len(named) < _NAMED_ITEMS:
            named.append(display_text(item))

    def note(self, sentence: str) -> None:
        """Remember a fact that is no fault."""
        self._notes.append(sentence)

    def check(self) -> None:
        """Refuse faults where the person wants none.

        Raises:
            DataError: there are any and the log is strict; it lists them.
        """
        if self._strict and self._counts:
            raise DataError(" ".join(self._sentences()))

    def check_any_left(self, count: int, what: str) -> None:
        """Refuse what became empty.

        Args:
            count: how many images are left.
            what: names the split and its file.

        Raises:
            DataError: there are none; it says what happened to them.
        """
        if not count:
            raise DataError(" ".join([f"{what} has no usable images.", *self.problems()]))

    def problems(self) -> tuple[str, ...]:
        """All sentences, faults first."""
        return (*self._sentences(), *self._notes)

    def _sentences(self) -> list[str]:
        return [
            f"{kind} ({count}): {listed(self._faults[kind], count)}.{self._remedies.get(kind, '')}"
            for kind, count in self._counts.items()
        ]


def listed(items: Iterable[str], count: int | None = None) -> str:
    """The first few of many names, safe to show, and how many more there are."""
    items = list(items)
    count = len(items) if count is None else count
    shown = [display_text(item) for item in items[:_NAMED_ITEMS]]
    more = f" and {count - len(shown)} more" if count > len(shown) else ""
    return ", ".join(shown) + more


def read_bytes(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> bytes:
    """A whole file, if it is a regular one of a sensible size.

    Raises:
        DataError: it is missing, cannot be read, or is too large.
    """
    try:
        if not path.is_file():  # opening a pipe would wait for its writer
            raise DataError(f"There is no file {display_path(path)}.")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > max_bytes:
                limit = f"{max_bytes >> 20} MiB"
                raise DataError(f"{display_path(path)} is too large: more than {limit}.")
            return file.read(size)
    except (OSError, ValueError) as error:
        raise DataError(f"{display_path(path)} cannot be read: {reason_text(error)}.") from error


def read_text(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """A whole text file in UTF-8, or in UTF-16 that says so by its first bytes.

    Raises:
        DataError: as ``read_bytes``, or its encoding cannot be told.
    """
    return decoded(read_bytes(path, max_bytes), path)


def decoded(data: bytes, path: Path) -> str:
    """The text of a file, as ``read_text`` gives it.

    Args:
        data: all of the file.
        path: of the file, to name it.

    Raises:
        DataError: its encoding cannot be told; says in which line, and how to save it.
    """
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"Line {line} of {display_path(path)} is {NOT_UTF8}") from error


def text_lines(
    path: Path, max_bytes: int = MAX_TABLE_BYTES, *, errors: str = "strict"
) -> Generator[str, None, None]:
    """The lines of a text file as they are, ends and all, without holding more than one of them.

    Args:
        path: the file.
        max_bytes: that it may have.
        errors: what becomes of bytes that are not UTF-8, as ``bytes.decode`` takes it.

    Raises:
        DataError: as ``read_text``, or a line is longer than any that means something.
    """
    try:
        if not path.is_file():
            raise DataError(f"There is no file {display_path(path)}.")
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > max_bytes:
                limit = f"{max_bytes >> 20} MiB"
                raise DataError(f"{display_path(path)} is too large: more than {limit}.")
            is_wide = file.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
            encoding, errors = ("utf-16", "strict") if is_wide else ("utf-8-sig", errors)
            text = io.TextIOWrapper(file, encoding, errors, newline="")
            while line := text.readline(_MAX_LINE):
                if len(line) == _MAX_LINE:
                    raise DataError(f"{display_path(path)} has a line that is too long.")
                yield line
    except UnicodeDecodeError as error:
        raise DataError(
            f"Line {_undecodable_line(path)} of {display_path(path)} is {NOT_UTF8}"
        ) from error
    except (OSError, ValueError) as error:
        raise DataError(f"{display_path(path)} cannot be read: {reason_text(error)}.") from error


def _undecodable_line(path: Path) -> int:
    number = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):  # noqa: B007 - the last one counts
            try:
                line.decode()
            except UnicodeDecodeError:
                break
    return number


def read_json(path: Path, max_bytes: int = MAX_TEXT_BYTES, *, allow_nan: bool = False) -> Any:
    """What a JSON file holds.

    Raises:
        DataError: as ``read_bytes``, or it is not JSON, is nested or filled beyond all sense, or
            holds NaN or an infinity.
    """
    data = read_bytes(path, max_bytes)
    if data.count(b"{") + data.count(b"[") > _MAX_JSON_CONTAINERS:
        raise DataError(f"{display_path(path)} holds too many objects and lists.")
    return parse_json(data, display_path(path), allow_nan=allow_nan)


def parse_json(data: bytes, where: str, *, allow_nan: bool = False) -> Any:
    """What JSON text holds.

    Args:
        data: UTF-8, or UTF-16 or UTF-32 as JSON allows.
        where: it comes from, for the message.
        allow_nan: take NaN and infinities, as Python writes them, for numbers.

    Raises:
        DataError: it is not JSON, is nested too deeply, or unless allowed holds NaN or an infinity.
    """
    try:
        constant = float if allow_nan else _refuse_constant
        return json.loads(data.decode(json.detect_encoding(data)), parse_constant=constant)
    except RecursionError:
        raise DataError(f"{where} is not usable JSON: it is nested too deeply.") from None
    except ValueError as error:  # also an integer of too many digits, and what is not UTF-8
        raise DataError(f"{where} is not usable JSON: {error}.") from error


def is_number(value: object) -> bool:
    """Whether a value from JSON is a finite number of a size that a coordinate may have."""
    is_numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return is_numeric and abs(value) <= MAX_COORDINATE  # type: ignore[arg-type]


def is_integer(value: object) -> bool:
    """Whether a value from JSON is an integer."""
    return isinstance(value, int) and not isinstance(value, bool)


def missing_files(paths: Iterable[Path]) -> tuple[str, ...]:
    """Which of many pictures are not there; each folder is listed once."""
    listings: dict[Path, set[str]] = {}
    missing: dict[str, None] = {}
    for path in paths:
        if path.parent not in listings:
            try:
                listings[path.parent] = {file.name for file in path.parent.iterdir()}
            except OSError:
                listings[path.parent] = set()
        if path.name not in listings[path.parent]:
            missing[str(path)] = None
    return tuple(missing)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")
