import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from engine import cli
from engine.api.categories import Categories
from engine.api.config import HeadConfig, HeadTrainConfig, PreprocessConfig
from engine.api.errors import DataError, ModelError
from engine.checkpoints.safetensors_model import load_checkpoint
from engine.data.datasets.labelled import LabelledImages
from engine.data.decoding.pool import DecodePool
from engine.metrics.ranking import mean_average_precision
from engine.models import pretrained
from engine.models.heads import ResidualAttentionHeads
from engine.models.registry import build_backbone
from engine.texts import percent
from engine.train.features import FeatureExtractor
from engine.train.head_training import FeatureSet, head_logits, train_heads
from engine.train.results import val_results
from engine.train.validation import Validation
from tests.engine.data.datasets.devkits import write_devkit
from tests.engine.tiny_models import TINY_BACKBONE

CATEGORIES = Categories(("left", "right"))


def feature_set(count, seed):
    """Features in which a category shows as a hot channel at one of 16 positions."""
    rng = np.random.default_rng(seed)
    targets = rng.random((count, 2)) < 0.5
    features = rng.normal(size=(count, 8, 4, 4)).astype(np.float16) * 0.05
    for row, column in np.argwhere(targets):
        features[row, column, rng.integers(4), rng.integers(4)] += 0.5
    labels = LabelledImages("x", CATEGORIES, (), targets, np.zeros_like(targets))
    object.__setattr__(labels, "paths", tuple(f"{i}" for i in range(count)))
    return FeatureSet((features,), labels)


def heads_for(config=None):
    config = config or HeadConfig((float("inf"),), 1.0, False, True, True)
    return ResidualAttentionHeads(8, 2, config)


def test_heads_learn_what_can_be_learned():
    train, val = feature_set(200, 0), feature_set(100, 1)
    reports = list(
        train_heads(heads_for(), train, val, HeadTrainConfig(epochs=15, learning_rate=0.05))
    )
    assert [r.epoch for r in reports] == list(range(1, 16))
    assert reports[-1].loss < reports[0].loss
    assert reports[-1].val_map > 0.97


def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    train, val = feature_set(50, 0), feature_set(20, 1)
    weights = []
    for seed in (0, 0, 1):
        heads = heads_for()
        list(train_heads(heads, train, val, HeadTrainConfig(epochs=2, seed=seed)))
        weights.append(heads.weight.detach())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_ignored_labels_teach_nothing():
    val = feature_set(20, 1)
    weights = []
    for wrong in (False, True):
        train = feature_set(50, 0)
        train.labels.ignored[:10] = True
        if wrong:
            train.labels.targets[:10] ^= True
        heads = heads_for()
        list(train_heads(heads, train, val, HeadTrainConfig(epochs=2)))
        weights.append(heads.weight.detach())
    assert torch.equal(weights[0], weights[1])


@pytest.mark.parametrize("ignore", [True, False])
def test_unclear_labels_are_negative_if_that_is_wanted(ignore):
    train = feature_set(50, 0)
    train.labels.ignored[:] = ~train.labels.targets
    heads = heads_for()
    config = HeadTrainConfig(epochs=5, learning_rate=0.05, ignore_unclear=ignore)
    list(train_heads(heads, train, train, config))
    logits = head_logits(heads, train.features[0])
    assert bool(logits[~train.labels.targets].mean() > 0) is ignore


def test_the_asymmetric_loss_learns_other_weights_and_ranks_as_well():
    train, val = feature_set(200, 0), feature_set(100, 1)
    weights = []
    for loss in ("bce", "asl"):
        heads = heads_for()
        config = HeadTrainConfig(epochs=15, learning_rate=0.05, loss=loss)
        reports = list(train_heads(heads, train, val, config))
        assert reports[-1].val_map > 0.97
        weights.append(heads.weight.detach())
    assert not torch.allclose(*weights, atol=1e-2)


