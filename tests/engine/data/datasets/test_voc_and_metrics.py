import gzip
import json

import numpy as np
import pytest

from engine.api.categories import shipped_categories
from engine.api.errors import DataError
from engine.data.datasets.voc import load_voc
from engine.metrics.ranking import average_precision, mean_average_precision
from tests.engine.data.datasets.devkits import write_devkit
from tests.paths import GOLDEN, needs


def test_only_difficult_objects_mean_ignored_and_any_easy_one_means_present(tmp_path):
    write_devkit(
        tmp_path,
        {"000001": [("dog", True), ("cat", False), ("cat", True)], "000002": [("dog", False)]},
    )
    images = load_voc(tmp_path, "train")
    dog, cat = (images.categories.index_of(name) for name in ("dog", "cat"))
    assert images.targets[:, dog].tolist() == [False, True]
    assert images.ignored[:, dog].tolist() == [True, False]
    assert images.targets[0, cat] and not images.ignored[0, cat]
    assert images.targets.sum() == 2 and images.ignored.sum() == 1


@pytest.mark.parametrize("level", ["", "VOCdevkit", "VOCdevkit/VOC2007"])
def test_a_devkit_is_found_from_any_folder_above_it(tmp_path, level):
    write_devkit(tmp_path, {"000001": [("dog", False)]})
    assert load_voc(tmp_path / level, "train").paths[0].name == "000001.jpg"


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><annotation>&b;</annotation>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation>&a;</annotation>',
        "<annotation><object>",
        "",
    ],
)
def test_hostile_or_broken_annotations_are_refused_by_name(tmp_path, xml):
    folder = write_devkit(tmp_path, {"000001": []})
    (folder / "Annotations" / "000001.xml").write_text(xml)
    with pytest.raises(DataError, match=r"000001\.xml"):
        load_voc(tmp_path, "train")


def test_lists_that_are_missing_empty_or_leave_the_folder_are_refused(tmp_path):
    folder = write_devkit(tmp_path, {"000001": []})
    with pytest.raises(DataError, match="'val' cannot be read"):
        load_voc(tmp_path, "val")
    (folder / "ImageSets" / "Main" / "empty.txt").write_text("\n")
    with pytest.raises(DataError, match="lists no images"):
        load_voc(tmp_path, "empty")
    (folder / "ImageSets" / "Main" / "out.txt").write_text("../../secret\n")
    with pytest.raises(DataError, match="not an image's name"):
        load_voc(tmp_path, "out")
    with pytest.raises(DataError, match="No VOC2007 data set"):
        load_voc(tmp_path / "elsewhere", "train")


def test_the_real_devkit_has_its_counts():
    root = needs("data", "voc2007")
    train = load_voc(root, "train")
    assert len(train) == 2500
    assert list(train.categories) == list(shipped_categories("voc")) and len(train.categories) == 20
    assert not (train.targets & train.ignored).any()
    assert train.targets.any(axis=0).all()


@pytest.mark.parametrize("dataset", ["voc07", "coco", "wider"])
def test_average_precision_agrees_with_the_official_code(dataset):
    golden = json.loads(gzip.decompress((GOLDEN / "metrics.json.gz").read_bytes()))[dataset]
    coded = np.array(golden["targets"])
    ignored = coded == (0 if dataset == "voc07" else 99)
    result = average_precision(np.array(golden["scores"]), coded == 1, ignored)
    np.testing.assert_allclose(result, golden["ap"], atol=1e-9)
    assert np.nanmean(result) == pytest.approx(golden["mAP"], abs=1e-9)


def test_average_precision_by_hand():
    scores = np.array([[0.9], [0.8], [0.7], [0.6]])
    targets = np.array([[True], [False], [True], [False]])
    assert average_precision(scores, targets)[0] == pytest.approx((1 + 2 / 3) / 2)
    ignored = np.array([[False], [True], [False], [False]])
    assert average_precision(scores, targets, ignored)[0] == 1.0


def test_a_category_without_positives_does_not_count_in_the_mean():
    scores = np.array([[0.9, 0.1], [0.1, 0.2]])
    targets = np.array([[True, False], [False, False]])
    assert np.isnan(average_precision(scores, targets)[1])
    assert mean_average_precision(scores, targets) == 1.0
