"""Making the graph of a network once, beside other work, in a process that gives way to all."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.process import BaseProcess
from pathlib import Path

# It ends at once when it is told to; a longer wait would be the window's.
_WAIT_S = 1.0


class GraphMaker:
    """Makes graphs, one model at a time; those asked for meanwhile are made another time."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None

    def make_for(self, path: Path) -> None:
        """Make the graph of a model file, so that it is there when the model is opened again."""
        if self._process is not None and self._process.is_alive():
            return
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_make, args=(path,), daemon=True)
        self._process.start()

    def close(self) -> None:
        """Stop; what was begun leaves no file."""
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join(_WAIT_S)


def _make(path: Path) -> None:
    if hasattr(os, "nice"):
        os.nice(19)
    from engine.service.measuring import measure_once  # noqa: PLC0415  # seconds
    from engine.service.with_pytorch import make_graph  # noqa: PLC0415  # seconds

    make_graph(path)
    measure_once(path)
