"""What a download says of itself, and how patient it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stage = Literal["connecting", "downloading", "checking"]


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download is.

    Attributes:
        stage: what is being done.
        done: bytes that are here (or checked).
        total: bytes of the whole; ``None`` if the server does not say.
        note: a sentence to tell the person, once; mostly empty.
    """

    stage: Stage
    done: int
    total: int | None
    note: str = ""


@dataclass(frozen=True)
class DownloadSettings:
    """How patient to be.

    Args:
        attempts: how often to try again in a row without getting any further.
        pause: seconds before the first new try; it doubles each time.
        silence: seconds without a byte after which a connection counts as lost.
        accept_change: take a file that differs from the one recorded at first use.
    """

    attempts: int = 5
    pause: float = 0.5
    silence: float = 30.0
    accept_change: bool = False
