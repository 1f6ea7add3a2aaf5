"""Open Images, NUS-WIDE, Visual Genome and Karpathy's splits in their layouts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.api.errors import DataError
from engine.api.training import DatasetSource
from engine.cli import run
from engine.data.datasets.json_stream import json_entries
from engine.data.datasets.registry import load_dataset, recognise
from engine.metrics.ranking import average_precision
from engine.train.sources import load_parts
from tests.engine.data.datasets.devkits import (
    coco_annotation,
    labels_of,
    write_coco,
    write_picture,
)

# Open Images

OPEN_ROWS = (
    "0001,verification,/m/cat,1",
    "0001,verification,/m/dog,0",
    "0002,crowdsource-verification,/m/dog,1",
    "0009,verification,/m/dog,1",
)


def open_images(root: Path, rows: Sequence[str] = OPEN_ROWS, kind: str = "") -> Path:
    for name in ("0001", "0002"):
        write_picture(root / "validation" / f"{name}.jpg")
    list_file = root / f"validation-annotations-human-imagelabels{kind}.csv"
    list_file.write_text("\n".join(["ImageID,Source,LabelName,Confidence", *rows, ""]))
    (root / "class-descriptions.csv").write_text('/m/cat,Cat\n/m/dog,Dog\n/m/x,"Bow, tie"\n')
    return root


@pytest.mark.parametrize("kind", ["", "-boxable"])
def test_open_images_has_what_was_verified_and_nothing_else(kind: str, tmp_path: Path) -> None:
    images = load_dataset("openimages", open_images(tmp_path, kind=kind), "val")
    assert labels_of(images) == {
        "0001.jpg": {"Cat": True, "Dog": False},
        "0002.jpg": {"Cat": None, "Dog": True},
    }
    assert images.unclear is not None and images.unclear.tolist() == [False, True]
    assert images.problems == ("Images that are listed and not in validation (1): 0009.",)


def test_unknown_labels_of_open_images_are_out_of_the_ranking(tmp_path: Path) -> None:
    rows = [*OPEN_ROWS, "0003,verification,/m/cat,0"]
    write_picture(tmp_path / "validation" / "0003.jpg")
    images = load_dataset("openimages", open_images(tmp_path, rows), "val")
    logits = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 0.5]])  # the unknown one is ranked first
    assert images.ignored[:, 0].tolist() == [False, True, False]
    found = average_precision(logits, images.targets, images.ignored)
    assert found[0] == 1.0
    assert average_precision(logits, images.targets)[0] == 0.5


def test_what_open_images_contradicts_or_does_not_understand_nobody_knows(tmp_path: Path) -> None:
    rows = [*OPEN_ROWS, "0001,verification,/m/cat,0", "0002,machine,/m/cat,0.7", "0002,torn"]
    images = load_dataset("openimages", open_images(tmp_path, rows), "val")
    assert labels_of(images)["0001.jpg"] == {"Cat": None, "Dog": False}
    assert labels_of(images)["0002.jpg"] == {"Cat": None, "Dog": True}
    assert any("whose labels stay unknown (1): '0.7' in line 7" in p for p in images.problems)
    assert any("another shape than the header (1): line 8" in p for p in images.problems)
    with pytest.raises(DataError, match="line 8"):
        load_dataset("openimages", tmp_path, "val", strict=True)


def test_a_list_of_names_chooses_categories_of_open_images(tmp_path: Path) -> None:
    open_images(tmp_path)
    (tmp_path / "categories.txt").write_text("dog\n/m/x\n")
    images = load_dataset("openimages", tmp_path, "val")
    assert list(images.categories) == ["Dog", "Bow, tie"]
    (tmp_path / "categories.txt").write_text("Dog\nUnicorn\n")
    with pytest.raises(DataError, match=r"Line 2 of .*'Unicorn'"):
        load_dataset("openimages", tmp_path, "val")


def test_two_things_of_one_name_stay_two(tmp_path: Path) -> None:
    open_images(tmp_path)
    (tmp_path / "class-descriptions.csv").write_text("/m/cat,Bow\n/m/dog,Bow\n")
    images = load_dataset("openimages", tmp_path, "val")
    assert list(images.categories) == ["Bow (/m/cat)", "Bow (/m/dog)"]


def test_open_images_as_other_tools_lay_it_out(tmp_path: Path) -> None:
    for name in ("0001", "0002"):
        write_picture(tmp_path / "train" / "data" / f"{name}.jpg")
    for place, text in (
        ("labels/classifications.csv", "ImageID,Source,LabelName,Confidence\n0001,v,/m/cat,1\n"),
        ("metadata/classes.csv", "/m/cat,Cat\n"),
    ):
        file = tmp_path / "train" / place
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    images = load_dataset("openimages", tmp_path, "train")
    assert labels_of(images) == {"0001.jpg": {"Cat": True}}


def test_open_images_says_what_is_missing(tmp_path: Path) -> None:
    open_images(tmp_path)
    (tmp_path / "class-descriptions.csv").unlink()
    with pytest.raises(DataError, match=r"no class descriptions.*Put class-descriptions\.csv"):
        load_dataset("openimages", tmp_path, "val")
    (tmp_path / "class-descriptions.csv").write_text("/m/cat\n")
    with pytest.raises(DataError, match=r"Line 1 of .*/m/01yrx,Cat"):
        load_dataset("openimages", tmp_path, "val")
    next(tmp_path.glob("validation-*")).write_text("id,label\n1,cat\n")
    (tmp_path / "class-descriptions.csv").write_text("/m/cat,Cat\n")
    with pytest.raises(DataError, match="does not begin with the columns ImageID"):
        load_dataset("openimages", tmp_path, "val")


# NUS-WIDE


def nus_wide(root: Path, cats: str = "1\n0\n1\n") -> Path:
    labels, lists = root / "Groundtruth" / "TrainTestLabels", root / "ImageList"
    labels.mkdir(parents=True)
    lists.mkdir()
    (labels / "Labels_cat_Test.txt").write_text(cats)
    (labels / "Labels_dog_Test.txt").write_text("0\n0\n1\n")
    (labels / "Labels_dog_Train.txt").write_text("0\n")
    names = ("actor\\1_10.jpg", "actor\\2_20.jpg", "zoo\\3_30.jpg")
    (lists / "TestImagelist.txt").write_text("\r\n".join(names) + "\r\n")
    for name in names:
        write_picture(root / "Flickr" / name.replace("\\", "/"))
    return root


def test_nus_wide_has_a_column_for_each_concept(tmp_path: Path) -> None:
    images = load_dataset("nuswide", nus_wide(tmp_path), "test")
    assert labels_of(images) == {
        "1_10.jpg": {"cat": True, "dog": False},
        "2_20.jpg": {"cat": False, "dog": False},
        "3_30.jpg": {"cat": True, "dog": True},
    }
    assert images.ids[0] == "actor/1_10.jpg"
    assert images.problems[0].startswith("1 of 3 images have none of the concepts; they count")


@pytest.mark.parametrize(
    ("cats", "message"),
    [
        ("1\n0\n2\n", r"Line 3 of .*Labels_cat_Test\.txt is neither 1 nor 0"),
        ("1\n10\n0\n", "Line 2 of"),
        ("1\n0\n", r"has 2 labels and .*TestImagelist\.txt lists 3 images"),
    ],
)
def test_nus_wide_says_where_a_file_is_wrong(cats: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset("nuswide", nus_wide(tmp_path, cats), "test")


def test_nus_wide_is_found_with_its_pictures_in_one_folder_and_some_gone(tmp_path: Path) -> None:
    nus_wide(tmp_path)
    (tmp_path / "images").mkdir()
    for name in ("actor/1_10.jpg", "zoo/3_30.jpg"):
        (tmp_path / "Flickr" / name).rename(tmp_path / "images" / Path(name).name)
    (tmp_path / "Flickr").rename(tmp_path / "gone")
    images = load_dataset("nuswide", tmp_path, "test")
    assert [path.name for path in images.paths] == ["1_10.jpg", "3_30.jpg"]
    assert images.targets.tolist() == [[True, False], [True, True]]


# Visual Genome


def visual_genome(root: Path) -> Path:
    write_picture(root / "VG_100K" / "1.jpg")
    write_picture(root / "VG_100K_2" / "2.jpg")
    objects = [
        {"image_id": 1, "objects": [{"names": ["Tree"]}, {"names": ["tree"]}, {"names": ["cat"]}]},
        {"image_id": 2, "objects": [{"names": ["tree"]}, {"names": ["man", "cat"]}]},
        {"image_id": 3, "objects": [{"names": ["zebra"]}]},
        {"objects": []},
    ]
    attributes = [{"image_id": 1, "attributes": [{"names": ["tree"], "attributes": ["green"]}]}]
    (root / "objects.json").write_text(json.dumps(objects, indent=1))
    (root / "attributes.json").write_text(json.dumps(attributes))
    return root


def test_visual_genome_has_the_names_that_most_images_have(tmp_path: Path) -> None:
    images = load_dataset("visualgenome:2", visual_genome(tmp_path), "all")
    assert labels_of(images) == {
        "1.jpg": {"cat": True, "tree": True},
        "2.jpg": {"cat": True, "tree": True},
    }
    assert any("image_id and objects (1): entry 4 of objects.json" in p for p in images.problems)
    more = load_dataset("visualgenome", tmp_path, "all")
    assert list(more.categories) == ["cat", "tree", "man", "zebra"]


def test_visual_genome_by_a_list_of_names_of_ids_and_by_attributes(tmp_path: Path) -> None:
    visual_genome(tmp_path)
    (tmp_path / "test.txt").write_text("VG_100K_2/2.jpg 5 7\n")
    (tmp_path / "categories.txt").write_text("man\nCat\n")
    images = load_dataset("visualgenome", tmp_path, "test")
    assert labels_of(images) == {"2.jpg": {"man": True, "Cat": True}}
    (tmp_path / "categories.txt").unlink()
    green = load_dataset("visualgenome-attributes", tmp_path, "all")
    assert labels_of(green) == {"1.jpg": {"green": True}}
    (tmp_path / "test.txt").write_text("2\nnone\n")
    with pytest.raises(DataError, match=r"Line 2 of .*no id of an image"):
        load_dataset("visualgenome", tmp_path, "test")


@pytest.mark.parametrize("name", ["visualgenome:0", "visualgenome:many", "visualgenome:"])
def test_a_number_of_names_that_makes_no_sense_is_said(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"number of names|nothing follows the colon"):
        load_dataset(name, visual_genome(tmp_path), "all")
    with pytest.raises(DataError, match="voc2007 takes nothing after the colon"):
        load_dataset("voc2007:3", tmp_path, "all")


def test_a_cut_file_of_visual_genome_is_said_with_the_entry(tmp_path: Path) -> None:
    file = visual_genome(tmp_path) / "objects.json"
    file.write_text(file.read_text()[:-40])
    with pytest.raises(DataError, match=r"objects\.json is not usable JSON .*get the file again"):
        load_dataset("visualgenome", tmp_path, "all")


# Karpathy


def karpathy(root: Path, coco: bool = True) -> Path:
    rows = [
        ("COCO_train2014_000000000001.jpg", "train2014", "train"),
        ("COCO_val2014_000000000002.jpg", "val2014", "restval"),
        ("COCO_val2014_000000000003.jpg", "val2014", "test"),
        ("COCO_val2014_000000000004.jpg", "val2014", "test"),
    ]
    more = {"sentences": [{"raw": "a cat"}], "sentids": [1]}
    images = [
        {"filename": name, "split": split, "cocoid": i}
        | ({"filepath": part} if coco else {})
        | more
        for i, (name, part, split) in enumerate(rows, start=1)
    ]
    content = {"dataset": "coco", "images": images}
    (root / ("dataset_coco.json" if coco else "dataset_flickr30k.json")).write_text(
        json.dumps(content)
    )
    return root


def test_karpathys_column_divides_the_images_of_both_coco_files(tmp_path: Path) -> None:
    karpathy(tmp_path)
    train, *val = (row["filename"] for row in entries(tmp_path / "dataset_coco.json"))
    write_coco(tmp_path, {1: train}, [coco_annotation(1, 3)], "train2014")
    annotations = [coco_annotation(2, 7), coco_annotation(3, 90)]
    write_coco(tmp_path, dict(enumerate(val, 2)), annotations, "val2014")
    named = {"COCO_train2014_000000000001.jpg": "dog", "COCO_val2014_000000000002.jpg": "cat"}
    found = labels_of(load_dataset("karpathy", tmp_path, "trainrestval"))
    assert {name: [k for k, v in said.items() if v] for name, said in found.items()} == {
        name: [label] for name, label in named.items()
    }
    test = load_dataset("karpathy", tmp_path, "test")
    assert [path.name for path in test.paths] == [val[1]]
    assert test.problems[0].startswith("1 of 2 images have no annotation")
    with pytest.raises(DataError, match="puts no image into val; it has: train, restval, test"):
        load_dataset("karpathy", tmp_path, "val")


@pytest.mark.parametrize("place", ["karpathy", "coco/karpathy"])
def test_the_folder_of_karpathys_file_may_be_called_as_people_call_it(
    place: str, tmp_path: Path
) -> None:
    inner = tmp_path / place
    inner.mkdir(parents=True)
    karpathy(inner)
    top = inner.parent if place.startswith("coco") else inner
    *_, name = (row["filename"] for row in entries(inner / "dataset_coco.json"))
    write_coco(top, {4: name}, [coco_annotation(4, 3)], "val2014")
    found = load_dataset("karpathy", inner, "test")
    assert [path.name for path in found.paths] == [name]


def test_karpathys_file_alone_has_no_labels_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"captions and no labels.*instances_val2014\.json"):
        load_dataset("karpathy", karpathy(tmp_path), "test")


def test_karpathys_flickr_goes_with_a_coco_file_of_ones_own(tmp_path: Path) -> None:
    names = [row["filename"] for row in entries(karpathy(tmp_path, coco=False), "flickr30k")]
    file = write_coco(
        tmp_path, dict(enumerate(names)), [coco_annotation(3, 3)], "x", "flickr30k-images"
    )
    file.rename(tmp_path / "annotations.json")
    images = load_dataset("karpathy", tmp_path, "test")
    assert recognise(tmp_path) == ("karpathy", ("train", "val", "test"))
    assert [path.name for path in images.paths] == [names[3]]


def entries(file: Path, kind: str = "coco") -> list[dict[str, Any]]:
    file = file if file.is_file() else file / f"dataset_{kind}.json"
    return [entry for _, entry in json_entries(file, "images")]


# What is made of them


def prepare(kind: str, data: Path, output: Path) -> int:
    return run(["prepare", "--dataset", kind, "--data", str(data), "--output", str(output)])


def test_any_data_set_is_written_for_the_official_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_images(tmp_path / "in")
    out = tmp_path / "out"
    assert prepare("openimages", tmp_path / "in", out) == 0
    rows = json.loads((out / "openimages" / "val_openimages.json").read_text())
    assert [row["target"] for row in rows] == [[1, 0], [99, 1]]
    assert "has 99 for labels that nobody knows" in capsys.readouterr().err
    back = load_dataset("json", out / "openimages", "val")
    assert labels_of(back) == labels_of(load_dataset("openimages", tmp_path / "in", "val"))


def test_prepare_says_what_a_folder_of_the_wrong_layout_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare("nuswide", tmp_path, tmp_path) == 1
    assert "Give the folder that holds Groundtruth/TrainTestLabels" in capsys.readouterr().err


def test_one_split_is_judged_in_the_columns_of_another(tmp_path: Path) -> None:
    train = load_dataset("openimages", open_images(tmp_path / "a"), "val")
    rows = ["0001,v,/m/x,1", "0001,v,/m/dog,0", "0002,v,/m/dog,1"]
    other = load_dataset("openimages", open_images(tmp_path / "b", rows), "val")
    there = other.aligned(train.categories)
    assert labels_of(there) == {
        "0001.jpg": {"Cat": None, "Dog": False},
        "0002.jpg": {"Cat": None, "Dog": True},
    }
    assert "not learned, which are left out: Bow, tie" in there.problems[-1]


def test_what_trains_is_judged_in_its_own_columns(tmp_path: Path) -> None:
    for split, label in (("train", "cat"), ("val", "dog")):
        write_picture(tmp_path / f"{split}.jpg")
        (tmp_path / f"{split}.csv").write_text(f"{split}.jpg,{label}\n")
    steps = load_parts(DatasetSource("folder", tmp_path), 0)
    with pytest.raises(StopIteration) as end:
        next(steps)
    train, val = end.value.value
    assert labels_of(train) == {"train.jpg": {"cat": True}}
    assert labels_of(val) == {"val.jpg": {"cat": False}}
