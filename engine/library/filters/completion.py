"""What could come next in a filter that is being typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.api.facts import FACT_WORDS
from engine.api.label_names import SHIPPED_NAMES, LabelNames
from engine.library.filters.tokens import FIELDS, LABEL_FIELDS, MAX_LENGTH
from engine.library.ratings import COLORS, MOST_STARS
from engine.texts import fold

MAX_SUGGESTIONS = 50
_OPERATORS = ("AND", "OR", "NOT")
_CHOICES = {
    "reviewed": ("yes", "no"),
    "tagged": ("yes", "no"),
    "error": ("yes", "no"),
    "source": ("machine", "person", "mine", "file"),
    "rating": ("none", "rejected", *(str(stars) for stars in range(1, MOST_STARS + 1))),
    "color": (*COLORS, "none"),
    "measured": tuple(FACT_WORDS.values()),
}
_PLAIN = re.compile(r"[^\s()<>=:\"*?]+")


@dataclass(frozen=True, slots=True)
class Completion:
    """What could take the place of the characters from ``start`` to ``end``, likeliest first."""

    start: int
    end: int
    suggestions: tuple[str, ...]


def complete(
    text: str,
    cursor: int,
    categories: Sequence[str],
    names: LabelNames = SHIPPED_NAMES,
    cameras: Sequence[str] = (),
) -> Completion:
    """Suggestions for the word that the cursor is in or behind.

    Args:
        text: of the filter, which need not be correct.
        cursor: how many characters are before it.
        categories: names that can be asked for; what they are kinds of is offered, too.
        names: what else they are called; whoever types that is offered the category.
        cameras: their names.
    """
    cursor = max(0, min(cursor, len(text), MAX_LENGTH))
    start, field = _word_before(text[:cursor])
    typed = text[start:cursor].removeprefix('"')
    if field in _CHOICES:
        return Completion(start, cursor, _fitting(_CHOICES[field], typed))
    if field == "camera":
        return Completion(start, cursor, tuple(map(quoted, _fitting(sorted(cameras), typed))))
    if field and field not in LABEL_FIELDS:
        return Completion(start, cursor, ())
    known = tuple(dict.fromkeys((*categories, *names.implied(categories))))
    is_exact = text[:start].endswith("=")
    labels = [quoted(name) for name in fitting(categories if is_exact else known, typed, names)]
    if field or is_exact or text[start:cursor].startswith('"'):
        return Completion(start, cursor, tuple(labels))
    words = _fitting([*(f"{name}:" for name in FIELDS), *_OPERATORS], typed)
    return Completion(start, cursor, (*labels, *words)[:MAX_SUGGESTIONS])


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


def fitting(labels: Sequence[str], typed: str, names: LabelNames | None = None) -> list[str]:
    """The labels that a typed text stands in.

    First come those that begin with it, then those with a word that does, then those with it
    inside, last those with another name that begins with it.

    Args:
        labels: in the order that they keep among their like.
        typed: case and outer spaces do not count.
        names: what else the labels are called; ``None``: nothing, as they are no labels.
    """
    wanted = fold(typed.strip())
    ranks: tuple[list[str], list[str], list[str], list[str]] = ([], [], [], [])
    for label in labels:
        name = fold(label)
        if name.startswith(wanted):
            ranks[0].append(label)
        elif f" {wanted}" in name:
            ranks[1].append(label)
        elif wanted in name:
            ranks[2].append(label)
        elif names and any(fold(one).startswith(wanted) for one in names.others(label)):
            ranks[3].append(label)
    return [label for rank in ranks for label in rank][:MAX_SUGGESTIONS]


def _fitting(words: Sequence[str], typed: str) -> tuple[str, ...]:
    return tuple(fitting(words, typed))
