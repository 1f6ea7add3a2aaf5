from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from engine.library.filters.completion import complete, quoted
from engine.library.filters.evaluation import LibraryView, folder_test
from engine.library.filters.meant import contained, glob
from engine.library.filters.parser import parse
from engine.library.filters.tokens import FIELDS
from engine.library.filters.tree import AllOf, AnyOf, Everything, FilterError, LabelIs, Not
from engine.library.opening import open_library
from engine.library.values import ImageFile, Verdict, Wish
from tests.engine.library.parts import CATEGORIES, ME, MODEL, columns_of, prediction

# Names are the letters; scores are of dog, person and traffic light; thresholds 0.5.
PHOTOS = {
    "a": ("/photos/2024/Trip/IMG_1.jpg", datetime(2024, 5, 17, 12), (0.9, 0.8, 0.1)),
    "b": ("/photos/2024/IMG_2.jpg", datetime(2024, 12, 31, 23, 59, 59), (0.6, 0.2, 0.7)),
    "c": ("/photos/2025/cafe.jpg", datetime(2025, 1, 1), (0.1, 0.9, 0.1)),
    "d": ("/other/Über [1].png", datetime(2023, 2, 28, 1), (0.45, 0.1, 0.1)),
    "e": ("/other/new.png", datetime(2023, 3, 1), None),
}


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LibraryView]:
    with open_library(tmp_path_factory.mktemp("filters") / "library.db") as library:
        library.add_model(MODEL)
        files = [
            ImageFile(Path(path), 1, int(date.timestamp()) * 10**9)
            for path, date, _ in PHOTOS.values()
        ]
        a, b, c, _, e = library.add_images(files)
        scored = [prediction(Path(path), *scores) for path, _, scores in PHOTOS.values() if scores]
        library.record_predictions(MODEL.fingerprint, scored)
        wishes = [
            Wish(a, "person", Verdict.REJECTED),
            Wish(b, "dog", Verdict.ACCEPTED),
            Wish(e, "red cat", Verdict.ADDED),
        ]
        library.decide(wishes, who=ME, caption="Review", reviewed={a: True, c: True})
        yield LibraryView(columns_of(library), np.full(3, 0.5, dtype=np.float32))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "abcde"),
        ("dog", "ab"),
        ("DOG", "ab"),
        ("tag:dog", "ab"),
        ("person", "c"),
        ("NOT dog", "cde"),
        ("dog AND NOT person", "ab"),
        ('dog and "traffic light"', "b"),
        ('dog "traffic light"', "b"),
        ("dog OR person", "abc"),
        ('person OR dog "traffic light"', "bc"),
        ('(person OR dog) "traffic light"', "b"),
        ("NOT (dog OR person)", "de"),
        ("NOT NOT dog", "ab"),
        ("traf*", "b"),
        ('"red cat"', "e"),
        ("red-cat", "e"),
        ('"traffic_light"', "b"),
        ("human", "c"),
        ("cafe", "c"),
        ("NOT cafe", "abde"),
        ("IMG*", "ab"),
        ('dog OR "[1]"', "abd"),
        ("score:dog>0.4", "abd"),
        ("score:dog >= 0.7 ", "a"),
        ("score:dog<0.5", "cd"),
        ('score:"traffic light">.5', "b"),
        ('score:"red cat">0', ""),
        ("uncertain:dog", "d"),
        ("reviewed:yes", "ac"),
        ("reviewed:no", "bde"),
        ("tagged:no", "e"),
        ("error:yes", ""),
        ("source:machine", "abc"),
        ("source:person", "be"),
        ("accepted:dog", "b"),
        ("rejected:person", "a"),
        ("added:*", "e"),
        ('name:"IMG_*"', "ab"),
        ("name:img_?.jpg", "ab"),
        ("name:g_1", "a"),
        ("name:ÜBER", "d"),
        ('name:"*[1]*"', "d"),
        ("name:*.png", "de"),
        ("folder:2024", "ab"),
        ("folder:trip", "a"),
        ("folder:202*", "abc"),
        ("folder:/photos", "abc"),
        ("folder:/photos/2024", "ab"),
        ("tags:0", "d"),
        ("tags:>=2", "b"),
        ("tags:1", "ace"),
        ("date:2024", "ab"),
        ("date:2024-12", "b"),
        ("date:2024-5-17", "a"),
        ("date:<2024", "de"),
        ("date:>2024-12-31", "c"),
        ("date:2023-02-28..2024-06", "ade"),
    ],
)
def test_a_filter_finds_what_it_says(view: LibraryView, text: str, wanted: str) -> None:
    rows = np.flatnonzero(view.rows(parse(text)))
    assert "".join("abcde"[row] for row in rows) == wanted


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("dog AND", ""),
        ("dog AND )", ")"),
        ("dog )", ")"),
        ("(dog", "("),
        ("dog OR OR cat", "OR"),
        ('"dog', '"dog'),
        ('dog ""', '""'),
        ("colour:red", "colour:"),
        ("score:dog", "dog"),
        ("score:dog>much", "much"),
        ("score:dog>nan", "nan"),
        ("score:", "score:"),
        ("reviewed:maybe", "maybe"),
        ("source:nobody", "nobody"),
        ("date:yesterday", "yesterday"),
        ("date:2024-13", "2024-13"),
        ("date:2024-02-30", "2024-02-30"),
        ("date:0000", "0000"),
        ("date:2025..2024", "2025..2024"),
        ("> 3", ">"),
        ("dog unicorn", "unicorn"),
        ("score:unicorn>0.4", "unicorn"),
        ("tag:cafe", "cafe"),
        ("NOT unicorn", "unicorn"),
        ("NOT " * 60 + "dog", "NOT"),
        ("(" * 60 + "dog" + ")" * 60, "("),
    ],
)
def test_an_error_is_marked_where_it_is(view: LibraryView, text: str, marked: str) -> None:
    with pytest.raises(FilterError) as caught:
        view.rows(parse(text))
    assert text[caught.value.start : caught.value.end] == marked


