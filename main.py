"""The composition root: the only file that knows the window and the engine.

No argument or a folder opens the window; a command (``tag``, …) runs without one.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

COMMANDS = ("tag", "explain", "evaluate", "train", "models", "prepare", "runs")
_HELP = f"""usage: csra [FOLDER|PHOTO …]        open the window
       csra COMMAND …               work without a window: {", ".join(COMMANDS)}
       csra COMMAND --help          what a command takes
       csra --samples               open the window on the sample photos
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    _share_processors()
    multiprocessing.freeze_support()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in COMMANDS:
        from engine.cli import run

        return run(arguments)
    if arguments and arguments[0] in ("-h", "--help"):
        sys.stdout.write(_HELP)
        return 0
    if arguments and arguments[0].startswith("-") and arguments != ["--samples"]:
        sys.stderr.write(f"csra: unknown option {arguments[0]!r}\n{_HELP}")
        return 2
    return main_gui(arguments)


def main_gui(arguments: list[str] | None = None) -> int:
    """Open the window on the folders and photos given."""
    _share_processors()
    multiprocessing.freeze_support()
    arguments = sys.argv[1:] if arguments is None else arguments
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


def _share_processors() -> None:
    """Let the threads of a calculation sleep, not spin, while they wait for each other.

    Where other programs use the processors too, spinning threads keep them from the thread that
    is waited for, and one photo can take ten times as long. NumPy's arrays are small here (maps),
    and need no second thread. Libraries read this when they load.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


if __name__ == "__main__":
    sys.exit(main())
