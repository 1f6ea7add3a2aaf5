"""Memory that runs out while a network runs: halves, then words, and work that goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from engine.api.config import HeadConfig, PredictConfig
from engine.api.errors import MemoryShortError
from engine.api.memory import is_memory_short
from engine.api.passing import MEMORY_SHORT
from engine.checkpoints.safetensors_model import in_memory
from engine.data.decoding.pool import DecodePool
from engine.inference.backend import Backend, BackendAround, BatchScores
from engine.inference.in_parts import run_in_parts
from engine.inference.keeping import KeepingPredictor
from engine.inference.onnx_backend import check_trial
from engine.inference.photo_features import PhotoFeatures
from engine.inference.predict import giving_up, predict
from engine.pytorch.torch_backend import TorchBackend
from tests.engine.tiny_models import save_tiny_model, tiny_classifier, tiny_record
from tests.paths import ROOT

PETABYTE = 1 << 50
SAID = [
    # As ONNX Runtime 1.32 and OpenVINO 2026.4 have said it under a limit of address space.
    RuntimeError(
        "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Conv node. "
        "Name:'c' Status Message: bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRaw"
        "Internal(size_t, bool, Stream*) Failed to allocate memory for requested buffer of size 9"
    ),
    RuntimeError(
        "Exception from src/plugins/intel_cpu/src/node.cpp:794:\n[CPU] Convolution node with name "
        "'c' Check 'ptr' failed at cpu_memory.cpp:257:\nFailed to allocate 411041792 bytes"
    ),
    RuntimeError("std::bad_alloc"),
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory."),
]


def scores_of(pixels: NDArray[np.uint8]) -> BatchScores:
    logits = pixels.reshape(len(pixels), -1).mean(axis=1, dtype=np.float32)[:, None]
    return BatchScores(logits, logits[:, :, None, None, None], logits[:, :, None, None])


@dataclass
class Small:
    """One pass with room for so many images; after so many passes there is room for all."""

    room: int
    passes: int = 1000

    def __post_init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, pixels: NDArray[np.uint8]) -> BatchScores:
        self.sizes.append(len(pixels))
        if len(pixels) > self.room and len(self.sizes) <= self.passes:
            torch.empty(PETABYTE, dtype=torch.uint8)
        return scores_of(pixels)


class SmallBackend(BackendAround):
    """A backend whose passes are those of ``Small``."""

    head = HeadConfig()

    def __init__(self, inner: Backend, small: Small) -> None:
        super().__init__(inner)
        self._small = small

    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        run_in_parts(self._small, pixels)
        return super().run(pixels, features=features)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{place}.png" for place in range(12)]
    for place, path in enumerate(paths):
        Image.new("RGB", (64, 64), (place, 2 * place, 99)).save(path)
    paths[1] = tmp_path / "gone.png"
    return paths


@pytest.fixture
def pool() -> Iterator[DecodePool]:
    with DecodePool(1) as made:
        yield made


@pytest.mark.parametrize("error", SAID, ids=lambda error: str(error)[:20])
def test_every_runtime_is_understood(error: Exception) -> None:
    assert is_memory_short(error)


def test_other_faults_are_none_of_memory() -> None:
    assert not is_memory_short(RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes"):
        run_in_parts(other_fault, np.zeros((4, 8, 8, 3), np.uint8))


def other_fault(_pixels: NDArray[np.uint8]) -> BatchScores:
    raise RuntimeError("shapes do not fit")


def test_a_batch_goes_in_halves_as_often_as_is_needed() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)
    small, whole = Small(2), scores_of(pixels)

    found = run_in_parts(small, pixels)

    assert small.sizes == [7, 3, 1, 2, 4, 2, 2]
    np.testing.assert_array_equal(found.logits, whole.logits)
    np.testing.assert_array_equal(found.position_scores, whole.position_scores)
    assert found.features is not None
    np.testing.assert_array_equal(found.features, whole.features)


def test_one_image_without_memory_is_said_in_words() -> None:
    with pytest.raises(MemoryShortError, match="Close other programs"):
        run_in_parts(Small(0), np.zeros((4, 8, 8, 3), np.uint8))


def test_a_trial_without_memory_says_nothing_against_model_or_runtime() -> None:
    with pytest.raises(MemoryShortError):
        check_trial("m", "ONNX Runtime", 8, Small(0))


@pytest.mark.parametrize("is_kept", [False, True])
def test_photos_that_there_was_no_memory_for_are_left_out_and_the_others_tagged(
    photos: list[Path], pool: DecodePool, tmp_path: Path, is_kept: bool
) -> None:
    whole = in_memory(tiny_classifier(), tiny_record())
    preprocess = whole.record.config.preprocess
    inner = TorchBackend(whole.classifier, torch.device("cpu"))
    backend = SmallBackend(inner, Small(0, 6))  # two batches, each halved down to one image
    if is_kept:
        kept = PhotoFeatures(whole.weights, tmp_path / "kept")
        keeping = KeepingPredictor(backend, kept, preprocess, answers=True)
        found = list(keeping.predict(pool, "m", photos, 4))
    else:
        found = list(predict(backend, pool, "m", photos, preprocess, PredictConfig(4)))

    assert [one.path for one in found] == photos
    errors = [one.error for one in found]
    assert errors[0] == errors[2] == MEMORY_SHORT and errors[1] == "The file is no longer there."
    first_seen = errors.index(None)
    assert first_seen in (4, 8)
    assert errors[first_seen:] == [None] * (len(photos) - first_seen)
    assert all(one.scores.shape == (5,) for one in found[first_seen:])


def test_without_memory_for_many_photos_in_a_row_the_work_ends_in_words(
    photos: list[Path], pool: DecodePool
) -> None:
    whole = in_memory(tiny_classifier(), tiny_record())
    backend = SmallBackend(TorchBackend(whole.classifier, torch.device("cpu")), Small(0))
    found = giving_up(predict(backend, pool, "m", photos[2:], whole.record.config.preprocess, None))
    said = [next(found).error for _ in range(8)]
    assert set(said) == {MEMORY_SHORT}
    with pytest.raises(MemoryShortError):
        next(found)


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from engine.checkpoints.loading import open_checkpoint
from engine.inference.backends import open_backend
from engine.inference.in_parts import run_in_parts
from engine.inference.weights import read_weights
from engine.records.backend_kinds import BACKENDS
name, path = sys.argv[1], Path(sys.argv[2])
if name == "torch":
    import torch
    from engine.pytorch.torch_backend import TorchBackend
    backend = TorchBackend(open_checkpoint(path).classifier, torch.device("cpu"))
else:
    from engine.checkpoints.graph_export import export_graph
    backend = open_backend(BACKENDS[name], read_weights(path), export_graph(open_checkpoint(path)))
pixels = np.random.default_rng(0).integers(0, 256, (2048, 64, 64, 3), dtype=np.uint8)
expected = np.concatenate([backend.run(part).logits for part in np.split(pixels, 64)])
passes, inner = [], "_forward" if name == "torch" else "_pass"
once = getattr(backend, inner)
def counted(pixels, **options):
    passes.append(len(pixels))
    return once(pixels, **options)
setattr(backend, inner, counted)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (150 << 20),) * 2)
found = backend.run(pixels).logits
np.testing.assert_allclose(found, expected, atol=1e-3)
print(passes[:2], flush=True)
import os
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
@pytest.mark.parametrize("name", ["torch", "onnx", "openvino"])
def test_with_a_real_limit_a_batch_goes_in_halves(name: str, tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "tiny.safetensors")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, name, str(model)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=ROOT,
    )
    assert (done.stdout, done.returncode) == ("[2048, 1024]\n", 0), done.stderr[-2000:]
