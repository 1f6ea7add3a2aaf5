from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from engine.api.categories import shipped_categories
from engine.api.errors import ConfigError
from engine.api.vocabulary import (
    Vocabulary,
    VocabularyCategory,
    everyday,
    imagenet_classes,
    name_key,
    read_vocabulary,
)
from tests.paths import ROOT

CLASSES = ("n1", "n2", "n3", "n4")
TEXT = """
[[category]]
name = "animal"
[[category]]
name = "dog"
members = ["n2", "n1"]
parents = ["animal"]
synonyms = ["puppy", "hound dog"]
same = ["hound dog"]
[[category]]
name = "pug"
members = ["n3"]
parents = ["dog"]
detail = true
"""


def read(tmp_path: Path, text: str) -> Vocabulary:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return read_vocabulary(file, CLASSES)


def test_a_vocabulary_knows_what_is_a_kind_of_what_and_what_shows_it(tmp_path: Path) -> None:
    mine = read(tmp_path, TEXT)
    assert mine.names == ("animal", "dog", "pug")
    assert mine.parents_of("pug") == ("dog",)
    assert mine.ancestors("pug") == ("dog", "animal")
    assert mine.descendants("animal") == ("dog", "pug")
    assert mine.children("animal") == ("dog",)
    assert mine.path_to("pug") == ("animal", "dog", "pug")
    assert mine.members("dog") == (0, 1)
    assert mine.all_members("animal") == (0, 1, 2)
    assert mine.members("animal") == ()
    assert mine.is_below("pug", "animal")
    assert not mine.is_below("animal", "pug")


def test_a_category_is_found_by_any_of_its_names_however_it_is_spelled(tmp_path: Path) -> None:
    mine = read(tmp_path, TEXT)
    for name in ("dog", "DOG", "Puppy", "hound-dog", "hounddog"):
        assert mine.category(name).name == "dog"
    assert mine.find("horse") is None
    with pytest.raises(ConfigError, match="no category 'horse'"):
        mine.parents_of("horse")


def test_what_has_two_parents_is_below_both_and_is_counted_once() -> None:
    parts = (
        VocabularyCategory("bottle", ("n1",)),
        VocabularyCategory("drink", ("n2",)),
        VocabularyCategory("beer bottle", ("n3",), ("bottle", "drink")),
        VocabularyCategory("all", parents=()),
    )
    both = Vocabulary(parts, CLASSES)
    assert both.ancestors("beer bottle") == ("bottle", "drink")
    assert both.path_to("beer bottle") == ("bottle", "beer bottle")
    assert both.all_members("bottle") == (0, 2)
    assert both.all_members("drink") == (1, 2)


