"""Numbers of evaluations as people read them."""

from __future__ import annotations

import math
from datetime import datetime

NOTHING = "–"


def percent(value: float | None) -> str:
    """A fraction as a percentage with one decimal; a dash if it is undefined."""
    return NOTHING if value is None or math.isnan(value) else f"{100 * value:.1f}"


def date_text(date: str) -> str:
    """A run's date in local time, to the minute; as it is if it cannot be read."""
    try:
        return datetime.fromisoformat(date).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return date
