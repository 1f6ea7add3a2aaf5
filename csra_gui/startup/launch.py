"""Whether a start opens a window, and on which library."""

from __future__ import annotations

import importlib
import os
import time

from csra_gui.base.paths import library_file
from csra_gui.startup.arguments import WindowRequest
from csra_gui.startup.handover import Handover, Outcome, hand_over
from csra_gui.startup.instance import Instance, claim_beside

#: How long a window may take to answer before the person is asked.
_MOMENT_S = 5.0


def place_for(request: WindowRequest) -> Instance | int:
    """The place of the window to open; or the exit status, if none is to be opened.

    The window that is open on the library takes over, if there is one and it answers.
    """
    if request.is_new_window:
        return claim_beside(library_file())
    instance = Instance(request.library or library_file())
    handover = Handover(request.paths, os.environ.get("XDG_ACTIVATION_TOKEN", ""))
    deadline = time.monotonic() + _MOMENT_S
    outcome: Outcome | None = hand_over(instance, handover, lambda: time.monotonic() > deadline)
    if outcome is Outcome.NO_ANSWER:
        # Widgets take a while to load, and a start that is answered needs none.
        ask = importlib.import_module("csra_gui.startup.waiting_dialog").ask_while_waiting
        outcome = ask(instance, handover)
    if outcome is Outcome.NO_ANSWER:
        return claim_beside(instance.library)
    if outcome is Outcome.FIRST:
        return instance
    return 0 if outcome is Outcome.HANDED_OVER else 1
