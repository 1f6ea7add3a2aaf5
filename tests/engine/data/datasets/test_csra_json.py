from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.api.categories import shipped_categories
from engine.api.errors import DataError
from engine.cli import run
from engine.data.datasets.csra_json import BINARY, write_official
from engine.data.datasets.registry import load_dataset
from tests.engine.data.datasets.devkits import (
    coco_annotation,
    voc_object,
    wider_person,
    write_coco,
    write_picture,
    write_voc,
    write_wider,
)
from tests.paths import needs

ATTRIBUTES = [1, -1, 0, 1, -1, -1, 0, -1, -1, 1, -1, -1, 0, -1]


def codes(default: int, **named: int) -> list[int]:
    row = [default] * 20
    for name, code in named.items():
        row[shipped_categories("voc").index_of(name)] = code
    return row


def prepare(dataset: str, data: Path, output: Path, *more: str) -> int:
    return run(
        ["prepare", "--dataset", dataset, "--data", str(data), "--output", str(output), *more]
    )


def rows_of(file: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(file.read_text())
    return rows


def write_small_voc(root: Path) -> Path:
    """An easy dog, a cat that is easy and difficult, a sheep that is only difficult."""
    first = voc_object("dog") + voc_object("cat", True) + voc_object("cat")
    second = voc_object("sheep", True) + voc_object("sheep", True) + voc_object("person")
    annotations = {"000007": second, "000005": first, "000009": "", "000001": first + second}
    splits = {"train": ["000007"], "val": ["000009", "000005"], "test": ["000001"]}
    splits["trainval"] = ["000005", "000007", "000009"]
    return write_voc(root, splits, annotations)


def test_voc_is_written_as_the_official_code_writes_it(tmp_path: Path) -> None:
    folder = write_small_voc(tmp_path / "in")

    assert prepare("voc2007", tmp_path / "in", tmp_path / "out") == 0

    pictures = folder / "JPEGImages"
    assert rows_of(tmp_path / "out/voc07/trainval_voc07.json") == [
        {"target": codes(0, dog=1, cat=1), "img_path": str(pictures / "000005.jpg")},
        {"target": codes(0, person=1), "img_path": str(pictures / "000007.jpg")},
    ]
    everything = codes(-1, dog=1, cat=1, person=1, sheep=0)
    assert rows_of(tmp_path / "out/voc07/test_voc07.json") == [
        {"target": everything, "img_path": str(pictures / "000001.jpg")}
    ]


def test_coco_is_written_as_the_official_code_writes_it(tmp_path: Path) -> None:
    root = tmp_path / "in"
    for split in ("train", "val"):
        names = {9: f"COCO_{split}2014_000000000009.jpg", 5: f"COCO_{split}2014_000000000005.jpg"}
        annotations = [coco_annotation(9, 90), coco_annotation(5, 7), coco_annotation(5, 7)]
        write_coco(root, names, annotations, f"{split}2014", f"images/{split}2014")

    assert prepare("coco2014", root, tmp_path / "out") == 0

    for split in ("train", "val"):
        pictures = root / "images" / f"{split}2014"
        assert rows_of(tmp_path / f"out/coco/{split}_coco2014.json") == [
            {"target": [0, 1, 0], "img_path": f"{pictures}/COCO_{split}2014_000000000005.jpg"},
            {"target": [0, 0, 1], "img_path": f"{pictures}/COCO_{split}2014_000000000009.jpg"},
        ]


@pytest.mark.parametrize(("split", "unspecified"), [("trainval", 0), ("test", 99)])
def test_wider_is_written_as_the_official_code_writes_it(
    tmp_path: Path, split: str, unspecified: int
) -> None:
    name = "train/0--Parade/x.jpg"
    persons = [wider_person(ATTRIBUTES, [3, 1.5, 9, 20]), wider_person(ATTRIBUTES)]
    write_wider(tmp_path / "in", [(name, persons)], split)

    assert prepare("wider", tmp_path / "in", tmp_path / "out") == 0

    target = [{1: 1, 0: unspecified, -1: 0}[value] for value in ATTRIBUTES]
    path = str(tmp_path / "in" / "Image" / name)
    text = (tmp_path / f"out/wider/{split}_wider.json").read_text()
    assert json.loads(text) == [
        {"img_path": path, "bbox": [3, 1.5, 9, 20], "target": target},
        {"img_path": path, "bbox": [1, 2, 3, 4], "target": target},
    ]
    assert '"bbox": [3, 1.5, 9, 20]' in text  # whole numbers stay whole


@pytest.mark.parametrize(
    ("dataset", "split", "file"),
    [
        ("voc2007", "test", "voc07/test_voc07.json"),
        ("wider", "test", "wider/test_wider.json"),
    ],
)
def test_what_was_written_is_read_back_alike(
    tmp_path: Path, dataset: str, split: str, file: str
) -> None:
    write_small_voc(tmp_path / "in")
    name = "test/0--Parade/x.jpg"
    write_wider(tmp_path / "in", [(name, [wider_person(ATTRIBUTES), wider_person(ATTRIBUTES)])])
    prepare(dataset, tmp_path / "in", tmp_path / "out")

    ours = load_dataset(dataset, tmp_path / "in", split)
    for root, wanted in (
        (tmp_path / "out" / file, "all"),
        ((tmp_path / "out" / file).parent, split),
    ):
        back = load_dataset("json", root, wanted)
        np.testing.assert_array_equal(back.targets, ours.targets)
        np.testing.assert_array_equal(back.ignored, ours.ignored)
        assert ours.ignored.any()
        assert (back.ids, back.paths, back.crops) == (ours.ids, ours.paths, ours.crops)
        assert back.categories == ours.categories
        assert back.ignored_as == ours.ignored_as


@pytest.mark.slow
def test_the_real_photos_go_there_and_back(tmp_path: Path) -> None:
    assert prepare("voc2007", needs("data", "voc2007"), tmp_path) == 0
    for split in ("trainval", "test"):
        ours = load_dataset("voc2007", needs("data", "voc2007"), split)
        back = load_dataset("json", tmp_path / "voc07", split)
        np.testing.assert_array_equal(back.targets, ours.targets)
        assert back.ids == ours.ids
        assert back.ignored.any() == (split == "test")
    np.testing.assert_array_equal(back.ignored, ours.ignored)


def test_coco_ids_come_back_as_numbers(tmp_path: Path) -> None:
    ours = load_dataset("coco2017", needs("data", "coco2017"), "val")
    write_official(ours, BINARY, tmp_path / "val.json")
    back = load_dataset("json", tmp_path / "val.json", "all")
    assert back.ids == ours.ids
    assert back.categories == ours.categories
    np.testing.assert_array_equal(back.targets, ours.targets)


def test_missing_images_are_written_all_the_same_but_told_or_stop_the_strict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_small_voc(tmp_path)
    (folder / "JPEGImages" / "000007.jpg").unlink()

    assert prepare("voc2007", tmp_path, tmp_path / "out") == 0
    captured = capsys.readouterr()
    assert len(rows_of(tmp_path / "out/voc07/trainval_voc07.json")) == 2
    assert "missing (1): " in captured.err and "000007.jpg" in captured.err
    assert captured.out.splitlines()[0].endswith("trainval_voc07.json  2 rows")

    assert prepare("voc2007", tmp_path, tmp_path / "strict", "--strict") == 1
    assert "000007.jpg" in capsys.readouterr().err
    assert not (tmp_path / "strict").exists()


def test_a_folder_without_the_data_set_is_refused_with_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_coco(tmp_path, {1: "a.jpg"}, [coco_annotation(1, 3)])
    assert prepare("coco2014", tmp_path, tmp_path / "out") == 1
    assert "It looks like coco2017 (val)." in capsys.readouterr().err
    assert prepare("voc2007", tmp_path / "nowhere", tmp_path / "out") == 1


def test_a_data_set_with_one_split_is_prepared_as_far_as_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_voc(tmp_path, {"test": ["a"]}, {"a": voc_object("dog")})
    assert prepare("voc2007", tmp_path, tmp_path / "out") == 0
    assert "no split 'trainval'" in capsys.readouterr().err
    assert [f.name for f in (tmp_path / "out/voc07").iterdir()] == ["test_voc07.json"]


def test_an_output_that_cannot_be_written_is_a_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_small_voc(tmp_path)
    (tmp_path / "file").touch()
    assert prepare("voc2007", tmp_path, tmp_path / "file") == 1
    assert "cannot be written" in capsys.readouterr().err


def write_json(root: Path, rows: Any) -> Path:
    file = root / "data" / "mine" / "rows.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(rows))
    return file


@pytest.mark.parametrize("base", ["", "data", "data/mine"])
def test_relative_paths_begin_at_the_file_or_two_folders_above(tmp_path: Path, base: str) -> None:
    write_picture(tmp_path / base / "photos" / "a.jpg")
    file = write_json(tmp_path, [{"target": [1, 0], "img_path": "photos/a.jpg"}])
    images = load_dataset("json", file, "all")
    assert images.paths[0] == tmp_path / base / "photos" / "a.jpg"
    assert list(images.categories) == ["category 0", "category 1"]


def test_categories_may_be_named_beside_the_file(tmp_path: Path) -> None:
    file = write_json(tmp_path, [{"target": [1, 0], "img_path": "a.jpg"}])
    file.with_name("categories.txt").write_text("left\nright\n")
    images = load_dataset("json", file, "all", check_files=False)
    assert list(images.categories) == ["left", "right"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"img_path": "b.jpg"}, "without img_path and a target of 2 codes (1): row 2"),
        ({"img_path": "b.jpg", "target": [1]}, "target of 2 codes"),
        ({"img_path": "b.jpg", "target": [1, 7]}, "target of 2 codes"),
        ({"img_path": "b.jpg", "target": [1, 0.5]}, "target of 2 codes"),
        ({"img_path": "b.jpg", "target": [True, 0]}, "target of 2 codes"),
        ({"img_path": "b.jpg", "target": [1, 0], "bbox": [0, 0, 0, 9]}, "bbox that makes no sense"),
        ({"img_path": "b.jpg", "target": [1, 0], "bbox": [0, 0, 1e308, 9]}, "bbox that makes no"),
        ({"img_path": "/etc/passwd", "target": [1, 0]}, "no picture's (1): /etc/passwd"),
        ({"img_path": "/a/../b.jpg", "target": [1, 0]}, "lead out"),
        ({"img_path": "../b.jpg", "target": [1, 0]}, "lead out"),
        ({"img_path": "gone.jpg", "target": [1, 0]}, "missing"),
        ({"img_path": "a.jpg", "target": [1, 0]}, "listed more than once"),
    ],
)
def test_rows_that_cannot_be_used_are_told(
    tmp_path: Path, row: dict[str, Any], message: str
) -> None:
    good = {"target": [1, 0], "img_path": "a.jpg"}
    file = write_json(tmp_path, [good, row, good | {"img_path": "c.jpg"}])
    for name in "abc":
        write_picture(file.parent / f"{name}.jpg")
    images = load_dataset("json", file, "all")
    assert images.ids == ("a", "c")
    assert message in images.problems[0]
    with pytest.raises(DataError):
        load_dataset("json", file, "all", strict=True)


@pytest.mark.parametrize("content", [{}, [], [1], [{"target": [-1, 99], "img_path": "a.jpg"}]])
def test_a_file_of_another_shape_or_of_two_codings_is_refused(tmp_path: Path, content: Any) -> None:
    file = write_json(tmp_path, content)
    with pytest.raises(DataError, match=r"rows\.json"):
        load_dataset("json", file, "all", check_files=False)


def test_pictures_of_the_same_name_get_ids_of_their_own(tmp_path: Path) -> None:
    rows = [{"target": [1, 0], "img_path": f"{folder}/a.jpg"} for folder in "xy"]
    images = load_dataset("json", write_json(tmp_path, rows), "all", check_files=False)
    assert len(set(images.ids)) == 2
