"""Numbers, durations and amounts as people read them."""

from __future__ import annotations

import math
from datetime import datetime

_MB = 10**6
#: Where there is nothing to say.
NOTHING = "–"


def percent(share: float | None, unit: str = "") -> str:
    """A share with one decimal: "91.4"; a dash where nothing is known."""
    return NOTHING if share is None or not math.isfinite(share) else f"{100 * share:.1f}{unit}"


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


def change(before: float | None, after: float | None) -> str:
    """The difference in points: "+1.2"; empty where one of both is not known."""
    if before is None or after is None or not (math.isfinite(before) and math.isfinite(after)):
        return ""
    points = round(100 * (after - before), 1)
    return "±0" if points == 0 else f"{points:+.1f}".replace("-", "−")


def duration(seconds: float) -> str:
    """A duration as people say it: "40 s", "12 min", "3 h 20 min"."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 60:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def gib(count: int) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.1f} GB" if count >= 2**30 / 10 else f"{count / 2**20:.0f} MB"


def photos(count: int) -> str:
    """So many photos."""
    return f"{count:,} photo" if count == 1 else f"{count:,} photos"


def date_text(date: str) -> str:
    """A date in ISO 8601 in local time, to the minute; as it is if it cannot be read."""
    try:
        return datetime.fromisoformat(date).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return date
