"""A filter's text in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.library.filters.tree import FilterError, Span

Kind = Literal["open", "close", "field", "comparison", "text", "and", "or", "not", "end"]

#: What can stand before a colon; after the first ones comes a category.
LABEL_FIELDS = ("tag", "score", "uncertain", "accepted", "rejected", "added", "imported")
FILE_FIELDS = (
    *("name", "folder", "date", "camera", "rating", "color", "title", "similar", "measured"),
)
FIELDS = (*LABEL_FIELDS, "reviewed", "tagged", "error", "source", "tags", *FILE_FIELDS)
MAX_LENGTH = 2000

# Each alternative begins with another character and none nests: the time is linear.
_PIECE = re.compile(
    r"""(?P<space>\s+)
    |(?P<open>\()
    |(?P<close>\))
    |(?P<comparison>[<>]=?|=)
    |"(?P<quoted>[^"]*)(?P<ending>"?)
    |(?P<word>[^\s()<>="]+)""",
    re.VERBOSE,
)
_OPERATORS: dict[str, Kind] = {"and": "and", "or": "or", "not": "not"}


@dataclass(frozen=True, slots=True)
class Token:
    """One piece; ``text`` is without quotes, and for a field without its colon."""

    kind: Kind
    text: str
    span: Span


def tokens(text: str) -> list[Token]:
    """All pieces and an ``end``.

    Raises:
        FilterError: the text is too long, a quote is open, or a field does not exist.
    """
    if len(text) > MAX_LENGTH:
        raise FilterError(f"A filter has at most {MAX_LENGTH:,} characters.", MAX_LENGTH, len(text))
    found = [token for piece in _PIECE.finditer(text) for token in _read(piece, text)]
    return [*found, Token("end", "", Span(len(text), len(text)))]


def _read(piece: re.Match[str], text: str) -> Iterator[Token]:
    span = Span(*piece.span())
    if piece["quoted"] is not None:
        if not piece["ending"]:
            raise FilterError("A quote is not closed.", span.start, span.end)
        yield Token("text", piece["quoted"], span)
    elif piece["word"]:
        yield from _read_word(piece["word"], span, text)
    elif piece["comparison"]:
        yield Token("comparison", piece["comparison"], span)
    elif not piece["space"]:
        yield Token("open" if piece["open"] else "close", piece[0], span)


def _read_word(word: str, span: Span, text: str) -> Iterator[Token]:
    is_value = text[: span.start].endswith(":")  # of a field, as in folder:C:\photos
    name, colon, rest = word.partition(":")
    if not colon:
        kind = "text" if is_value else _OPERATORS.get(word.lower(), "text")
        yield Token(kind, word, span)
        return
    middle = span.start + len(name) + 1
    if name.lower() not in FIELDS:
        raise FilterError(
            f"There is no field “{name}”; put quotes around what has a colon.", span.start, middle
        )
    yield Token("field", name.lower(), Span(span.start, middle))
    if rest:
        yield Token("text", rest, Span(middle, span.end))