def test_the_average_is_judged_and_kept_also_when_it_is_stopped():
    train, val = feature_set(60, 0), feature_set(40, 1)
    config = HeadTrainConfig(epochs=4, learning_rate=0.05, ema_decay=0.9)
    averaged, plain = heads_for(), heads_for()
    reports = train_heads(averaged, train, val, config)
    told = [next(reports).val_map, next(reports).val_map]
    reports.close()
    plainly = train_heads(plain, train, val, dataclasses.replace(config, ema_decay=0.0))
    next(plainly)
    next(plainly)
    assert not torch.equal(averaged.weight, plain.weight)
    logits = head_logits(averaged, val.features[0])
    truth = val.labels.targets, val.labels.ignored
    assert mean_average_precision(logits, *truth) == told[-1]


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_what_is_kept_is_the_best_epoch_and_not_the_last(decay):
    train, val = feature_set(60, 0), feature_set(40, 1)
    config = HeadTrainConfig(epochs=8, learning_rate=2.0, ema_decay=decay)
    kept = []

    def keep(heads, report, logits):
        assert np.array_equal(head_logits(heads, val.features[0]), logits)
        kept.append((report.epoch, report.val_map))

    maps = [r.val_map for r in train_heads(heads_for(), train, val, config, keep)]
    best = int(np.argmax(maps))
    assert best < 7, "the learning rate must be too high for the last epoch to be the best"
    assert kept[-1] == (best + 1, maps[best])
    assert [value for _, value in kept] == sorted(value for _, value in kept)


def test_the_statistics_are_those_of_the_training_features():
    train = feature_set(100, 0)
    heads = heads_for()
    list(train_heads(heads, train, train, HeadTrainConfig(epochs=1)))
    features = train.features[0].astype(np.float64)
    norm = heads.standardization
    np.testing.assert_allclose(norm.running_mean, features.mean((0, 2, 3)), atol=1e-5)
    np.testing.assert_allclose(norm.running_var, features.var((0, 2, 3)), atol=1e-5)


def test_stopping_between_epochs_leaves_usable_heads():
    train = feature_set(50, 0)
    heads = heads_for()
    reports = train_heads(heads, train, train, HeadTrainConfig(epochs=50))
    next(reports)
    reports.close()
    assert np.isfinite(head_logits(heads, train.features[0])).all()


def photos(folder, count):
    rng = np.random.default_rng(0)
    paths = []
    for i in range(count):
        path = folder / f"{i:06}.jpg"
        Image.fromarray(rng.integers(0, 256, (50, 60, 3), dtype=np.uint8)).save(path)
        paths.append(path)
    return paths


def extract(extractor, pool, paths, **options):
    reports = extractor.extract(pool, "x", paths, **options)
    progress = []
    while True:
        try:
            progress.append(next(reports).done)
        except StopIteration as end:
            return end.value, progress


def test_features_are_computed_once_and_again_when_a_file_changes(tmp_path):
    torch.manual_seed(0)
    backbone = build_backbone(TINY_BACKBONE, 64)
    extractor = FeatureExtractor(backbone, PreprocessConfig(64), tmp_path / "cache")
    paths = photos(tmp_path, 10)
    with DecodePool(1) as pool:
        features, progress = extract(extractor, pool, paths)
        assert features.shape == (10, backbone.feature_dim, 2, 2)
        assert progress == [8, 10]
        again, progress = extract(extractor, pool, paths)
        assert progress == [] and np.array_equal(features, again)
        mirrored, _ = extract(extractor, pool, paths, flip=True)
        assert not np.allclose(features, mirrored)
        Image.new("RGB", (30, 30)).save(paths[0])
        changed, progress = extract(extractor, pool, paths)
        assert progress and not np.allclose(features[0], changed[0])
        sound = np.array(changed)  # no more mapped from the file
        del changed
        extractor.file_of(paths, flip=False).write_bytes(b"damaged")
        mended, progress = extract(extractor, pool, paths)
        assert progress and np.array_equal(mended, sound)


