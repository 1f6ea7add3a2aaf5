"""Text for people: of files, made safe to show, numbers and amounts in words; for comparing."""

from __future__ import annotations

import math
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import PurePath

#: Where there is nothing to say.
NOTHING = "–"
#: The highest score below 1 that has one decimal.
_SUREST = 0.999

#: Texts that are looked at in one go, in which no other thread has its turn.
_FOLDED_TOGETHER = 500
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def display_text(text: str) -> str:
    """The text on one line, with nothing in it that hides, reorders or breaks what is shown.

    Bytes that are not UTF-8, control characters and text-direction overrides become visible
    replacement marks. Joiners stay: emoji and several scripts need them.
    """
    return "".join(_visible(c) for c in text)


def display_path(path: str | os.PathLike[str]) -> str:
    """The whole path, safe to show."""
    return display_text(os.fspath(path))


def display_name(path: PurePath) -> str:
    """The last part of the path, safe to show."""
    return display_text(path.name or os.fspath(path))


def reason_text(error: BaseException) -> str:
    """Why something failed, for the end of a sentence.

    What the system says of a file is its words alone: its number means nothing to a person, and
    the name may be that of a temporary file.
    """
    return display_text((error.strerror if isinstance(error, OSError) else "") or str(error))


def without_home(text: str) -> str:
    """A text that others may read: ``~`` stands where the person's home folder was named."""
    home = os.path.expanduser("~")  # noqa: PTH111 - that a path has no home is no fault here
    for folder in sorted({home, os.path.realpath(home)}, key=len, reverse=True):
        if os.path.dirname(folder) != folder:  # noqa: PTH120 - the root is nobody's home
            text = re.sub(rf"{re.escape(folder)}(?![\w.-])", "~", text)
    return text


def fold(text: str) -> str:
    """Text for comparing, without regard to case and to how letters are composed."""
    return unicodedata.normalize("NFC", text).casefold()


def fold_all(texts: Sequence[str]) -> Iterator[str]:
    """Each of many texts folded, some hundred at a time: that takes a fraction of the time."""
    for first in range(0, len(texts), _FOLDED_TOGETHER):
        some = texts[first : first + _FOLDED_TOGETHER]
        folded = fold("\0".join(some)).split("\0")
        yield from folded if len(folded) == len(some) else map(fold, some)


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cf" and character in "\u200c\u200d":
        return character
    return _REPLACEMENT if kind in {"Cc", "Cf", "Cs", "Zl", "Zp"} else character


# Numbers.


def number(value: float | None, decimals: int, *, signed: bool = False) -> str:
    """A number rounded for people: "0.50", "−1.2", "+3"; 0 has no minus, whatever it was before.

    Args:
        value: not finite or ``None`` gives a dash.
        decimals: how many.
        signed: whether a plus is written too.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    rounded = round(float(value), decimals) + 0.0  # of −0.0 this makes 0.0
    return f"{rounded:{'+' if signed else ''},.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def percent(share: float | None, unit: str = "") -> str:
    """A share with one decimal: "91.4"; a dash where nothing is known."""
    text = number(None if share is None else 100 * share, 1)
    return text if text == NOTHING else text + unit


def sure_percent(score: float, threshold: float = 0.0) -> str:
    """A score with one decimal; only 1 itself is called 100 %.

    Args:
        score: in [0, 1].
        threshold: that stands beside it; a score that reaches it never looks lower.
    """
    shown = score if score >= 1.0 else min(score, max(_SUREST, threshold))
    return percent(shown, " %")


def whole_percent(share: float) -> str:
    """A share without decimals: "91 %"."""
    return f"{number(100 * share, 0)} %"


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


def about(seconds: float) -> str:
    """A duration that is only guessed: "about 4 min"."""
    step = 5 if seconds < 57.5 else 60 if seconds < 3570 else 300
    return f"about {duration(max(step, round(seconds / step) * step))}"


def remaining_text(seconds: float) -> str:
    """How long yet: "about 4 min left"; empty if it is not a sensible number."""
    if not math.isfinite(seconds):
        return ""
    return "almost done" if seconds < 3 else f"{about(seconds)} left"


def rate_text(per_second: float) -> str:
    """A speed: "14.2 photos/s"; empty if it is not a sensible number."""
    if not math.isfinite(per_second) or per_second <= 0:
        return ""
    if per_second >= 100:
        return f"{per_second:,.0f} photos/s"
    return f"{per_second:.1f} photos/s" if per_second >= 0.1 else f"{per_second:.2f} photos/s"


def megabytes(size: int) -> str:
    """Bytes of a file: "170.5 MB"."""
    return f"{size / 1e6:,.1f} MB"


def byte_rate_text(per_second: float) -> str:
    """A speed: "3.2 MB/s"; empty if it is not a sensible number."""
    if not math.isfinite(per_second) or per_second <= 0:
        return ""
    return f"{per_second / 1e6:.1f} MB/s" if per_second >= 1e5 else f"{per_second / 1e3:.0f} kB/s"


def change(before: float | None, after: float | None) -> str:
    """The difference in points: "+1.2"; empty where one of both is not known."""
    if before is None or after is None or not (math.isfinite(before) and math.isfinite(after)):
        return ""
    points = number(100 * (after - before), 1, signed=True)
    return "±0" if points == "+0.0" else points


def gib(count: int) -> str:
    """Bytes of memory: "1.5 GB", "800 MB"."""
    return f"{count / 2**30:.1f} GB" if count >= 2**30 / 10 else f"{count / 2**20:.0f} MB"


def photos_text(count: int) -> str:
    """So many photos."""
    return f"{count:,} photo" if count == 1 else f"{count:,} photos"


def date_text(date: str) -> str:
    """A date in ISO 8601 in local time, to the minute; as it is if it cannot be read."""
    try:
        return datetime.fromisoformat(date).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return date
