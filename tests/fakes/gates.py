"""Events that hold a fake up until the test lets it go on."""

from __future__ import annotations

import threading


def opened_gate() -> threading.Event:
    """A gate that holds nobody up until it is cleared."""
    gate = threading.Event()
    gate.set()
    return gate