def test_a_broken_training_image_stops_with_its_name_and_leaves_no_half_file(tmp_path):
    extractor = FeatureExtractor(
        build_backbone(TINY_BACKBONE, 64), PreprocessConfig(64), tmp_path / "cache"
    )
    paths = photos(tmp_path, 10)
    paths[9].write_bytes(b"broken")
    with DecodePool(1) as pool, pytest.raises(DataError, match=r"000009\.jpg"):
        extract(extractor, pool, paths)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.slow
def test_the_command_trains_saves_and_says_how_good_it_is(tmp_path, monkeypatch, capsys):
    names = [f"{i:06}" for i in range(12)]
    folder = write_devkit(
        tmp_path, {name: [("dog" if int(name) % 2 else "cat", False)] for name in names}
    )
    photos(folder / "JPEGImages", 12)
    monkeypatch.setattr("engine.train.start.load_imagenet_weights", lambda backbone, name: None)
    output = tmp_path / "model.safetensors"
    status = cli.run(
        [
            *("train", "--data", str(tmp_path), "--val-split", "train", "--epochs", "2"),
            *("--backbone", TINY_BACKBONE, "--input-size", "64", "--output", str(output)),
            *("--cache", str(tmp_path / "cache")),
        ]
    )
    assert status == 0
    record = load_checkpoint(output).record
    value = record.results["mAP on images with some that it learned from"]
    assert f"val mAP {percent(value, ' %')} (" in capsys.readouterr().err
    assert record.results.keys() >= {"AP dog", "AP cat"}
    assert str(tmp_path) not in str(record)


def test_a_backbone_whose_weights_cannot_be_had_is_an_error_in_plain_words(monkeypatch):
    def offline(*_args, **_kwargs):
        raise OSError("no route to host")

    backbone = build_backbone(TINY_BACKBONE, 64)
    monkeypatch.setattr(pretrained.timm, "create_model", offline)
    with pytest.raises(ModelError, match=r"ImageNet weights of .* could not be downloaded"):
        pretrained.load_imagenet_weights(backbone, TINY_BACKBONE)


def labelled(yes, no):
    """Categories with so many images with them and without them."""
    count = max(a + b for a, b in zip(yes, no, strict=True))
    targets = np.zeros((count, len(yes)), dtype=bool)
    ignored = np.ones_like(targets)
    for column, (with_it, without) in enumerate(zip(yes, no, strict=True)):
        targets[:with_it, column] = True
        ignored[: with_it + without, column] = False
    labels = LabelledImages("x", Categories(tuple("abc"[: len(yes)])), (), targets, ignored)
    object.__setattr__(labels, "paths", tuple(f"{i}" for i in range(count)))
    return labels


def test_what_too_few_images_say_is_not_told():
    few = labelled([4, 9], [9, 4])
    logits = np.where(few.targets, 1.0, -1.0).astype(np.float32)
    report = Validation.of(logits, few).before_learning()
    assert report.val_map == 1.0
    assert not report.is_judged and report.interval is None
    assert val_results(logits, few) == {}


def test_only_categories_with_enough_images_count():
    some = labelled([5, 2, 8], [5, 8, 0])
    logits = np.where(some.targets, 1.0, -1.0).astype(np.float32)
    logits[:, 1] *= -1
    report = Validation.of(logits, some).before_learning()
    assert report.judged == (0,)
    assert report.val_map == 1.0
    low, high = report.interval
    assert 0.5 < low < 0.6 and high == 1.0  # never "±0"
    assert val_results(logits, some) == {"val mAP": 1.0, "AP a": 1.0}


def test_where_no_epoch_can_be_told_from_another_the_latest_is_kept():
    train, few = feature_set(50, 0), labelled([2, 3], [3, 2])
    val = FeatureSet((np.zeros((5, 8, 4, 4), np.float16),), few)
    reports = list(train_heads(heads_for(), train, val, HeadTrainConfig(epochs=3, patience=1)))
    assert [r.is_best for r in reports] == [True] * 3
