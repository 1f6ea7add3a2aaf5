from __future__ import annotations

import pytest

from engine.api.categories import Categories, shipped_categories
from engine.api.errors import ConfigError
from engine.api.label_names import SHIPPED_NAMES, index_of, is_shipped, parents_of
from engine.api.vocabulary import name_key
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


def test_every_label_below_a_kind_is_shown_by_that_name_and_lies_under_one_kind() -> None:
    text = resource_path("categories", "parents.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    labels = [label.strip() for line in lines for label in line.partition(":")[2].split(",")]
    assert len(set(labels)) == len(labels)
    assert [SHIPPED_NAMES.label(label) for label in labels] == labels
    assert all(is_shipped(label) for label in labels)
    assert parents_of("tv monitor") == ()
    assert parents_of("Motorcycle") == ("vehicle",)
    assert parents_of("Grandma") == ()
