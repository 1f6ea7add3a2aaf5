"""The language of filters: ``dog AND NOT person``, ``score:dog>0.4``, ``name:"IMG_*"``.

Words next to each other must all hold; OR binds weaker, NOT stronger. A word by itself is a
label, or else a part of a file's name; names with spaces, colons or operators' names go in quotes,
which those with spaces do without where one of their words is no label (``meant.joined_words``).
A label is also found by its kinds (``animal`` by ``dog``); ``=animal`` asks for that very label.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from datetime import datetime
from difflib import get_close_matches
from typing import cast, get_args

from engine.api.facts import FACT_WORDS, facts_named
from engine.library.filters.tokens import Token, tokens
from engine.library.filters.tree import (
    AllOf,
    AnyOf,
    CameraIs,
    ColorIs,
    Comparison,
    DateIn,
    Everything,
    FilterError,
    Flag,
    FlagIs,
    FolderIs,
    LabelIs,
    MeasuredIs,
    NameIs,
    Node,
    Not,
    Question,
    RatingIs,
    ScoreIs,
    SimilarTo,
    Source,
    SourceIs,
    Span,
    TagCountIs,
    TitleIs,
)
from engine.library.ratings import MOST_STARS, REJECTED

MAX_DEPTH = 40
YES_OR_NO = {"yes": True, "no": False, "true": True, "false": False}
#: What each word for a source means; "mine" reads better to some.
SOURCES: dict[str, Source] = {
    "machine": "machine",
    "person": "person",
    "mine": "person",
    "file": "file",
}
_NONE = "none"
_RATINGS = {_NONE: 0, "rejected": REJECTED}
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?", re.ASCII)
_ALWAYS = (-(2**63), 2**63 - 1)
_YEARS = range(1971, 2200)


def parse(text: str) -> Node:
    """The tree of a filter; an empty text is a filter that wants everything.

    Raises:
        FilterError: it cannot be understood; says where.
    """
    return _Parser(tokens(text)).run()


class _Parser:
    """Recursive descent; each level of parentheses or NOT is one deeper, and depth is limited."""

    def __init__(self, pieces: list[Token]) -> None:
        self._pieces = pieces
        self._next = 0

    def run(self) -> Node:
        if self._here().kind == "end":
            return Everything()
        node = self._any_of(0)
        if self._here().kind != "end":
            raise _error("This parenthesis was never opened.", self._here().span)
        return node

    def _here(self) -> Token:
        return self._pieces[self._next]

    def _take(self) -> Token:
        token = self._here()
        self._next += 1
        return token

    def _any_of(self, depth: int) -> Node:
        nodes = [self._all_of(depth)]
        while self._here().kind == "or":
            self._take()
            nodes.append(self._all_of(depth))
        return nodes[0] if len(nodes) == 1 else AnyOf(tuple(nodes))

    def _all_of(self, depth: int) -> Node:
        nodes = [self._one(depth)]
        while self._here().kind not in ("or", "close", "end"):
            if self._here().kind == "and":
                self._take()
            nodes.append(self._one(depth))
        return nodes[0] if len(nodes) == 1 else AllOf(tuple(nodes))

    def _one(self, depth: int) -> Node:
        token = self._here()
        if depth > MAX_DEPTH:
            raise _error("This filter is nested too deeply.", token.span)
        if token.kind == "end":
            raise _error("Something is missing at the end.", token.span)
        self._take()
        if token.kind == "not":
            return Not(self._one(depth + 1))
        if token.kind == "open":
            return self._in_parentheses(token, depth)
        if token.kind == "field":
            return self._field(token)
        if token.kind == "comparison" and token.text == "=" and self._here().kind == "text":
            word = _not_empty(self._take())
            return LabelIs("tag", word.text, word.span, is_exact=True)
        if token.kind == "text":
            follows = self._next > 1 and self._pieces[self._next - 2].kind == "text"
            text = _not_empty(token).text
            return LabelIs("tag", text, token.span, is_word=True, follows_word=follows)
        raise _error(f"“{token.text}” cannot stand here.", token.span)

    def _in_parentheses(self, opening: Token, depth: int) -> Node:
        node = self._any_of(depth + 1)
        if self._here().kind != "close":
            raise _error("This parenthesis is not closed.", opening.span)
        self._take()
        return node

    def _field(self, field: Token) -> Node:
        name = field.text
        if name in get_args(Question):
            is_exact = self._is_exact()
            token = self._value(field)
            return LabelIs(cast(Question, name), token.text, token.span, is_exact=is_exact)
        if name in get_args(Flag):
            value = self._choice(field, YES_OR_NO, "yes or no")
            return FlagIs(cast(Flag, name), YES_OR_NO[value])
        readers: dict[str, Callable[[Token], Node]] = {
            "score": self._score,
            "tags": self._tag_count,
            "date": self._date,
            "source": self._source,
            "name": lambda field: NameIs(self._value(field).text),
            "folder": lambda field: FolderIs(self._value(field).text),
            "camera": lambda field: CameraIs(self._value(field).text),
            "rating": self._rating,
            "color": self._color,
            "title": lambda field: TitleIs(self._value(field).text),
            "similar": self._similar,
            "measured": self._measured,
        }
        return readers[name](field)

    def _similar(self, field: Token) -> Node:
        photo = self._value(field)
        if self._here().kind != "comparison":
            return SimilarTo(photo.text, None, photo.span)
        sign = self._here()
        comparison, value = self._compared(photo.span, default=None)
        if comparison not in (">", ">=") or not 0.0 <= value <= 1.0:
            raise _error("“similar:” takes >0 to >1, such as >0.6.", sign.span)
        return SimilarTo(photo.text, value, photo.span)

    def _score(self, field: Token) -> Node:
        is_exact = self._is_exact()
        category = self._value(field)
        comparison, value = self._compared(category.span, default=None)
        return ScoreIs(category.text, comparison, value, category.span, is_exact)

    def _tag_count(self, field: Token) -> Node:
        comparison, value = self._compared(field.span, default="=")
        return TagCountIs(comparison, value, field.span)

    def _date(self, field: Token) -> Node:
        comparison = self._comparison("=")
        token = self._value(field)
        try:
            start, end = _parse_dates(token.text, comparison)
        except ValueError as error:
            raise _error(str(error), token.span) from error
        return DateIn(start, end)

    def _rating(self, field: Token) -> Node:
        comparison = self._comparison("=") or "="
        token = self._value(field)
        word = token.text.strip().lower()
        if comparison == "=" and word in _RATINGS:
            return RatingIs("=", _RATINGS[word])
        first, dots, last = word.partition("..")
        if dots and comparison == "=":
            return AllOf(
                (RatingIs(">=", _stars(first, token)), RatingIs("<=", _stars(last, token)))
            )
        return RatingIs(comparison, _stars(word, token))

    def _color(self, field: Token) -> Node:
        text = self._value(field).text
        return ColorIs(None if text.strip().lower() == _NONE else text)

    def _measured(self, field: Token) -> Node:
        token = self._value(field)
        if token.text.strip() == "*":
            return MeasuredIs(0, token.span)
        facts = facts_named(token.text)
        if not facts:
            close = get_close_matches(token.text.lower(), FACT_WORDS.values(), n=3)
            said = f"Nothing that is called “{token.text}” is measured."
            raise FilterError(said, token.span.start, token.span.end, tuple(close))
        return MeasuredIs(int(facts), token.span)

    def _source(self, field: Token) -> Node:
        return SourceIs(SOURCES[self._choice(field, SOURCES, "machine, person or file")])

    def _compared(self, before: Span, default: Comparison | None) -> tuple[Comparison, float]:
        comparison = self._comparison(default)
        if comparison is None:
            raise _error("A comparison must follow, such as >0.4.", before)
        token = self._take() if self._here().kind == "text" else self._here()
        try:
            value = float(token.text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise _error("A number must stand here.", token.span)
        return comparison, value

    def _comparison(self, default: Comparison | None) -> Comparison | None:
        return cast(Comparison, self._take().text) if self._here().kind == "comparison" else default

    def _is_exact(self) -> bool:
        """Whether the very label is asked for that follows, by a sign before it."""
        is_exact = self._here().kind == "comparison" and self._here().text == "="
        if is_exact:
            self._take()
        return is_exact

    def _choice(self, field: Token, choices: Collection[str], in_words: str) -> str:
        token = self._value(field)
        if token.text.lower() not in choices:
            raise _error(f"{field.text}: takes {in_words}.", token.span)
        return token.text.lower()

    def _value(self, field: Token) -> Token:
        if self._here().kind != "text":
            raise _error(f"Something must follow “{field.text}:”.", field.span)
        return _not_empty(self._take())


def _not_empty(token: Token) -> Token:
    if not token.text.strip():
        raise _error("There is nothing between these quotes.", token.span)
    return token


def _error(message: str, span: Span) -> FilterError:
    return FilterError(message, span.start, span.end)


def _stars(text: str, token: Token) -> float:
    """The rating that a number says.

    Raises:
        FilterError: it is none, or there is no such rating.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not REJECTED <= value <= MOST_STARS:  # also where it is no number
        raise _error("A rating is 0 to 5, two of them as in 3..4, none or rejected.", token.span)
    return value


def _parse_dates(text: str, comparison: Comparison | None) -> tuple[int, int]:
    """The time [start, end) that is meant, in ns since 1970, in this computer's time zone.

    Args:
        text: ``2024``, ``2024-05``, ``2024-05-17``, or two of them as in ``2024-05..2024-07``.
        comparison: of a photo's time with that; ``None`` is ``=``.

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
