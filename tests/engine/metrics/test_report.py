import gzip
import json

import numpy as np
import pytest

from engine.api.errors import ConfigError, DataError
from engine.metrics.report import Protocol, consistent_metrics, paper_metrics
from tests.engine.metrics.samples import sample
from tests.engine.metrics.slow_truth import paper_labels
from tests.paths import GOLDEN

SIX = ("CP", "CR", "CF1", "OP", "OR", "OF1")
IGNORED_CODE = {"voc07": 0, "coco": None, "wider": 99}
PROTOCOL = {
    "voc07": Protocol.PAPER_VOC,
    "coco": Protocol.PAPER_COCO,
    "wider": Protocol.PAPER_WIDER,
}


@pytest.mark.parametrize("dataset", list(PROTOCOL))
def test_every_number_equals_that_of_the_official_code(dataset):
    golden = json.loads(gzip.decompress((GOLDEN / "metrics.json.gz").read_bytes()))[dataset]
    coded = np.array(golden["targets"])
    ignored = coded == IGNORED_CODE[dataset] if IGNORED_CODE[dataset] is not None else None
    report = paper_metrics(
        np.array(golden["scores"]), coded == 1, ignored, protocol=PROTOCOL[dataset]
    )
    numbers = report.as_dict()
    for name in ("mAP", *SIX):
        assert numbers[name] == pytest.approx(golden[name], abs=1e-9)
    by_category = [category.average_precision for category in report.categories]
    np.testing.assert_allclose(by_category, golden["ap"], atol=1e-9)


@pytest.mark.parametrize("protocol", [Protocol.PAPER_VOC, Protocol.PAPER_WIDER])
@pytest.mark.parametrize("top", [None, 3])
@pytest.mark.parametrize("seed", range(4))
def test_labels_agree_with_loops_over_the_official_facts(protocol, top, seed):
    scores, targets, ignored = sample(seed, num_categories=6, ignored_share=0.2)
    report = paper_metrics(scores, targets, ignored, protocol=protocol)
    slow = paper_labels(
        scores.tolist(),
        targets.tolist(),
        ignored.tolist(),
        wider=protocol is Protocol.PAPER_WIDER,
        top=top,
    )
    fast = (report.labels if top is None else report.top3).as_dict()
    assert {name: fast[name] for name in SIX} == pytest.approx(slow, abs=1e-12)


def test_a_category_never_predicted_counts_as_one_wrong_label_in_the_paper_only():
    scores = np.array([[0.9, 0.1], [0.8, 0.2]])
    targets = np.array([[True, True], [True, False]])
    paper = paper_metrics(scores, targets).labels
    assert paper.overall_precision == pytest.approx(2 / 3)
    assert paper.class_precision == pytest.approx(0.5)
    assert paper.overall_recall == pytest.approx(2 / 3)
    fair = consistent_metrics(scores, targets).labels
    assert fair.overall_precision == 1.0
    assert fair.class_precision == pytest.approx(0.5)
    assert fair.macro_f1 == pytest.approx(0.5)


def test_unspecified_entries_are_false_positives_on_wider_only():
    scores = np.array([[0.9], [0.8], [0.1]])
    targets = np.array([[True], [False], [False]])
    ignored = np.array([[False], [True], [False]])
    wider = paper_metrics(scores, targets, ignored, protocol=Protocol.PAPER_WIDER)
    assert wider.labels.overall_precision == 0.5
    assert wider.mean_average_precision == 1.0
    for report in (
        paper_metrics(scores, targets, ignored),
        consistent_metrics(scores, targets, ignored),
    ):
        assert report.labels.overall_precision == 1.0


def test_two_kinds_of_top_three_differ_by_the_threshold():
    scores = np.array([[0.9, 0.8, 0.3, 0.2], [0.9, 0.8, 0.7, 0.6]])
    targets = np.array([[True, True, True, False], [True, True, True, True]])
    report = paper_metrics(scores, targets)
    assert report.labels.overall_recall == pytest.approx(6 / 7)
    assert report.top3.overall_recall == pytest.approx(5 / 7)
    assert report.top3_always.overall_recall == pytest.approx(6 / 7)
    assert report.top3_always.overall_precision == pytest.approx(6 / 7)


