"""Teaching a tiny but real model, on real files."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from engine.api.calibration import LogitScaling
from engine.api.categories import Categories
from engine.api.config import HeadConfig
from engine.api.errors import DataError, ModelError
from engine.api.teaching import FOLDS, Hits, TeachProgress, TeachReport, TeachRequest, folds
from engine.api.validation import FEWEST_TO_VALIDATE, Comparison
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import save_checkpoint, write_with_record
from engine.data.decoding.pool import DecodePool
from engine.inference.keeping import KeepingPredictor
from engine.inference.photo_features import PhotoFeatures
from engine.inference.predict import predict
from engine.pytorch.torch_backend import TorchBackend
from engine.records.model_record import TAUGHT
from engine.teach.learning import KnownLabels, best_cut, label_weights
from engine.teach.teaching import teach
from tests.engine.tiny_models import (
    TINY_CATEGORIES,
    save_tiny_model,
    tiny_classifier,
    tiny_config,
    tiny_record,
)

COUNT = 16


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with DecodePool(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[Path, ...], NDArray[np.bool_]]:
    """Half of them are bright: a new category that is easy to see."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    bright = np.arange(COUNT) % 2 == 0
    paths = []
    for place in range(COUNT):
        pixels = rng.integers(0, 60, (64, 64, 3), dtype=np.uint8) + np.uint8(150 * bright[place])
        paths.append(folder / f"{place}.png")
        Image.fromarray(pixels).save(paths[-1])
    return tuple(paths), bright


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_tiny_model(tmp_path / "tiny.safetensors")


def new_category(
    model: Path, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], **changes: object
) -> TeachRequest:
    paths, bright = photos
    targets = np.zeros((len(paths), len(TINY_CATEGORIES) + 1), dtype=np.bool_)
    targets[:, -1] = bright
    known = np.zeros_like(targets)
    known[:, -1] = True
    request = TeachRequest(
        str(model),
        "taught",
        model.with_name("taught.safetensors"),
        Categories((*TINY_CATEGORIES, "bright")),
        paths,
        targets,
        known,
        cache=model.with_name("cache"),
    )
    return dataclasses.replace(request, **changes)  # type: ignore[arg-type]


def report_of(request: TeachRequest, pool: DecodePool) -> TeachReport:
    last = list(teach(request, pool))[-1]
    assert isinstance(last, TeachReport)
    return last


