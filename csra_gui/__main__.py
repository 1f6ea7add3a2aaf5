"""The composition root: the one module that knows both the window and the engine's inside.

No argument or a folder opens the window; a command (``tag``, …) runs without one. Only the entries
of the program (``csra``, ``csra-gui``, ``python -m csra_gui``, ``main.py``) import this module.
What it puts together it imports when it is needed, after the settings of the libraries.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pathlib import Path

    from csra_gui.startup.instance import Instance


def main(arguments: list[str] | None = None) -> int:
    """Run a command, or the window; returns the exit status."""
    is_program = arguments is None
    arguments = _begin(arguments)
    from engine.cli import COMMANDS, run
    from engine.cli.interrupts import ignore_interrupts

    if arguments[:1] and arguments[0] in COMMANDS:
        status = run(arguments)
        if is_program:
            ignore_interrupts()
        return status
    return main_gui(arguments)


def main_gui(arguments: list[str] | None = None) -> int:
    """Open the window on the folders and photos given; returns the exit status."""
    arguments = _begin(arguments)
    from csra_gui.startup.arguments import UsageError, missing_text, parse
    from csra_gui.startup.launch import place_for
    from engine.cli import COMMANDS

    try:
        request = parse(arguments, COMMANDS)
    except UsageError as error:
        return _say(sys.stderr if error.status else sys.stdout, error.text, error.status)
    if request.missing:
        _say(sys.stderr, f"csra: {missing_text(request.missing)}\n")
    place = place_for(request)
    return place if isinstance(place, int) else _open_window(request.paths, place)


def _open_window(paths: tuple[Path, ...], instance: Instance) -> int:
    from engine.api.remote import RemoteEngine, started_engine
    from engine.service.server import TRAINER_STOP_S, serve_local, serve_trainer

    engines = [started_engine(serve_local)]  # beside the import of what the window takes
    from csra_gui.app import run
    from engine.resources import resource_path

    return run(
        lambda: engines.pop() if engines else RemoteEngine(serve_local),
        paths,
        samples=resource_path("samples"),
        trainer_factory=lambda: RemoteEngine(serve_trainer, TRAINER_STOP_S),
        instance=instance,
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
    if hasattr(sys, "frozen"):
        import multiprocessing

        multiprocessing.freeze_support()
    if arguments is not None:
        return arguments
    # Where torchrun started us, it ends us, and what ends us then waits for no call of a library.
    ends = (signal.SIGINT, *(() if "WORLD_SIZE" in os.environ else (signal.SIGTERM,)))
    for number in ends:
        if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL):
            signal.signal(number, _end_at_once)
    return sys.argv[1:]


def _end_at_once(number: int, _frame: object) -> None:
    """Nothing has begun, and whatever is just loading might call it a failure of its own."""
    with contextlib.suppress(OSError):  # a program without a console has no streams
        os.write(2, b"Stopped.\n")
    os._exit(128 + number)


def _say(stream: TextIO | None, text: str, status: int = 0) -> int:
    if stream is not None:
        stream.write(text)
    elif sys.platform == "win32":  # a program without a console has no streams
        import ctypes

        ctypes.windll.user32.MessageBoxW(None, text, "CSRA", 0)
    return status


if __name__ == "__main__":
    sys.exit(main())
