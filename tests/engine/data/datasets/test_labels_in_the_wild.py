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
from tests.engine.data.datasets.devkits import folder_with, labels_of, write_picture

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
