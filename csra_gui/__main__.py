"""The composition root: the one module that knows both the window and the engine's inside.

No argument or a folder opens the window; a command (``tag``, …) runs without one. Only the entries
of the program (``csra``, ``csra-gui``, ``python -m csra_gui``, ``main.py``) import this module.
What it puts together it imports when it is needed, after the settings of the libraries.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path
from typing import TextIO

from engine import __version__

_HELP = """usage: csra [FOLDER|PHOTO …]        open the window
       csra COMMAND …               work without a window: {commands}
       csra COMMAND --help          what a command takes
       csra --samples               open the window on the sample photos
       csra --version               which version this is
"""


def main(arguments: list[str] | None = None) -> int:
    """Run a command, or the window; returns the exit status."""
    arguments = _begin(arguments)
    from engine.cli import COMMANDS, run

    return run(arguments) if arguments[:1] and arguments[0] in COMMANDS else main_gui(arguments)


def main_gui(arguments: list[str] | None = None) -> int:
    """Open the window on the folders and photos given; returns the exit status."""
    arguments = _begin(arguments)
    option = arguments[0] if arguments and arguments[0].startswith("-") else None
    if option in ("-h", "--help"):
        return _say(sys.stdout, _help())
    if option == "--version":
        return _say(sys.stdout, f"csra-gui {__version__}\n")
    if option and arguments != ["--samples"]:
        return _say(sys.stderr, f"csra: unknown option {option!r}\n{_help()}", 2)
    return _open_window(arguments)


def _open_window(arguments: list[str]) -> int:
    from csra_gui.app import run
    from engine.api.remote import RemoteEngine
    from engine.resources import resource_path
    from engine.service.server import TRAINER_STOP_S, serve_local, serve_trainer

    samples = resource_path("samples")
    folders = [samples] if arguments == ["--samples"] else [Path(a) for a in arguments]
    return run(
        lambda: RemoteEngine(serve_local),
        folders,
        samples=samples,
        trainer_factory=lambda: RemoteEngine(serve_trainer, TRAINER_STOP_S),
    )


def _begin(arguments: list[str] | None) -> list[str]:
    """Prepare the process, before NumPy and torch load; returns the arguments to follow.

    Threads of a calculation sleep, not spin, while they wait for each other: where other programs
    use the processors too, spinning threads keep them from the thread that is waited for, and one
    photo can take ten times as long. NumPy's arrays are small here (maps), and need no second
    thread. Libraries read this when they load.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    multiprocessing.freeze_support()
    return sys.argv[1:] if arguments is None else arguments


def _help() -> str:
    from engine.cli import COMMANDS

    return _HELP.format(commands=", ".join(COMMANDS))


def _say(stream: TextIO | None, text: str, status: int = 0) -> int:
    if stream is not None:  # on Windows, a program without a console has none
        stream.write(text)
    return status


if __name__ == "__main__":
    sys.exit(main())
