"""What could come next in a filter that is being typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.library.columns import fold
from engine.library.filters.tokens import FIELDS, LABEL_FIELDS, MAX_LENGTH

MAX_SUGGESTIONS = 50
_OPERATORS = ("AND", "OR", "NOT")
_CHOICES = {
    "reviewed": ("yes", "no"),
    "tagged": ("yes", "no"),
    "error": ("yes", "no"),
    "source": ("machine", "person"),
}
_PLAIN = re.compile(r"[^\s()<>=:\"*?]+")


@dataclass(frozen=True, slots=True)
class Completion:
    """What could take the place of the characters from ``start`` to ``end``, likeliest first."""

    start: int
    end: int
    suggestions: tuple[str, ...]


def complete(text: str, cursor: int, categories: Sequence[str]) -> Completion:
    """Suggestions for the word that the cursor is in or behind.

    Args:
        text: of the filter, which need not be correct.
        cursor: how many characters are before it.
        categories: names that can be asked for.
    """
    cursor = max(0, min(cursor, len(text), MAX_LENGTH))
    start, field = _word_before(text[:cursor])
    typed = text[start:cursor].removeprefix('"')
    if field in _CHOICES:
        return Completion(start, cursor, _fitting(_CHOICES[field], typed))
    if field and field not in LABEL_FIELDS:
        return Completion(start, cursor, ())
    names = [quoted(name) for name in _fitting(categories, typed)]
    if field or text[start:cursor].startswith('"'):
        return Completion(start, cursor, tuple(names))
    words = _fitting([*(f"{name}:" for name in FIELDS), *_OPERATORS], typed)
    return Completion(start, cursor, (*names, *words)[:MAX_SUGGESTIONS])


def quoted(name: str) -> str:
    """A category's name as it must stand in a filter."""
    if _PLAIN.fullmatch(name) and name.upper() not in _OPERATORS:
        return name
    # A quote within quotes cannot be written; the sign for one character stands for it.
    return '"' + name.replace('"', "?") + '"'


def _word_before(text: str) -> tuple[int, str]:
    """Where the word at the end of a text begins, and the field that it belongs to, or ``""``."""
    if text.count('"') % 2:
        start = text.rindex('"')
    else:
        start = max((text.rfind(c) + 1 for c in ' \t\n()<>="'), default=0)
        name, colon, _ = text[start:].partition(":")
        if colon:
            return start + len(name) + 1, name.lower()
    before = re.search(r"([a-z]{1,20}):\Z", text[:start][-21:].lower())
    return start, before[1] if before else ""


def _fitting(words: Sequence[str], typed: str) -> tuple[str, ...]:
    """Words that begin so, then words that have it inside."""
    wanted = fold(typed)
    begin = [word for word in words if fold(word).startswith(wanted)]
    inside = [word for word in words if wanted in fold(word) and word not in begin]
    return tuple([*begin, *inside][:MAX_SUGGESTIONS])
