from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.api.errors import DataError
from engine.data.datasets import coco as coco_module
from engine.data.datasets.labelled import ObjectBox
from engine.data.datasets.registry import load_dataset
from tests.engine.data.datasets.devkits import coco_annotation, write_coco
from tests.paths import needs


def load(root: Path, **options: Any) -> Any:
    return load_dataset("coco2017", root, "val", **options)


def spoil(file: Path, part: str, rows: list[Any]) -> None:
    content = json.loads(file.read_text())
    content[part] = content[part] + rows
    file.write_text(json.dumps(content))


def test_images_come_by_id_and_categories_by_the_rank_of_theirs(tmp_path: Path) -> None:
    write_coco(
        tmp_path,
        {30: "c.jpg", 4: "a.jpg", 10: "b.jpg"},
        [coco_annotation(30, 3), coco_annotation(4, 90), coco_annotation(4, 7, iscrowd=1)],
    )

    images = load(tmp_path)

    assert images.ids == ("4", "30")
    assert [path.name for path in images.paths] == ["a.jpg", "c.jpg"]
    assert list(images.categories) == ["dog", "cat", "cow"]
    assert images.targets.tolist() == [[False, True, True], [True, False, False]]
    assert not images.ignored.any()
    assert images.objects[0] == (
        ObjectBox(2, (1.0, 2.0, 4.0, 6.0)),
        ObjectBox(1, (1.0, 2.0, 4.0, 6.0), is_crowd=True),
    )
    assert images.problems == ("1 of 3 images have no annotation and do not count.",)


@pytest.mark.parametrize("pictures", ["val2014", "images/val2014", "images"])
def test_both_folder_layouts_are_read(tmp_path: Path, pictures: str) -> None:
    name = "COCO_val2014_000000000042.jpg"
    write_coco(tmp_path, {42: name}, [coco_annotation(42, 3)], "val2014", pictures)
    images = load_dataset("coco", tmp_path, "val")
    assert images.paths == (tmp_path / pictures / name,)
    assert images.ids == ("42",)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"images": ' + "9" * 100_000 + "}",
        '{"images": [{"id": Infinity}]}',
        '{"images": [',
        "[]",
        '{"images": [], "annotations": []}',
        '{"images": [1], "annotations": [], "categories": []}',
        '{"images": [], "annotations": [], "categories": [{"id": [1], "name": "x"}]}',
        '{"images": [], "annotations": [], "categories": [{"id": 1, "name": 5}]}',
        '{"images": [], "annotations": [], "categories": '
        '[{"id": 1, "name": "x"}, {"id": 1, "name": "y"}]}',
        '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "x"}]}',
        "\x00\xff",
        "",
    ],
)
def test_a_hostile_or_broken_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = write_coco(tmp_path, {}, [])
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"instances_val2017\.json"):
        load(tmp_path)


def test_a_file_beyond_the_size_cap_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_coco(tmp_path, {}, [])
    with file.open("wb") as huge:
        huge.truncate(2 << 30)  # a hole: takes no space
    with pytest.raises(DataError, match="too large: more than 1024 MiB"):
        load(tmp_path)
    monkeypatch.setattr("engine.data.datasets.reading._MAX_JSON_CONTAINERS", 10)
    file.write_text("[" + "[]," * 20 + "[]]")
    with pytest.raises(DataError, match="too many objects"):
        load(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "..\\secret.jpg", "C:\\x.jpg", "a/../../x", "", "\0"],
)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    file = write_coco(tmp_path, {1: "a.jpg"}, [coco_annotation(1, 3), coco_annotation(2, 3)])
    spoil(file, "images", [{"id": 2, "file_name": name}])
    images = load(tmp_path)
    assert images.ids == ("1",)
    assert "lead out of the data set's folder (1)" in images.problems[0]
    with pytest.raises(DataError, match="lead out"):
        load(tmp_path, strict=True)


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("/data/wider/Image/0.jpg", "data/wider/Image/0.jpg"),
        ("../../Image/0.jpg", "Image/0.jpg"),
        ("a/../../x.jpg", "x.jpg"),
        ("C:\\photos\\x.jpg", "photos/x.jpg"),
        ("..\\secret.jpg", "secret.jpg"),
        ("..", None),
        ("", None),
        ("\0", None),
    ],
)
def test_photos_that_need_not_be_there_are_known_by_the_ends_of_their_names(
    tmp_path: Path, name: str, end: str | None
) -> None:
    file = write_coco(tmp_path, {1: "a.jpg"}, [coco_annotation(1, 3), coco_annotation(2, 3)])
    spoil(file, "images", [{"id": 2, "file_name": name}])
    images = load(tmp_path, check_files=False)
    assert images.ids == (("1",) if end is None else ("1", "2"))
    folder = images.paths[0].parent
    assert images.paths[1:] == (() if end is None else (folder / end,))


