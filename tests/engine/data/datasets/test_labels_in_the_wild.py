"""Lists of labels as people and programs write them: what is not understood is never absent."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.api.values import Prediction
from engine.cli.output import CsvWriter
from engine.data.datasets.registry import load_dataset
from tests.engine.data.datasets.devkits import (
    coco_annotation,
    folder_with,
    labels_of,
    voc_object,
    write_picture,
    write_voc,
)

CAT, DOG = {"cat": True, "dog": False}, {"cat": False, "dog": True}
BOTH, UNTOLD = {"cat": True, "dog": True}, {"cat": None, "dog": None}


def read_lines(root: Path, *rows: dict[str, Any]) -> dict[str, dict[str, bool | None]]:
    text = "\n".join(json.dumps(row) for row in rows)
    return labels_of(
        load_dataset(
            "folder", folder_with(root, text, "1.jpg", "2.jpg", file="labels.jsonl"), "all"
        )
    )


def read_csv(root: Path, text: str) -> dict[str, dict[str, bool | None]]:
    return labels_of(load_dataset("folder", folder_with(root, text, "1.jpg", "2.jpg"), "all"))


@pytest.mark.parametrize(
    "cell", ["cat|dog", "\"{'cat', 'dog'}\"", "\"('cat', 'dog')\"", "\"['cat' 'dog']\"", "cat;dog"]
)
def test_several_labels_in_a_cell_are_several(tmp_path: Path, cell: str) -> None:
    assert read_csv(tmp_path, f"path,label\n1.jpg,{cell}\n2.jpg,dog\n")["1.jpg"] == BOTH


@pytest.mark.parametrize("mark", ["?", "NaN", "nan", "N/A", "<NA>", "null"])
def test_a_mark_that_nobody_knows_is_no_category_and_makes_nothing_absent(
    tmp_path: Path, mark: str
) -> None:
    text = f"path,label\n1.jpg,cat\n1.jpg,dog\n2.jpg,{mark}\n"
    assert read_csv(tmp_path, text) == {"1.jpg": BOTH, "2.jpg": UNTOLD}


@pytest.mark.parametrize("row", ["2.jpg", "2.jpg,,dog", "2.jpg,,,,x"])
def test_a_row_of_another_shape_makes_nothing_absent(tmp_path: Path, row: str) -> None:
    images = load_dataset(
        "folder",
        folder_with(tmp_path, f"path,label\n1.jpg,cat;dog\n{row}\n", "1.jpg", "2.jpg"),
        "all",
    )
    assert labels_of(images)["2.jpg"] == UNTOLD
    assert images.unclear is not None and images.unclear.tolist() == [False, True]
    assert any("2.jpg" in problem for problem in images.problems)


@pytest.mark.parametrize("score", ["95", "3", "-4.2", "98%", "high", "inf"])
@pytest.mark.parametrize("kind", ["csv", "entry", "row"])
def test_a_score_that_is_none_makes_its_label_unknown(
    tmp_path: Path, score: str, kind: str
) -> None:
    if kind == "csv":
        found = read_csv(tmp_path, f"path,label,score\n1.jpg,cat,{score}\n2.jpg,dog,1\n")
    elif kind == "row":
        rows = {"path": "1.jpg", "label": "cat", "score": score}, {"path": "2.jpg", "label": "dog"}
        found = read_lines(tmp_path, *rows)
    else:
        labels = [{"label": "cat", "confidence": score}]
        found = read_lines(
            tmp_path, {"path": "1.jpg", "labels": labels}, {"path": "2.jpg", "labels": ["dog"]}
        )
    assert found == {"1.jpg": {"cat": None, "dog": False}, "2.jpg": DOG}


@pytest.mark.parametrize("word", ["score", "confidence", "prob", "probability", "conf", "Score"])
@pytest.mark.parametrize("name", ["category", "label", "name", "tag", "class"])
def test_json_lines_know_scores_by_the_words_of_csv(tmp_path: Path, word: str, name: str) -> None:
    labels = [{name: "cat", word: 0.9}, {name: "dog", word: "0.1"}]
    rows = {"path": "1.jpg", "labels": labels}, {"path": "2.jpg", "label": "dog", word: 0.9}
    assert read_lines(tmp_path, *rows) == {"1.jpg": CAT, "2.jpg": DOG}


def test_json_lines_may_hold_a_table_of_scores_or_an_empty_list_beside_a_label(
    tmp_path: Path,
) -> None:
    rows = (
        {"path": "1.jpg", "labels": {"cat": 0.9, "dog": 0.2}},
        {"path": "2.jpg", "labels": [], "category": "dog"},
    )
    assert read_lines(tmp_path, *rows) == {"1.jpg": CAT, "2.jpg": DOG}


@pytest.mark.parametrize("again", ["1.jpg", "./1.jpg"])
def test_what_a_second_line_of_a_picture_says_is_not_absent(tmp_path: Path, again: str) -> None:
    rows = ({"path": "1.jpg", "label": "cat"}, {"path": again, "label": "dog"})
    found = read_lines(tmp_path / "lines", *rows, {"path": "2.jpg", "label": "dog"})
    wide = f"path,cat,dog\n1.jpg,1,0\n{again},0,1\n2.jpg,0,1\n"
    assert (
        found
        == read_csv(tmp_path / "wide", wide)
        == {
            "1.jpg": {"cat": True, "dog": None},
            "2.jpg": DOG,
        }
    )


def test_a_list_of_boxes_without_a_header_has_its_labels_behind_them(tmp_path: Path) -> None:
    text = "1.jpg,10,20,30,40,cat\n1.jpg,1.5,2,3,4,dog\n2.jpg,1,2,3,4,dog\n"
    assert read_csv(tmp_path, text) == {"1.jpg": BOTH, "2.jpg": DOG}


def test_a_quotation_mark_that_is_never_closed_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Line 3 of .*never closed"):
        read_csv(tmp_path, 'path,label\n1.jpg,cat\n2.jpg,"dog\n3.jpg,cat\n')
    assert read_csv(tmp_path, 'path,label\n1.jpg,"cat"\n2.jpg,"dog"')["2.jpg"] == DOG


def test_a_list_of_which_nothing_is_understood_says_why(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"labels\.jsonl.*without path and labels \(1\): line 1"):
        read_lines(tmp_path, {"path": "1.jpg", "labels": 5})


def test_commas_in_a_category_of_ours_divide_nothing(tmp_path: Path) -> None:
    names = ("tabby, tabby cat", "a|b")
    file = io.StringIO()
    writer = CsvWriter(file, "model", Categories(names), 0.5)
    write_picture(tmp_path / "1.jpg")
    writer.write(Prediction(tmp_path / "1.jpg", "model", np.array([0.9, 0.8], np.float32)))
    (tmp_path / "labels.csv").write_text(file.getvalue())
    images = load_dataset("folder", tmp_path, "all")
    assert labels_of(images) == {"1.jpg": dict.fromkeys(sorted(names), True)}


# Text files beside pictures


def read_texts(root: Path, first: str, second: str = "dog") -> dict[str, dict[str, bool | None]]:
    folder_with(root, first, "1.jpg", "2.jpg", file="1.txt")
    (root / "2.txt").write_text(second)
    return labels_of(load_dataset("folder", root, "all"))


@pytest.mark.parametrize(
    "text",
    [
        "cat, (dog:1.2)",
        "((cat)), [dog]",
        "cat;dog",
        "cat\rdog",
        "(cat:0.8),dog\n",
        "cat: 0.9,dog",
        "cat,\r\n(dog:2)\r\n",
        "\ufeffcat\ndog",
    ],
)
def test_captions_of_trainers_are_labels_without_their_weights(tmp_path: Path, text: str) -> None:
    assert read_texts(tmp_path, text) == {"1.jpg": BOTH, "2.jpg": DOG}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("miku_\\(vocaloid\\)", "miku_(vocaloid)"),
        ("(miku_\\(vocaloid\\):1.1)", "miku_(vocaloid)"),
        ("a bat (animal)", "a bat (animal)"),
        ("ratio 16:9", "ratio 16:9"),
        ("re:zero", "re:zero"),
        (":)", ":)"),
    ],
)
def test_brackets_and_colons_of_a_name_stay(tmp_path: Path, text: str, label: str) -> None:
    assert read_texts(tmp_path, text)["1.jpg"] == {label: True, "dog": False}


def test_brackets_around_several_labels_make_nothing_absent(tmp_path: Path) -> None:
    assert read_texts(tmp_path, "(cat, bird:1.2)")["1.jpg"] == {"dog": None}


@pytest.mark.parametrize("row", ["0 0.5 0.5 0.2 0.2", "12 .1 .1 .9 .1 .9 .9", "1 0 0 1 1"])
def test_text_files_of_boxes_hold_no_labels(tmp_path: Path, row: str) -> None:
    with pytest.raises(DataError, match=r"boxes \(YOLO\).*1\.txt"):
        read_texts(tmp_path / "all", row, row)
    assert read_texts(tmp_path / "one", f"{row}\n{row}\n") == {"2.jpg": {"dog": True}}


# Annotation files

CATEGORIES = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]


def read_coco(
    root: Path,
    images: list[dict[str, Any]],
    annotations: list[dict[str, Any]],
    file: str = "_annotations.coco.json",
    folder: str = ".",
) -> dict[str, dict[str, bool | None]]:
    content = {"images": images, "annotations": annotations, "categories": CATEGORIES}
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(json.dumps(content))
    for name in ("1.jpg", "2.jpg"):
        write_picture(root / folder / name)
    return labels_of(load_dataset("cocojson", root, "all"))


def image(identity: Any, name: str, key: str = "file_name") -> dict[str, Any]:
    return {"id": identity, key: name}


IMAGES = [image(1, "1.jpg"), image(2, "2.jpg")]
ANNOTATIONS = [coco_annotation(1, 1), coco_annotation(2, 2)]


@pytest.mark.parametrize("again", ["1.jpg", "./1.jpg"])
def test_an_image_under_two_ids_is_one_with_the_labels_of_both(tmp_path: Path, again: str) -> None:
    images, annotations = [*IMAGES, image(3, again)], [*ANNOTATIONS, coco_annotation(3, 2)]
    assert read_coco(tmp_path, images, annotations) == {"1.jpg": BOTH, "2.jpg": DOG}


@pytest.mark.parametrize("identity", [1, "1", 1.0, "1.0"])
def test_of_two_images_with_one_id_none_counts(tmp_path: Path, identity: Any) -> None:
    images = [*IMAGES, image(identity, "other.jpg")]
    assert read_coco(tmp_path, images, ANNOTATIONS) == {"2.jpg": DOG}


@pytest.mark.parametrize(("score", "there"), [(0.01, False), (0.9, True), (95, None), (True, None)])
def test_annotations_that_a_program_made_count_by_their_score(
    tmp_path: Path, score: Any, there: bool | None
) -> None:
    more = [*ANNOTATIONS, coco_annotation(1, 2) | {"score": score}]
    found = read_coco(tmp_path, IMAGES, more)
    assert found == {"1.jpg": {"cat": True, "dog": there}, "2.jpg": DOG}


@pytest.mark.parametrize("key", ["bbox", "area", "score"])
def test_a_number_that_is_none_costs_nothing_else(tmp_path: Path, key: str) -> None:
    nan = float("nan")
    spoilt = coco_annotation(1, 1) | {key: [nan, 1, 2, 2] if key == "bbox" else nan}
    found = read_coco(tmp_path, IMAGES, [spoilt, *ANNOTATIONS])
    assert found["2.jpg"] == DOG and found["1.jpg"]["cat"] is True


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("http://images.example/1.jpg", "coco_url"),
        ("/datasets/x/1.jpg", "path"),
        ("1.jpg?x=1", "file_name"),
        ("https://h/a/1.jpg?a=b&c=d", "file_name"),
        ("https://h/1.jpg#part", "file_name"),
        (" 1.jpg\n", "file_name"),
    ],
)
def test_a_picture_is_found_by_its_address(tmp_path: Path, name: str, key: str) -> None:
    images = [image(1, name, key), image(2, "2.jpg")]
    assert read_coco(tmp_path, images, ANNOTATIONS) == {"1.jpg": CAT, "2.jpg": DOG}


@pytest.mark.parametrize("folder", ["images/default", "images", "default"])
def test_pictures_lie_in_the_folder_of_their_subset(tmp_path: Path, folder: str) -> None:
    file = "annotations/instances_default.json"
    assert read_coco(tmp_path, IMAGES, ANNOTATIONS, file, folder) == {"1.jpg": CAT, "2.jpg": DOG}


@pytest.mark.parametrize("name", ["1#2.jpg", "1?2.jpg", "a/1#x/y.jpg"])
def test_what_only_begins_like_another_picture_is_not_that(tmp_path: Path, name: str) -> None:
    images = [image(1, name), image(2, "2.jpg")]
    assert read_coco(tmp_path, images, ANNOTATIONS) == {"2.jpg": DOG}


def test_a_text_of_a_number_is_the_same_id(tmp_path: Path) -> None:
    images = [image("1.0", "1.jpg"), image("2", "2.jpg")]
    assert read_coco(tmp_path, images, ANNOTATIONS) == {"1.jpg": CAT, "2.jpg": DOG}


def voc_with(root: Path, old: str, new: str) -> Path:
    devkit = write_voc(root, {"val": ["a", "b"]}, {n: voc_object("cat") for n in "ab"})
    xml = devkit / "Annotations" / "a.xml"
    text = xml.read_text()
    assert old in text
    xml.write_text(text.replace(old, new))
    return devkit


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("object>", "Object>"),
        ("name>", "NAME>"),
        ("<annotation>", '<annotation xmlns="http://example.org/voc">'),
        ("<annotation>", '\n <?xml version="1.0"?><annotation>'),
    ],
)
def test_xml_is_read_whatever_the_case_and_namespace_of_its_tags(
    tmp_path: Path, old: str, new: str
) -> None:
    voc_with(tmp_path, old, new)
    images = load_dataset("voc2007", tmp_path, "val")
    assert images.targets.sum(axis=1).tolist() == [1, 1] and not images.ignored.any()


def test_xml_of_another_kind_is_no_picture_of_nothing(tmp_path: Path) -> None:
    devkit = voc_with(tmp_path, "a", "a")
    (devkit / "Annotations" / "a.xml").write_text("<metadata><label>cat</label></metadata>")
    images = load_dataset("voc2007", tmp_path, "val", strict=False)
    assert images.ids == ("b",)
    assert "Annotations that cannot be used (1)" in images.problems[0]


@pytest.mark.parametrize("kind", ["voc2007", "vocxml"])
def test_the_ending_of_xml_may_be_in_capitals_and_stand_in_lists(tmp_path: Path, kind: str) -> None:
    devkit = voc_with(tmp_path, "a", "a")
    for name in "ab":
        (devkit / "Annotations" / f"{name}.xml").rename(devkit / "Annotations" / f"{name}.XML")
    (devkit / "ImageSets/Main/val.txt").write_text("a.xml\nb.XML\n")
    images = load_dataset(kind, devkit, "val")
    assert images.ids == ("a", "b") and images.targets.sum() == 2


def test_a_label_that_fiftyone_does_not_declare_makes_nothing_absent(tmp_path: Path) -> None:
    for name in "12":
        write_picture(tmp_path / "data" / f"{name}.jpg")
    content = {"classes": ["cat", "dog"], "labels": {"1": "gatto", "2": "dog"}}
    (tmp_path / "labels.json").write_text(json.dumps(content))
    images = load_dataset("fiftyone", tmp_path, "all")
    assert labels_of(images) == {"1.jpg": UNTOLD, "2.jpg": DOG}
    assert images.unclear is not None and images.unclear.tolist() == [True, False]
