"""Data sets as FiftyOne and Hugging Face's datasets write them, and JSON read in pieces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.api.errors import DataError
from engine.data.datasets import json_stream
from engine.data.datasets.json_stream import json_entries
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.registry import load_dataset, recognise
from tests.engine.data.datasets.devkits import (
    labels_of,
    write_picture,
)

# FiftyOne


def classifications(*names: str, **more: Any) -> dict[str, Any]:
    items = [{"_cls": "Classification", "label": name, "confidence": None} | more for name in names]
    return {"_cls": "Classifications", "classifications": items}


def fiftyone(root: Path, samples: Sequence[dict[str, Any]], **metadata: Any) -> Path:
    for sample in samples:
        write_picture(root / sample["filepath"])
    (root / "samples.json").write_text(json.dumps({"samples": list(samples)}))
    (root / "metadata.json").write_text(json.dumps(metadata))
    return root


def samples() -> list[dict[str, Any]]:
    return [
        {
            "filepath": "data/a.jpg",
            "tags": ["train"],
            "ground_truth": classifications("cat", "dog"),
        },
        {"filepath": "data/b.jpg", "tags": ["validation"], "ground_truth": classifications()},
        {"filepath": "data/c.jpg", "tags": ["validation"], "ground_truth": None},
    ]


def test_fiftyones_samples_have_several_labels(tmp_path: Path) -> None:
    fiftyone(tmp_path, samples(), classes={"ground_truth": ["dog", "cat", "cow"]})
    images = load_dataset("fiftyone-samples", tmp_path, "all")
    assert labels_of(images) == {
        "a.jpg": {"dog": True, "cat": True, "cow": False},
        "b.jpg": {"dog": False, "cat": False, "cow": False},
    }
    assert any(p.startswith("Samples without ground_truth") for p in images.problems)
    tagged = load_dataset("fiftyone-samples", tmp_path, "val")
    assert [path.name for path in tagged.paths] == ["b.jpg"]
    with pytest.raises(DataError, match=r"No sample of .*tag test.*train, validation"):
        load_dataset("fiftyone-samples", tmp_path, "test")


def test_which_of_fiftyones_fields_is_meant_is_asked_and_said(tmp_path: Path) -> None:
    rows = [
        {
            "filepath": "data/a.jpg",
            "clip": classifications("cat", confidence=0.9),
            "yolo": {"_cls": "Detections", "detections": [{"label": "cow", "confidence": 0.2}]},
        }
    ]
    fiftyone(tmp_path, rows)
    with pytest.raises(DataError, match=r"several fields of labels: clip, yolo.*samples:clip"):
        load_dataset("fiftyone-samples", tmp_path, "all")
    assert list(load_dataset("fiftyone-samples:clip", tmp_path, "all").categories) == ["cat"]
    with pytest.raises(DataError, match="no labels under 'other'"):
        load_dataset("fiftyone-samples:other", tmp_path, "all")


# imagefolder


def imagefolder(root: Path, text: str, *names: str, file: str = "metadata.csv") -> Path:
    for name in names:
        write_picture(root / name)
    (root / file).write_text(text)
    return root


def jsonl(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


WANTED = {"a.png": {"cat": True, "dog": True}, "b.png": {"cat": False, "dog": False}}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("metadata.csv", "file_name,labels\na.png,\"['cat', 'dog']\"\nb.png,[]\n"),
        ("metadata.csv", "text,file_name,tags\nx,a.png,cat|dog\ny,b.png,[]\n"),
        (
            "metadata.jsonl",
            jsonl(
                {"file_name": "a.png", "labels": ["cat", "dog"]},
                {"file_name": "b.png", "labels": []},
            ),
        ),
        (
            "metadata.jsonl",
            jsonl(
                {
                    "file_name": "a.png",
                    "objects": {"bbox": [[0, 0, 1, 1]] * 2, "categories": [0, 1]},
                },
                {"file_name": "b.png", "objects": {"bbox": [], "categories": []}},
            ),
        ),
    ],
)
def test_list_columns_of_an_imagefolder_are_labels(file: str, text: str, tmp_path: Path) -> None:
    imagefolder(tmp_path, text, "a.png", "b.png", file=file)
    if "objects" in text:
        (tmp_path / "categories.txt").write_text("cat\ndog\n")
    assert recognise(tmp_path) == ("imagefolder", ("all",))
    assert labels_of(load_dataset("imagefolder", tmp_path, "all")) == WANTED


def test_an_empty_cell_of_an_imagefolder_says_nothing(tmp_path: Path) -> None:
    text = "file_name,labels\na.png,cat\nb.png,\n"
    images = load_dataset("hf", imagefolder(tmp_path, text, "a.png", "b.png"), "all")
    assert labels_of(images) == {"a.png": {"cat": True}, "b.png": {"cat": None}}


def test_another_column_and_splits_below_one_list(tmp_path: Path) -> None:
    text = "file_name,breed\ntrain/a.png,collie\ntest/b.png,pug\n"
    imagefolder(tmp_path, text, "train/a.png", "test/b.png")
    with pytest.raises(DataError, match=r"no column of labels.*file_name, breed.*imagefolder:NAME"):
        load_dataset("imagefolder", tmp_path, "train")
    images: LabelledImages = load_dataset("imagefolder:breed", tmp_path, "test")
    assert labels_of(images) == {"b.png": {"pug": True}}
    with pytest.raises(DataError, match="no column 'bread'"):
        load_dataset("imagefolder:bread", tmp_path, "train")


def test_numbers_without_names_and_torn_lines_are_said_with_the_line(tmp_path: Path) -> None:
    text = jsonl({"file_name": "a.png", "labels": ["cat"]}) + '{"file_name": "b.png"\n'
    imagefolder(tmp_path, text, "a.png", "b.png", file="metadata.jsonl")
    images = load_dataset("imagefolder", tmp_path, "all")
    assert any("that cannot be used (1): line 2 is not usable JSON" in p for p in images.problems)
    imagefolder(tmp_path, jsonl({"file_name": "a.png", "labels": [3]}), file="metadata.jsonl")
    with pytest.raises(DataError, match=r"Line 1 of .* the label 3.*categories\.txt"):
        load_dataset("imagefolder", tmp_path, "all")


# JSON in pieces


def test_entries_come_whole_however_small_the_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "_PIECE", 3)
    content = [{"a": [1, 2.5, "x\u00e9]"]}, 12345, "text", None, []]
    file = tmp_path / "list.json"
    for indent in (None, 2):
        file.write_text(json.dumps({"before": {"x": [1]}, "list": content}, indent=indent))
        assert [entry for _, entry in json_entries(file, "list")] == content
    file.write_text(" [ ] ")
    assert list(json_entries(file)) == []


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("[1, 2", "", "after its entry 2"),
        ("[1 2]", "", "after its entry 1"),
        ("[{]", "", "in its entry 1"),
        ("{}", "", "is no list"),
        ("[]", "images", "has no list 'images'"),
        ('{"images": 3}', "images", "has no list 'images'"),
        ("[" * 99_999, "", "nested too deeply"),
    ],
)
def test_what_is_no_list_is_said(text: str, key: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        list(json_entries(file, key))
