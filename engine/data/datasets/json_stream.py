"""JSON files that are too large to be held whole: the entries of their list, one after another."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any, TextIO

from engine.api.errors import DataError
from engine.data.datasets.reading import NOT_UTF8
from engine.texts import display_path, reason_text

_BLANKS = re.compile(r"[ \t\r\n]*")
_PIECE = 1 << 20
#: No entry of any list is longer than this, in characters.
_MAX_ENTRY = 64 << 20
_DECODER = json.JSONDecoder()


def json_entries(path: Path, key: str = "") -> Generator[tuple[int, Any], None, None]:
    """The entries of a list in a JSON file, holding one of them at a time.

    Args:
        path: a file with a list, or with an object that has a list.
        key: of the list in the object; empty if the file is the list itself.

    Yields:
        The place of each entry, counted from 1, and the entry.

    Raises:
        DataError: the file cannot be read, is no such JSON, or an entry is longer than any that
            means something.
    """
    try:
        if not path.is_file():  # opening a pipe would wait for its writer
            raise DataError(f"There is no file {display_path(path)}.")
        with path.open(encoding="utf-8-sig") as file:
            text = _Text(file, path)
            if key:
                _enter(text, key)
            elif not text.take("["):
                raise DataError(f"{display_path(path)} is no list. Its entries stand in [ … ].")
            yield from _entries(text)
    except UnicodeDecodeError as error:
        raise DataError(f"{display_path(path)} is {NOT_UTF8}") from error
    except OSError as error:
        raise DataError(f"{display_path(path)} cannot be read: {reason_text(error)}.") from error


def _entries(text: _Text) -> Generator[tuple[int, Any], None, None]:
    if text.take("]"):
        return
    number = 0
    while True:
        number += 1
        yield number, text.value(f"its entry {number}")
        if text.take("]"):
            return
        if not text.take(","):
            raise text.broken(f"after its entry {number}")


def _enter(text: _Text, key: str) -> None:
    """Go to the list that an object has under a key; what stands before it is passed over."""
    is_object = text.take("{")
    while is_object and not text.take("}"):
        name = text.value("a key")
        if not text.take(":"):
            raise text.broken(f"after the key {name!r:.40}")
        if name == key:
            if text.take("["):
                return
            break
        text.value(f"what stands under {name!r:.40}")
        if not text.take(","):
            break
    raise DataError(f"{display_path(text.path)} has no list {key!r}: it must be an object with it.")


class _Text:
    """A file of which a piece is in memory."""

    def __init__(self, file: TextIO, path: Path) -> None:
        self.path = path
        self._file = file
        self._held = ""
        self._at = 0
        self._is_end = False

    def take(self, mark: str) -> bool:
        """Whether the next character that is no blank is this one, which is passed then."""
        while True:
            found = _BLANKS.match(self._held, self._at)
            self._at = self._at if found is None else found.end()
            if self._at < len(self._held) or not self._more():
                break
        if self._held[self._at : self._at + 1] != mark:
            return False
        self._at += 1
        return True

    def value(self, what: str) -> Any:
        """The value that begins here."""
        self.take("")  # the blanks before it
        while True:
            try:
                value, end = _DECODER.raw_decode(self._held, self._at)
            except RecursionError:
                raise self.broken(f"in {what}, which is nested too deeply") from None
            except ValueError:
                if len(self._held) - self._at > _MAX_ENTRY:
                    raise self.broken(f"in {what}, which is too long or not closed") from None
                if not self._more():
                    raise self.broken(f"in {what}") from None
                continue
            if end < len(self._held) or not self._more():  # else a number may go on
                self._at = end
                return value

    def broken(self, where: str) -> DataError:
        """What is said of a file that is no JSON."""
        return DataError(
            f"{display_path(self.path)} is not usable JSON {where}. It may be cut off: "
            "get the file again."
        )

    def _more(self) -> bool:
        # Twice as much each time, so that a long entry is not begun too often.
        piece = self._file.read(max(_PIECE, len(self._held) - self._at))
        self._held = self._held[self._at :] + piece
        self._at = 0
        return bool(piece)
