from __future__ import annotations

import pytest

from csra_gui.search.filter_terms import TermState, clicked, term_state, with_term
from engine.library.filters.parser import parse


@pytest.mark.parametrize(
    ("text", "term", "state"),
    [
        ("", "dog", TermState.ABSENT),
        ("dog", "dog", TermState.WANTED),
        ("cat AND DOG", "dog", TermState.WANTED),
        ("cat NOT dog", "dog", TermState.UNWANTED),
        ("cat not  dog", "dog", TermState.UNWANTED),
        ("hotdog", "dog", TermState.ABSENT),
        ("cat OR dog", "dog", TermState.ABSENT),
        ("(cat OR dog) person", "person", TermState.WANTED),
        ("(cat dog)", "dog", TermState.ABSENT),
        ("score:dog>0.4 cat", "cat", TermState.WANTED),
        ("score:dog>0.4 cat", "dog", TermState.ABSENT),
        ("tags:>=3 reviewed:no", "reviewed:no", TermState.WANTED),
        ("tags:>=3 reviewed:no", "reviewed:yes", TermState.ABSENT),
        ('"potted plant" cat', '"potted plant"', TermState.WANTED),
        ("date:2024 cat", "cat", TermState.WANTED),
        ("tag:cat dog", "dog", TermState.WANTED),
        ('"not closed', "dog", TermState.ABSENT),
        ("((", "dog", TermState.ABSENT),
        ("NOT", "dog", TermState.ABSENT),
    ],
)
def test_a_term_is_found_where_it_decides_alone(text: str, term: str, state: TermState) -> None:
    assert term_state(text, term) is state


@pytest.mark.parametrize(
    ("text", "term", "state", "after"),
    [
        ("", "dog", TermState.WANTED, "dog"),
        ("cat", "dog", TermState.WANTED, "cat dog"),
        ("cat OR dog", "person", TermState.WANTED, "(cat OR dog) person"),
        ("cat dog", "dog", TermState.UNWANTED, "cat NOT dog"),
        ("cat NOT dog", "dog", TermState.WANTED, "cat dog"),
        ("cat dog", "cat", TermState.ABSENT, "dog"),
        ("cat AND dog", "dog", TermState.ABSENT, "cat"),
        ("cat AND dog", "cat", TermState.ABSENT, "dog"),
        ("cat AND NOT dog AND boat", "dog", TermState.ABSENT, "cat AND boat"),
        ("score:cat>0.2 dog tags:2", "dog", TermState.ABSENT, "score:cat>0.2 tags:2"),
        ("dog", "dog", TermState.WANTED, "dog"),
    ],
)
def test_a_term_is_put_in_turned_round_and_taken_out(
    text: str, term: str, state: TermState, after: str
) -> None:
    assert with_term(text, term, state) == after
    parse(after)
    assert term_state(after, term) is state


def test_clicks_add_negate_and_remove() -> None:
    text = clicked("cat", "dog")
    assert text == "cat dog"
    text = clicked(text, "dog", negating=True)
    assert text == "cat NOT dog"
    assert clicked(text, "dog", negating=True) == "cat"
    assert clicked(text, "dog") == "cat dog"
    assert clicked("cat dog", "dog") == "cat"


def test_a_filter_that_cannot_be_understood_is_kept() -> None:
    assert clicked('"open', "dog") == '"open dog'
