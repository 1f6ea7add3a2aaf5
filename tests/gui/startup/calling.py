"""A second start, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from csra_gui.startup.handover import Handover, Outcome, hand_over
from csra_gui.startup.instance import Instance


class SecondStart:
    """Calls the window on a library, as another process would."""

    def __init__(self, library: Path, *paths: Path, token: str = "") -> None:
        self.instance = Instance(library)
        self.outcome: Outcome | None = None
        self.given_up = threading.Event()
        self._handover = Handover(paths, token)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.outcome = hand_over(self.instance, self._handover, self.given_up.is_set)

    def is_through(self) -> bool:
        return not self._thread.is_alive()

    def give_up(self) -> None:
        self.given_up.set()
        self._thread.join()


Call = Callable[..., SecondStart]
