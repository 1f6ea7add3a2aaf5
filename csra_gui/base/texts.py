"""Numbers, durations and amounts as people read them."""

from __future__ import annotations

import math

_MB = 10**6


def remaining_text(seconds: float) -> str:
    """A duration as people say it: "about 4 min left"; empty if it is not a sensible number."""
    if not math.isfinite(seconds):
        return ""
    seconds = max(0.0, seconds)
    if seconds < 3:
        return "almost done"
    if seconds < 57.5:
        return f"about {max(5, round(seconds / 5) * 5)} s left"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"about {minutes} min left"
    hours, rest = divmod(round(minutes / 5) * 5, 60)
    return f"about {hours} h {rest} min left" if rest else f"about {hours} h left"


def rate_text(per_second: float) -> str:
    """A speed: "14.2 images/s"; empty if it is not a sensible number."""
    if not math.isfinite(per_second) or per_second <= 0:
        return ""
    if per_second >= 100:
        return f"{per_second:,.0f} images/s"
    return f"{per_second:.1f} images/s" if per_second >= 0.1 else f"{per_second:.2f} images/s"


def bytes_text(done: int, total: int | None) -> str:
    """How much of a file is here: "12.3 of 170.5 MB"; only what is here if nobody knows more."""
    if total is None:
        return f"{done / _MB:,.1f} MB"
    return f"{done / _MB:,.1f} of {total / _MB:,.1f} MB"


def byte_rate_text(per_second: float) -> str:
    """A speed: "3.2 MB/s"; empty if it is not a sensible number."""
    if not math.isfinite(per_second) or per_second <= 0:
        return ""
    return f"{per_second / _MB:.1f} MB/s" if per_second >= 1e5 else f"{per_second / 1e3:.0f} kB/s"
