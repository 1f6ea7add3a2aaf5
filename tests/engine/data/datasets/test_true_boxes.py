from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.api.errors import DataError
from engine.api.values import TrueBox
from engine.data.datasets.true_boxes import TrueBoxes

_XML = """<annotation><object><name>dog</name><difficult>0</difficult>
<bndbox><xmin>11</xmin><ymin>21</ymin><xmax>50</xmax><ymax>60</ymax></bndbox></object>
<object><name>cat</name><difficult>1</difficult>
<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>6</ymax></bndbox></object></annotation>"""


def test_a_photo_of_a_voc_devkit_has_the_boxes_of_its_annotation(tmp_path: Path) -> None:
    for folder in ("JPEGImages", "Annotations"):
        (tmp_path / folder).mkdir()
    (tmp_path / "Annotations" / "000007.xml").write_text(_XML)
    boxes = TrueBoxes()
    assert boxes.of(tmp_path / "JPEGImages" / "000007.jpg") == (
        TrueBox("dog", (10.0, 20.0, 50.0, 60.0)),
        TrueBox("cat", (0.0, 0.0, 5.0, 6.0), is_difficult=True),
    )
    assert boxes.of(tmp_path / "JPEGImages" / "other.jpg") is None
    assert boxes.of(tmp_path / "000007.jpg") is None


def test_an_annotation_that_is_broken_is_an_error_not_an_empty_photo(tmp_path: Path) -> None:
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations" / "1.xml").write_text("<annotation>")
    with pytest.raises(DataError):
        TrueBoxes().of(tmp_path / "JPEGImages" / "1.jpg")


@pytest.mark.parametrize("photos", ["val2017", "images/val2017"])
def test_a_photo_of_coco_has_the_boxes_of_its_split_read_once(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / photos).mkdir(parents=True)
    tables = {
        "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
        "annotations": [
            {"id": 5, "image_id": 1, "category_id": 18, "bbox": [1, 2, 3, 4], "iscrowd": 1}
        ],
        "categories": [{"id": 18, "name": "dog"}],
    }
    file = tmp_path / "annotations" / "instances_val2017.json"
    file.write_text(json.dumps(tables))
    boxes = TrueBoxes()
    expected = (TrueBox("dog", (1.0, 2.0, 4.0, 6.0), is_crowd=True),)
    assert boxes.of(tmp_path / photos / "a.jpg") == expected
    assert boxes.of(tmp_path / photos / "b.jpg") == ()
    monkeypatch.setattr(
        "engine.data.datasets.true_boxes.load_coco", None
    )  # a second reading would fail
    assert boxes.of(tmp_path / photos / "a.jpg") == expected
    assert boxes.of(tmp_path / "a.jpg") is None