@pytest.mark.parametrize(
    ("text", "said", "suggestions"),
    [
        ("dgo", "There is no label “dgo”, and no file name contains it.", "dog"),
        ("tag:persno", "There is no label “persno”.", "person"),
        ("score:unicorn>0", "There is no label “unicorn”.", ""),
        ("cuckoo", "There is no label “cuckoo”, and no file name contains it.", ""),
    ],
)
def test_a_name_that_nothing_has_is_said_with_what_may_be_meant(
    view: LibraryView, text: str, said: str, suggestions: str
) -> None:
    with pytest.raises(FilterError) as caught:
        view.rows(parse(text))
    assert str(caught.value) == said
    assert caught.value.suggestions == tuple(filter(None, [suggestions]))
    assert f"“{caught.value.unknown}”" in said


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("traffic light", "b"),
        ("person OR traffic light", "bc"),
        ("Traffic  Light dog", "b"),
        ("NOT dog red cat", "e"),
        ("IMG traffic light", "b"),
        ('"red cat"', "e"),
    ],
)
def test_a_name_with_blanks_needs_no_quotes_where_a_word_of_it_is_no_label(
    view: LibraryView, text: str, wanted: str
) -> None:
    assert "".join(np.array(list(PHOTOS))[view.rows(parse(text))]) == wanted
    assert all(word.text == "IMG" for word in view.words_in_names(parse(text)))


@pytest.mark.parametrize("text", ["traffic AND light", 'traffic "light"', "(traffic) light"])
def test_words_that_are_kept_apart_stay_so(view: LibraryView, text: str) -> None:
    with pytest.raises(FilterError, match="no label “traffic”"):
        view.rows(parse(text))


def test_a_wrong_name_with_blanks_is_told_how_to_be_written(view: LibraryView) -> None:
    text = "person OR trafic light"
    with pytest.raises(FilterError, match='in quotes: "traffic light"') as caught:
        view.rows(parse(text))
    assert text[caught.value.start : caught.value.end] == "trafic light"
    assert caught.value.suggestions == ("traffic light",)


def test_words_that_are_no_labels_are_told(view: LibraryView) -> None:
    text = "dog (cafe OR NOT IMG*) dgo dogs tag:person name:x"
    words = view.words_in_names(parse(text))
    assert [text[word.span.start : word.span.end] for word in words] == ["cafe", "IMG*", "dgo"]
    assert [word.suggestions for word in words] == [(), (), ("dog",)]


def test_a_filter_that_is_too_long_is_refused() -> None:
    with pytest.raises(FilterError, match="2,000"):
        parse("dog " * 501)


def test_an_error_goes_through_a_pipe_whole() -> None:
    error = pickle.loads(pickle.dumps(FilterError("No.", 1, 2, ("dog",), "dgo")))
    assert (str(error), error.start, error.end, error.suggestions) == ("No.", 1, 2, ("dog",))
    assert error.unknown == "dgo"


def test_or_binds_weaker_than_and() -> None:
    match parse("a b OR NOT c AND d"):
        case AnyOf(
            (
                AllOf((LabelIs("tag", "a"), LabelIs("tag", "b"))),
                AllOf((Not(LabelIs("tag", "c")), LabelIs("tag", "d"))),
            )
        ):
            return
    pytest.fail("another tree")


def test_an_empty_filter_wants_everything() -> None:
    assert parse(" \n\t") == Everything()


