"""Files of the official code are measured as the official code measures them."""

import gzip
import json

import numpy as np
import pytest
from PIL import Image

from engine.data.datasets.registry import load_dataset
from engine.metrics.bootstrap import BootstrapSettings
from engine.metrics.report import Protocol
from engine.records.evaluations import EvaluationRun, EvaluationStore, now
from engine.report.numbers import report
from engine.report.protocol import IGNORED_AS
from tests.paths import GOLDEN

FILES = {
    "voc07": ("test_voc07.json", Protocol.PAPER_VOC, "-1 for absent"),
    "coco": ("val_coco2014.json", Protocol.PAPER_COCO, "ignores nothing"),
    "wider": ("test_wider.json", Protocol.PAPER_WIDER, "unspecified with 99"),
}


@pytest.fixture(scope="module")
def golden():
    return json.loads(gzip.decompress((GOLDEN / "metrics.json.gz").read_bytes()))


@pytest.fixture
def write(tmp_path):
    """Write targets as the official code does, of one photo for all of them."""

    def written(name, targets, **more):
        Image.new("RGB", (40, 40)).save(tmp_path / "photo.jpg")
        rows = [
            {"target": row, "img_path": "photo.jpg", "bbox": [0, 0, 9 + place % 30, 9], **more}
            for place, row in enumerate(targets)
        ]
        (tmp_path / name).write_text(json.dumps(rows))
        return tmp_path

    return written


def numbers_of(images, scores):
    """All numbers of a run with these scores."""
    scores = np.clip(np.array(scores, dtype=np.float64), 1e-12, 1 - 1e-12)
    run = EvaluationRun(
        model={"name": "m"},
        dataset={"name": images.name, "kind": "json", IGNORED_AS: images.ignored_as},
        settings={},
        date=now(),
        categories=images.categories,
        ids=images.ids,
        logits=np.log(scores / (1 - scores)).astype(np.float32),
        targets=images.targets,
        ignored=images.ignored,
    )
    return report(run, BootstrapSettings(resamples=5))


@pytest.mark.parametrize("dataset", list(FILES))
def test_the_coding_of_a_file_decides_whose_arithmetic_is_used(dataset, golden, write):
    name, protocol, reason = FILES[dataset]
    folder = write(name, golden[dataset]["targets"])
    images = load_dataset("json", folder, name.partition("_")[0])
    found = numbers_of(images, golden[dataset]["scores"])
    assert found.paper.protocol is protocol
    assert reason in found.protocol_reason
    numbers = found.paper.labels.as_dict()
    for key in ("CP", "CR", "CF1", "OP", "OR", "OF1"):
        assert numbers[key] == pytest.approx(golden[dataset][key], abs=1e-9)


def test_what_nobody_said_in_our_own_exports_is_no_negative(write):
    folder = write("trainval_photos.json", [[1, 99], [0, 1]], sources={}, rejected=[])
    assert load_dataset("json", folder, "trainval").ignored_as == ""
    folder = write("trainval_photos.json", [[1, 99], [0, 1]])
    assert load_dataset("json", folder, "trainval").ignored_as == "unspecified"


def test_the_protocol_outlives_keeping_and_a_part_of_the_split(golden, write, tmp_path):
    images = load_dataset("json", write("test_wider.json", golden["wider"]["targets"]), "test")
    assert images.subset(range(5)).ignored_as == "unspecified"
    assert images.for_categories(images.categories).ignored_as == "unspecified"
    found = EvaluationStore(tmp_path / "runs")
    run = EvaluationRun(
        {"name": "m"},
        {"name": "d", "kind": "json", IGNORED_AS: images.ignored_as},
        {},
        now(),
        images.categories,
        images.ids,
        np.zeros(images.targets.shape, np.float32),
        images.targets,
        images.ignored,
    )
    assert found.load(found.save(run)).dataset[IGNORED_AS] == "unspecified"
