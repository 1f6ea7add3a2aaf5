"""COCO files and VOC XML as other programs write them: the same labels, or a message."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.api.errors import DataError
from engine.data.datasets.registry import load_dataset, recognise
from tests.engine.data.datasets.devkits import (
    coco_annotation,
    labels_of,
    voc_object,
    write_coco,
    write_picture,
    write_voc,
)

# COCO


def coco_of(root: Path, **parts: Any) -> Path:
    file = root / "_annotations.coco.json"
    write_picture(root / "a.jpg")
    write_picture(root / "b.jpg")
    content: dict[str, Any] = {
        "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2]},
            {"id": 2, "image_id": 2, "category_id": 2, "bbox": [1, 1, 2, 2]},
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    file.write_text(json.dumps(content | parts))
    return file


WANTED = {"a.jpg": {"cat": True, "dog": False}, "b.jpg": {"cat": False, "dog": True}}


@pytest.mark.parametrize(
    "change",
    [
        {"images": [{"id": "1", "file_name": "a.jpg"}, {"id": 2.0, "file_name": "b.jpg"}]},
        {"categories": [{"id": "1", "name": "cat"}, {"id": 2.0, "name": "dog"}]},
        {
            "categories": [
                {"id": 0, "name": "cat", "supercategory": "none"},
                {"id": 1, "name": "cat", "supercategory": "cat"},
                {"id": 2, "name": "dog", "supercategory": "cat"},
            ]
        },
        {
            "categories": [
                {"id": 0, "name": "animals", "supercategory": "none"},
                {"id": 1, "name": "cat", "supercategory": "animals"},
                {"id": 2, "name": "dog", "supercategory": "animals"},
            ]
        },
        {
            "images": [
                {"id": "uuid-a", "file_name": "a.jpg"},
                {"id": "uuid-b", "file_name": "b.jpg", "width": None, "license": None},
            ],
            "annotations": [
                {"image_id": "uuid-a", "category_id": 1, "iscrowd": "0"},
                {"image_id": "uuid-b", "category_id": 2, "iscrowd": False, "segmentation": None},
            ],
        },
        {"images": [{"id": "1.0", "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}]},
        {
            "images": [
                {"id": 1, "coco_url": "https://host/a.jpg"},
                {"id": 2, "path": "/data/b.jpg", "width": float("nan")},
            ]
        },
        {
            "annotations": [
                {"image_id": 1, "category_id": 1, "bbox": [1, float("nan"), 2, 2]},
                {"image_id": 2, "category_id": 2, "score": 0.9},
                {"image_id": 2, "category_id": 1, "score": 0.1},
            ]
        },
        {
            "annotations": [
                {"image_id": 1, "category_id": 1, "bbox": [1, 2, "x", None]},
                7,
                {"image_id": 2, "category_id": 2, "bbox": [1, 1, 1, 1]},
            ]
        },
    ],
)
def test_coco_files_of_other_tools_say_the_same(change: dict[str, Any], tmp_path: Path) -> None:
    coco_of(tmp_path, **change)
    assert labels_of(load_dataset("cocojson", tmp_path, "all")) == WANTED


def test_a_file_that_is_listed_under_two_ids_is_one_image(tmp_path: Path) -> None:
    images = [
        {"id": i, "file_name": name} for i, name in ((1, "a.jpg"), (2, "b.jpg"), (3, "a.jpg"))
    ]
    rows = [{"image_id": i, "category_id": c} for i, c in ((1, 1), (2, 2), (3, 2))]
    coco_of(tmp_path, images=images, annotations=rows)
    wanted = WANTED | {"a.jpg": {"cat": True, "dog": True}}
    assert labels_of(load_dataset("cocojson", tmp_path, "all")) == wanted


@pytest.mark.parametrize(
    "categories",
    [
        [{"id": 1, "name": "cat"}, {"id": "1", "name": "dog"}],
        [{"name": "cat"}],
        [],
    ],
)
def test_categories_that_nobody_can_tell_apart_are_refused(
    categories: list[Any], tmp_path: Path
) -> None:
    file = coco_of(tmp_path, categories=categories)
    with pytest.raises(DataError, match=r"_annotations\.coco\.json"):
        load_dataset("cocojson", file, "all")


@pytest.mark.parametrize(
    ("file", "picture"),
    [
        ("valid/_annotations.coco.json", "valid/a.jpg"),
        ("annotations/instances_default.json", "images/a.jpg"),
        ("annotations/instances_default.json", "images/default/a.jpg"),
        ("annotations/instances_val.json", "images/val/a.jpg"),
        ("result.json", "images/a.jpg"),
        ("annotations/val.json", "val/a.jpg"),
    ],
)
def test_the_layouts_of_other_tools_are_recognised(file: str, picture: str, tmp_path: Path) -> None:
    written = coco_of(tmp_path)
    rows = json.loads(written.read_text())["images"][:1]
    for name in "ab":
        (tmp_path / f"{name}.jpg").unlink()
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    written.write_text(json.dumps(json.loads(written.read_text()) | {"images": rows}))
    written.rename(tmp_path / file)
    write_picture(tmp_path / picture)
    found = recognise(tmp_path)
    assert found is not None and found[0] == "cocojson"
    images = load_dataset("cocojson", tmp_path, found[1][0])
    assert images.paths == (tmp_path / picture,)


# VOC


@pytest.mark.parametrize("picture", ["a.png", "a.JPG", "a.jpeg", "A.TIF", "a.webp"])
def test_a_listed_name_finds_the_one_picture_of_that_name(picture: str, tmp_path: Path) -> None:
    devkit = write_voc(tmp_path, {"val": ["a"]}, {"a": voc_object("cat")})
    (devkit / "JPEGImages" / "a.jpg").unlink()
    write_picture(devkit / "JPEGImages" / "x.jpg").rename(devkit / "JPEGImages" / picture)
    assert [p.name for p in load_dataset("voc2007", tmp_path, "val").paths] == [picture]
    if picture.lower() == "a.jpg":
        return  # VOC's own ending goes before others
    write_picture(devkit / "JPEGImages" / "a.bmp")
    with pytest.raises(DataError, match="several pictures"):
        load_dataset("voc2007", tmp_path, "val")


@pytest.mark.parametrize("line", ["a.jpg", "a  1", "a ", "a.PNG", "a.xml", "\ufeffa"])
def test_lists_with_endings_or_codes_name_the_same_images(line: str, tmp_path: Path) -> None:
    devkit = write_voc(tmp_path, {"val": ["a"]}, {"a": voc_object("cat")})
    (devkit / "ImageSets/Main/val.txt").write_text(f"{line}\r\n", encoding="utf-8")
    assert load_dataset("voc2007", tmp_path, "val").ids == ("a",)


@pytest.mark.parametrize(
    "line", ["JPEGImages/a.jpg", "VOC2007/JPEGImages/a.jpg", "C:\\data\\a.jpg", "/home/x/a.jpg"]
)
def test_lists_of_paths_name_the_same_images(line: str, tmp_path: Path) -> None:
    devkit = write_voc(tmp_path, {"val": ["a"]}, {"a": voc_object("cat")})
    (devkit / "ImageSets/Main/val.txt").write_text(f"{line}\n")
    images = load_dataset("voc2007", tmp_path, "val")
    assert [path.name for path in images.paths] == ["a.jpg"] and images.targets.sum() == 1


def test_pictures_and_annotations_in_folders_below_are_found(tmp_path: Path) -> None:
    devkit = write_voc(tmp_path, {"val": ["a"]}, {"a": voc_object("cat")})
    for folder, ending in (("JPEGImages", "jpg"), ("Annotations", "xml")):
        (devkit / folder / "day").mkdir()
        (devkit / folder / f"a.{ending}").rename(devkit / folder / "day" / f"a b.{ending}")
    (devkit / "ImageSets/Main/val.txt").write_text("day/a b\n")
    images = load_dataset("voc2007", tmp_path, "val", strict=True)
    assert images.ids == ("day/a b",) and images.targets.sum() == 1


@pytest.mark.parametrize("file", ["valid/_annotations.coco.json", "annotations/instances_val.json"])
def test_coco_is_read_under_other_names_of_its_file(file: str, tmp_path: Path) -> None:
    written = write_coco(tmp_path, {1: "a.jpg"}, [coco_annotation(1, 7)], "val2017", "valid")
    written.rename(tmp_path / file)
    images = load_dataset("coco2017", tmp_path, "val")
    assert images.paths == (tmp_path / "valid" / "a.jpg",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1", "cp1252", "gbk", "shift_jis"])
def test_an_xml_file_is_read_in_the_encoding_that_it_declares(
    encoding: str, tmp_path: Path
) -> None:
    name = {"gbk": "猫", "shift_jis": "ねこ"}.get(encoding, "bär")
    xml = f'<?xml version="1.0" encoding="{encoding}"?><annotation>{voc_object(name)}</annotation>'
    write_picture(tmp_path / "a.jpg")
    (tmp_path / "a.xml").write_bytes(xml.encode(encoding))
    assert list(load_dataset("vocxml", tmp_path, "all").categories) == [name]


@pytest.mark.parametrize(
    "xml",
    [
        "\n \t<?xml version='1.0'?><annotation>{0}</annotation>",
        "<Annotation><Object><Name>cat</Name></Object></Annotation>",
        "<annotation xmlns='http://tool'>{0}</annotation>",
        "<a:annotation xmlns:a='http://tool'><a:object><a:name>cat</a:name></a:object></a:annotation>",
    ],
)
@pytest.mark.parametrize("file", ["a.xml", "a.XML"])
def test_xml_is_read_however_its_elements_are_written(xml: str, file: str, tmp_path: Path) -> None:
    devkit = write_voc(tmp_path, {"val": ["a"]}, {"a": ""})
    (devkit / "Annotations" / "a.xml").unlink()
    (devkit / "Annotations" / file).write_text(xml.format(voc_object("cat")))
    images = load_dataset("voc2007", tmp_path, "val")
    assert images.targets.sum() == 1
    assert load_dataset("vocxml", devkit, "val").targets.tolist() == [[True]]


def test_other_xml_is_no_annotation_without_objects(tmp_path: Path) -> None:
    devkit = write_voc(tmp_path, {"val": ["a", "b"]}, {"a": "", "b": voc_object("cat")})
    (devkit / "Annotations" / "a.xml").write_text("<results><label>cat</label></results>")
    images = load_dataset("voc2007", tmp_path, "val")
    assert images.ids == ("b",) and "no annotation of VOC" in images.problems[0]


@pytest.mark.parametrize("encoding", ["punycode", "nonsense", "unicode_escape", "zlib"])
def test_an_encoding_that_is_none_is_told(encoding: str, tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg")
    (tmp_path / "a.xml").write_text(f'<?xml version="1.0" encoding="{encoding}"?><annotation/>')
    with pytest.raises(DataError, match=r"a\.xml"):
        load_dataset("vocxml", tmp_path, "all")


# Everything at once


def _changes(rng: random.Random) -> list[Callable[[str], str]]:
    return [
        lambda t: t.replace("/", "\\\\"),
        lambda t: t.replace('"cat"', '"Cat"').replace('"dog"', '"DOG "'),
        lambda t: t.replace('"images/', '"images/images/'),
        lambda t: t.replace(".jpg", rng.choice([".JPG", ".jpeg", ".png"])),
        lambda t: t.replace('"id": 1', '"id": "1"'),
        lambda t: t.replace('"category_id": 2', '"category_id": 2.0'),
        lambda t: t.replace('"category_id": 2', '"category_id": 9'),
        lambda t: t.replace('"name": "dog"', '"name": null'),
        lambda t: t.replace('"image_id": 2', '"image_id": "two"'),
        lambda t: t.replace("[1, 1, 2, 2]", "[1, NaN, 2, 2]"),
        lambda t: t[: rng.randrange(len(t))],
    ]


@pytest.mark.parametrize("seed", range(60))
def test_a_spoiled_file_says_the_same_or_says_so_and_never_says_other_things(
    seed: int, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    file = coco_of(tmp_path)
    (tmp_path / "images").mkdir()
    text = (
        file.read_text().replace('"a.jpg"', '"images/a.jpg"').replace('"b.jpg"', '"images/b.jpg"')
    )
    for name in "ab":
        (tmp_path / f"{name}.jpg").rename(tmp_path / "images" / f"{name}.jpg")
    changes = _changes(rng)
    for change in rng.sample(changes, rng.randint(1, 3)):
        text = change(text)
    file.write_text(text)
    try:
        images = load_dataset("cocojson", tmp_path, "all")
    except DataError as error:
        assert "_annotations.coco.json" in str(error) or "labels" in str(error)
        return
    for picture, labels in labels_of(images).items():
        for category, value in labels.items():
            if value is not None:
                assert value == WANTED[picture][category.strip().lower()]
    if labels_of(images) != WANTED:
        assert images.problems
