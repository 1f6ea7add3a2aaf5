"""What was measured of images: kept beside what models say, and asked for in filters."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from engine.api.facts import FACT_WORDS, RULES, Fact, facts_named
from engine.library.carrying import carry_over
from engine.library.filters.completion import complete
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse
from engine.library.filters.tree import FilterError
from engine.library.opening import open_library
from engine.library.schema import MIGRATIONS
from engine.library.store import Library
from tests.engine.library.parts import CATEGORIES, ME, MODEL, columns_of, files, filled, prediction

BEFORE = next(n for n, steps in enumerate(MIGRATIONS) if "TABLE measured" in "".join(steps))
SOFT = Fact.BLURRED | Fact.LANDSCAPE_FORMAT


def tag(library: Library, *facts: Fact | None) -> list[int]:
    """Add images of which that was measured when they were tagged."""
    found = files(len(facts))
    ids = library.add_images(found)
    library.add_model(MODEL)
    batch = [prediction(file.path, 0.9, 0.7, 0.1) for file in found]
    said = [dataclasses.replace(p, facts=fact) for p, fact in zip(batch, facts, strict=True)]
    library.record_predictions(MODEL.fingerprint, said)
    return ids


def measured(library: Library, ids: list[int]) -> dict[int, int]:
    """The facts of images."""
    return dict(library.stored(ids).facts)


def test_facts_come_with_the_predictions_of_a_batch_and_stay_without_new_ones(
    tmp_path: Path,
) -> None:
    path = tmp_path / "library.db"
    with open_library(path) as library:
        first, second, third = tag(library, SOFT, Fact(0), None)
        assert measured(library, [first, second, third]) == {first: SOFT, second: 0}
        tag(library, None, Fact.VERY_DARK, None)
        assert measured(library, [first, second, third]) == {first: SOFT, second: Fact.VERY_DARK}
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert {row[0] for row in connection.execute("SELECT rules FROM measured")} == {RULES}


def test_facts_are_void_once_the_file_changes_or_is_turned(tmp_path: Path) -> None:
    with open_library(tmp_path / "library.db") as library:
        ids = tag(library, SOFT, SOFT, SOFT)
        library.add_images([dataclasses.replace(files(1)[0], size=7)])
        library.forget_predictions([ids[1]])
        assert measured(library, ids) == {ids[2]: SOFT}


def test_a_moved_image_keeps_its_facts(tmp_path: Path) -> None:
    with open_library(tmp_path / "library.db") as library:
        (old,) = tag(library, SOFT)
        library.set_hashes([(old, b"x" * 16)])
        library.mark_missing([old])
        elsewhere = dataclasses.replace(files(1)[0], path=Path("/photos/else/IMG_0000.jpg"))
        (new,) = library.add_images([elsewhere])
        library.set_hashes([(new, b"x" * 16)])
        assert measured(library, [old]) == {old: SOFT}


def test_a_library_without_facts_is_opened_and_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with open_library(path, migrations=MIGRATIONS[:BEFORE]) as old:
        ids = old.add_images(files(4))
    with open_library(path) as library:
        assert measured(library, ids) == {}
        filled(library)
        assert measured(library, ids) == {}
        tag(library, SOFT)
        assert measured(library, ids) == {ids[0]: SOFT}


def test_facts_of_a_start_without_the_library_are_carried_over(tmp_path: Path) -> None:
    with open_library(tmp_path / "a.db") as source, open_library(tmp_path / "b.db") as target:
        tag(source, SOFT, None)
        carry_over(source, target, ME)
        ids = target.add_images(files(2))
        assert measured(target, ids) == {ids[0]: SOFT}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("measured:blurred", [0, 2]),
        ("MEASURED:Blurred", [0, 2]),
        ("measured:very-dark", [1, 2]),
        ('measured:"very dark"', [1, 2]),
        ("measured:very*", [1, 2]),
        ("measured:landscape", [0]),
        ('measured:"landscape format"', [0]),
        ("measured:night", []),
        ("measured:blurred measured:very-dark", [2]),
        ("measured:blurred OR measured:very-dark", [0, 1, 2]),
        ("NOT measured:blurred", [1, 3, 4]),
        ("measured:*", [0, 1, 2, 3]),
        ("NOT measured:*", [4]),
        ("measured:* NOT measured:blurred", [1, 3]),
    ],
)
def test_filters_ask_for_facts(tmp_path: Path, text: str, wanted: list[int]) -> None:
    with open_library(tmp_path / "library.db") as library:
        tag(library, SOFT, Fact.VERY_DARK, Fact.VERY_DARK | Fact.BLURRED, Fact(0), None)
        view = LibraryView(columns_of(library), np.full(3, 0.5, dtype=np.float32))
        assert np.flatnonzero(view.rows(parse(text))).tolist() == wanted


def test_whoever_wants_to_know_nothing_of_it_is_told_so_by_a_filter(tmp_path: Path) -> None:
    with open_library(tmp_path / "library.db") as library:
        tag(library, SOFT)
        columns = dataclasses.replace(columns_of(library), facts=np.empty(0, dtype=np.int32))
    view = LibraryView(columns, np.full(3, 0.5, dtype=np.float32))
    with pytest.raises(FilterError, match="turned off"):
        view.rows(parse("NOT measured:blurred"))
    assert view.rows(parse("dog")).all()


def test_what_is_not_measured_is_said_with_what_may_have_been_meant() -> None:
    text = "dog measured:blured"
    with pytest.raises(FilterError, match="“blured”") as caught:
        parse(text)
    assert (text[caught.value.start : caught.value.end], caught.value.suggestions) == (
        "blured",
        ("blurred",),
    )
    for nothing in ('measured:"["', "measured:x*", "measured:"):
        with pytest.raises(FilterError):
            parse(nothing)


def test_facts_are_completed_by_words_that_filters_take() -> None:
    def suggested(text: str) -> tuple[str, ...]:
        return complete(text, len(text), CATEGORIES).suggestions

    assert suggested("measured:") == tuple(FACT_WORDS.values())
    assert suggested("measured:dark") == ("very-dark",)
    assert "measured:" in suggested("meas")
    for fact, word in FACT_WORDS.items():
        assert facts_named(word) == fact
