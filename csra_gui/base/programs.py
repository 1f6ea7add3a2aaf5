"""Programs of this computer that open photos, and how they are started with some."""

from __future__ import annotations

import configparser
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_SECTION = "Desktop Entry"
_OWN = "csra-gui.desktop"
#: Entries are small; whatever is larger is none.
_MOST_BYTES = 1 << 20
_LISTS, _SINGLES = {"%F", "%U"}, {"%f", "%u"}


@dataclass(frozen=True, slots=True)
class Program:
    """One that takes photos.

    Attributes:
        name: for people.
        command: the program and its arguments, with the field codes of a desktop entry.
    """

    name: str
    command: tuple[str, ...]

    def commands(self, paths: Sequence[Path]) -> list[list[str]]:
        """What to start for these files: once, or once for each if it takes one at a time."""
        takes_one = bool(_SINGLES & {*self.command})
        groups = [[path] for path in paths] if takes_one else [list(paths)]
        return [list(self._filled_in(group)) for group in groups]

    def _filled_in(self, paths: Sequence[Path]) -> Iterator[str]:
        for word in self.command:
            if word in ("%f", "%F"):
                yield from map(str, paths)
            elif word in ("%u", "%U"):
                yield from (path.as_uri() for path in paths)
            elif not (len(word) == 2 and word.startswith("%") and word != "%%"):
                yield word.replace("%%", "%")
        if not (_LISTS | _SINGLES) & {*self.command}:
            yield from map(str, paths)


def photo_programs(folders: Sequence[Path] | None = None) -> list[Program]:
    """The programs that say they open pictures, by name; reads many files, so in a worker.

    Args:
        folders: with ``applications`` inside, first what counts most; those of the desktop if
            ``None``.
    """
    found: dict[str, Program | None] = {}
    for folder in _data_folders() if folders is None else folders:
        for file in sorted(Path(folder, "applications").glob("*.desktop")):
            if file.name not in found:
                found[file.name] = _program(file)
    programs = {each for name, each in found.items() if each is not None and name != _OWN}
    return sorted(programs, key=lambda each: (each.name.casefold(), each.command))


def application_command(application: Path, paths: Sequence[Path]) -> list[list[str]]:
    """What starts a program that was picked as a file."""
    if sys.platform == "darwin":
        return [["open", "-a", str(application), *map(str, paths)]]
    return [[str(application), *map(str, paths)]]


def ask_system_commands(paths: Sequence[Path]) -> list[list[str]] | None:
    """What has the system ask which program it shall be; ``None`` where it has no such question."""
    if sys.platform == "win32":
        return [["rundll32.exe", "shell32.dll,OpenAs_RunDLL", str(path)] for path in paths]
    return None


def _data_folders() -> list[Path]:
    if sys.platform in ("win32", "darwin"):
        return []
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    others = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    return [Path(home), *map(Path, filter(None, others.split(":")))]


def _program(file: Path) -> Program | None:
    """What an entry says; ``None`` if it is none for pictures, or cannot be read."""
    parser = configparser.RawConfigParser(
        strict=False, delimiters=("=",), comment_prefixes=("#",), empty_lines_in_values=False
    )
    try:
        if file.stat().st_size > _MOST_BYTES:
            return None
        parser.read_string(file.read_text("utf-8"))
        entry = parser[_SECTION]
        command = tuple(shlex.split(entry.get("Exec", "")))
    except (OSError, ValueError, KeyError, configparser.Error):
        return None
    is_one = entry.get("Type") == "Application" and "true" not in (
        entry.get("Hidden", "").lower(),
        entry.get("Terminal", "").lower(),
    )
    kinds = entry.get("MimeType", "").split(";")
    if not is_one or not command or not any(kind.startswith("image/") for kind in kinds):
        return None
    return Program(entry.get("Name") or file.stem, command)
