"""Names for files made from photos: safe everywhere, never one that is taken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

# What some file system or shell reads as more than a letter of a name.
_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_STEM_BYTES, _PART_BYTES = 120, 60


class OutputNames:
    """Names for the files of one run in one folder.

    A name keeps the photo's whole name, so that ``a.jpg`` and ``a.png`` have files of their own;
    photos of the same name from two folders are numbered. What lies in the folder already, the
    photos perhaps, is never overwritten.

    Args:
        folder: where the files go; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Without regard to case, as some file systems see it.
        self._taken = {path.name.casefold() for path in folder.iterdir()}

    def take(self, photo: Path, parts: Iterable[str], suffix: str) -> Path:
        """A path that nothing has, and that nobody else gets.

        Args:
            photo: what the file is made from; any name, also one that is not UTF-8.
            parts: what is special about this file, for example the category.
            suffix: with its dot.
        """
        shown = [safe_name(photo.name, _STEM_BYTES)]
        shown += [safe_name(part, _PART_BYTES) for part in parts]
        plain = ".".join(shown)
        name, number = f"{plain}{suffix}", 2
        while name.casefold() in self._taken:
            name, number = f"{plain} ({number}){suffix}", number + 1
        self._taken.add(name.casefold())
        return self._folder / name


def safe_name(text: str, max_bytes: int) -> str:
    """A text as a part of a file's name that any system takes; not empty, not hidden.

    Args:
        text: anything; surrogates stand for bytes that are not UTF-8.
        max_bytes: of the result in UTF-8, at least 4.
    """
    visible = "".join("_" if unicodedata.category(c) in _INVISIBLE else c for c in text)
    plain = _UNSAFE.sub("_", unicodedata.normalize("NFC", visible))
    short = plain.encode()[:max_bytes].decode(errors="ignore")
    bare = short.strip(" .") or "_"
    return f"_{bare}"[:max_bytes] if _DEVICES.fullmatch(bare) else bare
