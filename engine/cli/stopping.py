"""Ctrl-C as a wish that is met when the work can be stopped well."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator


@contextlib.contextmanager
def stop_wish() -> Generator[threading.Event, None, None]:
    """Turn the first Ctrl-C, or request to end, into a wish; the second ends the program.

    Yields:
        Set once it is wished.
    """
    wish = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def on_signal(_number: int, _frame: object) -> None:
        wish.set()
        restore()

    for number in before:
        signal.signal(number, on_signal)
    try:
        yield wish
    finally:
        restore()
