from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from engine.api.errors import DataError
from engine.data.datasets.labelled import ObjectBox
from engine.data.datasets.registry import load_dataset
from engine.data.datasets.voc import load_voc
from tests.engine.data.datasets.devkits import voc_object, write_picture, write_voc
from tests.paths import needs

BILLION_LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij"))  # noqa: B905
    + "]><annotation>&j;</annotation>"
)
QUADRATIC = f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]><annotation>{"&a;" * 50_000}</annotation>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation>&a;</annotation>'
BOMBS = {
    "billion laughs": BILLION_LAUGHS,
    "quadratic": QUADRATIC,
    "external entity": EXTERNAL,
    "external DTD": '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><annotation/>',
    "cut short": "<annotation><object>",
    "empty": "",
    "unknown encoding": '<?xml version="1.0" encoding="klingon"?><annotation/>',
    "stream of tokens": f"<annotation>{'<a/>' * 1_000_000}</annotation>",
}


def test_ids_need_not_be_numbers_and_the_order_is_that_of_the_names(tmp_path: Path) -> None:
    dog = voc_object("dog")
    names = ["2008_000002", "2007_000027"]
    write_voc(tmp_path, {"val": names}, dict.fromkeys(names, dog), year=2012)

    images = load_dataset("voc12", tmp_path, "val")

    assert images.ids == ("2007_000027", "2008_000002")
    assert [path.stem for path in images.paths] == list(images.ids)
    assert images.name == "VOC2012 val"


def test_boxes_count_from_zero_and_keep_what_is_difficult(tmp_path: Path) -> None:
    objects = voc_object("cat", box=(2, 3, 8.5, 6)) + voc_object("dog", True, (1, 1, 4, 4))
    write_voc(tmp_path, {"train": ["a"]}, {"a": objects})

    images = load_dataset("voc2007", tmp_path, "train")

    cat, dog = (images.categories.index_of(name) for name in ("cat", "dog"))
    assert images.objects == (
        (
            ObjectBox(cat, (1.0, 2.0, 8.5, 6.0)),
            ObjectBox(dog, (0.0, 0.0, 4.0, 4.0), is_difficult=True),
        ),
    )


@pytest.mark.parametrize(
    "box", [("nan", 1, 2, 2), (1, 1, "inf", 2), (5, 1, 2, 2), (-9, 1, 2, 2), (1, 1, 2, "1e308")]
)
def test_a_box_that_makes_no_sense_is_left_out_and_its_label_stays(
    tmp_path: Path, box: tuple[object, ...]
) -> None:
    write_voc(tmp_path, {"train": ["a"]}, {"a": voc_object("cat", box=box)})

    images = load_dataset("voc2007", tmp_path, "train")

    assert images.targets.sum() == 1
    assert images.objects == ((),)
    assert "box makes no sense" in images.problems[0] and "a.xml" in images.problems[0]


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_by_name_and_the_rest_comes_in(tmp_path: Path, kind: str) -> None:
    annotations = dict.fromkeys(["a", "bomb", "c"], voc_object("dog"))
    folder = write_voc(tmp_path, {"train": list(annotations)}, annotations)
    (folder / "Annotations" / "bomb.xml").write_text(BOMBS[kind])

    tracemalloc.start()
    images = load_dataset("voc2007", tmp_path, "train")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert images.ids == ("a", "c")
    assert "Annotations that cannot be used (1)" in images.problems[0]
    assert "bomb.xml" in images.problems[0]
    assert peak < 50e6
    with pytest.raises(DataError, match=r"bomb\.xml"):
        load_dataset("voc2007", tmp_path, "train", strict=True)


def test_deep_nesting_ends_neither_the_reading_nor_the_program(tmp_path: Path) -> None:
    nested = "<a>" * 50_000 + voc_object("dog") + "</a>" * 50_000
    write_voc(tmp_path, {"train": ["a"]}, {"a": nested})
    assert load_dataset("voc2007", tmp_path, "train").targets.sum() == 1


