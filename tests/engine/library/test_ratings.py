"""Ratings, colour labels and titles: of files, of people, and which of them counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.api.errors import ConfigError
from engine.library.carrying import carry_over
from engine.library.connections import connect_reading
from engine.library.errors import LibraryError
from engine.library.filters.completion import complete
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse
from engine.library.filters.tree import FilterError
from engine.library.opening import open_library
from engine.library.ratings import COLORS, FileAttributes
from engine.library.schema import MIGRATIONS
from engine.library.store import Library
from engine.library.values import Attribute
from tests.engine.library.parts import columns_of, files, filled

RATING, COLOR, TITLE = Attribute.RATING, Attribute.COLOR, Attribute.TITLE
BEFORE = next(n for n, steps in enumerate(MIGRATIONS) if "own_attributes" in "".join(steps))


def test_a_library_of_the_version_before_gets_room_for_ratings(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    with open_library(path, migrations=MIGRATIONS[:BEFORE]) as old:
        ids = old.add_images(files(2))
    with open_library(path) as library:
        assert list(library.files()) == ids
    connection = connect_reading(path)
    for table in ("file_attributes", "read_attributes", "own_attributes", "attribute_changes"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    connection.close()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library.db") as library:
        yield library


def shown(library: Library, ids: list[int]) -> dict[tuple[int, str], str]:
    found = library.stored(ids).attributes
    return {(image, attribute.value): value for image, attribute, value in found}


@pytest.mark.parametrize(
    ("attribute", "value"), [(RATING, "4"), (RATING, "-1"), (COLOR, "blue"), (TITLE, "Öl & Meer")]
)
def test_one_edit_sets_many_and_undo_works_across_restarts(
    tmp_path: Path, attribute: Attribute, value: str
) -> None:
    path = tmp_path / "library.db"
    with open_library(path) as library:
        ids = library.add_images(files(3))
        edit = library.rate(ids[:2], attribute, value, caption="Rate")
        assert edit is not None
        assert edit.image_ids == tuple(ids[:2])
        assert library.rate(ids[:2], attribute, value, caption="Rate") is None
    with open_library(path) as library:
        both = {(i, attribute.value): value for i in ids[:2]}
        assert shown(library, ids) == both
        library.undo()
        assert shown(library, ids) == {}
        assert library.own_attributes(ids) == {}
        library.redo()
        assert shown(library, ids) == both
        library.rate(ids, attribute, "", caption="Rate")
        assert shown(library, ids) == {}
        library.undo()
        assert shown(library, ids) == both


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (RATING, "6"),
        (RATING, "-2"),
        (RATING, "x"),
        (COLOR, "Red"),
        (COLOR, "mauve"),
        (TITLE, "x" * 2001),
        (TITLE, "a\x00b"),
        (TITLE, "\u202egpj.exe"),
    ],
)
def test_what_cannot_be_is_refused(library: Library, attribute: Attribute, value: str) -> None:
    ids = library.add_images(files(1))
    with pytest.raises(ConfigError):
        library.rate(ids, attribute, value, caption="Rate")
    with pytest.raises(LibraryError):
        library.rate([999], RATING, "1", caption="Rate")
    assert shown(library, ids) == {}


@pytest.mark.parametrize(
    ("attribute", "said", "own", "newer"),
    [(RATING, "3", "5", "1"), (COLOR, "red", "blue", "green"), (TITLE, "a", "b", "c")],
)
def test_what_a_person_sets_counts_until_a_file_said_it_and_changed_since(
    library: Library, attribute: Attribute, said: str, own: str, newer: str
) -> None:
    (image,) = library.add_images(files(1))
    number = iter(range(99))

    def read(*values: str) -> str:
        """What counts once the file was read that says this, or nothing."""
        stamp = str(next(number))
        library.note_file_attributes(
            {image: FileAttributes(stamp, dict(zip([attribute], values, strict=False)))}
        )
        assert library.read_stamps([image]) == {image: stamp}
        return shown(library, [image]).get((image, attribute.value), "")

    assert read(said) == said
    library.rate([image], attribute, own, caption="Rate")
    assert read(said) == own
    assert read(newer) == own  # not ours, but ours was never there
    assert read(own) == own
    assert read() == own  # a sidecar that was deleted says nothing
    assert read(newer) == newer
    assert library.own_attributes([image]) == {}


def test_taking_back_what_was_written_gives_what_was_before(library: Library) -> None:
    (image,) = library.add_images(files(1))
    library.rate([image], RATING, "5", caption="Rate")
    library.note_written_attributes([(image, RATING, "5")])
    library.undo()
    assert shown(library, [image]) == {}
    assert library.own_attributes([image]) == {image: {RATING: ("", False)}}
    library.note_file_attributes({image: FileAttributes("1", {RATING: "5"})})
    assert shown(library, [image]) == {}


def test_a_file_given_back_by_an_undo_is_not_newer(library: Library) -> None:
    ids = library.add_images(files(3))
    library.rate(ids, RATING, "5", caption="Rate")
    library.note_written_attributes([(image, RATING, "5") for image in ids])
    folder = files(1)[0].path.parent
    library.note_taken_back([folder / "IMG_0000.jpg.xmp", folder / "IMG_0001.xmp"])
    for image in ids:
        library.note_file_attributes({image: FileAttributes("1", {RATING: "2"})})
    assert sorted(shown(library, ids).values()) == ["2", "5", "5"]


def test_an_image_that_a_person_rated_is_never_thrown_away(library: Library) -> None:
    (old,) = library.add_images(files(1))
    library.mark_missing([old])
    (new,) = library.add_images([dataclasses.replace(files(1)[0], path=Path("/else/IMG_0000.jpg"))])
    library.rate([new], RATING, "5", caption="Rate")
    assert library.take_over_unhashed([new]) == ()


def test_ratings_are_carried_into_another_library(library: Library, tmp_path: Path) -> None:
    ids = library.add_images(files(2))
    library.rate(ids, RATING, "5", caption="Rate")
    library.rate(ids[:1], TITLE, "Sea", caption="Title")
    with open_library(tmp_path / "other.db") as other:
        carry_over(library, other, "me")
        assert sorted(shown(other, list(other.files())).values()) == ["5", "5", "Sea"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("rating:>=3", [1, 2]),
        ("rating:3", [1]),
        ("rating:3..4", [1]),
        ("rating:0..3", [1, 3, 4]),
        ("NOT rating:-1..3", [2]),
        ("rating:4..3", []),
        ("rating:=5", [2]),
        ("rating:none", [3, 4]),
        ("rating:0", [3, 4]),
        ("rating:rejected", [0]),
        ("rating:-1", [0]),
        ("rating:<3", [0, 3, 4]),
        ("NOT rating:none color:red", [1]),
        ("color:red", [1, 3]),
        ("Color:RED", [1, 3]),
        ("color:b*", [3]),
        ("color:none", [2, 4]),
        ('color:"zweite wahl"', [0]),
        ("title:sea", [1]),
        ("title:*", [1, 2]),
        ("title:ÖL", [2]),
        ('title:"the sea"', [1]),
    ],
)
def test_filters_go_by_rating_color_and_title(
    library: Library, text: str, wanted: list[int]
) -> None:
    ids = filled(library, 5)
    for place, attribute, value in (
        *((0, RATING, "-1"), (1, RATING, "3"), (2, RATING, "5")),
        *((1, COLOR, "red"), (1, TITLE, "By the Sea"), (2, TITLE, "Öl")),
    ):
        library.rate([ids[place]], attribute, value, caption="Rate")
    library.note_file_attributes(
        {
            ids[0]: FileAttributes("1", {COLOR: "Zweite Wahl"}),
            ids[3]: FileAttributes("1", {COLOR: "red, blue"}),
            ids[4]: FileAttributes("1", {RATING: ""}),
        }
    )
    view = LibraryView(columns_of(library), np.full(3, 0.5, dtype=np.float32))
    assert np.flatnonzero(view.rows(parse(text))).tolist() == wanted


@pytest.mark.parametrize(
    "text",
    [
        "rating:6",
        "rating:3..",
        "rating:..3",
        "rating:3..6",
        "rating:>3..4",
        "rating:>none",
        "rating:",
        "rating:x",
        "color:>red",
    ],
)
def test_what_no_rating_can_be_is_said(text: str) -> None:
    with pytest.raises(FilterError):
        parse(text)


def test_values_are_offered_while_a_filter_is_typed() -> None:
    assert "rating:" in complete("rat", 3, ()).suggestions
    assert complete("rating:re", 9, ()).suggestions == ("rejected",)
    assert complete("color:", 6, ()).suggestions == (*COLORS, "none")


def test_no_ratings_at_all_are_none(library: Library) -> None:
    filled(library, 2)
    columns = dataclasses.replace(columns_of(library), attributes=None)
    view = LibraryView(columns, np.full(3, 0.5, dtype=np.float32))
    assert view.rows(parse("rating:none color:none")).all()
    assert not view.rows(parse("title:* OR rating:>0 OR color:red")).any()
