"""What the thresholds and the calibration in a model's file give, beside 0.5 and the best."""

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.api.calibration import LogitScaling
from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.data.datasets.labelled import LabelledImages
from engine.evaluation.stored import stored_fit
from engine.metrics.bootstrap import BootstrapSettings
from engine.records.evaluations import EvaluationRun, EvaluationStore, StoredFit
from engine.records.model_record import CheckpointRecord
from engine.report.numbers import report
from engine.report.page import html_report
from tests.engine.tiny_models import tiny_config

NAMES = Categories(("cat", "dog", "cow"))
STORED = StoredFit(
    (0.2, 0.5, 0.9), LogitScaling((2.0, 1.0, 0.5), (0.5, 0.0, -1.0)), "VOC2007 train, 9 images",
    "VOC2007 train, 9 images",
)  # fmt: skip


def make_run(stored=STORED) -> EvaluationRun:
    generator = np.random.default_rng(3)
    targets = generator.random((60, 3)) < 0.4
    logits = (targets * 2.0 - 1.0 + generator.normal(0, 1.5, targets.shape)).astype(np.float32)
    return EvaluationRun(
        model={"name": "m"},
        dataset={"name": "VOC2007 val", "kind": "voc2007", "split": "val"},
        settings={},
        date="2026-01-02T03:04:05+00:00",
        categories=NAMES,
        ids=tuple(map(str, range(60))),
        logits=logits,
        targets=targets,
        ignored=generator.random((60, 3)) < 0.1,
        stored=stored,
    )


def numbers(run):
    return report(run, BootstrapSettings(resamples=5))


def by_hand(run, thresholds):
    """Precision, recall and F1 of each category, one image after the other."""
    found = []
    for c, threshold in enumerate(thresholds):
        right = wrong = missed = 0
        for row in range(len(run.ids)):
            if run.ignored[row, c]:
                continue
            given = 1 / (1 + np.exp(-float(run.logits[row, c]))) >= threshold
            right += given and run.targets[row, c]
            wrong += given and not run.targets[row, c]
            missed += not given and run.targets[row, c]
        both = right / (right + wrong), right / (right + missed)
        found.append((*both, 2 * right / (2 * right + wrong + missed)))
    return np.array(found).T


def test_labels_are_measured_at_the_thresholds_in_the_file():
    run = make_run()
    found = numbers(run).at_stored
    precision, recall, f1 = by_hand(run, STORED.thresholds)
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_allclose(found.f1, f1)
    assert found.labels.class_precision == pytest.approx(precision.mean())
    assert found.labels.macro_f1 == pytest.approx(f1.mean())
    half = numbers(make_run(replace(STORED, thresholds=(0.5, 0.5, 0.5))))
    assert half.at_stored.labels == half.paper.labels


def test_the_best_thresholds_are_no_worse_here_and_called_in_sample():
    found = numbers(make_run())
    assert found.at_best.labels.macro_f1 >= found.at_stored.labels.macro_f1
    assert found.as_dict()["f1_thresholds"]["in_sample"] is True
    assert found.as_dict()["stored_thresholds"]["in_sample"] is False


def test_the_calibration_in_the_file_is_measured_beside_scores_as_they_are():
    run = make_run()
    found = numbers(run)
    slopes, offsets = np.array(STORED.calibration.slopes), np.array(STORED.calibration.offsets)
    scores = 1 / (1 + np.exp(-(run.logits * slopes + offsets)))
    kept = ~run.ignored
    brier = float(((scores - run.targets)[kept] ** 2).mean())
    assert found.calibrated.brier == pytest.approx(brier, abs=1e-6)
    assert found.calibrated.brier != pytest.approx(found.calibration.brier, abs=1e-3)
    written = found.as_dict()["stored_calibration"]
    assert written["Brier"] == found.calibrated.brier
    assert written["learned_from"] == "VOC2007 train, 9 images"


def test_a_file_without_either_says_nothing_of_them_and_the_page_says_so():
    found = numbers(make_run(StoredFit()))
    assert found.at_stored is found.calibrated is None
    page = html_report(found)
    assert "has no thresholds of its own" in page and "has no calibration" in page
    assert "has no calibration" not in html_report(numbers(make_run(None)))


def test_the_page_tells_them_apart():
    page = html_report(numbers(make_run(replace(STORED, is_in_sample=True))))
    assert "(from VOC2007 train, 9 images; in-sample: the same images)" in page
    assert "Stored threshold" in page and "in-sample, not to be reported" in page


def test_they_are_kept_with_the_run(tmp_path):
    store = EvaluationStore(tmp_path)
    folder = store.save(make_run())
    assert store.load(folder).stored == STORED
    file = folder / "run.json"
    body = json.loads(file.read_text())
    file.write_text(json.dumps({**body, "stored": {**body["stored"], "thresholds": [0.5]}}))
    with pytest.raises(DataError, match="other categories"):
        store.load(folder)
    del body["stored"]  # as an earlier program wrote it
    file.write_text(json.dumps(body))
    assert store.load(folder).stored is None


def record(**provenance):
    config = replace(tiny_config(), categories=Categories(("ant", *NAMES)))
    scaling = LogitScaling((9.0, *STORED.calibration.slopes), (9.0, *STORED.calibration.offsets))
    values = (0.1, *STORED.thresholds)
    return CheckpointRecord(
        config, "m", thresholds=values, calibration=scaling, provenance=provenance
    )


@pytest.mark.parametrize(
    ("provenance", "thresholds_from", "calibration_from", "is_in_sample"),
    [
        ({}, "", "", False),
        ({"validation images": "VOC2007 val, 8 images"}, *2 * ["VOC2007 val, 8 images"], True),
        (
            {"validation images": "VOC2007 val, 8 images", "thresholds and calibration": "x, 9"},
            *("x, 9", "x, 9", False),
        ),
        (
            {"thresholds and calibration": "x, 9", "thresholds": "chosen on VOC2007 val, run 1"},
            *("chosen on VOC2007 val, run 1", "x, 9", True),
        ),
        ({"validation images": "VOC2007 valid, 8 images"}, *2 * ["VOC2007 valid, 8 images"], False),
    ],
)
def test_it_is_known_what_they_were_learned_from(
    provenance, thresholds_from, calibration_from, is_in_sample
):
    empty = np.zeros((1, 3), bool)
    images = LabelledImages("VOC2007 val", NAMES, ("x.jpg",), empty, empty)
    found = stored_fit(record(**provenance), images)
    assert (found.thresholds, found.calibration) == (STORED.thresholds, STORED.calibration)
    assert (found.thresholds_from, found.calibration_from) == (thresholds_from, calibration_from)
    assert found.is_in_sample is is_in_sample
