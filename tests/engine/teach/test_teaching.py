"""Teaching a tiny but real model, on real files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
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
from engine.api.teaching import TeachProgress, TeachReport, TeachRequest, held_out_rows
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import save_checkpoint, write_with_record
from engine.data.decoding.pool import DecodePool
from engine.teach.learning import KnownLabels, label_weights
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
        model.with_name("cache"),
    )
    return dataclasses.replace(request, **changes)  # type: ignore[arg-type]


def report_of(request: TeachRequest, pool: DecodePool) -> TeachReport:
    last = list(teach(request, pool))[-1]
    assert isinstance(last, TeachReport)
    return last


def test_a_new_category_is_learned_and_the_old_ones_stay_to_the_bit(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], model: Path
) -> None:
    report = report_of(new_category(model, photos), pool)
    old, new = open_checkpoint(model), open_checkpoint(report.file)
    assert tuple(new.record.config.categories) == (*TINY_CATEGORIES, "bright")
    for name, weights in old.classifier.state_dict().items():
        kept = new.classifier.state_dict()[name]
        old_part = kept[:, :-1] if name in ("heads.weight", "heads.bias") else kept
        assert torch.equal(old_part, weights), name
    [category] = report.categories
    assert (category.positives, category.negatives) == (COUNT // 2, COUNT // 2)
    assert category.right_before is None
    assert category.right_after == category.judged > 0


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
    assert category.right_before is not None
    assert category.right_after > category.right_before
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


def test_photos_that_were_looked_at_before_are_not_looked_at_again(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], model: Path
) -> None:
    request = new_category(model, photos)
    list(teach(request, pool))
    [first, *_] = teach(request, pool)
    assert first == TeachProgress("looking", COUNT, COUNT)


def test_damaged_features_are_removed_and_said(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], model: Path
) -> None:
    request = new_category(model, photos)
    list(teach(request, pool))
    assert request.cache is not None
    kept = next(request.cache.iterdir())
    kept.write_bytes(b"nonsense")
    with pytest.raises(DataError, match="Try again"):
        list(teach(request, pool))
    report_of(request, pool)


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


def test_a_model_that_names_one_thing_per_photo_is_not_taught(
    pool: DecodePool, photos: tuple[tuple[Path, ...], NDArray[np.bool_]], tmp_path: Path
) -> None:
    config = tiny_config(HeadConfig((1.0,), 0.1, activation="softmax"))
    model = tmp_path / "softmax.safetensors"
    save_checkpoint(model, tiny_classifier(config), tiny_record(config))
    with pytest.raises(ModelError, match="one thing per photo"):
        list(teach(new_category(model, photos), pool))


def test_known_labels_of_a_category_weigh_one_together_and_unknown_ones_nothing() -> None:
    targets = np.array([[1, 1], [0, 0], [0, 0], [0, 1]], dtype=np.bool_)
    known = np.array([[1, 1], [1, 0], [1, 0], [0, 1]], dtype=np.bool_)
    labels = KnownLabels(
        np.zeros((4, 1, 1, 1), np.float16), targets, known, np.array([False, True])
    )
    weights = label_weights(labels)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0, rtol=1e-6)
    assert weights[0, 0] == pytest.approx(np.sqrt(2) * weights[1, 0])
    assert weights[3, 0] == weights[1, 1] == 0.0


def test_the_same_photos_are_kept_apart_whatever_comes_with_them() -> None:
    paths = [Path(f"{place}.jpg") for place in range(200)]
    apart = held_out_rows(paths)
    assert 30 < apart.sum() < 70
    np.testing.assert_array_equal(held_out_rows(paths[50:]), apart[50:])
