"""The command that somebody gave, as it is kept with what came of it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

_PARTS_KEPT = 2


def command_line(arguments: Sequence[str]) -> str:
    """The command with quotes where a shell wants them, and without anyone's folders.

    A path below the present folder is told from there, one below the home folder from ``~``; of
    any other absolute one the last two parts are left.

    Args:
        arguments: without the program's name.
    """
    return " ".join(["csra", *(_quoted(_portable(argument)) for argument in arguments)])


def _portable(argument: str) -> str:
    option, sign, value = argument.partition("=")
    if sign and option.startswith("--"):
        return f"{option}={_shown(value)}"
    return _shown(argument)


def _shown(text: str) -> str:
    if not os.path.isabs(text):  # noqa: PTH117  # most are no paths at all
        return text
    path = Path(os.path.normpath(text))
    for folder, sign in ((Path.cwd(), ""), (Path.home(), "~")):
        if folder != Path(folder.anchor) and path.is_relative_to(folder):
            inside = path.relative_to(folder).as_posix()
            return inside if not sign else f"{sign}/{inside}" if inside != "." else sign
    parts = path.parts[1:]
    return "/".join((*(("…",) if len(parts) > _PARTS_KEPT else ()), *parts[-_PARTS_KEPT:]))


def _quoted(text: str) -> str:
    """A tilde must stay outside of quotes to mean the home folder."""
    if text.startswith("~/"):
        return f"~/{shlex.quote(text.removeprefix('~/'))}"
    return text if text == "~" else shlex.quote(text)