def random_text(generator: random.Random) -> str:
    pieces = [*(f"{f}:" for f in FIELDS), "dog", "AND", "OR", "NOT", "(", ")", '"', ">", "<=", "="]
    pieces += ["*", "?", "0.5", "2024", "-", "..", " ", "\\", "[", "\0", "é", "\ud800", "yes", "+("]
    pieces += [
        "score:dog>0.5 ",
        "date:2024 ",
        "name:*.j?g ",
        "tags:>2 ",
        "folder:/x ",
        "person ",
    ] * 4
    return "".join(
        generator.choice(pieces) + " " * generator.randint(0, 1)
        for _ in range(generator.randint(1, 14))
    )


def test_no_text_raises_anything_but_a_filter_error(view: LibraryView) -> None:
    generator = random.Random(7)
    understood = 0
    for _ in range(3000):
        text = random_text(generator)
        complete(text, generator.randint(-2, 40), CATEGORIES)
        try:
            view.rows(parse(text))
            understood += 1
        except FilterError as error:
            assert 0 <= error.start <= error.end <= len(text)
    assert understood > 50  # otherwise this tests nothing behind the parser


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*b*c", "abxbc", True),
        ("*ab*ab*", "abab", True),
        ("*ab*ab*", "aba", False),
        ("a.c", "abc", False),
        ("a?c", "abc", True),
        ("**", "", True),
        ("(a+)+$", "aaa", False),
    ],
)
def test_a_pattern_fits_as_people_expect(pattern: str, text: str, fits: bool) -> None:
    assert (glob(pattern, anywhere=False)(text) is not None) is fits


@pytest.mark.timeout(20)
def test_a_hostile_pattern_takes_no_time() -> None:
    matches = glob("*a" * 500 + "*b", anywhere=False)
    assert matches("a" * 5000) is None


def test_a_folder_is_meant_by_its_name_or_path_and_not_by_a_part_of_a_name() -> None:
    assert folder_test("trips")("/x/Trips/one")
    assert not folder_test("trip")("/x/Trips")
    assert not folder_test("/photos")("/photos2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("do", (0, 2, ("dog",))),
        ("dog AND NOT per", (12, 15, ("person",))),
        ("score:", (6, 6, ("dog", "person", '"traffic light"', "animal"))),
        ("score:=", (7, 7, ("dog", "person", '"traffic light"'))),
        ("ani", (0, 3, ("animal",))),
        ("=ani", (1, 4, ())),
        ("=do", (1, 3, ("dog",))),
        ("pupp", (0, 4, ("dog",))),
        ("score:tr", (6, 8, ('"traffic light"',))),
        ('score:"traffic l', (6, 16, ('"traffic light"',))),
        ('"traffic l', (0, 10, ('"traffic light"',))),
        ("reviewed:", (9, 9, ("yes", "no"))),
        ("(source:m", (8, 9, ("machine", "mine"))),
        ("name:IMG", (5, 8, ())),
        ("unce", (0, 4, ("uncertain:",))),
        ("huma", (0, 4, ("person",))),
        ("lig", (0, 3, ('"traffic light"',))),
    ],
)
def test_what_is_being_typed_is_completed(
    text: str, expected: tuple[int, int, tuple[str, ...]]
) -> None:
    found = complete(text, len(text), CATEGORIES)
    assert (found.start, found.end, found.suggestions) == expected


@pytest.mark.parametrize(
    ("text", "suggestions"),
    [
        ("camera:", ('"Acme X 1"', '"Canon:5D"', "Zulu")),
        ("dog CAMERA:z", ("Zulu",)),
        ('camera:"acme x', ('"Acme X 1"',)),
        ("camera:x", ('"Acme X 1"',)),
        ("camera:none", ()),
    ],
)
def test_cameras_are_completed(text: str, suggestions: tuple[str, ...]) -> None:
    found = complete(text, len(text), CATEGORIES, cameras=("Zulu", "Canon:5D", "Acme X 1"))
    assert found.suggestions == suggestions


@pytest.mark.parametrize("name", ["dog", "traffic light", "not", "a:b", "x(y)", "5>3", 'in "q"'])
def test_a_suggested_name_asks_for_that_category(name: str) -> None:
    match parse(quoted(name)):
        case LabelIs("tag", pattern):
            assert glob(pattern, anywhere=False)(name) is not None
        case node:
            pytest.fail(str(node))


@pytest.mark.parametrize(
    "pattern",
    ["77", "*77*", "IMG*", "*.JPG", "*", "**", "***", "a?c", "*a?c*", "a*c", "*a*c*", "É"],
)
def test_a_text_that_names_only_contain_is_looked_for_as_such(pattern: str) -> None:
    names = ["img_77.jpg", "abc", "é", "a.c", "acc.jpg", "", "*77*", "77", "7"]
    text, matches = contained(pattern), glob(pattern, anywhere=True)
    assert (text is None) == (pattern not in ("77", "*77*", "É"))
    if text is not None:
        assert [text in name for name in names] == [matches(name) is not None for name in names]
