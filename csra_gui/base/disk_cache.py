"""Files that can be made anew, as the settings tell of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from csra_gui.base.settings import Setting


@dataclass(frozen=True, slots=True)
class DiskCache:
    """One cache on the disk.

    Attributes:
        caption: what is in it.
        limit: the setting that says how large it may be.
        size: its bytes now; called in a worker.
        clear: empties it; called in a worker.
        obstacle: why it cannot be emptied now; empty if it can.
    """

    caption: str
    limit: Setting
    size: Callable[[], int]
    clear: Callable[[], object]
    obstacle: Callable[[], str] = str