WRONG = {
    "a circle": (
        '[[category]]\nname="a"\nparents=["b"]\n[[category]]\nname="b"\nparents=["a"]',
        "is a kind of itself",
    ),
    "an unknown parent": ('[[category]]\nname="a"\nparents=["b"]', "parent “b” of “a” is no"),
    "an unknown member": ('[[category]]\nname="a"\nmembers=["n9"]', "member n9, which is no class"),
    "a name twice": ('[[category]]\nname="a b"\n[[category]]\nname="A-b"', "two categories are"),
    "a synonym twice": (
        '[[category]]\nname="a"\nsynonyms=["c"]\n[[category]]\nname="b"\nsynonyms=["C"]',
        "“C” means both “a” and “b”",
    ),
    "another's name as a synonym": (
        '[[category]]\nname="a"\nsynonyms=["b"]\n[[category]]\nname="b"',
        "“b” means both “b” and “a”",
    ),
    "a member twice": (
        '[[category]]\nname="a"\nmembers=["n1"]\n[[category]]\nname="b"\nmembers=["n1"]',
        "must have it in shared",
    ),
    "a member again above": (TEXT.replace('"animal"\n', '"animal"\nmembers=["n3"]\n', 1), "comes"),
    "a detail of nothing": ('[[category]]\nname="a"\ndetail=true', "it has no parent"),
    "the same, but no synonym": ('[[category]]\nname="a"\nsame=["b"]', "not in synonyms"),
    "an unknown key": ('[[category]]\nname="a"\nparent="b"', "has parent, which means nothing"),
    "a text for a list": ('[[category]]\nname="a"\nparents="b"', "are a list of texts"),
    "no name": ("[[category]]\nparents=[]", "has no name"),
    "a number for true": ('[[category]]\nname="a"\ndetail=1', "true or false"),
    "control characters": ('[[category]]\nname="a\\u0007"', "control characters"),
    "nothing": ("", r"has no \[\[category\]\]"),
    "no tables": ("category = 3", r"has no \[\[category\]\]"),
    "no table": ("category = [3]", "is a table"),
    "no TOML": ("[[category", "cannot be read"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_in_a_vocabulary_is_said_with_its_file(wrong: str, tmp_path: Path) -> None:
    text, message = WRONG[wrong]
    with pytest.raises(ConfigError, match=message) as caught:
        read(tmp_path, text)
    assert "mine.toml" in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_vocabulary(tmp_path / "mine.toml", CLASSES)
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_vocabulary(tmp_path / "mine.toml", CLASSES)


def test_a_member_may_be_in_two_places_if_both_say_so(tmp_path: Path) -> None:
    both = "\n".join(
        f'[[category]]\nname="{name}"\nmembers=["n1"]\nshared=["n1"]' for name in ("a", "b")
    )
    assert read(tmp_path, both).members("b") == (0,)


def test_the_classes_of_imagenet_are_those_of_a_classifier_in_its_order() -> None:
    ids, names = imagenet_classes()
    assert len(ids) == len(set(ids)) == len(names) == 1000
    assert (ids[0], names[0]) == ("n01440764", "tench")
    assert (ids[207], names[207]) == ("n02099601", "golden retriever")
    assert (ids[999], names[999]) == ("n15075141", "toilet tissue")


def test_the_shipped_vocabulary_has_a_few_hundred_names_of_one_meaning() -> None:
    vocabulary = everyday()
    plain = [category for category in vocabulary.categories if not category.is_detail]
    assert 250 <= len(plain) <= 400
    assert len(vocabulary) <= 700
    ambiguous = {"crane", "mouse", "jaguar", "bow", "bat", "tank", "organ", "iron", "seal ring"}
    assert not ambiguous & {name_key(name) for name in vocabulary.names}
    same = {name_key(word) for category in vocabulary.categories for word in category.same}
    assert not ambiguous & same
    tops = {"animal", "person", "food", "vehicle", "furniture", "building", "landscape"}
    assert tops <= set(vocabulary.names)


@pytest.mark.parametrize("name", ["voc", "coco"])
def test_each_category_of_a_data_set_is_one_category_of_the_vocabulary(name: str) -> None:
    found = [everyday().category(category).name for category in shipped_categories(name)]
    assert len(set(found)) == len(found)


def test_all_dogs_of_imagenet_are_dogs_and_no_plain_name_lies_below_a_detail() -> None:
    vocabulary = everyday()
    assert vocabulary.all_members("dog") == tuple(range(151, 269))
    assert set(vocabulary.all_members("dog")) < set(vocabulary.all_members("animal"))
    assert vocabulary.path_to("golden retriever") == ("animal", "dog", "golden retriever")
    for category in vocabulary.categories:
        is_plain = not category.is_detail
        above = map(vocabulary.category, vocabulary.ancestors(category.name))
        assert not (is_plain and any(parent.is_detail for parent in above)), category.name


def test_what_no_class_of_imagenet_shows_comes_from_labelled_photos() -> None:
    vocabulary = everyday()
    boxed = {
        vocabulary.category(name).name
        for part in ("voc", "coco")
        for name in shipped_categories(part)
    }
    text = (ROOT / "docs" / "everyday" / "food_labels.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text))
    seen = {name for row in rows for name in row["labels"].split(";") if name}
    found = {category.name for category in map(vocabulary.find, seen) if category is not None}
    bare = {name for name in vocabulary.names if not vocabulary.all_members(name)}
    assert bare <= boxed | found