@pytest.fixture(scope="module")
def taught(
    pool: DecodePool,
    photos: tuple[tuple[Path, ...], NDArray[np.bool_]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[TeachRequest, TeachReport]:
    """The new category has been learned; a test changes none of the files."""
    model = save_tiny_model(tmp_path_factory.mktemp("taught") / "tiny.safetensors")
    request = new_category(model, photos)
    return request, report_of(request, pool)


@pytest.mark.slow
def test_a_new_category_is_learned_and_the_old_ones_stay_to_the_bit(
    taught: tuple[TeachRequest, TeachReport],
) -> None:
    request, report = taught
    old, new = open_checkpoint(Path(request.source)), open_checkpoint(report.file)
    assert tuple(new.record.config.categories) == (*TINY_CATEGORIES, "bright")
    for name, weights in old.classifier.state_dict().items():
        kept = new.classifier.state_dict()[name]
        old_part = kept[:, :-1] if name in ("heads.weight", "heads.bias") else kept
        assert torch.equal(old_part, weights), name
    [category] = report.categories
    assert (category.positives, category.negatives) == (COUNT // 2, COUNT // 2)
    assert category.before is None
    assert category.after == Hits(found=COUNT // 2, wrong=0)
    assert category.comparison is Comparison.OPEN  # there is nothing to compare with


@pytest.mark.slow
def test_a_model_with_more_channels_is_taught_like_any_other(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], tmp_path: Path
) -> None:
    backbone = "timm:test_efficientnet+groups7of50+nanodet"
    config = dataclasses.replace(tiny_config(), backbone=backbone)
    model = save_tiny_model(tmp_path / "composite.safetensors", config)
    report = report_of(new_category(model, photos), pool)
    old, new = open_checkpoint(model).classifier, open_checkpoint(report.file).classifier
    for name, weights in old.backbone.state_dict().items():
        assert torch.equal(new.backbone.state_dict()[name], weights), name
    [category] = report.categories
    assert category.after == Hits(found=COUNT // 2, wrong=0)


@pytest.mark.slow
def test_a_calibration_stays_where_nothing_was_taught(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], model: Path
) -> None:
    count = len(TINY_CATEGORIES)
    slopes = tuple(1.5 + place for place in range(count))
    calibration = LogitScaling(slopes, (0.25,) * count)
    record = dataclasses.replace(open_checkpoint(model).record, calibration=calibration)
    write_with_record(model, model, record)
    report = report_of(new_category(model, photos), pool)
    kept = open_checkpoint(report.file).record.calibration
    assert kept == LogitScaling((*slopes, 1.0), ((0.25,) * count + (0.0,)))


@pytest.mark.slow
def test_corrections_change_only_the_categories_that_they_are_about(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], model: Path
) -> None:
    bright = photos[1]
    targets = np.zeros((COUNT, len(TINY_CATEGORIES)), dtype=np.bool_)
    targets[:, 2] = bright
    known = np.zeros_like(targets)
    known[:, 2] = True
    request = new_category(model, photos, categories=TINY_CATEGORIES, targets=targets, known=known)
    [category] = report_of(request, pool).categories
    assert category.name == "tree"
    assert category.after == Hits(found=COUNT // 2, wrong=0)
    assert category.comparison is Comparison.BETTER
    old, new = (open_checkpoint(path).classifier.heads for path in (model, request.file))
    others = [0, 1, 3, 4]
    assert torch.equal(new.weight[:, others], old.weight[:, others])
    assert not torch.equal(new.weight[:, 2], old.weight[:, 2])


def test_teaching_that_is_closed_leaves_no_model(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], model: Path
) -> None:
    request = new_category(model, photos)
    teaching = teach(request, pool)
    while not (isinstance(step := next(teaching), TeachProgress) and step.stage == "learning"):
        pass
    teaching.close()
    assert sorted(path.name for path in model.parent.iterdir()) == ["cache", "tiny.safetensors"]


def first_of(request: TeachRequest, pool: DecodePool) -> object:
    """The first that is heard of a teaching, which is then closed."""
    with closing(teach(request, pool)) as teaching:
        return next(teaching)


def test_photos_that_were_looked_at_before_are_not_looked_at_again(
    pool: DecodePool, taught: tuple[TeachRequest, TeachReport]
) -> None:
    assert first_of(taught[0], pool) == TeachProgress("looking", COUNT, COUNT)


def test_damaged_features_are_made_again(
    pool: DecodePool, taught: tuple[TeachRequest, TeachReport], tmp_path: Path
) -> None:
    assert taught[0].cache is not None
    request = dataclasses.replace(taught[0], cache=tmp_path / "cache")
    shutil.copytree(taught[0].cache, tmp_path / "cache")
    kept = next((tmp_path / "cache").glob("*.npy"))
    kept.write_bytes(b"nonsense")
    assert first_of(request, pool) == TeachProgress("looking", COUNT - 1, COUNT)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"known": np.zeros((COUNT, 6), dtype=np.bool_)}, "accepted or rejected"),
        ({"targets": np.zeros((COUNT, 6), dtype=np.bool_)}, "at least 3 photos"),
        ({"targets": np.ones((COUNT, 6), dtype=np.bool_)}, "do not show it"),
        ({"categories": Categories(("a", "b", "c", "d", "e", "f"))}, "other categories"),
    ],
)
def test_what_cannot_be_learned_is_refused_in_plain_words(
    pool: DecodePool,
    photos: tuple[tuple[Path, ...], NDArray[np.bool_]],
    model: Path,
    changes: dict[str, object],
    words: str,
) -> None:
    with pytest.raises(DataError, match=words):
        list(teach(new_category(model, photos, **changes), pool))


