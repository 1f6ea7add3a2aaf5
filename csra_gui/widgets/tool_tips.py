"""Tool tips of text from files."""

from __future__ import annotations

from collections.abc import Sequence


def plain_tool_tip(lines: Sequence[str]) -> str:
    """Text for a tool tip that Qt shows literally, whatever is in it.

    A tool tip has no text format to set and guesses; escaped text in a ``pre`` leaves no guess.
    """
    escaped = (line.replace("&", "&amp;").replace("<", "&lt;") for line in lines)
    return "<p style='white-space:pre'>" + "<br>".join(escaped) + "</p>"
