"""What if the model's head were another: λ, the temperatures, or fewer heads."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.api.values import PositionScores
from engine.explain.evidence import with_head


@dataclass(frozen=True, slots=True)
class HeadChange:
    """Another head on the same features; ``None`` keeps what the model has.

    Attributes:
        lam: λ, ≥ 0.
        temperatures: one per head of the model, also of those that are off.
        heads: which heads count, at least one.
    """

    lam: float | None = None
    temperatures: tuple[float, ...] | None = None
    heads: tuple[bool, ...] | None = None

    @property
    def is_none(self) -> bool:
        """Whether everything is as the model has it."""
        return self.lam is None and self.temperatures is None and self.heads is None

    def applied(self, scores: PositionScores) -> PositionScores:
        """The position scores under this head: arithmetic alone, and exact."""
        if self.is_none:
            return scores
        return with_head(scores, lam=self.lam, temperatures=self.temperatures, heads=self.heads)

    def place_of(self, head: int) -> int | None:
        """Where a head of the model is among those that are on; ``None`` if it is off."""
        if self.heads is None:
            return head
        return sum(self.heads[:head]) if self.heads[head] else None

    def text(self) -> str:
        """What is different, for people; empty if nothing is."""
        parts = [] if self.lam is None else [f"λ = {self.lam:g}"]
        if self.temperatures is not None:
            listed = ", ".join(dict.fromkeys(map(temperature_text, self.temperatures)))
            parts.append(f"T = {listed}")
        if self.heads is not None:
            off = [str(place + 1) for place, on in enumerate(self.heads) if not on]
            parts.append(f"without head {', '.join(off)}")
        return " · ".join(parts)


def temperature_text(temperature: float) -> str:
    """A temperature as it is printed; infinity is max pooling."""
    return "max" if math.isinf(temperature) else f"{temperature:g}"
