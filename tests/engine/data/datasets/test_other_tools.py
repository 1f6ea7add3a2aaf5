"""Annotation files as other programs write them: the same labels, or a message; never others."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.api.values import Prediction
from engine.cli import run
from engine.cli.output import WRITERS
from engine.data.datasets.registry import load_dataset
from tests.engine.data.datasets.devkits import (
    coco_annotation,
    folder_with,
    labels_of,
    voc_object,
    write_coco,
    write_picture,
    write_voc,
)

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
