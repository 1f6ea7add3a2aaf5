"""What is kept of photos, and answers from it, with a tiny but real model."""

from __future__ import annotations

import dataclasses
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.api.config import HeadConfig
from engine.checkpoints.safetensors_model import Checkpoint, in_memory
from engine.data.decoding.pool import DecodePool
from engine.inference import keeping as keeping_module
from engine.inference import photo_features, reduction
from engine.inference.keeping import KeepingPredictor
from engine.inference.linear_heads import LinearHeads
from engine.inference.photo_features import PhotoFeatures, packed, unpacked
from engine.inference.predict import predict
from engine.inference.reduction import Basis
from engine.inference.spool import Seen, Spool
from engine.models.heads import ResidualAttentionHeads
from engine.pytorch.torch_backend import TorchBackend
from engine.teach.learning import put_back, reduced_heads
from tests.engine.tiny_models import TINY_CATEGORIES, tiny_classifier, tiny_record

FORMS = [
    HeadConfig((math.inf,), 0.3, normalize=False, standardize=True, bias=True),
    HeadConfig((1.0, 2.0, math.inf), 0.2, normalize=True, standardize=False, bias=False),
]


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with DecodePool(1) as pool:
        yield pool


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{place}.png" for place in range(6)]
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
    return paths


@pytest.fixture
def checkpoint() -> Checkpoint:
    return in_memory(tiny_classifier(), tiny_record())


@pytest.fixture
def keeping(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> KeepingPredictor:
    """Makes its directions of four photos."""
    monkeypatch.setattr(photo_features, "BASIS_PHOTOS", 4)
    backend = TorchBackend(checkpoint.classifier, torch.device("cpu"))
    kept = PhotoFeatures(checkpoint.weights, tmp_path / "kept")
    return KeepingPredictor(backend, kept, checkpoint.record.config.preprocess, answers=True)


def kept_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "kept").glob("*.npy"))


def heads_of(form: HeadConfig, classes: int = 3) -> ResidualAttentionHeads:
    torch.manual_seed(1)
    heads = ResidualAttentionHeads(40, classes, form).eval()
    if heads.standardization is not None:
        heads.standardization.running_mean.uniform_(-1, 1)
        heads.standardization.running_var.uniform_(0.5, 2)
    return heads


def as_arrays(heads: ResidualAttentionHeads) -> LinearHeads:
    tensors = {f"heads.{name}": value.numpy() for name, value in heads.state_dict().items()}
    return LinearHeads.of(heads.config, tensors)


