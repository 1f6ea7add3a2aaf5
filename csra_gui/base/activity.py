"""Long work as a person sees it: what goes on, how far it is, and the ways to end it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from engine.texts import byte_rate_text, megabytes, number, rate_text, remaining_text

_AVERAGE_OVER_S = 8.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something is.

    Attributes:
        text: what goes on, for example "Tagging".
        detail: how much, how fast and how long yet, as people read it.
        done: pieces that are ready.
        total: pieces there are; ``None`` while nobody knows, 0 shows no bar.
        can_cancel: whether it can be ended now.
        can_pause: whether it can wait.
        is_paused: it waits to be gone on with.
    """

    text: str
    detail: str = ""
    done: int = 0
    total: int | None = None
    can_cancel: bool = True
    can_pause: bool = False
    is_paused: bool = False

    @property
    def line(self) -> str:
        """All of it in one line."""
        return " · ".join(part for part in (self.text, self.detail) if part)


def counted(
    text: str, done: int, total: int, rate_per_s: float | None = None, *, can_pause: bool = False
) -> Progress:
    """The progress through images; ``rate_per_s`` is ``None`` while it is unknown."""
    parts = [f"{done:,} of {total:,}"]
    if rate_per_s:
        parts.append(rate_text(rate_per_s))
        if done < total:
            parts.append(remaining_text((total - done) / rate_per_s))
    return Progress(text, " · ".join(parts), done, total, can_pause=can_pause)


def transferred(text: str, done: int, total: int | None, rate_per_s: float | None) -> Progress:
    """The progress of a download in bytes; ``None`` is what nobody knows."""
    here = megabytes(done) if total is None else f"{number(done / 1e6, 1)} of {megabytes(total)}"
    parts = [here] if done or total else []
    if rate_per_s:
        parts.append(byte_rate_text(rate_per_s))
        if total is not None:
            parts.append(remaining_text((total - done) / rate_per_s))
    return Progress(text, " · ".join(parts), done, total)


class Activity(QObject):
    """Work that is shown wherever a person may watch it, as long as it has a progress.

    Args:
        parent: who does the work.
        cancel: ends it, if the person may.
        pause: lets it wait.
        resume: goes on with it.
        show: shows more of it, by a button with this caption.
        name: of the bar, for screen readers.

    Signals:
        progress_changed: ``progress`` is another one, or ``None``: nothing goes on.
    """

    progress_changed = Signal()

    def __init__(
        self,
        parent: QObject,
        *,
        cancel: Callable[[], object] | None = None,
        pause: Callable[[], object] | None = None,
        resume: Callable[[], object] | None = None,
        show: tuple[str, Callable[[], object]] | None = None,
        name: str = "Progress",
    ) -> None:
        super().__init__(parent)
        self.cancel, self.pause, self.resume, self.show = cancel, pause, resume, show
        self.name = name
        self.progress: Progress | None = None

    def set_progress(self, progress: Progress | None) -> None:
        """Say how far it is; ``None`` ends it."""
        self.progress = progress
        self.progress_changed.emit()


class MovingRate:
    """Items per second over the last few seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, done: int) -> float | None:
        """Note that so many are done now; the rate, or ``None`` while it is unknown."""
        self._points.append((now_s, done))
        while len(self._points) > 2 and now_s - self._points[1][0] >= _AVERAGE_OVER_S:
            self._points.popleft()
        first_s, first_done = self._points[0]
        if done == first_done or now_s <= first_s:
            return None
        return (done - first_done) / (now_s - first_s)