def test_a_score_at_the_threshold_is_a_label():
    report = paper_metrics(np.array([[0.5]]), np.array([[True]]))
    assert report.labels.overall_recall == 1.0
    assert paper_metrics(np.array([[0.499]]), np.array([[True]])).labels.overall_recall == 0.0


def test_logits_with_a_threshold_of_zero_give_the_same_labels_as_scores():
    scores, targets, ignored = sample(3, ignored_share=0.1)
    logits = np.log(scores / (1.0 - scores))
    by_logits = paper_metrics(logits, targets, ignored, threshold=0.0)
    assert by_logits.as_dict() == paper_metrics(scores, targets, ignored).as_dict()


def test_thresholds_of_their_own_apply_to_each_category():
    scores = np.array([[0.4, 0.4]])
    targets = np.array([[True, True]])
    report = paper_metrics(scores, targets, threshold=(0.3, 0.5))
    assert [category.recall for category in report.categories] == [1.0, 0.0]
    with pytest.raises(ConfigError, match="3 thresholds for 2 categories"):
        paper_metrics(scores, targets, threshold=(0.1, 0.2, 0.3))


def test_support_is_counted_and_categories_without_positives_are_left_out_by_name():
    scores = np.array([[0.9, 0.6], [0.2, 0.1], [0.7, 0.7]])
    targets = np.array([[True, False], [False, False], [False, False]])
    ignored = np.array([[False, False], [False, False], [True, True]])
    report = paper_metrics(scores, targets, ignored, names=("cat", "yeti"))
    cat, yeti = report.categories
    assert (cat.positives, cat.negatives, cat.ignored, cat.predicted) == (1, 1, 1, 1)
    assert (yeti.positives, yeti.negatives, yeti.ignored, yeti.predicted) == (0, 2, 1, 1)
    assert report.without_positives == ("yeti",)
    assert report.mean_average_precision == report.labels.class_recall == 1.0
    assert report.labels.class_precision == 1.0
    assert report.labels.overall_precision == 0.5


def test_categories_that_no_image_is_known_to_lack_are_left_out_of_map_by_name():
    scores = np.array([[0.9, 0.6], [0.2, 0.1], [0.7, 0.7]])
    targets = np.array([[False, True], [True, True], [False, False]])
    ignored = np.array([[False, False], [False, False], [False, True]])
    report = paper_metrics(scores, targets, ignored, names=("cat", "dog"))
    assert report.without_negatives == ("dog",) and not report.without_positives
    assert report.mean_average_precision == report.categories[0].average_precision == 1 / 3
    numbers = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert numbers["per_category"][1]["AP"] is None
    assert numbers["categories_without_negatives"] == ["dog"]
    everywhere = paper_metrics(scores[:2], targets[:2], names=("cat", "dog"))
    assert everywhere.categories[1].average_precision == 1.0 and not everywhere.without_negatives


def test_a_report_becomes_json_without_nan():
    targets = np.array([[True, False], [False, False]])
    report = paper_metrics(np.array([[0.9, 0.6], [0.2, 0.1]]), targets, names=("cat", "yeti"))
    numbers = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert numbers["mAP"] == 1.0 and numbers["protocol"] == "paper-voc"
    assert numbers["per_category"][1]["AP"] is None
    assert numbers["categories_without_positives"] == ["yeti"]
    empty = paper_metrics(np.full((1, 1), 0.4), np.array([[False]])).as_dict()
    assert empty["mAP"] is None and empty["CR"] is None and empty["OF1"] is None
    json.dumps(empty, allow_nan=False)


def test_nothing_to_evaluate_and_wrong_names_are_refused():
    with pytest.raises(DataError, match="no images"):
        paper_metrics(np.zeros((0, 2)), np.zeros((0, 2), bool))
    with pytest.raises(ConfigError, match="1 names for 2 categories"):
        paper_metrics(np.zeros((1, 2)), np.zeros((1, 2), bool), names=("cat",))
    with pytest.raises(ConfigError, match="not one of the paper's"):
        paper_metrics(np.zeros((1, 2)), np.zeros((1, 2), bool), protocol=Protocol.CONSISTENT)


def test_one_image_is_enough():
    report = paper_metrics(np.array([[0.9, 0.1]]), np.array([[True, False]]))
    assert report.num_images == 1 and report.mean_average_precision == 1.0
