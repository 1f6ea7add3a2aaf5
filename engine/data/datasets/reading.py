"""Reading a data set's own files with limits, and keeping account of what could not be used."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath
from typing import Any

from engine.api.errors import DataError
from engine.texts import display_path, display_text

#: Enough for the lists and tables of any data set of photos.
MAX_TEXT_BYTES = 256 << 20

#: Coordinates beyond this many pixels are nonsense; no picture is that wide.
MAX_COORDINATE = 1e6

_LINKS_OUT = "Links that lead out of the data set's folder"
_FOLLOW_THEM = "If you trust where they lead, follow them: --follow-links"
_NAMED_ITEMS = 10
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
        raise DataError(f"{display_path(path)} cannot be read: {error}.") from error


def read_text(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """A whole UTF-8 text file.

    Raises:
        DataError: as ``read_bytes``, or it is not UTF-8.
    """
    try:
        return read_bytes(path, max_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{display_path(path)} is not a UTF-8 text file: {error}.") from error


def read_json(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> Any:
    """What a JSON file holds.

    Raises:
        DataError: as ``read_bytes``, or it is not JSON, is nested or filled beyond all sense, or
            holds NaN or an infinity.
    """
    data = read_bytes(path, max_bytes)
    if data.count(b"{") + data.count(b"[") > _MAX_JSON_CONTAINERS:
        raise DataError(f"{display_path(path)} holds too many objects and lists.")
    return parse_json(data, display_path(path))


def parse_json(data: bytes, where: str) -> Any:
    """What JSON text holds.

    Args:
        data: UTF-8 text.
        where: it comes from, for the message.

    Raises:
        DataError: it is not JSON, is nested too deeply, or holds NaN or an infinity.
    """
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
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


class PictureFolder:
    """The folder below which a data set's pictures lie; names that lead out of it are refused.

    The folder itself may be a link. Each folder below is listed once, so that a hundred thousand
    pictures are looked up quickly.
    """

    def __init__(
        self, root: Path, *, check_files: bool, log: FaultLog, follow_links: bool = False
    ) -> None:
        """Look at nothing yet.

        Args:
            root: the folder.
            check_files: whether pictures must be there.
            follow_links: take pictures also where links lead out of the folder.
            log: is told what is refused or missing.
        """
        self._root = Path(os.path.abspath(root))  # noqa: PTH100 - must not follow links
        self._real = os.path.realpath(root)
        self._check_files = check_files
        self._follow_links = follow_links
        self._log = log
        self._listings: dict[Path, dict[str, bool]] = {}
        self._composed: dict[Path, dict[str, str]] = {}
        self._outside: set[Path] = set()

    def find(self, name: str) -> Path | None:
        """The path of a picture by its name in the data set, or ``None``, and the log is told."""
        if not _stays_inside(name):
            self._log.add("File names that lead out of the data set's folder", repr(name))
            return None
        path = self._root / name
        if not self._check_files:
            return path
        path = self._spelt_as_on_disk(path)
        is_link = self._listing(path.parent).get(path.name)
        if path.parent in self._outside or (is_link and not self._is_inside(path)):
            self._log.add(_LINKS_OUT, name, _FOLLOW_THEM)
            return None
        if is_link is None or (is_link and not path.is_file()):
            self._log.add(f"Images missing in {display_path(self._root)}", name)
            return None
        return path

    def has(self, name: str) -> bool:
        """Whether a picture is there, without telling the log."""
        if not _stays_inside(name):
            return False
        path = self._spelt_as_on_disk(self._root / name)
        return path.name in self._listing(path.parent)

    def _spelt_as_on_disk(self, path: Path) -> Path:
        """Accents are one letter or two, and disks and programs differ in which they write."""
        if path.name.isascii() or path.name in self._listing(path.parent):
            return path
        if path.parent not in self._composed:
            names = self._listing(path.parent)
            self._composed[path.parent] = {unicodedata.normalize("NFC", n): n for n in names}
        wanted = unicodedata.normalize("NFC", path.name)
        return path.with_name(self._composed[path.parent].get(wanted, path.name))

    def _listing(self, folder: Path) -> dict[str, bool]:
        """Name → whether it is a link; nothing for a folder that lies elsewhere."""
        if folder not in self._listings:
            entries: dict[str, bool] = {}
            try:
                if not self._is_inside(folder):
                    self._outside.add(folder)
                else:
                    with os.scandir(folder) as found:
                        entries = {e.name: e.is_symlink() for e in found if not _is_folder(e)}
            except (OSError, ValueError):
                entries = {}
            self._listings[folder] = entries
        return self._listings[folder]

    def _is_inside(self, path: Path) -> bool:
        return self._follow_links or Path(os.path.realpath(path)).is_relative_to(self._real)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


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


def _stays_inside(name: str) -> bool:
    # Both kinds of separators, whatever this machine's: the file may come from another.
    windows = PureWindowsPath(name)
    return (
        bool(windows.parts)
        and not (windows.is_absolute() or windows.drive or windows.root or ".." in windows.parts)
        and "\0" not in name
    )


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")
