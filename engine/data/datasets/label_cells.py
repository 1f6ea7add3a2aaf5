"""What stands in one cell of a list of labels: names, or a score."""

from __future__ import annotations

import math
import re

_BETWEEN_LABELS = re.compile(r"[;,|\n]")
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_BRACKETS = {"[": "]", "(": ")", "{": "}"}
# What our own CSV puts an apostrophe before, so that no spreadsheet runs it.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# How programs write that there is nothing to say.
_UNTOLD = frozenset({"?", "nan", "n/a", "<na>", "null"})
# Of a score that rounding has put a little above 1.
_MARGIN = 1e-3


def labels_of(cell: str) -> list[str]:
    """One label or several, divided by ``;`` ``,`` ``|`` or as a list of Python or JSON.

    A mark that nobody knows (``?``, ``NaN``) becomes an empty name, which no category has.
    """
    is_list = len(cell) > 1 and _BRACKETS.get(cell[0]) == cell[-1]
    quoted = [single or double for single, double in _QUOTED.findall(cell)] if is_list else []
    if not quoted:
        inner = cell[1:-1] if is_list and cell[0] == "[" else cell
        quoted = _BETWEEN_LABELS.split(inner)
    labels = [label for part in quoted if (label := plain(part))]
    return ["" if label.casefold() in _UNTOLD else label for label in labels]


def score_of(cell: str) -> float | None:
    """A score of 0 to 1; 1 where there is none, ``None`` if it is no such number."""
    try:
        score = float(cell.replace(",", ".")) if cell.strip() else 1.0
    except ValueError:
        return None
    is_score = math.isfinite(score) and -_MARGIN <= score <= 1 + _MARGIN
    return score if is_score else None


def plain(cell: str) -> str:
    """A cell without the blanks around it and the apostrophe that our own CSV puts before some."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'").startswith(_FORMULA_STARTS) else cell
