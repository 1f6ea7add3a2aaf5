from __future__ import annotations

import pytest

from csra_gui.models.entries import read_entries
from csra_gui.models.plain_words import (
    kinds_in_short,
    names_by_kind,
    size_text,
    speed_beside,
    what_it_names,
)
from engine.api.categories import Categories, shipped_categories
from engine.records.catalogue import load_catalogue
from engine.records.models import default_store
from engine.records.networks import about_bytes, operations

VOC = shipped_categories("voc")


@pytest.mark.parametrize(
    ("categories", "text"),
    [
        (VOC, "20 everyday things"),
        (Categories((*VOC, "my cat")), "20 everyday things and 1 more"),
        (shipped_categories("coco"), "80 everyday things"),
        (shipped_categories("wider"), "14 attributes of people"),
        (Categories(("cup",)), "1 label"),
        (Categories(("cup", "spoon")), "2 labels"),
        (Categories(tuple(map(str, range(1000)))), "1,000 kinds of animals, plants and things"),
        (None, ""),
    ],
)
def test_what_a_model_names_is_said_in_plain_words(
    categories: Categories | None, text: str
) -> None:
    assert what_it_names(categories) == text


@pytest.mark.parametrize(
    ("work", "text"),
    [
        (1.2, "as quick as the one in use"),
        (2.0, "slower than the one in use"),
        (31.0, "much slower than the one in use"),
        (0.5, "quicker than the one in use"),
        (0.1, "much quicker than the one in use"),
        (None, ""),
    ],
)
def test_speed_is_said_beside_that_of_the_model_in_use(work: float | None, text: str) -> None:
    assert speed_beside(work, 1.0) == text
    assert speed_beside(1.0, None) == ""


def test_sizes_that_are_guessed_say_so() -> None:
    assert size_text(8_100_000, is_guess=False) == "8 MB"
    assert size_text(178_000_000, is_guess=True) == "about 178 MB"
    assert size_text(None, is_guess=False) == ""


def test_everything_that_can_be_downloaded_has_a_size_before_it_is() -> None:
    for entry in load_catalogue().values():
        assert entry.source.size or about_bytes(entry.backbone), entry.id
        assert entry.input_size is None or operations(entry.backbone, entry.input_size)


def test_few_names_are_listed_as_the_model_has_them() -> None:
    assert names_by_kind(Categories(("spoon", "cup"))) == [("It names 2 labels", "spoon, cup")]


def test_many_names_are_listed_by_what_they_are_kinds_of() -> None:
    others = [f"thing {number:02}" for number in range(30)]
    names = names_by_kind(Categories(("owl", "zebra", "animal", *others, "truck", "dog")))
    assert names[0] == ("It names 35 labels", ", ".join(["animal", *others]))
    assert names[1] == ("Kinds of animal (3)", "dog, owl, zebra")
    assert [caption for caption, _ in names[2:]] == ["Kinds of vehicle (1)"]


def test_the_kinds_that_a_model_names_most_are_said_in_one_line() -> None:
    taught = "What it lacks can be taught: Train ▸ Teach a new label."
    some = Categories(("owl", "truck", "zebra", "animal", "dog", "car", "sunset"))
    said = "Kinds of animal (3), vehicle (2) and others."
    assert kinds_in_short(some, can_learn=True) == f"{said} {taught}"
    assert kinds_in_short(some, can_learn=False) == f"{said} It cannot be taught others."
    animals = Categories(("owl", "dog"))
    assert kinds_in_short(animals, can_learn=True) == f"Kinds of animal (2). {taught}"
    assert kinds_in_short(Categories(("sunset",)), can_learn=True) == taught
    assert kinds_in_short(None, can_learn=True) == ""


def test_the_quality_of_models_that_ship_says_what_it_was_measured_on() -> None:
    shown = {one.name: one for one in read_entries(default_store()).models}
    everyday, lite = shown["csra-everyday"], shown["csra-lite0-voc"]
    assert everyday.measured_map is not None and everyday.measured_on == "VOC2007 val"
    assert lite.measured_map is not None and lite.measured_on == "VOC2007 val"
