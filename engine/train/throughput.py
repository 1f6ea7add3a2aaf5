"""How fast a run is of late, and how long it will take."""

from __future__ import annotations

from collections import deque

_STEPS = 20


class Throughput:
    """Measures the last steps; whatever happens between two of them does not count."""

    def __init__(self) -> None:
        self._steps: deque[tuple[int, float]] = deque(maxlen=_STEPS)
        self.evaluation_seconds = 0.0

    def add(self, images: int, seconds: float) -> None:
        """Take a step in."""
        self._steps.append((images, seconds))

    @property
    def images_per_second(self) -> float:
        """Of the last steps together; 0 before the first."""
        seconds = sum(seconds for _, seconds in self._steps)
        return sum(images for images, _ in self._steps) / seconds if seconds else 0.0

    def remaining(self, steps: int, evaluations: int) -> float:
        """Seconds for so many more steps and evaluations."""
        per_step = sum(seconds for _, seconds in self._steps) / max(1, len(self._steps))
        return steps * per_step + evaluations * self.evaluation_seconds
