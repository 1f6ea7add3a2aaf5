"""Ratings, colour labels and titles go into the exports that have a place for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.api.errors import DataError
from engine.data.datasets.registry import load_dataset
from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.exporting.formats import FORMATS
from engine.interchange.exporting.job import export
from engine.interchange.exporting.ratings import ExportedRating, read_ratings
from engine.library.opening import open_library
from engine.library.values import Attribute, Verdict, Wish, look_at
from tests.engine.images import save_image

RATED = [name for name, form in FORMATS.items() if form.has_ratings]


def exported(tmp_path: Path, name: str, filter_text: str = "") -> Path:
    """One photo has a label and all three, two are rated alone; of the last nothing is known."""
    places = [save_image(tmp_path / "photos" / f"{stem}.jpg", 4, 4) for stem in "abcd"]
    target = tmp_path / f"out{FORMATS[name].suffix}"
    with open_library(tmp_path / "library.db") as library:
        ids = library.add_images([file for path in places if (file := look_at(path))])
        library.decide([Wish(ids[0], "dog", Verdict.ADDED)], who="me", caption="Test")
        for image, attribute, value in (
            *((ids[0], Attribute.RATING, "4"), (ids[0], Attribute.COLOR, "red")),
            *((ids[0], Attribute.TITLE, '=1+"x", & ö'), (ids[1], Attribute.RATING, "-1")),
            (ids[2], Attribute.COLOR, "blue"),
        ):
            library.rate([image], attribute, value, caption="Test")
        chosen = library.ids_below(tmp_path / "photos", recursive=True)
        steps = export(library, ExportChoice(chosen, filter_text=filter_text), name, target)
        for _ in steps:
            pass
    return target


def test_these_formats_have_a_place_for_them() -> None:
    assert RATED == ["csv", "jsonl", "imagefolder", "fiftyone"]


@pytest.mark.parametrize("name", RATED)
def test_they_are_read_back_as_they_were(tmp_path: Path, name: str) -> None:
    (tmp_path / "photos").mkdir()
    target = exported(tmp_path, name)
    found = {Path(photo).stem: said for photo, said in read_ratings(target).items()}
    assert found == {
        "a": ExportedRating(4, "red", '=1+"x", & ö'),
        "b": ExportedRating(rating=-1),
        "c": ExportedRating(color="blue"),
    }
    reader = "fiftyone" if name == "fiftyone" else "folder"
    data = load_dataset(reader, target, "all", follow_links=True)
    assert data.targets.sum() == 1


@pytest.mark.parametrize("name", FORMATS)
def test_a_filter_chooses_by_them(tmp_path: Path, name: str) -> None:
    (tmp_path / "photos").mkdir()
    target = exported(tmp_path, name, "rating:>=3 color:red title:x")
    if name in RATED:
        assert len(read_ratings(target)) == 1
    assert target.exists()


@pytest.mark.parametrize("content", ['{"csra": 3}', '{"csra": {"a": 1}}', "[]"])
def test_what_is_none_of_ours_has_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "labels.json").write_text(content)
    assert read_ratings(tmp_path) == {}
    with pytest.raises(DataError):
        read_ratings(tmp_path / "nothing.xml")
