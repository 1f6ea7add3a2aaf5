import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from engine import cli
from engine.api.config import EvaluateConfig, HeadConfig
from engine.api.errors import DataError
from engine.checkpoints.safetensors_model import load_checkpoint
from engine.data.datasets.labelled import LabelledImages, ObjectBox
from engine.data.decoding.pool import DecodePool
from engine.evaluation.evaluator import Evaluator, merged
from engine.explain.evidence import activate, sigmoid
from engine.metrics.bootstrap import BootstrapSettings
from engine.metrics.report import Protocol
from engine.models.resizing import resized
from engine.pytorch.device import choose_device
from engine.pytorch.distributed import Processes
from engine.pytorch.torch_backend import TorchBackend
from engine.records.evaluations import EvaluationRun, EvaluationStore, dataset_hash, now
from engine.records.run_comparison import compare_runs
from engine.report.numbers import report
from engine.report.protocol import protocol_of
from engine.service.local import LocalEngine
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model, tiny_config

QUICK = BootstrapSettings(20)


@pytest.fixture(scope="module")
def pool():
    with DecodePool(1) as pool:
        yield pool


@pytest.fixture
def images(tmp_path):
    """Eleven photos with random labels, a box each; the eighth cannot be read."""
    rng = np.random.default_rng(0)
    paths = []
    for i in range(11):
        path = tmp_path / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (50, 80, 3), dtype=np.uint8)).save(path)
        paths.append(path)
    paths[7].write_bytes(b"broken")
    targets = rng.random((11, 5)) < 0.5
    targets[:3] |= np.eye(3, 5, dtype=bool)
    targets[3:5] |= np.eye(5, dtype=bool)[3:]
    objects = tuple(
        tuple(ObjectBox(int(c), (5.0, 5.0, 40.0, 40.0)) for c in np.flatnonzero(row))
        for row in targets
    )
    ids = tuple(f"photo {i}" for i in range(11))
    ignored = np.zeros_like(targets)
    ignored[9] = ~targets[9]
    return LabelledImages(
        "things val", TINY_CATEGORIES, tuple(paths), targets, ignored, ids, objects=objects
    )


def setup(tmp_path, config=None):
    checkpoint = load_checkpoint(save_tiny_model(tmp_path / "m.safetensors", config))
    classifier = checkpoint.classifier
    return classifier.config, TorchBackend(classifier, choose_device("cpu"))


def finish(work):
    """Run a generator to its end: the values and what it returned."""
    values = []
    while True:
        try:
            values.append(next(work))
        except StopIteration as end:
            return values, end.value


def evaluate(evaluator, pool, count=1):
    return [finish(evaluator.run(pool, Processes(rank, count)))[1] for rank in range(count)]


def as_run(share, images, **changes):
    rows = share.rows
    run = EvaluationRun(
        model={"name": "tiny", "id": "1"},
        dataset={"name": images.name, "kind": "voc2007", "hash": dataset_hash(images)},
        settings={"flip": "False"},
        date=now(),
        categories=images.categories,
        ids=tuple(images.ids[r] for r in rows.tolist()),
        logits=share.logits,
        targets=images.targets[rows],
        ignored=images.ignored[rows],
        failed=tuple((images.ids[r], reason) for r, reason in share.failed),
        localisation=share.localisation,
    )
    return replace(run, **changes)


def test_logits_are_those_of_the_engine_and_a_broken_image_is_counted(tmp_path, images, pool):
    evaluator = Evaluator(*setup(tmp_path), images)
    progress, share = finish(evaluator.run(pool))
    assert [(p.done, p.total) for p in progress] == [(4, 11), (8, 11), (11, 11)]
    assert [row for row, _ in share.failed] == [7]
    assert share.rows.tolist() == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10]
    engine = LocalEngine("cpu", 1)
    info = engine.open_model(str(tmp_path / "m.safetensors"))
    expected = [p.scores for p in engine.predict(info.id, images.paths) if p.error is None]
    engine.close()
    np.testing.assert_allclose(sigmoid(share.logits), expected, atol=1e-5)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_several_processes_find_the_same_bits_as_one(tmp_path, images, pool, count):
    evaluator = Evaluator(*setup(tmp_path), images, EvaluateConfig(batch_size=2))
    one = merged(evaluate(evaluator, pool), images)
    many = merged(evaluate(evaluator, pool, count), images)
    assert np.array_equal(one.logits, many.logits) and np.array_equal(one.rows, many.rows)
    assert one.failed == many.failed and one.localisation == many.localisation


