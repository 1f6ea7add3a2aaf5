from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.api.errors import DataError
from engine.data.datasets.links import count_links_out
from engine.data.datasets.registry import DATASETS, load_dataset
from tests.engine.data.datasets.devkits import SPLITS, make_dataset, write_picture


def _lead_out(root: Path, elsewhere: Path, *, folder: bool) -> Path:
    """Move the data set's picture, or its folder, away, and leave a link; where the picture is."""
    picture = next(p for p in root.rglob("*.jpg") if p.name != "here.jpg")
    moved = picture.parent if folder else picture
    elsewhere.mkdir(parents=True)
    shutil.move(moved, elsewhere / moved.name)
    moved.symlink_to(elsewhere / moved.name)
    return picture


@pytest.mark.parametrize("name", DATASETS)
def test_links_that_lead_out_are_followed_when_the_person_says_so(
    name: str, tmp_path: Path
) -> None:
    root = make_dataset(name, tmp_path / "set")
    picture = _lead_out(root, tmp_path / "elsewhere", folder=False)
    split = SPLITS.get(name, "val")

    with pytest.raises(DataError, match=r"lead out of .* \(1\): .*--follow-links"):
        load_dataset(name, root, split)
    followed = load_dataset(name, root, split, strict=True, follow_links=True)

    assert count_links_out(root) == 1
    assert followed.paths == (picture,)
    assert not any("lead out" in text for text in followed.problems)


def test_a_linked_folder_among_the_pictures_is_named_as_what_it_is(tmp_path: Path) -> None:
    write_picture(tmp_path / "set/here.jpg")
    write_picture(tmp_path / "set/there/a.jpg")
    (tmp_path / "set/val.csv").write_text("here.jpg,dog\nthere/a.jpg,dog\nthere/none.jpg,dog\n")
    picture = _lead_out(tmp_path / "set", tmp_path / "elsewhere", folder=True)

    refused = load_dataset("folder", tmp_path / "set", "val")
    followed = load_dataset("folder", tmp_path / "set", "val", follow_links=True)

    assert [path.name for path in refused.paths] == ["here.jpg"]
    assert "lead out of the data set's folder (2)" in refused.problems[0]
    assert count_links_out(tmp_path / "set") == 1
    assert followed.paths == (tmp_path / "set/here.jpg", picture)
    assert "missing" in followed.problems[0] and "none.jpg" in followed.problems[0]


def test_a_followed_link_in_a_circle_or_to_nothing_is_a_missing_image(tmp_path: Path) -> None:
    write_picture(tmp_path / "set/here.jpg")
    (tmp_path / "set/circle.jpg").symlink_to("circle.jpg")
    (tmp_path / "set/gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "set/up").symlink_to("..")
    (tmp_path / "set/val.csv").write_text(
        "here.jpg,a\ncircle.jpg,a\ngone.jpg,a\nup/set/here.jpg,a\n"
    )

    images = load_dataset("folder", tmp_path / "set", "val", follow_links=True)

    assert [path.name for path in images.paths] == ["here.jpg", "here.jpg"]
    assert "missing" in images.problems[0] and "(2)" in images.problems[0]


@pytest.mark.parametrize("kind", ["..", "/etc"])
def test_names_that_lead_out_stay_refused_also_when_links_are_followed(
    kind: str, tmp_path: Path
) -> None:
    write_picture(tmp_path / "secret.jpg")
    write_picture(tmp_path / "set/here.jpg")
    (tmp_path / "set/val.csv").write_text(f"here.jpg,a\n{kind}/secret.jpg,a\n")
    images = load_dataset("folder", tmp_path / "set", "val", follow_links=True)
    assert [path.name for path in images.paths] == ["here.jpg"]
    assert "File names that lead out" in images.problems[0]


def test_links_within_their_folder_are_not_asked_about(tmp_path: Path) -> None:
    write_picture(tmp_path / "set/a.jpg")
    (tmp_path / "set/again.jpg").symlink_to("a.jpg")
    (tmp_path / "set/circle.jpg").symlink_to("circle.jpg")
    assert count_links_out(tmp_path / "set") == 0
    assert count_links_out(tmp_path / "set/a.jpg") == 0
    assert count_links_out(tmp_path / "nowhere") == 0


def test_a_picture_that_links_put_into_two_categories_has_both(tmp_path: Path) -> None:
    write_picture(tmp_path / "set/cat/1.jpg")
    write_picture(tmp_path / "set/cat/2.jpg")
    (tmp_path / "set/dog").mkdir()
    (tmp_path / "set/dog/also.jpg").symlink_to("../cat/1.jpg")
    (tmp_path / "set/animal").symlink_to("cat")
    (tmp_path / "set/cat/circle").symlink_to("..")

    images = load_dataset("folder", tmp_path / "set", "all", strict=True)

    labels = {
        path.name: {images.categories[i] for i in row.nonzero()[0]}
        for path, row in zip(images.paths, images.targets, strict=True)
    }
    assert labels == {"1.jpg": {"animal", "cat", "dog"}, "2.jpg": {"animal", "cat"}}


def test_one_outside_picture_in_two_categories_has_both_when_links_are_followed(
    tmp_path: Path,
) -> None:
    write_picture(tmp_path / "store/1.jpg")
    for category in ("cat", "dog"):
        (tmp_path / "set" / category).mkdir(parents=True)
        (tmp_path / "set" / category / "1.jpg").symlink_to(tmp_path / "store/1.jpg")
    images = load_dataset("folder", tmp_path / "set", "all", follow_links=True)
    assert len(images) == 1 and images.targets.all() and len(images.categories) == 2
