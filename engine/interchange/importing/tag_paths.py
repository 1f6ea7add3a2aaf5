"""Where photos are here that were tagged under other paths: on a server, a cluster, on Windows."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from engine.api.errors import EngineError

_DRIVE = re.compile(r"[A-Za-z]:([\\/]|$)|\\\\")
_ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f])")


@dataclass(frozen=True, slots=True)
class PathRule:
    """What lies below one folder there lies below another one here.

    Attributes:
        old: the parts of the folder there; none for paths that begin nowhere.
        is_windows: whether case does not matter in it.
        new: the folder here, absolute.
    """

    old: tuple[str, ...]
    is_windows: bool
    new: Path

    @classmethod
    def of(cls, old: str, new: str) -> PathRule:
        """A rule of two texts; the second is taken from the current folder on."""
        old = old.strip()
        parts, is_windows = _parts(f"{old}\\" if old.endswith(":") else old)
        return cls(parts, is_windows, Path(os.path.abspath(new.strip())))  # noqa: PTH100 - links stay

    def rest_of(self, parts: tuple[str, ...], *, is_windows: bool) -> tuple[str, ...] | None:
        """What comes behind the folder; ``None`` if the path does not lie below it."""
        start = parts[: len(self.old)]
        if self.is_windows or is_windows:
            start, old = _folded(start), _folded(self.old)
        else:
            old = self.old
        is_below = start == old if old else not _is_absolute(parts, is_windows=is_windows)
        return parts[len(self.old) :] if is_below else None


@dataclass(frozen=True, slots=True)
class PathMap:
    """All rules together.

    Attributes:
        rules: the longest that fits counts.
        base: where paths that begin nowhere begin; ``None``: they are found nowhere.
    """

    rules: tuple[PathRule, ...] = ()
    base: Path | None = None

    def place(self, text: str) -> Path | None:
        """Where a photo is here; ``None`` if the rules do not say, or the path leads upwards.

        Args:
            text: the path as it was there.
        """
        parts, is_windows = _parts(text)
        for rule in sorted(self.rules, key=lambda rule: -len(rule.old)):
            rest = rule.rest_of(parts, is_windows=is_windows)
            if rest is not None:
                return None if leads_up(rest) or not rest else rule.new.joinpath(*rest)
        if leads_up(parts):
            return None
        if _is_absolute(parts, is_windows=is_windows):
            return Path(text) if is_windows == (os.name == "nt") else None
        return None if self.base is None or not parts else self.base.joinpath(*parts)


def read_rule(text: str) -> PathRule:
    """A rule as it is typed: ``OLD=NEW``; of several signs the one before a folder that is there.

    Raises:
        EngineError: there is no sign in it, or nothing behind.
    """
    cuts = [place for place, letter in enumerate(text) if letter == "="]
    pairs = [(text[:cut], text[cut + 1 :]) for cut in cuts if text[cut + 1 :].strip()]
    if not pairs:
        raise EngineError(
            f"{text!r} does not say where photos are here. Write the folder there, “=”, and the "
            "folder here: /mnt/photos=/home/me/photos"
        )
    there = [pair for pair in pairs if Path(pair[1].strip()).is_dir()]
    return PathRule.of(*(there or pairs)[0])


def leads_up(parts: tuple[str, ...]) -> bool:
    """Whether a path leaves the folder that it begins in."""
    return ".." in parts


def goes_up(text: str) -> bool:
    """Whether there is such a part in a path of any system."""
    return leads_up(_parts(text)[0])


def with_bytes(path: Path) -> Path | None:
    """The path whose bytes that are no UTF-8 came as a backslash, an x and two digits, if any."""
    raw = os.fsencode(path)
    if os.name == "nt" or not _ESCAPED.search(raw):
        return None
    return Path(os.fsdecode(_ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), raw)))


def _parts(text: str) -> tuple[tuple[str, ...], bool]:
    """The parts of a path, and whether it is one of Windows."""
    is_windows = bool(_DRIVE.match(text)) or (os.name == "nt" and "\\" in text)
    kind = PureWindowsPath if is_windows else PurePosixPath
    return kind(text).parts, is_windows


def _is_absolute(parts: tuple[str, ...], *, is_windows: bool) -> bool:
    kind = PureWindowsPath if is_windows else PurePosixPath
    return bool(parts) and kind(parts[0]).is_absolute()


def _folded(parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in parts)