def test_a_share_that_is_lost_or_counted_twice_is_noticed(tmp_path, images, pool):
    evaluator = Evaluator(*setup(tmp_path), images)
    first, second = evaluate(evaluator, pool, 2)
    with pytest.raises(DataError, match="results for 11 images"):
        merged([first], images)
    with pytest.raises(DataError, match="results for 11 images"):
        merged([first, second, second], images)


def test_flipping_averages_the_logits_of_both_sides(tmp_path, images, pool):
    parts = setup(tmp_path)
    plain = evaluate(Evaluator(*parts, images), pool)[0]
    both = evaluate(Evaluator(*parts, images, EvaluateConfig(flip=True)), pool)[0]
    for path in images.paths:
        if path != images.paths[7]:
            Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)
    mirrored = evaluate(Evaluator(*parts, images), pool)[0]
    np.testing.assert_allclose(both.logits, (plain.logits + mirrored.logits) / 2, atol=1e-4)


def test_a_softmax_model_is_scored_by_its_softmax(tmp_path, images, pool):
    head = HeadConfig((math.inf,), 0.1, False, False, True, "softmax")
    parts = setup(tmp_path, tiny_config(head))
    share = evaluate(Evaluator(*parts, images), pool)[0]
    np.testing.assert_allclose(sigmoid(share.logits).sum(axis=1), 1.0, atol=1e-4)


def test_only_shared_categories_are_scored_in_the_models_order(tmp_path, images, pool):
    parts = setup(tmp_path)
    whole = evaluate(Evaluator(*parts, images), pool)[0]
    names = type(TINY_CATEGORIES)(("boat", "cat", "zebra"))
    other = replace(
        images, categories=names, targets=images.targets[:, :3], ignored=images.ignored[:, :3]
    ).for_categories(TINY_CATEGORIES)
    assert list(other.categories) == ["cat", "boat"]
    some = evaluate(Evaluator(*parts, other), pool)[0]
    assert np.array_equal(some.logits, whole.logits[:, [0, 3]])


def test_without_boxes_there_is_no_pointing_game(tmp_path, images, pool):
    share = evaluate(Evaluator(*setup(tmp_path), replace(images, objects=None)), pool)[0]
    assert share.localisation is None
    assert report(as_run(share, images), QUICK).as_dict()["pointing_game"] is None


def test_closing_an_evaluation_stops_it(tmp_path, images, pool):
    work = Evaluator(*setup(tmp_path), images).run(pool)
    next(work)
    work.close()
    assert evaluate(Evaluator(*setup(tmp_path), images), pool)[0].rows.size == 10


def test_a_run_survives_its_files_and_gives_the_same_numbers(tmp_path, images, pool):
    share = evaluate(Evaluator(*setup(tmp_path), images), pool)[0]
    run = as_run(share, images)
    store = EvaluationStore(tmp_path / "runs")
    folder = store.save(run)
    again = store.load(folder)
    assert report(again, QUICK).as_dict() == report(run, QUICK).as_dict()
    assert store.paths() == [folder]
    assert store.find("last") == store.find(folder.name[:8])
    assert {"mAP", "CP", "CR", "CF1", "OP", "OR", "OF1", "top3", "per_category", "intervals"} | {
        "pointing_game",
        "num_images",
        "model",
        "dataset",
    } <= report(run, QUICK).as_dict().keys()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "run.json").write_text("{"),
        lambda folder: (folder / "run.json").write_text("[" * 100_000),
        lambda folder: (folder / "run.json").write_text("{}"),
        lambda folder: (folder / "scores.npz").write_bytes(b"PK"),
        lambda folder: (folder / "scores.npz").unlink(),
        lambda folder: np.savez(folder / "scores.npz", logits=np.array([None], dtype=object)),
        lambda folder: np.savez(
            folder / "scores.npz", logits=np.zeros((2, 2)), targets=[[1]], ignored=[[0]]
        ),
    ],
)
def test_a_damaged_run_is_refused_in_one_sentence(tmp_path, images, pool, damage):
    share = evaluate(Evaluator(*setup(tmp_path), images), pool)[0]
    folder = EvaluationStore(tmp_path / "runs").save(as_run(share, images))
    damage(folder)
    with pytest.raises(DataError, match="evaluation run in"):
        EvaluationStore().load(folder)


