"""The commands: the same engine without a window.

One module each, imported when its command is asked for; JSON lines, CSV and tables.
Not here: anything that a window would need too.
Start at ``common.py`` and the module named like the command.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from engine.api.errors import EngineError
from engine.api.memory import is_memory_short
from engine.api.passing import MEMORY_SHORT
from engine.cli.common import EXIT_DONE, EXIT_ENGINE_ERROR, EXIT_INTERRUPTED, Parser, say
from engine.cli.interrupts import Interrupts
from engine.library.errors import DamagedLibraryError

#: Each is a module of this package with an ``add_parser``.
COMMANDS = (
    *("tag", "explain", "evaluate", "train", "models", "prepare", "runs"),
    *("score", "export", "write", "import", "import-tags"),
    *("similar", "duplicates", "library"),
)
# No module can be called so.
_MODULES = {"import": "import_labels", "import-tags": "import_tags"}


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: without the program's name.

    Returns:
        The exit status: 0 done, 1 engine error, 2 usage, 130 stopped with Ctrl-C, 143 asked to end.
    """
    # Names that are not UTF-8 must come out in some form, not end the program.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = _parser(arguments).parse_args(arguments)
        options.arguments = tuple(arguments)
    except SystemExit as request:
        return int(request.code or 0)
    with Interrupts() as interrupts:
        try:
            status = int(options.command(options))
        except KeyboardInterrupt:
            status = _stopped()
        except Exception as error:  # noqa: BLE001 - what is not foreseen is raised again
            # A library that is interrupted may call it a failure of its own.
            is_own = interrupts.status is None or isinstance(error, BrokenPipeError)
            status = _told(error) if is_own else _stopped()
    return interrupts.status if status and interrupts.status is not None else status


def _stopped() -> int:
    say("Stopped.")
    return EXIT_INTERRUPTED


def _told(error: Exception) -> int:
    """Say what was in the way; the exit status. What is not foreseen is raised again."""
    if isinstance(error, EngineError):
        if _speaks():
            say(f"error: {error}" + (f" ({error.options})" if error.options else ""))
        if isinstance(error, DamagedLibraryError):
            say("To repair it: csra library rebuild, restore or new; the old file is kept.")
        return EXIT_ENGINE_ERROR
    if isinstance(error, BrokenPipeError):
        # Whoever read the output has gone; without this, closing it at exit complains once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    if isinstance(error, (MemoryError, RuntimeError)) and is_memory_short(error):
        say(f"error: {MEMORY_SHORT}")
        return EXIT_ENGINE_ERROR
    raise error


def _speaks() -> bool:
    """Whether no other of the processes that torchrun started has said what is wrong."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return True
    return bool(importlib.import_module(f"{__name__}.spread").is_first_to_fail())


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = Parser(
        prog="csra", description="Tag photos with residual attention. No command opens the window."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    # Only the command that is asked for is imported: most import torch, which takes seconds.
    named = [name for name in COMMANDS if list(arguments[:1]) == [name]]
    for name in named or COMMANDS:
        module = _MODULES.get(name, name)
        importlib.import_module(f"{__name__}.{module}").add_parser(commands)
    return parser
