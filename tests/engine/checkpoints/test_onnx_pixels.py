"""ONNX files that take photos of any size as pixels, checked against the program's own way."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.api.categories import Categories
from engine.api.config import HeadConfig, ModelConfig, PreprocessConfig, ResizeMode
from engine.api.errors import CheckpointError, ModelError
from engine.api.label_parents import CategoryParents
from engine.api.values import ModelImport
from engine.checkpoints import onnx_export
from engine.checkpoints.exchange import export_model
from engine.checkpoints.onnx_export import export_onnx, from_pixels
from engine.checkpoints.safetensors_model import Checkpoint, in_memory, save_checkpoint
from engine.data.decoding.decode import decode
from engine.models.backbones import Backbone
from engine.models.classifier import Classifier
from engine.models.registry import BACKBONES, BackboneSpec
from engine.records.model_record import CheckpointRecord
from engine.service.local import LocalEngine
from tests.paths import ROOT

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

SIDE = 64
CATEGORIES = Categories(("animal", "dog", "puppy", "кот"))
#: Who sees a puppy has seen a dog, and who sees a dog an animal.
PARENTS = CategoryParents({2: (1,), 1: (0,), 3: (0,)})
HEAD = HeadConfig((1.0, math.inf), 0.3, normalize=True, standardize=True, bias=True)


def checkpoint_of(resize: ResizeMode) -> Checkpoint:
    """A backbone of one convolution: the exporter takes seconds for each layer more."""
    torch.manual_seed(0)
    pixels = PreprocessConfig(SIDE, resize, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    config = ModelConfig("plain", CATEGORIES, HEAD, pixels, PARENTS)
    classifier = Classifier(config).eval().requires_grad_(requires_grad=False)
    return in_memory(classifier, CheckpointRecord(config, "m"))


Exported = dict[str, tuple[Checkpoint, Path, float]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    half = (0.5, 0.5, 0.5)
    spec = BackboneSpec(
        "plain", lambda _size: Backbone(torch.nn.Conv2d(3, 16, 8, 8), 16), half, half, SIDE
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, spec.name, spec)
        # The network itself is the same each time, and PyTorch's exporter takes seconds.
        once, write = tmp_path_factory.mktemp("network") / "network.onnx", onnx_export._write

        def write_once(folded: Any, size: int, checkpoint: Checkpoint, path: Path) -> None:
            if not once.exists():
                write(folded, size, checkpoint, once)
            shutil.copy(once, path)

        patch.setattr(onnx_export, "_write", write_once)
        found: Exported = {}
        modes: tuple[ResizeMode, ...] = ("squash", "letterbox")
        for resize in modes:
            checkpoint = checkpoint_of(resize)
            path = tmp_path_factory.mktemp("exported") / f"{resize}.onnx"
            found[resize] = checkpoint, path, export_onnx(checkpoint, path, with_preprocessing=True)
        yield found


def run_file(path: Path, pixels: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = ["logits", "scores", "position_scores"]
    assert [value.name for value in session.get_outputs()] == outputs
    found: list[np.ndarray[Any, Any]] = session.run(outputs, {"pixels": pixels})
    return found


@pytest.mark.slow
@pytest.mark.parametrize("resize", ["squash", "letterbox"])
def test_pixels_of_the_models_size_give_the_programs_logits(
    exported: Exported, resize: str
) -> None:
    checkpoint, path, _ = exported[resize]
    pixels = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    logits, scores, maps = run_file(path, pixels)
    ours, position_scores = from_pixels(checkpoint, pixels)
    np.testing.assert_allclose(logits, ours, atol=1e-4)
    np.testing.assert_allclose(maps, position_scores, atol=1e-4)
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-ours)), atol=1e-5)
    assert (logits[:, 0] >= logits[:, 1]).all() and (logits[:, 1] >= logits[:, 2]).all()


@pytest.mark.parametrize("resize", ["squash", "letterbox"])
@pytest.mark.parametrize("size", [(500, 333), (200, 500), (40, 30), (64, 90), (1, 7), (901, 64)])
def test_pixels_of_any_size_are_resized_as_the_decoder_does(
    exported: Exported, resize: ResizeMode, size: tuple[int, int], tmp_path: Path
) -> None:
    checkpoint, path, _ = exported[resize]
    width, height = size
    rows, columns = np.mgrid[:height, :width]
    pixels = np.stack([rows % 256, columns * 3 % 256, (rows * columns) % 256], -1).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    decoded = decode(tmp_path / "photo.png", SIDE, resize, mode="exact").pixels
    logits, _, maps = run_file(path, pixels[None])
    ours, position_scores = from_pixels(checkpoint, decoded[None])
    # A grey value in a few pixels of a thousand; another order of rows and columns moves a fifth.
    np.testing.assert_allclose(logits, ours, atol=5e-3)
    np.testing.assert_allclose(maps, position_scores, atol=2e-2)


def test_the_difference_is_told_and_a_file_that_resizes_otherwise_is_not_kept(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, _, difference = exported["squash"]
    assert 0 < difference <= 0.05
    monkeypatch.setattr(
        onnx_export, "_fitted", lambda image, _: np.full((SIDE, SIDE, 3), image[0, 0], np.uint8)
    )
    with pytest.raises(CheckpointError, match="as ONNX its results differ by"):
        export_onnx(checkpoint, tmp_path / "x.onnx", with_preprocessing=True)
    assert list(tmp_path.iterdir()) == []


def test_such_a_file_is_for_other_programs_and_says_so_when_it_is_imported(
    exported: Exported,
) -> None:
    engine = LocalEngine("cpu", num_workers=1)
    try:
        with pytest.raises(CheckpointError, match=r"exported with preprocessing.*without"):
            engine.import_model(ModelImport(exported["squash"][1]))
    finally:
        engine.close()


def test_other_formats_have_no_preprocessing(exported: Exported, tmp_path: Path) -> None:
    checkpoint, _, _ = exported["squash"]
    file = tmp_path / "model.safetensors"
    save_checkpoint(file, checkpoint.classifier, dataclasses.replace(checkpoint.record, name="m"))
    with pytest.raises(ModelError, match=r"cannot hold preprocessing: only \.onnx"):
        export_model(file, tmp_path / "out.pth", with_preprocessing=True)
    assert not (tmp_path / "out.pth").exists()


def test_the_example_of_the_manual_runs_without_this_program(
    exported: Exported, tmp_path: Path
) -> None:
    checkpoint, path, _ = exported["squash"]
    text = (ROOT / "docs" / "MODELS.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(import json\n.*?)```", text, re.DOTALL)
    assert len(example.strip().splitlines()) <= 10
    example = example.replace("model.onnx", path.as_posix())
    photo = ROOT / "resources" / "samples" / "astronaut.jpg"
    example = example.replace("photo.jpg", photo.as_posix())
    blocked = ("engine", "csra_gui", "torch", "onnx")
    code = f"import sys\nsys.modules.update(dict.fromkeys({blocked!r}))\n{example}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    decoded = decode(photo, SIDE, "squash", mode="exact").pixels
    logits, _ = from_pixels(checkpoint, decoded[None])
    best = sorted(zip(-logits[0], CATEGORIES, strict=True))
    printed = [line.split() for line in done.stdout.splitlines()]
    assert [name for _, name in printed] == [name for _, name in best]
    shares = [1 / (1 + math.exp(negative)) for negative, _ in best]
    assert [float(score) for score, _ in printed] == pytest.approx(shares, abs=2e-3)
    told = onnxruntime.InferenceSession(str(path)).get_modelmeta().custom_metadata_map["model"]
    assert json.loads(told)["preprocess"]["input_size"] == SIDE