@pytest.mark.parametrize(
    "bbox", [[-1, 0, 5, 5], [0, 0, -5, 5], [0, 0, 1e308, 5], [0, 0, 5], "x", None, [0, 0, True, 1]]
)
def test_a_box_that_makes_no_sense_is_left_out_and_its_label_stays(
    tmp_path: Path, bbox: Any
) -> None:
    write_coco(tmp_path, {1: "a.jpg"}, [coco_annotation(1, 3, bbox=bbox)])
    images = load(tmp_path)
    assert images.targets[0].tolist() == [True, False, False]
    assert images.objects == ((),)
    assert "box makes no sense" in images.problems[0]
    with pytest.raises(DataError, match="box makes no sense"):
        load(tmp_path, strict=True)


@pytest.mark.parametrize(
    ("part", "row", "message"),
    [
        ("images", {"id": None, "file_name": "x.jpg"}, "without an id or a file name"),
        ("images", {"id": 5}, "without an id or a file name"),
        ("annotations", coco_annotation(1, 4), "nothing else as absent (1): category_id 4"),
        ("annotations", coco_annotation(1, [3]), "not understood"),
        ("annotations", coco_annotation(77, 3), "unknown image (1): annotation"),
        ("annotations", coco_annotation(None, 3), "(image_id None)"),
        ("annotations", {}, "unknown image"),
        ("annotations", 7, "Entries that are no objects (1): place 1 of annotations: 7"),
    ],
)
def test_entries_that_fit_nowhere_are_told(
    tmp_path: Path, part: str, row: Any, message: str
) -> None:
    file = write_coco(tmp_path, {1: "a.jpg"}, [coco_annotation(1, 3)])
    spoil(file, part, [row])
    images = load(tmp_path)
    assert images.paths == (tmp_path / "val2017" / "a.jpg",)
    assert any(message in problem for problem in images.problems)
    with pytest.raises(DataError, match=r"\(1\)"):
        load(tmp_path, strict=True)


@pytest.mark.parametrize("identity", [1, "1", 1.0, "1.0"])
def test_of_an_id_that_several_files_have_nobody_can_tell(tmp_path: Path, identity: Any) -> None:
    rows = [coco_annotation(1, 3), coco_annotation(2, 3)]
    file = write_coco(tmp_path, {1: "a.jpg", 2: "b.jpg"}, rows)
    spoil(file, "images", [{"id": identity, "file_name": "other.jpg"}])
    images = load(tmp_path)
    assert images.ids == ("2",)
    assert "Image ids that several files have, which do not count (1): 1" in images.problems[0]


def test_a_missing_split_names_those_that_are_there(tmp_path: Path) -> None:
    write_coco(tmp_path, {1: "a.jpg"}, [coco_annotation(1, 3)])
    with pytest.raises(DataError, match=r"no split 'train'.*it has: val"):
        load_dataset("coco2017", tmp_path, "train")


def test_a_full_file_with_another_number_of_labelled_images_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_coco(tmp_path, {1: "a.jpg", 2: "b.jpg"}, [coco_annotation(1, 3)])
    monkeypatch.setitem(coco_module.OFFICIAL_COUNTS, (2017, "val"), (2, 2))
    assert "1 images have annotations; the official file has 2" in " ".join(load(tmp_path).problems)
    monkeypatch.setitem(coco_module.OFFICIAL_COUNTS, (2017, "val"), (2, 1))
    assert "official file" not in " ".join(load(tmp_path).problems)


def test_the_real_photos_are_read_as_pycocotools_reads_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = needs("data", "coco2017")
    images = load(root, strict=True)
    assert capsys.readouterr().out == ""
    assert len(images) == 79

    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(root / "annotations" / "instances_val2017.json"))
    ids = [i for i in sorted(coco.getImgIds()) if coco.getAnnIds(imgIds=i)]
    assert images.ids == tuple(str(i) for i in ids)
    columns = {category: column for column, category in enumerate(coco.getCatIds())}
    expected = np.zeros((len(ids), 80), dtype=bool)
    for row, image in enumerate(ids):
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=image))
        assert images.paths[row].name == coco.loadImgs(image)[0]["file_name"]
        for annotation in annotations:
            expected[row, columns[annotation["category_id"]]] = True
        crowds = [annotation["iscrowd"] == 1 for annotation in annotations]
        assert [o.is_crowd for o in images.objects[row]] == crowds
        np.testing.assert_allclose(
            [o.box[2] - o.box[0] for o in images.objects[row]],
            [annotation["bbox"][2] for annotation in annotations],
        )
    np.testing.assert_array_equal(images.targets, expected)
    assert list(images.categories) == [c["name"] for c in coco.loadCats(coco.getCatIds())]
