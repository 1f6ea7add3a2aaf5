"""Cores of a machine for one worker each, so that several workers do not fight for the same ones.

A network takes as many threads as its process may use cores, and so many pictures are decoded at
once: a worker that was promised one core must see one.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import tempfile
from pathlib import Path

from engine.atomic import lock

#: On one core are so many workers at most.
_MOST_ON_ONE = 64


class Cores:
    """The cores that this process took; others get them when it ends, however it does.

    Args:
        wanted: how many; a fraction shares one with others.
        folder: where processes of this machine lock what they take; ``None`` chooses.

    Attributes:
        taken: their numbers; empty if nothing was taken, and all stay allowed.
    """

    def __init__(self, wanted: float, folder: Path | None = None) -> None:
        self._locks = contextlib.ExitStack()
        self.taken: tuple[int, ...] = ()
        if sys.platform != "linux" or wanted <= 0:
            return
        allowed = sorted(os.sched_getaffinity(0))
        if wanted >= len(allowed):
            return
        place = folder or Path(tempfile.gettempdir(), f"csra-cores-{os.getuid()}")
        with contextlib.suppress(OSError):  # then the workers share as the system sees fit
            place.mkdir(mode=0o700, exist_ok=True)
            self.taken = self._take(place, allowed, wanted)
        if self.taken:
            os.sched_setaffinity(0, self.taken)

    def _take(self, place: Path, allowed: list[int], wanted: float) -> tuple[int, ...]:
        shares = 1 if wanted >= 1 else min(_MOST_ON_ONE, int(1 / wanted))
        found: list[int] = []
        for share in range(shares):
            for core in allowed:
                if len(found) < math.ceil(wanted) and self._has(place / f"{core}-{share}"):
                    found.append(core)
        if len(found) < math.ceil(wanted):
            self._locks.close()
            return ()
        return tuple(found)

    def _has(self, file: Path) -> bool:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            lock(descriptor)
        except OSError:
            os.close(descriptor)
            return False
        self._locks.callback(os.close, descriptor)
        return True

    def close(self) -> None:
        """Leave them to others."""
        self._locks.close()
