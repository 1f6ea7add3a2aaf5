"""Annotation files as other programs write them: the same labels, or a message; never others."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.api.values import Prediction
from engine.cli import run
from engine.cli.output import WRITERS
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.registry import load_dataset, recognise
from tests.engine.data.datasets.devkits import (
    coco_annotation,
    voc_object,
    write_coco,
    write_picture,
    write_voc,
)


def labels_of(images: LabelledImages) -> dict[str, dict[str, bool | None]]:
    """Picture → category → present, absent, or ``None`` if nobody can tell."""
    return {
        path.name: {
            name: None if images.ignored[row, column] else bool(images.targets[row, column])
            for column, name in enumerate(images.categories)
        }
        for row, path in enumerate(images.paths)
    }


def folder_with(root: Path, text: str | bytes, *pictures: str, file: str = "labels.csv") -> Path:
    for name in pictures:
        write_picture(root / name)
    data = text.encode() if isinstance(text, str) else text
    (root / file).write_bytes(data)
    return root


# Names of pictures


@pytest.mark.parametrize(
    ("listed", "on_disk"),
    [
        ("images\\1.jpg", "images/1.jpg"),
        ("images/images/1.jpg", "images/1.jpg"),
        ("set/images/1.jpg", "images/1.jpg"),
        ("./images/1.jpg", "images/1.jpg"),
        ("C:\\data\\set\\images\\1.jpg", "images/1.jpg"),
        ("\\\\server\\share\\images\\1.jpg", "images/1.jpg"),
        ("/home/someone/set/images/1.jpg", "images/1.jpg"),
        ("IMAGES/1.JPG", "images/1.jpg"),
        ("images/1.jpg", "images/1.JPG"),
        ("images/1.png", "images/1.jpeg"),
        ("images/1.jpg", "1.tif"),
        ("images/1", "images/1.jpg"),
        ("my%20photo.jpg", "my photo.jpg"),
        ("/data/local-files/?d=images%2F1.jpg", "images/1.jpg"),
        ("/data/upload/3/1.jpg", "1.jpg"),
        ("https://host/images/1.jpg?v=2#top", "images/1.jpg"),
        ("images/1.jpg ", "images/1.jpg"),
    ],
)
@pytest.mark.parametrize("kind", ["folder", "cocojson", "coco2017"])
def test_a_picture_is_found_however_another_tool_names_it(
    kind: str, listed: str, on_disk: str, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    write_picture(root / on_disk)
    if kind == "folder":
        (root / "labels.csv").write_text(f'path,label\n"{listed}",cat\n')
        images = load_dataset("folder", root, "all")
    else:
        file = write_coco(root, {}, [coco_annotation(1, 7)], "val2017")
        content = json.loads(file.read_text()) | {"images": [{"id": 1, "file_name": listed}]}
        if kind == "cocojson":
            file = root / "_annotations.coco.json"
        else:
            (root / "val2017").mkdir()
            (root / on_disk).rename(root / "val2017" / "x")
            write_picture(root / "val2017" / on_disk)
        file.write_text(json.dumps(content))
        images = load_dataset(kind, root, "val" if kind == "coco2017" else "all")
    assert [path.name for path in images.paths] == [Path(on_disk).name]
    assert images.targets[0, images.categories.index_of("cat")]
    if listed.strip() not in (on_disk, f"./{on_disk}"):
        assert any("named otherwise" in text for text in images.problems)


@pytest.mark.skipif(sys.platform == "win32", reason="no name has a backslash there")
def test_a_name_that_is_there_means_that_file_and_no_other(tmp_path: Path) -> None:
    folder_with(tmp_path, "a\\b.jpg,cat\na/b.jpg,dog\n", "a\\b.jpg", "a/b.jpg")
    images = load_dataset("folder", tmp_path, "all", strict=True)
    assert images.ids == ("a\\b.jpg", "a/b.jpg")


@pytest.mark.parametrize(
    ("names", "pictures"),
    [
        (["1.jpg"], ["1.png", "1.tif"]),  # which of them?
        (["X.jpg"], ["x.jpg", "x.JPG"]),
        (["1.jpg", "1.png"], ["1.png"]),  # the picture of another
        (["a/1.jpg", "b/1.jpg"], ["1.jpg"]),
        (["gone.jpg"], []),
        (["../1.jpg"], ["1.jpg"]),
    ],
)
def test_what_may_mean_several_pictures_or_none_is_left_out_loudly(
    names: list[str], pictures: list[str], tmp_path: Path
) -> None:
    folder_with(tmp_path, "".join(f"{n},cat\n" for n in [*names, "y.jpg"]), *pictures, "y.jpg")
    images = load_dataset("folder", tmp_path, "all")
    assert set(images.ids) <= {"y.jpg", *names} and len(images) < 1 + len(names)
    assert any(names[0] in text for text in images.problems)
    with pytest.raises(DataError):
        load_dataset("folder", tmp_path, "all", strict=True)


# Names of categories


@pytest.mark.parametrize("name", ["Cat", " cat ", "CAT", "house cat"])
def test_other_spellings_of_a_voc_category_are_understood(name: str, tmp_path: Path) -> None:
    write_voc(tmp_path, {"val": ["a", "b"]}, {"a": voc_object(name), "b": voc_object("cat")})
    images = load_dataset("voc2007", tmp_path, "val")
    column = images.targets[:, images.categories.index_of("cat")]
    if name == "house cat" and not column[0]:  # a synonym only if the list of names has it
        assert images.ignored[0].all()
    else:
        assert column.all() and not images.ignored.any()


@pytest.mark.parametrize("name", ["Katze", "", "cat?", "class_3"])
def test_what_is_not_understood_never_becomes_absent(name: str, tmp_path: Path) -> None:
    objects = voc_object(name) + voc_object("dog")
    write_voc(tmp_path, {"val": ["a", "b"]}, {"a": objects, "b": voc_object("cat")})
    images = load_dataset("voc2007", tmp_path, "val")
    found = labels_of(images)
    assert found["a.jpg"]["dog"] is True
    assert all(value is None for key, value in found["a.jpg"].items() if key != "dog")
    assert found["b.jpg"]["dog"] is False
    assert any("not understood" in text and " in a" in text for text in images.problems)


def test_where_unknown_would_become_absent_unclear_images_are_left_out(tmp_path: Path) -> None:
    rows = {"a": voc_object("Katze"), "b": voc_object("cat")}
    write_voc(tmp_path, {"trainval": ["a", "b"], "test": ["a", "b"]}, rows)
    understood = load_dataset("voc2007", tmp_path, "trainval").all_understood()
    assert understood.ids == ("b",) and not understood.ignored.any()
    assert "left out: 1" in understood.problems[-1]
    where = ["--data", str(tmp_path), "--output", str(tmp_path / "out")]
    assert run(["prepare", "--dataset", "voc2007", *where]) == 0
    written = json.loads((tmp_path / "out/voc07/trainval_voc07.json").read_text())
    assert [Path(row["img_path"]).name for row in written] == ["b.jpg"]


def test_a_known_thing_that_is_no_category_leaves_the_others_absent(tmp_path: Path) -> None:
    objects = voc_object("giraffe") + voc_object("dog")
    write_voc(tmp_path, {"val": ["a"]}, {"a": objects})
    images = load_dataset("voc2007", tmp_path, "val")
    assert labels_of(images)["a.jpg"]["cat"] is False
    assert any("other categories" in text and "giraffe in a" in text for text in images.problems)


def test_an_annotation_of_an_unknown_category_leaves_its_image_unclear(tmp_path: Path) -> None:
    rows = [coco_annotation(1, 7), coco_annotation(1, 55, id=4711), coco_annotation(2, 3)]
    write_coco(tmp_path, {1: "a.jpg", 2: "b.jpg"}, rows)
    images = load_dataset("coco2017", tmp_path, "val")
    assert labels_of(images) == {
        "a.jpg": {"dog": None, "cat": True, "cow": None},
        "b.jpg": {"dog": True, "cat": False, "cow": False},
    }
    assert any("annotation 4711 of" in text for text in images.problems)


def test_spellings_of_one_thing_are_one_category(tmp_path: Path) -> None:
    text = "a.jpg,cat\nb.jpg,Cat\nc.jpg,CAT;tv\nd.jpg,cat\n"
    folder_with(tmp_path, text, *(f"{n}.jpg" for n in "abcd"))
    images = load_dataset("folder", tmp_path, "all")
    assert list(images.categories) == ["cat", "tv"]
    assert images.targets[:, 0].all()


# Tables


@pytest.mark.parametrize(
    "text",
    [
        "path,labels\na.jpg,cat;dog\nb.jpg,\n",
        "Image Path;Class Name\na.jpg;cat,dog\nb.jpg;\n",
        "sep=;\nfilename;labels\na.jpg;cat,dog\nb.jpg;\n",
        "file_name\ttags\na.jpg\tcat, dog\nb.jpg\t\n",
        "filename,label\na.jpg,cat\na.jpg,dog\nb.jpg,\n",
        "Filename, cat, dog\na.jpg, 1, 1\nb.jpg, 0, 0\n",
        "image,categories\na.jpg,\"['cat', 'dog']\"\nb.jpg,[]\n",
        'image,categories\na.jpg,"[""cat"", ""dog""]"\nb.jpg,[]\n',
        "label,confidence,image\ncat,0.9,a.jpg\ndog,0.8,a.jpg\ncat,0.2,b.jpg\n",
        "path,labels\r\na.jpg,cat;dog\r\nb.jpg,\r\n",
        "id,file_name,label\n7,a.jpg,cat;dog\n8,b.jpg,\n",
        "image_id,label\na,cat\na,dog\nb,\n",
        "ImageID,LabelName,Confidence\na,cat,1\na,dog,1\nb,cat,0\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_in_all_its_usual_shapes(text: str, encoding: str, tmp_path: Path) -> None:
    folder_with(tmp_path, text.encode(encoding), "a.jpg", "b.jpg")
    images = load_dataset("folder", tmp_path, "all")
    assert labels_of(images) == {
        "a.jpg": {"cat": True, "dog": True},
        "b.jpg": {"cat": False, "dog": False},
    }


def test_a_table_of_roboflow_is_found_by_its_name(tmp_path: Path) -> None:
    folder_with(tmp_path / "train", "filename, cat\na.jpg, 1\n", "a.jpg", file="_classes.csv")
    assert labels_of(load_dataset("folder", tmp_path, "train")) == {"a.jpg": {"cat": True}}


@pytest.mark.parametrize("everything", [True, False])
def test_our_own_outputs_say_the_same_whatever_their_form(everything: bool, tmp_path: Path) -> None:
    categories = Categories(("cat", "dog", "=sum", "horse"))
    scores = [[0.9, 0.1, 0.5, 0.49], [0.2, 0.2, 0.2, 0.2]]
    found = {}
    for form in ("csv", "jsonl"):
        root = tmp_path / form
        predictions = [
            Prediction(root / f"{name}.jpg", "model", np.array(row, dtype=np.float32))
            for name, row in zip("ab", scores, strict=True)
        ]
        nothing = np.zeros(0, dtype=np.float32)
        predictions.append(Prediction(root / "c.jpg", "model", nothing, error="It is cut off."))
        for name in "abc":
            write_picture(root / f"{name}.jpg")
        with (root / f"labels.{form}").open("w", newline="") as file:
            writer = WRITERS[form](file, "model", categories, 0.0 if everything else 0.5, {})
            for prediction in predictions:
                writer.write(prediction)
        images = load_dataset("folder", root, "all")
        assert any("could not be read" in text for text in images.problems)
        found[form] = {
            name: {key for key, value in row.items() if value}
            for name, row in labels_of(images).items()
        }
    assert found["csv"] == found["jsonl"] == {"a.jpg": {"cat", "=sum"}, "b.jpg": set()}


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