def test_missing_images_are_listed_and_counted_or_stop_the_strict(tmp_path: Path) -> None:
    names = ["a", "b", "c", "d"]
    folder = write_voc(tmp_path, {"train": names}, dict.fromkeys(names, voc_object("dog")))
    for name in "bd":
        (folder / "JPEGImages" / f"{name}.jpg").unlink()

    images = load_dataset("voc2007", tmp_path, "train")

    assert images.ids == ("a", "c")
    assert "(2): b.jpg, d.jpg." in images.problems[0]
    with pytest.raises(DataError, match=r"Images missing .* \(2\): b\.jpg, d\.jpg\."):
        load_dataset("voc2007", tmp_path, "train", strict=True)
    assert len(load_dataset("voc2007", tmp_path, "train", check_files=False)) == 4


def test_many_missing_images_are_counted_but_not_all_named(tmp_path: Path) -> None:
    names = [f"{i:03}" for i in range(30)]
    folder = write_voc(tmp_path, {"train": names}, dict.fromkeys(names, voc_object("dog")))
    for name in names[1:]:
        (folder / "JPEGImages" / f"{name}.jpg").unlink()
    problem = load_dataset("voc2007", tmp_path, "train").problems[0]
    assert "(29): 001.jpg, " in problem and problem.endswith("010.jpg and 19 more.")


def test_a_split_with_nothing_usable_says_why(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, {"train": ["a"]}, {"a": voc_object("dog")})
    (folder / "JPEGImages" / "a.jpg").unlink()
    with pytest.raises(DataError, match=r"no usable images.*missing.*a\.jpg"):
        load_dataset("voc2007", tmp_path, "train")


def test_objects_of_other_categories_are_told_and_do_not_count(tmp_path: Path) -> None:
    write_voc(tmp_path, {"train": ["a"]}, {"a": voc_object("unicorn") + voc_object("dog")})
    images = load_dataset("voc2007", tmp_path, "train")
    assert images.targets.sum() == 1
    assert "(1): unicorn in a." in images.problems[0]


def test_an_image_listed_twice_counts_once(tmp_path: Path) -> None:
    write_voc(tmp_path, {"train": ["a", "a"]}, {"a": voc_object("dog")})
    images = load_dataset("voc2007", tmp_path, "train")
    assert images.ids == ("a",)
    assert "more than once" in images.problems[0]


def test_trainval_is_train_and_val_where_it_has_no_list(tmp_path: Path) -> None:
    annotations = dict.fromkeys("abc", voc_object("dog"))
    write_voc(tmp_path, {"train": ["c"], "val": ["a"]}, annotations)
    assert load_dataset("voc2007", tmp_path, "trainval").ids == ("a", "c")


def test_a_devkit_of_another_year_is_not_taken(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, {"train": ["a"]}, {"a": voc_object("dog")}, year=2012)
    for root in (tmp_path, folder):
        with pytest.raises(DataError, match="No VOC2007"):
            load_voc(root, "train", 2007)


def test_a_link_out_of_the_devkit_is_refused_and_one_inside_is_not(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    folder = write_voc(tmp_path, {"train": names}, dict.fromkeys(names, voc_object("dog")))
    outside = write_picture(tmp_path / "secret.jpg")
    for name, target in (("b", outside), ("c", folder / "JPEGImages" / "a.jpg")):
        path = folder / "JPEGImages" / f"{name}.jpg"
        path.unlink()
        path.symlink_to(target)
    images = load_dataset("voc2007", tmp_path, "train")
    assert images.ids == ("a", "c")
    assert "lead out of the data set's folder (1): b.jpg" in images.problems[0]


def test_a_linked_picture_folder_is_fine(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, {"train": ["a"]}, {"a": voc_object("dog")})
    (folder / "JPEGImages").rename(tmp_path / "elsewhere")
    (folder / "JPEGImages").symlink_to(tmp_path / "elsewhere")
    assert load_dataset("voc2007", tmp_path, "train").ids == ("a",)


@pytest.mark.parametrize(("split", "count"), [("train", 2500), ("val", 1508), ("trainval", 4008)])
def test_the_real_devkit_is_complete(split: str, count: int) -> None:
    images = load_dataset("voc2007", needs("data", "voc2007"), split)
    assert len(images) == len(set(images.ids)) == count
    assert images.problems == ()
    assert list(images.ids) == sorted(images.ids)
    assert not (images.targets & images.ignored).any()
    assert images.objects is not None
    for row, objects in enumerate(images.objects):
        easy = {o.category for o in objects if not o.is_difficult}
        assert easy == set(images.targets[row].nonzero()[0])
