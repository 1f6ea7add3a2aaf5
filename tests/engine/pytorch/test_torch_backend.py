"""The backend of PyTorch: half precision as on a graphics card, tried on the processor."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from engine.api.config import EvaluateConfig
from engine.api.evaluation import EvaluationRequest
from engine.data.decoding.decode import decode
from engine.pytorch import device as devices
from engine.pytorch.torch_backend import TorchBackend
from engine.records.catalogue import find_model
from engine.resources import resource_path
from engine.service import with_pytorch
from engine.service.local import LocalEngine
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model, tiny_classifier

CPU = torch.device("cpu")


def some_pixels(count: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("device", "capability", "half"),
    [
        ("cuda", (9, 0), torch.float16),
        ("cuda:1", (7, 0), torch.float16),
        ("cuda", (6, 1), None),
        ("mps", (9, 0), None),
        ("cpu", (9, 0), None),
    ],
)
def test_half_precision_is_for_graphics_cards_that_gain_by_it(
    monkeypatch: pytest.MonkeyPatch, device: str, capability: tuple[int, int], half: object
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert devices.half_type(torch.device(device)) is half


def test_half_precision_is_near_and_what_goes_out_is_in_the_same_types() -> None:
    exact = TorchBackend(tiny_classifier(), CPU)
    half = TorchBackend(tiny_classifier(), CPU, torch.float16)
    a, b = (backend.run(some_pixels(), features=True) for backend in (exact, half))
    assert not np.array_equal(a.logits, b.logits)
    scale = np.abs(a.position_scores).max()
    np.testing.assert_allclose(b.logits, a.logits, atol=5e-3 * max(1.0, scale))
    np.testing.assert_allclose(b.position_scores, a.position_scores, atol=5e-3 * max(1.0, scale))
    assert a.features is not None
    assert b.features is not None
    assert [v.dtype for v in (a.logits, a.position_scores, a.features)] == [
        v.dtype for v in (b.logits, b.position_scores, b.features)
    ]
    assert exact.name == "CPU, PyTorch"
    assert half.name == "CPU, PyTorch in half precision"


@pytest.mark.slow
def test_half_precision_keeps_what_a_model_that_ships_says_of_photos() -> None:
    source = find_model("csra-lite0-voc")
    opened = with_pytorch.open_checkpoint(source)
    pixels = opened.record.config.preprocess
    photos = sorted(resource_path("samples").glob("*.jpg"))[:2]
    batch = np.stack([decode(path, pixels.input_size, pixels.resize).pixels for path in photos])
    half = TorchBackend(opened.classifier, CPU, torch.float16)
    a, b = half.in_single_precision().run(batch), half.run(batch)
    largest = np.abs(a.position_scores).max()
    np.testing.assert_allclose(b.position_scores, a.position_scores, atol=5e-3 * largest)
    np.testing.assert_allclose(1 / (1 + np.exp(-b.logits)), 1 / (1 + np.exp(-a.logits)), atol=0.01)


def test_what_half_precision_has_no_range_for_is_computed_in_single_precision(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def large() -> torch.nn.Module:
        classifier = tiny_classifier()
        for module in classifier.backbone.modules():  # the first of a chain of norms
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.data.fill_(1e6)
                break
        return classifier

    exact = TorchBackend(large(), CPU).run(some_pixels())
    backend = TorchBackend(large(), CPU, torch.float16)
    with caplog.at_level(logging.WARNING):
        found = [backend.run(some_pixels()) for _ in range(2)]
    for one in found:
        np.testing.assert_array_equal(one.position_scores, exact.position_scores)
    assert len(caplog.records) == 1
    assert backend.name == "CPU, PyTorch"


def test_features_too_large_for_half_precision_come_in_single_precision() -> None:
    class Large(torch.nn.Module):
        def __init__(self, inner: torch.nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = 1e9 * self.inner(images)
            return result

    classifier = tiny_classifier()
    usual = TorchBackend(classifier, CPU).run(some_pixels(), features=True).features
    classifier.backbone = Large(classifier.backbone)
    large = TorchBackend(classifier, CPU).run(some_pixels(), features=True).features
    assert usual is not None
    assert large is not None
    assert (usual.dtype, large.dtype) == (np.float16, np.float32)
    assert np.isfinite(large).all()
    assert np.abs(large).max() > np.finfo(np.float16).max


def test_a_batch_that_does_not_fit_the_memory_is_halved() -> None:
    class Small(torch.nn.Module):
        """Has memory for two photos."""

        def __init__(self, inner: torch.nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if len(images) > 2:
                raise torch.OutOfMemoryError("too many")
            result: torch.Tensor = self.inner(images)
            return result

    classifier = tiny_classifier()
    whole = TorchBackend(classifier, CPU).run(some_pixels(7), features=True)
    classifier.backbone = Small(classifier.backbone)
    for half in (None, torch.float16):
        parts = TorchBackend(classifier, CPU, half).run(some_pixels(7), features=True)
        assert parts.features is not None
        assert parts.features.shape == getattr(whole.features, "shape", None)
        np.testing.assert_allclose(parts.logits, whole.logits, atol=1e-4 if half is None else 0.02)


@pytest.mark.parametrize("input_size", [None, 64, 96])
def test_numbers_that_are_compared_are_computed_in_single_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, input_size: int | None
) -> None:
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path / "data"))
    photo = tmp_path / "photos" / "a.png"
    photo.parent.mkdir()
    Image.fromarray(some_pixels()[0]).save(photo)
    (photo.parent / "labels.csv").write_text(f"path,label\na.png,{TINY_CATEGORIES[0]}\n")
    model = save_tiny_model(tmp_path / "m.safetensors")
    request = EvaluationRequest("folder", photo.parent, "all", str(model))
    request = replace(request, config=EvaluateConfig(input_size=input_size))
    names = []
    for half in (None, torch.float16):
        monkeypatch.setattr(with_pytorch, "half_type", lambda _, half=half: half)
        engine = LocalEngine("cpu", 1, "torch")
        try:
            info = engine.open_model(str(model))
            names.append(info.device)
            with engine.evaluation(request) as work:
                names.append(work.backend.name)
        finally:
            engine.close()
    assert names == [
        "CPU, PyTorch",
        "CPU, PyTorch",
        "CPU, PyTorch in half precision",
        "CPU, PyTorch",
    ]
