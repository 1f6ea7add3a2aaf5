"""Terms of a filter line put in, turned round and taken out, as a click on a count does it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

from engine.library.filters.tokens import Token, tokens
from engine.library.filters.tree import FilterError, Span
from engine.texts import fold


class TermState(Enum):
    """How a filter treats a term at its top level; none if it is not in force."""

    ABSENT = auto()
    WANTED = auto()
    UNWANTED = auto()
    NOT_APPLIED = auto()


def term_state(text: str, term: str) -> TermState:
    """Whether everything that passes the filter must, or must not, fit a term.

    Args:
        text: of the filter; one that cannot be understood has no terms.
        term: a single term, such as ``dog`` or ``reviewed:no``.
    """
    return _found(text, term)[0]


def with_term(text: str, term: str, state: TermState) -> str:
    """The filter with a term in another state; the rest of it stays as it was written."""
    before, span = _found(text, term)
    if before is state:
        return text
    written = {TermState.WANTED: term, TermState.UNWANTED: f"NOT {term}", TermState.ABSENT: ""}
    if span is not None:
        return _replaced(text, span, written[state])
    return _joined(_as_one(text), written[state])


def clicked(text: str, term: str, *, negating: bool = False) -> str:
    """The filter after a click on a term: a click puts it in, and takes out what it would put in.

    Args:
        text: of the filter.
        term: clicked.
        negating: the click means "not this one".
    """
    wish = TermState.UNWANTED if negating else TermState.WANTED
    state = term_state(text, term)
    return with_term(text, term, TermState.ABSENT if state is wish else wish)


def terms_of(text: str) -> list[tuple[str, TermState]]:
    """The terms that must all hold, without their NOT; none if the filter makes no sense."""
    try:
        spans = list(_conjuncts(text))
    except FilterError:
        return []
    found = []
    for span in spans:
        said = text[span.start : span.end]
        name, _, rest = said.partition(" ")
        negated = name.upper() == "NOT"
        state = TermState.UNWANTED if negated else TermState.WANTED
        found.append((rest.strip() if negated else said, state))
    return found


def _found(text: str, term: str) -> tuple[TermState, Span | None]:
    wanted = fold(term)
    try:
        spans = list(_conjuncts(text))
    except FilterError:
        return TermState.ABSENT, None
    for span in spans:
        said = fold(text[span.start : span.end])
        if said == wanted:
            return TermState.WANTED, span
        name, _, rest = said.partition(" ")
        if name == "not" and rest.strip() == wanted:
            return TermState.UNWANTED, span
    return TermState.ABSENT, None


def _conjuncts(text: str) -> Iterator[Span]:
    """The terms that must all hold; none if alternatives stand at the top level.

    Raises:
        FilterError: the text falls into no pieces.
    """
    pieces = tokens(text)
    if _has_alternatives(pieces):
        return
    place = 0
    while pieces[place].kind != "end":
        if pieces[place].kind == "and":
            place += 1
            continue
        end = _end_of_term(pieces, place)
        yield Span(pieces[place].span.start, pieces[end - 1].span.end)
        place = end


def _end_of_term(pieces: list[Token], place: int) -> int:
    """The piece after the term that begins at a piece."""
    while pieces[place].kind == "not":
        place += 1
    if pieces[place].kind == "open":
        depth = 0
        while pieces[place].kind != "end":
            depth += {"open": 1, "close": -1}.get(pieces[place].kind, 0)
            place += 1
            if depth == 0:
                break
        return place
    is_field = pieces[place].kind == "field"
    place += pieces[place].kind != "end"
    if is_field:
        for kind in ("comparison", "text", "comparison", "text"):
            if pieces[place].kind == kind and _continues(pieces, place):
                place += 1
    return place


def _continues(pieces: list[Token], place: int) -> bool:
    """A text after a text is the next term, unless a comparison stands between them."""
    return not (pieces[place].kind == "text" and pieces[place - 1].kind == "text")


def _has_alternatives(pieces: list[Token]) -> bool:
    depth = 0
    for piece in pieces:
        depth += {"open": 1, "close": -1}.get(piece.kind, 0)
        if piece.kind == "or" and depth == 0:
            return True
    return False


def _as_one(text: str) -> str:
    """The filter as something that another term can stand beside."""
    try:
        alternatives = _has_alternatives(tokens(text))
    except FilterError:
        alternatives = False
    return f"({text.strip()})" if alternatives else text.strip()


def _replaced(text: str, span: Span, written: str) -> str:
    before, after = text[: span.start].rstrip(), text[span.end :].lstrip()
    if not written:  # an AND that held the term goes with it
        if before.upper().endswith(" AND"):
            before = before[:-4].rstrip()
        elif after.upper().startswith("AND "):
            after = after[4:].lstrip()
    return _joined(before, written, after)


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
