"""Tool tips that fit: Qt breaks no line of plain text, however long it is."""

from __future__ import annotations

import html
import textwrap
import unicodedata
from functools import lru_cache

#: Columns of the longest line; letters of East Asia take two.
TOOL_TIP_COLUMNS = 64


def tool_tip(*lines: str) -> str:
    """Text for a tool tip: long lines are broken, and nothing in it is taken for markup."""
    text = "\n".join(filter(None, map(_broken, lines)))
    if "<" not in text:  # Qt takes it for plain text
        return text
    escaped = html.escape(text, quote=False).replace("\n", "<br>")
    return f"<p style='white-space:pre'>{escaped}</p>"


@lru_cache(maxsize=1024)  # a window starts with some 300, and asks for most of them often
def _broken(line: str) -> str:
    is_wide = any(unicodedata.east_asian_width(letter) in "WF" for letter in line)
    columns = TOOL_TIP_COLUMNS // 2 if is_wide else TOOL_TIP_COLUMNS
    return "\n".join(part for each in line.split("\n") for part in textwrap.wrap(each, columns))
