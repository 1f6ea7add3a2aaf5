"""Which labels of a library a filter means, and which rows have any of several."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.api.values import FloatArray
from engine.library.columns import BoolArray, Columns
from engine.library.filters.tree import LabelIs, Node, Span
from engine.library.predictions import HalfArray
from engine.texts import fold

#: Names of labels hardly have more words.
_MOST_WORDS = 5
# Rows that are looked at together: their labels fit the processor's cache, so that many columns of
# a million rows are read from memory once.
_ROWS = 8192


@dataclass(frozen=True, slots=True)
class Meant:
    """A label that a filter asks for.

    Attributes:
        own: its place among the categories; ``None`` if only its kinds are among them.
        kinds: places of those that imply it.
    """

    own: int | None
    kinds: tuple[int, ...] = ()

    @property
    def places(self) -> tuple[int, ...]:
        """Its own and those of its kinds."""
        return self.kinds if self.own is None else (self.own, *self.kinds)


def meant_labels(columns: Columns, pattern: str, *, is_exact: bool) -> list[Meant]:
    """The labels that a name means, or that have a name of this form.

    Args:
        columns: of the library; what its categories imply can be asked for, too.
        pattern: a name, or with ``*`` and ``?`` the form of some.
        is_exact: whether kinds do not count.
    """
    names, categories = columns.label_names, columns.categories
    labels: Sequence[str] = categories
    if not is_exact:
        labels = tuple(dict.fromkeys((*categories, *columns.implied)))
    if "*" not in pattern and "?" not in pattern:
        found = names.search(pattern, labels)
        meant = [] if found is None else [found]
    else:
        matches = glob(pattern, anywhere=False)
        meant = [
            label
            for label in labels
            if any(matches(fold(name)) is not None for name in (label, *names.same(label)))
        ]
    own = {name: place for place, name in enumerate(categories)}
    return [
        Meant(own.get(label), () if is_exact else columns.implied.get(label, ())) for label in meant
    ]


def joined_words(columns: Columns, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Nodes that must all hold, with words that are one name together as one: ``ice cream``.

    They are words next to each other, without quotes or AND, at least one of which is no label's.
    ``dog person`` stays what it is: both.
    """
    found: list[Node] = []
    at = 0
    while at < len(nodes):
        run = run_of_words(nodes, at)
        sizes = range(min(len(run), _MOST_WORDS), 1, -1)
        name = next((name for n in sizes if (name := _one_name(columns, run[:n]))), None)
        found.append(nodes[at] if name is None else name)
        at += 1 if name is None else len(name.category.split(" "))
    return tuple(found)


def run_of_words(nodes: Sequence[Node], start: int) -> list[LabelIs]:
    """The bare words from a node on that stand next to each other, without quotes or AND."""
    run: list[LabelIs] = []
    for node in nodes[start:]:
        if not isinstance(node, LabelIs) or not node.is_word:
            break
        is_quoted = node.span.end - node.span.start != len(node.category)
        if is_quoted or (run and not node.follows_word):
            break
        run.append(node)
    return run


def as_one(words: Sequence[LabelIs]) -> LabelIs:
    """Words next to each other as one name."""
    span = Span(words[0].span.start, words[-1].span.end)
    return LabelIs("tag", " ".join(word.category for word in words), span, is_word=True)


def _one_name(columns: Columns, words: Sequence[LabelIs]) -> LabelIs | None:
    whole = as_one(words)
    if "*" in whole.category or "?" in whole.category:
        return None
    if not meant_labels(columns, whole.category, is_exact=False):
        return None
    each = (meant_labels(columns, word.category, is_exact=False) for word in words)
    return None if all(each) else whole


def any_of(table: BoolArray, places: Sequence[int]) -> BoolArray:
    """(N,): the rows of a table (N, K) that have any of some columns."""
    found: BoolArray = np.zeros(len(table), dtype=bool)
    for start in range(0, len(table), _ROWS):
        rows = slice(start, start + _ROWS)
        for place in places:
            found[rows] |= table[rows, place]
    return found


def highest(scores: HalfArray, places: Sequence[int]) -> FloatArray:
    """(N,) float32: the highest of some columns of scores (N, C); NaN where all are."""
    best = np.full(len(scores), np.nan, dtype=np.float32)
    for start in range(0, len(scores), _ROWS):
        rows = slice(start, start + _ROWS)
        for place in places:
            np.fmax(best[rows], scores[rows, place], out=best[rows])
    return best


def contained(pattern: str) -> str | None:
    """The folded text that names must only contain to fit, if that is all that a pattern says."""
    text = fold(pattern)
    if len(text) > 2 and text[0] == text[-1] == "*":
        text = text[1:-1]
    elif "*" in text:
        return None
    return None if "*" in text or "?" in text or not text else text


def glob(pattern: str, *, anywhere: bool) -> Callable[[str], re.Match[str] | None]:
    """A test of folded texts: ``*`` is any characters, ``?`` is one.

    Args:
        pattern: folded here.
        anywhere: without ``*`` and ``?`` the text need only contain the pattern.
    """
    pieces = fold(pattern).split("*")
    if anywhere and len(pieces) == 1 and "?" not in pattern:
        pieces = ["", *pieces, ""]
    first, *middle = ["".join("." if c == "?" else re.escape(c) for c in p) for p in pieces]
    if not middle:
        return re.compile(first, re.DOTALL).fullmatch
    *middle, last = middle
    # Atomic groups: the first place where a piece fits is as good as any, so nothing is tried
    # twice and the time is linear in the text for each piece.
    inner = "".join(f"(?>.*?{piece})" for piece in middle if piece)
    return re.compile(f"{first}{inner}.*{last}", re.DOTALL).fullmatch