def test_a_run_that_is_not_there_is_an_error_in_plain_words(tmp_path):
    with pytest.raises(DataError, match="There is no evaluation run called 'x'"):
        EvaluationStore(tmp_path).find("x")


def test_comparing_shows_what_changed_label_by_label(tmp_path, images, pool):
    share = evaluate(Evaluator(*setup(tmp_path), images), pool)[0]
    before = as_run(share, images)
    perfect = np.where(before.targets, 5.0, -5.0).astype(np.float32)
    after = replace(before, logits=perfect)
    result = compare_runs(before, after)
    assert result.worse == () and np.nanmin(result.after) == 1.0
    wrong = ((before.logits >= 0) != before.targets) & ~before.ignored
    assert len(result.better) == wrong.sum()
    back = compare_runs(after, before)
    assert set(back.worse) == set(result.better)


def test_runs_without_a_common_image_cannot_be_compared(tmp_path, images, pool):
    share = evaluate(Evaluator(*setup(tmp_path), images), pool)[0]
    run = as_run(share, images)
    other = replace(run, ids=tuple(f"other {i}" for i in range(len(run.ids))))
    with pytest.raises(DataError, match="nothing to compare"):
        compare_runs(run, other)


def test_the_runs_command_lists_and_compares(tmp_path, images, pool, capsys, monkeypatch):
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path))
    assert cli.run(["runs", "list"]) == 0
    assert "No evaluation was kept yet" in capsys.readouterr().out
    share = evaluate(Evaluator(*setup(tmp_path), images), pool)[0]
    first = as_run(share, images)
    names = [
        EvaluationStore().save(run).name
        for run in (first, replace(first, logits=-first.logits, date="2020-01-01T00:00:00+00:00"))
    ]
    assert cli.run(["runs", "list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in names)
    assert cli.run(["runs", "compare", *names]) == 0
    assert "10 images and 5 categories in both" in capsys.readouterr().out
    assert cli.run(["runs", "compare", names[0], "nothing"]) == 1


def test_the_hash_of_a_data_set_follows_labels_and_not_places(images):
    moved = replace(images, paths=tuple(p.with_name("x") for p in images.paths))
    assert dataset_hash(moved) == dataset_hash(images)
    assert dataset_hash(replace(images, targets=~images.targets)) != dataset_hash(images)


@pytest.mark.parametrize(
    ("kind", "ignored_as", "is_ignored", "protocol", "reason"),
    [
        ("wider", "unspecified", True, Protocol.PAPER_WIDER, "WIDER-Attribute"),
        ("wider", "", True, Protocol.PAPER_WIDER, "WIDER-Attribute"),  # of an earlier program
        ("json", "unspecified", True, Protocol.PAPER_WIDER, "unspecified with 99"),
        ("json", "difficult", True, Protocol.PAPER_VOC, "0 for difficult"),
        ("json", "", True, Protocol.PAPER_VOC, "nobody can tell"),
        ("json", "", False, Protocol.PAPER_COCO, "ignores nothing"),
        ("voc2012", "", False, Protocol.PAPER_VOC, "PASCAL VOC"),
        ("coco2014", "", False, Protocol.PAPER_COCO, "ignores nothing"),
        ("folder", "", True, Protocol.PAPER_VOC, "nobody can tell"),
    ],
)
def test_what_a_data_set_says_of_ignored_labels_decides_the_protocol(
    kind, ignored_as, is_ignored, protocol, reason
):
    found = protocol_of({"kind": kind, "ignored as": ignored_as}, np.full((1, 1), is_ignored))
    assert found.protocol is protocol
    assert reason in found.reason


def test_another_input_size_keeps_the_weights(tmp_path):
    classifier = load_checkpoint(save_tiny_model(tmp_path / "m.safetensors")).classifier
    larger = resized(classifier, 96)
    assert larger.config.preprocess.input_size == 96
    for name, value in classifier.state_dict().items():
        assert np.array_equal(larger.state_dict()[name], value), name
    assert resized(classifier, 64) is classifier


def test_a_vit_gets_interpolated_positions_at_another_size():
    config = replace(tiny_config(), backbone="timm:test_vit")
    from tests.engine.tiny_models import tiny_classifier

    small = tiny_classifier(config)
    large = resized(small, 128)
    assert large.backbone.network.pos_embed.shape[1] == 1 + 8 * 8


def test_scores_of_a_run_are_between_zero_and_one():
    logits = np.array([[1000.0, -1000.0]], np.float32)
    assert activate(logits, "sigmoid").tolist() == [[1.0, 0.0]]