def test_a_photo_that_is_gone_is_named(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], model: Path
) -> None:
    paths = (Path("/nowhere/gone.jpg"), *photos[0][1:])
    with pytest.raises(DataError, match=r"gone\.jpg"):
        list(teach(new_category(model, photos, paths=paths), pool))


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (HeadConfig((1.0,), 0.1, activation="softmax"), "one thing per photo"),
        (HeadConfig((1.0,), 0.0, False, kind="ml-decoder", width=16), "head .* has no maps"),
    ],
)
def test_a_model_that_cannot_learn_single_labels_is_not_taught(
    pool: DecodePool,
    photos: tuple[tuple[Path, ...], NDArray[np.bool_]],
    tmp_path: Path,
    head: HeadConfig,
    said: str,
) -> None:
    config = tiny_config(head)
    model = tmp_path / "model.safetensors"
    save_checkpoint(model, tiny_classifier(config), tiny_record(config))
    with pytest.raises(ModelError, match=said):
        list(teach(new_category(model, photos), pool))


def test_known_labels_of_a_category_weigh_one_together_and_unknown_ones_nothing() -> None:
    targets = np.array([[1, 1], [0, 0], [0, 0], [0, 1]], dtype=np.bool_)
    known = np.array([[1, 1], [1, 0], [1, 0], [0, 1]], dtype=np.bool_)
    new = np.array([False, True])
    labels = KnownLabels(np.zeros((4, 1, 1, 1), np.float16), targets, known, new, new)
    weights = label_weights(labels)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0, rtol=1e-6)
    assert weights[0, 0] == pytest.approx(np.sqrt(2) * weights[1, 0])
    assert weights[3, 0] == weights[1, 1] == 0.0


@pytest.mark.parametrize(
    ("logits", "targets", "cut"),
    [
        ([3.0, 2.0, 1.0, 0.0], [1, 1, 0, 0], 1.5),
        ([3.0, 2.0, 1.0, 0.0], [1, 0, 0, 0], 2.5),
        ([3.0, 2.0, 2.0, 0.0], [1, 1, 0, 0], 1.0),
        ([-3.0, -4.0], [1, 1], -4.5),
    ],
)
def test_the_cut_lies_where_a_label_is_right_most_often(
    logits: list[float], targets: list[int], cut: float
) -> None:
    found = best_cut(np.array(logits, np.float32), np.array(targets, np.bool_))
    assert found == pytest.approx(cut)


@pytest.mark.slow
def test_a_new_label_appears_although_few_photos_show_it(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], model: Path
) -> None:
    """Where one photo in three shows it, no score would come near one half by itself."""
    paths, bright = photos
    rows = np.array([*np.flatnonzero(bright)[:5], *np.flatnonzero(~bright)])
    chosen = [paths[row] for row in rows]
    request = new_category(
        model, (tuple(chosen), bright[rows]), others=(paths[12], paths[14]), thresholds=(0.8,) * 6
    )
    [category] = report_of(request, pool).categories
    assert category.after == Hits(found=5, wrong=0)
    assert len(category.spread.gained) == 2


def test_photos_with_the_same_labels_are_dealt_out_to_all_turns() -> None:
    paths = [Path(f"{place}.jpg") for place in range(43)]
    targets = (np.arange(43) < 5)[:, None]
    turns = folds(paths, targets)
    for one in (targets[:, 0], ~targets[:, 0]):
        counts = np.bincount(turns[one], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1
    back = folds(paths[::-1], targets[::-1])
    np.testing.assert_array_equal(back[::-1], turns)


def corrections(
    model: Path, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], said: int, **changes: object
) -> TeachRequest:
    """``said`` bright photos are trees and as many dark ones are not; all are people or not."""
    bright = photos[1]
    targets = np.zeros((COUNT, len(TINY_CATEGORIES)), dtype=np.bool_)
    targets[:, [0, 2]] = bright[:, None]
    known = np.zeros_like(targets)
    known[:, 0] = True
    known[: 2 * said, 2] = True
    return new_category(
        model, photos, categories=TINY_CATEGORIES, targets=targets, known=known, **changes
    )


