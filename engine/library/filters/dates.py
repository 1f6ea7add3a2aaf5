"""Dates in filters: a year, a month or a day, in the time zone of this computer."""

from __future__ import annotations

import re
from datetime import datetime

from engine.library.filters.tree import Comparison

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?", re.ASCII)
_ALWAYS = (-(2**63), 2**63 - 1)
_YEARS = range(1971, 2200)


def parse_dates(text: str, comparison: Comparison | None) -> tuple[int, int]:
    """The time [start, end) that is meant, in ns since 1970.

    Args:
        text: ``2024``, ``2024-05``, ``2024-05-17``, or two of them as in ``2024-05..2024-07``.
        comparison: of a file's time with that; ``None`` is ``=``.

    Raises:
        ValueError: it is no date; the message is for a person.
    """
    first, _, last = text.partition("..")
    start, end = _bounds(first)[0], _bounds(last or first)[1]
    if start >= end:
        raise ValueError("The first date is after the second.")
    earliest, latest = _ALWAYS
    return {
        "<": (earliest, start),
        "<=": (earliest, end),
        "=": (start, end),
        ">=": (start, latest),
        ">": (end, latest),
    }[comparison or "="]


def _bounds(text: str) -> tuple[int, int]:
    match = _DATE.fullmatch(text)
    if match is None or int(match[1]) not in _YEARS:
        raise ValueError("A date is written as 2024, 2024-05 or 2024-05-17.")
    year, month, day = (None if part is None else int(part) for part in match.groups())
    try:
        start = datetime(year or 0, month or 1, day or 1)
        return _ns(start), _ns(_after(start, month, day))
    except ValueError:
        raise ValueError("There is no such day.") from None


def _after(start: datetime, month: int | None, day: int | None) -> datetime:
    if day is not None:
        return datetime.fromordinal(start.toordinal() + 1)
    if month is None or month == 12:
        return datetime(start.year + 1, 1, 1)
    return datetime(start.year, month + 1, 1)


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9  # a datetime without a zone is local time