@pytest.mark.parametrize("form", FORMS)
def test_heads_say_the_same_of_reduced_features_whatever_their_form(
    form: HeadConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was learned in the directions, although most of the space is outside."""
    monkeypatch.setattr("engine.inference.reduction.DIRECTIONS", 5)
    heads = heads_of(form)
    features = np.random.default_rng(0).normal(size=(20, 40, 7, 7)).astype(np.float16)
    basis = Basis.of(as_arrays(heads), features)
    assert basis.directions.shape == (40, 3 * form.num_heads + 5)
    assert basis.holds(as_arrays(heads))
    small = reduced_heads(basis, heads)
    taught = heads_of(form)
    with torch.no_grad():
        small.weight += torch.randn(small.weight.shape)
    put_back(small, basis, taught, range(3))
    assert basis.holds(as_arrays(taught))
    with torch.inference_mode():
        exact = taught(torch.from_numpy(features).float()).logits
        learned = small(torch.from_numpy(basis.reduced(features))).logits
    torch.testing.assert_close(learned, exact, atol=1e-4, rtol=1e-4)
    quick = basis.heads(as_arrays(taught)).logits(basis.reduced(features))
    np.testing.assert_allclose(quick, exact.numpy(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_heads_as_arrays_say_what_the_network_says(form: HeadConfig) -> None:
    heads = heads_of(form)
    features = torch.randn(3, 40, 5, 6)
    with torch.inference_mode():
        exact = heads(features).logits.numpy()
    np.testing.assert_allclose(as_arrays(heads).logits(features.numpy()), exact, atol=1e-5)


def test_heads_that_look_at_few_channels_or_at_none_take_no_more_directions_than_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.inference.reduction.DIRECTIONS", 5)
    heads = heads_of(FORMS[0])
    with torch.no_grad():
        heads.weight[0] = 0.0
        heads.weight[0, 0, 3], heads.weight[0, 1, 3] = 2.0, -1.0
    features = np.random.default_rng(0).normal(size=(20, 40, 7, 7)).astype(np.float16)
    basis = Basis.of(as_arrays(heads), features)
    assert basis.directions.shape == (40, 1 + 5)
    assert basis.holds(as_arrays(heads))
    monkeypatch.setattr("engine.inference.reduction._MANY", 0)
    monkeypatch.setattr("engine.inference.reduction._FEWER", 2)
    assert Basis.of(as_arrays(heads), features).directions.shape == (40, 1 + 2)


def test_heads_of_another_model_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.inference.reduction.DIRECTIONS", 5)
    heads = heads_of(FORMS[0])
    basis = Basis.of(
        as_arrays(heads), np.random.default_rng(0).normal(size=(20, 40, 7, 7)).astype(np.float16)
    )
    with torch.no_grad():
        heads.weight[0, 1] += 0.1 * torch.randn(40)
    assert not basis.holds(as_arrays(heads))
    assert Basis.read(basis.data).id == basis.id


def test_directions_have_the_variance_of_the_largest_eigenvectors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reduction, "DIRECTIONS", 20)
    monkeypatch.setattr(reduction, "_MORE", 6)
    chance = np.random.default_rng(0)
    sizes = np.geomspace(1, 0.01, 200, dtype=np.float32)  # few directions matter, as in photos
    mixed = np.linalg.qr(chance.normal(size=(200, 200)))[0].astype(np.float32)
    features = (chance.normal(size=(300, 1, 200)).astype(np.float32) * sizes @ mixed).transpose(
        0, 2, 1
    )[..., None]
    one = LinearHeads(FORMS[1], np.ones((1, 1, 200), np.float32), None, np.zeros(200), np.ones(200))
    basis = Basis.of(one, features * 1e19)  # whose squares single precision has no range for
    seen = features[..., 0, 0].astype(np.float64)
    seen -= seen.mean(axis=0)
    own, others = basis.directions[:, :1], basis.directions[:, 1:]
    seen -= (seen @ own) @ own.T
    best = np.linalg.eigvalsh(seen.T @ seen)[::-1][:20].sum()
    assert others.shape == (200, 20)
    np.testing.assert_allclose(basis.directions.T @ basis.directions, np.eye(21), atol=1e-5)
    assert ((seen @ others) ** 2).sum() >= 0.99 * best


def test_six_bits_keep_a_hundredth_of_each_directions_range() -> None:
    values = np.random.default_rng(0).normal(size=(9, 7, 7)).astype(np.float32)
    values *= np.logspace(-3, 3, 9)[:, None, None].astype(np.float32)
    values[4] = 0
    back = unpacked(packed(values))
    top = np.abs(values).max(axis=(1, 2), keepdims=True)
    assert (np.abs(back - values) <= top / 61).all()


@pytest.mark.parametrize(
    "odd",
    [
        np.zeros(40, np.float32),
        np.zeros((3, 9), np.uint8),
        np.arange(3, dtype=np.uint8),
        np.array([3, 0, 2, 0, 1, 1], np.uint8),
    ],
)
def test_what_was_never_packed_is_refused(odd: np.ndarray) -> None:
    with pytest.raises(ValueError, match="features"):
        unpacked(odd)


def test_photos_are_kept_once_there_are_directions_and_then_answered_in_order(
    pool: DecodePool,
    photos: list[Path],
    keeping: KeepingPredictor,
    checkpoint: Checkpoint,
    tmp_path: Path,
) -> None:
    preprocess = checkpoint.record.config.preprocess
    backend = TorchBackend(checkpoint.classifier, torch.device("cpu"))
    exact = {p.path: p.scores for p in predict(backend, pool, "", photos, preprocess)}
    list(keeping.predict(pool, "id", photos[:3], 2))
    assert kept_files(tmp_path) == []
    list(keeping.predict(pool, "id", photos[3:5], 2))
    assert len(kept_files(tmp_path)) == 5
    kept_files(tmp_path)[0].write_bytes(b"nonsense")
    gone = tmp_path / "gone.png"
    asked = [photos[0], photos[5], gone, *photos[1:5]]
    found = list(keeping.predict(pool, "id", asked, 2))
    assert [p.path for p in found] == asked
    assert found[2].error is not None
    for prediction in found:
        if prediction.path != gone:
            np.testing.assert_allclose(prediction.scores, exact[prediction.path], atol=2e-3)
    assert sum(p.width > 0 for p in found) == 2  # the others were answered from what is kept
    assert len(kept_files(tmp_path)) == 6


@pytest.fixture
def held_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Directions are made once this is set."""
    made, may_go_on = Basis.of, threading.Event()

    def of(heads: LinearHeads, features: Iterable[np.ndarray]) -> Basis:
        assert may_go_on.wait(60)
        return made(heads, features)

    monkeypatch.setattr(Basis, "of", of)
    yield may_go_on
    may_go_on.set()


def test_photos_are_tagged_while_directions_are_made_and_all_are_kept(
    pool: DecodePool,
    photos: list[Path],
    keeping: KeepingPredictor,
    held_back: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(keeping_module, "_KEPT_AT_ONCE", 1)
    predictions = keeping.predict(pool, "id", photos, 1)
    assert [next(predictions).path for _ in photos] == photos
    assert kept_files(tmp_path) == []
    held_back.set()
    assert list(predictions) == []
    assert len(kept_files(tmp_path)) == len(photos)


@pytest.mark.slow
def test_who_cancels_does_not_wait_for_directions_and_they_are_used_next(
    pool: DecodePool,
    photos: list[Path],
    keeping: KeepingPredictor,
    held_back: threading.Event,
    tmp_path: Path,
) -> None:
    predictions = keeping.predict(pool, "id", photos, 5)
    for _ in photos[:5]:
        next(predictions)
    predictions.close()
    assert kept_files(tmp_path) == []
    held_back.set()
    list(keeping.predict(pool, "id", photos[5:], 1))
    assert len(kept_files(tmp_path)) == len(photos)


def test_what_tells_photos_from_each_other_is_asked_for_some_at_once(
    photos: list[Path], checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def ask(question: Callable[[], object], *_: object) -> object:
        asked.append(question)
        return question()

    monkeypatch.setattr(photo_features, "ask", ask)
    kept = PhotoFeatures(checkpoint.weights, tmp_path / "kept")
    found = kept.keys(photos)
    assert len(asked) == 1
    assert found == [kept.key(path) for path in photos]
    assert len(set(found)) == len(photos)
    gone = tmp_path / "gone.png"
    assert kept.keys([photos[0], gone, photos[1]]) == [found[0], None, found[1]]
    os.utime(photos[0], ns=(1, 1))
    assert kept.keys(photos[:1]) != found[:1]


def test_a_file_that_changed_is_looked_at_again(
    pool: DecodePool, photos: list[Path], keeping: KeepingPredictor
) -> None:
    list(keeping.predict(pool, "id", photos, 2))
    Image.new("RGB", (32, 32)).save(photos[0])
    [prediction] = keeping.predict(pool, "id", photos[:1], 2)
    assert prediction.width == 32


def test_a_disk_that_takes_nothing_stops_no_tagging(
    pool: DecodePool, photos: list[Path], keeping: KeepingPredictor, tmp_path: Path
) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    assert all(p.error is None for p in keeping.predict(pool, "id", photos, 2))


def large_features(checkpoint: Checkpoint, count: int) -> list[Seen]:
    """Beyond the range of half precision, as few networks have them."""
    dim, classes = checkpoint.classifier.heads.weight.shape[2], len(TINY_CATEGORIES)
    values = np.random.default_rng(0).normal(0, 3e5, (count, dim, 2, 2)).astype(np.float32)
    scores = np.zeros(classes, np.float16)
    return [Seen(str(place), one, scores) for place, one in enumerate(values)]


def test_features_beyond_half_precision_are_kept_where_reduced_ones_are_within(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    with torch.no_grad():
        checkpoint.classifier.heads.standardization.running_var.fill_(1e10)
    kept = PhotoFeatures(checkpoint.weights, tmp_path / "kept")
    seen = large_features(checkpoint, 6)
    kept.keep(seen)
    kept.write()
    assert kept.basis is not None
    for one in seen:
        wanted = kept.basis.reduced(one.features[None])[0]
        assert np.isfinite(wanted).all()
        found = kept.read(one.key)
        assert found is not None
        np.testing.assert_allclose(found.features, wanted, atol=np.abs(wanted).max() / 61)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_features_that_are_no_numbers_or_too_large_are_not_kept(
    checkpoint: Checkpoint, tmp_path: Path, value: float
) -> None:
    kept = PhotoFeatures(checkpoint.weights, tmp_path / "kept")
    usual = [
        Seen(f"usual {one.key}", one.features / 3e5, one.scores)
        for one in large_features(checkpoint, 3)
    ]
    odd = Seen("odd", usual[0].features.copy(), usual[0].scores)
    odd.features[0, 0, 0] = value
    kept.keep_if_possible([*usual, odd])
    kept.write()
    kept.keep_if_possible([odd, *large_features(checkpoint, 1)])
    assert [kept.has(one.key) for one in usual] == [True] * 3
    assert not kept.has("odd")
    assert not kept.has("0")


def test_another_backbone_or_other_pixels_share_nothing(
    pool: DecodePool, photos: list[Path], keeping: KeepingPredictor, tmp_path: Path
) -> None:
    list(keeping.predict(pool, "id", photos, 2))
    classifier = tiny_classifier()
    config = dataclasses.replace(
        classifier.config,
        preprocess=dataclasses.replace(classifier.config.preprocess, mean=(0.4, 0.5, 0.5)),
    )
    other = in_memory(tiny_classifier(config), tiny_record(config))
    assert PhotoFeatures(other.weights, tmp_path / "kept").basis is None


def test_directions_of_few_photos_are_outgrown(
    pool: DecodePool,
    photos: list[Path],
    keeping: KeepingPredictor,
    checkpoint: Checkpoint,
    tmp_path: Path,
) -> None:
    """Who first teaches a label in a small folder is not bound to it by all photos to come."""
    preprocess = checkpoint.record.config.preprocess
    backend = TorchBackend(checkpoint.classifier, torch.device("cpu"))
    exact = [p.scores for p in predict(backend, pool, "", photos, preprocess)]
    few = PhotoFeatures(checkpoint.weights, tmp_path / "kept")
    seen = np.random.default_rng(0).normal(size=(2, 512, 2, 2)).astype(np.float16)
    seen = seen[:, : checkpoint.classifier.heads.weight.shape[2]]
    scores = np.zeros((2, checkpoint.classifier.heads.num_classes), np.float16)
    few.keep(list(map(Seen, ("a", "b"), seen, scores)))
    few.write()
    assert few.basis is not None
    assert few.basis.photos == 2
    list(keeping.predict(pool, "id", photos[:3], 2))
    now = PhotoFeatures(checkpoint.weights, tmp_path / "kept")
    assert now.basis is not None
    assert now.basis.photos == 2  # three are too few, too
    list(keeping.predict(pool, "id", photos[3:], 2))
    now = PhotoFeatures(checkpoint.weights, tmp_path / "kept")
    assert now.basis is not None
    assert now.basis.photos == len(photos)
    again = list(keeping.predict(pool, "id", photos, 2))
    for prediction, scores in zip(again, exact, strict=True):
        np.testing.assert_allclose(prediction.scores, scores, atol=2e-3)
    assert PhotoFeatures(checkpoint.weights, tmp_path / "kept").basis.id == now.basis.id


def test_labels_that_learned_nothing_keep_their_scores_to_the_bit(
    pool: DecodePool,
    photos: list[Path],
    keeping: KeepingPredictor,
    checkpoint: Checkpoint,
    tmp_path: Path,
) -> None:
    before = [p.scores for p in keeping.predict(pool, "id", photos, 2)]
    classifier, record = tiny_classifier(), checkpoint.record
    with torch.no_grad():
        heads = classifier.heads
        heads.weight[:, 0] = 0.5 * heads.weight[:, 1] - heads.weight[:, 2]
    taught = in_memory(classifier, record)
    backend = TorchBackend(classifier, torch.device("cpu"))
    exact = [p.scores for p in predict(backend, pool, "", photos, record.config.preprocess)]
    kept = PhotoFeatures(taught.weights, tmp_path / "kept")
    answering = KeepingPredictor(backend, kept, record.config.preprocess, answers=True)
    found = list(answering.predict(pool, "id", photos, 2))
    assert all(p.width == 0 for p in found)  # none was looked at again
    for prediction, old, new in zip(found, before, exact, strict=True):
        assert (prediction.scores[1:] == old[1:].astype(np.float16)).all()
        assert prediction.scores[0] != old[0].astype(np.float16)
        np.testing.assert_allclose(prediction.scores[0], new[0], atol=2e-3)


@pytest.mark.parametrize("part", [100, 0.9])
def test_what_was_kept_in_part_is_looked_at_again(
    pool: DecodePool, photos: list[Path], keeping: KeepingPredictor, tmp_path: Path, part: float
) -> None:
    list(keeping.predict(pool, "id", photos, 2))
    for file in kept_files(tmp_path):
        data = file.read_bytes()
        file.write_bytes(data[: part if part > 1 else int(part * len(data))])
    assert all(p.width > 0 for p in keeping.predict(pool, "id", photos, 2))


def test_what_waits_is_on_the_disk_and_comes_back_as_it_was(tmp_path):
    spool = Spool(tmp_path / "new")
    chance = np.random.default_rng(0)
    seen = [
        Seen(str(i), chance.random((3, 2 + i, 2)).astype(np.float16), np.full(2, i, np.float16))
        for i in range(5)
    ]
    spool.add(seen[:2])
    spool.add(seen[2:])
    for _ in range(2):
        assert len(spool) == 5
        for found, expected in zip(spool, seen, strict=True):
            assert found.key == expected.key
            np.testing.assert_array_equal(found.features, expected.features)
            np.testing.assert_array_equal(found.scores, expected.scores)
    assert list((tmp_path / "new").iterdir()) == []  # nothing to be left behind
    spool.clear()
    assert len(spool) == 0
    assert list(spool) == []
    spool.add(seen[:1])
    assert [found.key for found in spool] == ["0"]
    spool.clear()