@pytest.mark.slow
@pytest.mark.parametrize("reason", ["few were said", "the others are learned already"])
def test_a_label_with_too_few_to_judge_by_stays_to_the_bit(
    pool: DecodePool,
    photos: tuple[tuple[Path, ...], NDArray[np.bool_]],
    model: Path,
    reason: str,
) -> None:
    request = corrections(model, photos, FEWEST_TO_VALIDATE - 1)
    if reason != "few were said":
        learned = np.zeros_like(request.known)
        learned[:7, 2] = True
        request = corrections(model, photos, COUNT // 2, learned=learned)
    first, left = report_of(request, pool).categories
    assert first.after is not None
    assert left.after is None
    assert left.judged_positives == 4
    assert not left.is_judged
    old, new = (open_checkpoint(path).classifier.heads for path in (model, request.file))
    assert torch.equal(new.weight[:, 2], old.weight[:, 2])
    assert not torch.equal(new.weight[:, 0], old.weight[:, 0])
    assert open_checkpoint(request.file).record.provenance[TAUGHT].startswith(first.name)


def test_if_no_label_has_enough_nothing_is_learned_and_the_nearest_is_named(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], model: Path
) -> None:
    request = corrections(model, photos, 3)
    request.known[:, 0] = False
    with pytest.raises(DataError, match=r"tree, with 3 yes and 3 no"):
        list(teach(request, pool))


@pytest.mark.slow
def test_what_was_drawn_is_not_counted_as_said(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], model: Path
) -> None:
    request = new_category(model, photos)
    drawn = request.known & ~request.targets
    drawn[1, -1] = False
    [category] = report_of(dataclasses.replace(request, drawn=drawn), pool).categories
    assert (category.positives, category.negatives, category.drawn) == (8, 1, 7)
    assert category.judged_negatives == 8


@pytest.mark.slow
def test_it_is_said_which_other_photos_would_get_the_label(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], model: Path
) -> None:
    paths, bright = photos
    few = new_category(model, (paths[:12], bright[:12]), others=(*paths[12:], Path("/gone.jpg")))
    report = report_of(few, pool)
    assert report.others == 5
    [category] = report.categories
    assert category.spread.looked_at == 4
    assert set(category.spread.gained) == {paths[12], paths[14]}
    assert category.spread.lost == 0


def test_a_taught_model_answers_from_what_is_kept_as_the_whole_network_does(
    pool: DecodePool,
    photos: tuple[tuple[Path, ...], NDArray[np.bool_]],
    taught: tuple[TeachRequest, TeachReport],
) -> None:
    request = taught[0]
    checkpoint = open_checkpoint(request.file)
    assert checkpoint.record.taught_from == open_checkpoint(Path(request.source)).id
    kept = PhotoFeatures(checkpoint.weights, request.cache)
    assert all(kept.has(kept.key(path)) for path in photos[0])
    preprocess = checkpoint.record.config.preprocess
    backend = TorchBackend(checkpoint.classifier, torch.device("cpu"))
    exact = [p.scores for p in predict(backend, pool, "", photos[0], preprocess)]
    nobody = DecodePool(1)
    nobody.close()  # whoever asks it for a photo fails
    keeping = KeepingPredictor(backend, kept, preprocess, answers=True)
    quick = list(keeping.predict(nobody, "id", photos[0], 4))
    assert [p.path for p in quick] == list(photos[0])
    np.testing.assert_allclose([p.scores for p in quick], exact, atol=1e-2)  # six bits
