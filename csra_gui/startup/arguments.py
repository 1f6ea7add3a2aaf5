"""What the arguments of a start mean where they name no command."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from engine import __version__
from engine.data.patience import Alive, Patience
from engine.resources import resource_path
from engine.texts import display_path, display_text

_HELP = """usage: csra [FOLDER|PHOTO …]        open the window; if it is open, show them in it
       csra COMMAND …               work without a window: {commands}
       csra COMMAND --help          what a command takes
       csra --samples               open the window on the sample photos
       csra --new-window [PATH …]   another window, with a library of its own
       csra --library FILE [PATH …] a window on the library in FILE, begun if it is not there
       csra --version               which version this is
"""
_SEE_HELP = "csra --help says what there is."
_OPTIONS = ("--help", "--library", "--new-window", "--samples", "--version")
_SQLITE = b"SQLite format 3\0"
_MOST_NAMES = 5
# A window must come up, whatever disks do (s).
_ANSWERS_IN_S = 2.0


class UsageError(Exception):
    """There is a text instead of a window: help, or what is wrong with the arguments.

    Attributes:
        text: lines for the person.
        status: of the exit; 0 for an answer, 2 for wrong arguments.
    """

    def __init__(self, text: str, status: int = 2) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


@dataclass(frozen=True, slots=True)
class WindowRequest:
    """A window that is asked for.

    Attributes:
        paths: absolute; files and folders to open. None means what was open last.
        library: the file of another library than the person's usual one.
        is_new_window: whether it shall be another window in any case.
        missing: those of the paths that are not there.
    """

    paths: tuple[Path, ...] = ()
    library: Path | None = None
    is_new_window: bool = False
    missing: tuple[Path, ...] = ()


def parse(arguments: Sequence[str], commands: Sequence[str]) -> WindowRequest:
    """The window that the arguments ask for.

    Args:
        arguments: without the program's name.
        commands: what the command line knows, to name the nearest one.

    Raises:
        UsageError: they ask for help or the version, or they are wrong.
    """
    _refuse_unknown_command(arguments[:1], commands)
    options, words = _sorted_out(arguments)
    if options.keys() & {"--help", "-h"}:
        raise UsageError(_HELP.format(commands=", ".join(commands)), 0)
    if "--version" in options:
        raise UsageError(f"csra-gui {__version__}\n", 0)
    if unknown := options.keys() - {*_OPTIONS, "--"}:
        raise UsageError(_unknown_option(min(unknown)))
    if {"--library", "--new-window"} <= options.keys():
        raise UsageError("csra: --library names the library that --new-window would choose.\n")
    paths = tuple(_path(word) for word in words)
    missing = _missing(paths)
    if missing and len(missing) == len(paths):
        raise UsageError(f"csra: {missing_text(missing)}\n")
    if "--samples" in options:
        paths = (resource_path("samples"), *paths)
    library = _library(options["--library"]) if "--library" in options else None
    return WindowRequest(paths, library, "--new-window" in options, missing)


def missing_text(missing: Sequence[Path]) -> str:
    """Which files and folders are not there, in a sentence."""
    names = ", ".join(f"'{display_path(path)}'" for path in missing[:_MOST_NAMES])
    more = f" and {len(missing) - _MOST_NAMES:,} more" if len(missing) > _MOST_NAMES else ""
    return f"there is no file or folder {names}{more}."


def _sorted_out(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The options with their values, and all that are none."""
    options: dict[str, str] = {}
    words: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, _, value = argument.partition("=")
        if "--" in options or not argument.startswith("-"):
            words.append(argument)
        elif name == "--library":
            options[name] = value or next(rest, "")
        else:
            options[argument] = ""
    return options, words


def _refuse_unknown_command(first: Sequence[str], commands: Sequence[str]) -> None:
    """A first word that could be a command, and that nothing is called, is a mistake."""
    if not first or not re.fullmatch(r"[A-Za-z][\w-]*", first[0]) or not _missing([Path(first[0])]):
        return
    word = first[0]
    if word in commands:  # its own entry of the program would have run it
        raise UsageError(f"csra-gui: this opens the window only; the command is: csra {word} …\n")
    near = get_close_matches(word.lower(), commands, n=1, cutoff=0.5)
    raise UsageError(
        f"csra: there is no command '{word}', and no file or folder of that name here.\n"
        + (f"Did you mean csra {near[0]}? " if near else "")
        + f"The commands are {', '.join(commands)}.\n"
        f"Name a folder or a photo to open the window on it. {_SEE_HELP}\n"
    )


def _unknown_option(option: str) -> str:
    near = get_close_matches(option, _OPTIONS, n=1)
    return (
        f"csra: there is no option '{display_text(option)}' for the window."
        + (f" Did you mean {near[0]}?" if near else "")
        + f"\nOptions of a command follow its name: csra tag PATH --recursive. {_SEE_HELP}\n"
    )


def _missing(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Which are not there; those on a disk that does not answer may be, as the window says."""
    missing: list[Path] = []

    def look(alive: Alive) -> None:
        for path in paths:
            try:
                path.stat()
            except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL
                missing.append(path)
            except OSError:  # the window says why it cannot be read
                pass
            alive()

    with Patience(_ANSWERS_IN_S) as patience:
        for _ in patience.begin(look).wait():
            pass
    return tuple(missing)


def _path(word: str) -> Path:
    """Absolute, with its links; desktops may give the address of a file instead."""
    if word.startswith("file:"):
        word = os.fsdecode(unquote_to_bytes(urlsplit(word).path))
        word = word.removeprefix("/") if os.name == "nt" else word
    return Path(os.path.abspath(word))  # noqa: PTH100 - keeps links


def _library(text: str) -> Path:
    """The file of a library, which may still have to be made."""
    path = _path(str(Path(text).expanduser()))
    shown = display_path(path)
    if not text:
        raise UsageError("csra: --library needs the file of a library.\n")
    if path.is_dir():
        raise UsageError(f"csra: '{shown}' is a folder; --library needs a file, there or new.\n")
    if not path.parent.is_dir():
        raise UsageError(f"csra: there is no folder '{display_path(path.parent)}' for a library.\n")
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE))
    except FileNotFoundError:
        return path
    except OSError as error:
        raise UsageError(f"csra: '{shown}' cannot be read: {error.strerror}.\n") from error
    if start not in (b"", _SQLITE):
        raise UsageError(f"csra: '{shown}' is no library; name the file of one, or a new file.\n")
    return path
