"""The one place where end-to-end tests wait for what another process does."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Between two looks, in seconds. A look may start a process, so it is not short.
_PAUSE_S = 0.1


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 150.0) -> None:
    """Look again and again until the condition holds.

    Args:
        condition: asked at least once.
        what: is waited for, as the message of a failure says it.
        timeout_s: how long at most, in seconds.

    Raises:
        AssertionError: it did not hold in time.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(_PAUSE_S)
