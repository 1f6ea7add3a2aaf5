from __future__ import annotations

import pytest

from engine.api.categories import Categories, shipped_categories
from engine.api.errors import ConfigError
from engine.api.label_names import (
    SHIPPED_NAMES,
    LabelNames,
    index_of,
    is_shipped,
    is_word,
    parents_of,
)
from engine.api.vocabulary import everyday, name_key
from engine.resources import resource_path

SHOWN = {
    "diningtable": "dining table",
    "dining_table": "dining table",
    "Dining-Table": "dining table",
    "tvmonitor": "TV",
    "tv": "TV",
    "television": "TV",
    "airplane": "aeroplane",
    "Motorcycle": "motorbike",
    "couch": "sofa",
    "pottedplant": "potted plant",
    "cell phone": "mobile phone",
    "longHair": "long hair",
    "Tshiirt": "T-shirt",
    "Person": "person",
    "Grandma": "Grandma",
    "sports car, sport car": "sports car, sport car",
    "-": "-",
}


@pytest.mark.parametrize(("name", "shown"), SHOWN.items())
def test_every_name_of_a_label_leads_to_the_one_that_is_shown(name: str, shown: str) -> None:
    assert SHIPPED_NAMES.label(name) == shown
    assert SHIPPED_NAMES.label(shown) == shown


@pytest.mark.parametrize("name", ["voc", "coco", "wider"])
def test_a_shipped_list_is_shown_in_words_and_each_category_by_another(name: str) -> None:
    categories = shipped_categories(name)
    labels = SHIPPED_NAMES.labels(categories)
    assert len(set(labels)) == len(categories)
    assert [SHIPPED_NAMES.label(category) for category in categories] == list(labels)
    together = {"diningtable", "pottedplant", "tvmonitor", "longHair", "faceMask", "Tshiirt"}
    assert not together & set(labels)


def test_no_name_in_the_table_is_two_labels() -> None:
    text = resource_path("categories", "names.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    names = [name.strip() for line in lines for name in line.replace(":", ",").split(",")]
    assert len({name_key(name) for name in names}) == len(names)
    assert all(names)


def test_what_is_one_label_to_us_and_two_categories_to_a_model_has_two_names() -> None:
    assert SHIPPED_NAMES.labels(("couch", "sofa", "tvmonitor", "television")) == (
        "couch",
        "sofa",
        "TV",
        "television",
    )


def test_a_name_is_found_by_its_spelling_first_and_then_by_what_it_means() -> None:
    assert SHIPPED_NAMES.find("couch", ("sofa", "couch")) == "couch"
    assert SHIPPED_NAMES.find("couch", ("sofa", "chair")) == "sofa"
    assert SHIPPED_NAMES.find("red-cat", ("red cat",)) == "red cat"
    assert SHIPPED_NAMES.find("frog", ("sofa", "chair")) is None


def test_a_category_is_asked_for_by_any_of_its_names() -> None:
    voc = shipped_categories("voc")
    assert index_of("dining table", voc) == voc.index_of("diningtable")
    assert index_of("airplane", voc) == voc.index_of("aeroplane")
    with pytest.raises(ConfigError, match=r"no category 'dgo'\. Did you mean dog\?"):
        index_of("dgo", voc)
    with pytest.raises(ConfigError, match=r"no category 'zzz'\.$"):
        index_of("zzz", Categories(("dog",)))


def test_a_mistyped_other_name_suggests_the_label() -> None:
    assert SHIPPED_NAMES.suggestions("televisoin", ("dog", "TV")) == ("TV",)


def test_a_label_lies_below_what_the_vocabulary_says_and_other_labels_below_nothing() -> None:
    assert parents_of("tv monitor") == ("electronics",)
    assert parents_of("Motorcycle") == ("vehicle",)
    assert parents_of("owl") == ("animal", "bird")
    assert parents_of("Grandma") == ()
    for ambiguous in ("mouse", "orange", "puppy"):  # found by these words, and something else
        assert parents_of(ambiguous) == ()


def test_every_category_of_the_vocabulary_is_shown_by_its_name() -> None:
    names = everyday().names
    assert SHIPPED_NAMES.labels(names) == names
    assert all(map(is_shipped, names))


def test_words_that_only_find_a_label_are_no_names_of_it() -> None:
    assert SHIPPED_NAMES.search("puppy", ("cat", "dog")) == "dog"
    assert SHIPPED_NAMES.search("puppy", ("puppy", "dog")) == "puppy"
    assert SHIPPED_NAMES.search("puppy", ("cat",)) is None
    assert SHIPPED_NAMES.search("frog", ("cat",)) is None
    assert SHIPPED_NAMES.find("puppy", ("cat", "dog")) is None
    assert SHIPPED_NAMES.label("puppy") == "puppy"
    assert "puppy" in SHIPPED_NAMES.others("dog")
    assert "puppy" not in SHIPPED_NAMES.same("dog")
    assert "airplane" in SHIPPED_NAMES.same("aeroplane")


def test_a_label_implies_all_that_it_is_a_kind_of_by_the_names_that_are_shown() -> None:
    assert SHIPPED_NAMES.above("golden retriever") == ("dog", "animal")
    assert SHIPPED_NAMES.implied(("dog", "cat", "bus")) == {
        "animal": ("dog", "cat"),
        "vehicle": ("bus",),
    }
    own = LabelNames({"dog": "Hund", "cat": ""})
    assert own.above("pug") == ("Hund", "animal")
    assert own.above("Hund") == ("animal",)
    assert own.above("Grandma") == ()


EVERYDAY = ("animal", "dog", "person", "knife", "snowboard")


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("dogs", "dog"),
        ("Puppies", "dog"),
        ("knives", "knife"),
        ("children", "person"),
        ("boys", "person"),
        ("snow", None),
        ("ies", None),
    ],
)
def test_who_looks_for_several_of_a_thing_finds_it(word: str, label: str | None) -> None:
    assert SHIPPED_NAMES.search(word, EVERYDAY) == label


def test_a_label_called_as_the_plural_goes_before_the_singular() -> None:
    assert SHIPPED_NAMES.search("dogs", ("dog", "dogs")) == "dogs"
    assert SHIPPED_NAMES.find("dogs", ("dog",)) is None, "who gives it gives a label of their own"


def test_what_a_word_is_a_kind_of_is_suggested_first() -> None:
    assert SHIPPED_NAMES.wider("Golden retrievers", EVERYDAY) == "dog"
    assert SHIPPED_NAMES.wider("golden-retriever", ("animal", "person")) == "animal"
    assert SHIPPED_NAMES.wider("sunset", EVERYDAY) == ""
    assert SHIPPED_NAMES.suggestions("golden retriever", EVERYDAY) == ("dog",)


def test_for_a_word_that_is_spelled_right_no_other_is_suggested() -> None:
    assert SHIPPED_NAMES.suggestions("sunset", ("insect", "sunglasses")) == ()
    assert "sunglasses" in SHIPPED_NAMES.suggestions("sunglases", ("insect", "sunglasses"))


def test_whole_words_are_told_from_those_that_are_being_typed() -> None:
    assert all(map(is_word, ("snow", "Living-room", "streets", "puppy", "cats")))
    assert not any(map(is_word, ("sno", "stree", "Grandma", "")))


def test_words_that_people_look_for_are_each_there_once_and_mean_no_category() -> None:
    text = resource_path("categories", "looked_for.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    words = [word.strip() for line in lines for word in line.split(",")]
    assert all(words) and len({name_key(word) for word in words}) == len(words)
    assert [word for word in words if everyday().find(word)] == []
