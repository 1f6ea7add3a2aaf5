"""All backends say the same of any photo and any batch, whatever the network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api.config import ModelConfig
from engine.api.errors import CheckpointError
from engine.checkpoints.exporting import largest_difference
from engine.checkpoints.graph_export import TOLERANCE
from engine.checkpoints.safetensors_model import Checkpoint, in_memory
from engine.inference.backend import Backend
from engine.inference.backends import open_backend
from engine.inference.graphs import Graph
from engine.models.classifier import Classifier
from engine.models.registry import BACKBONES, backbone_spec
from engine.pytorch.torch_backend import TorchBackend
from engine.records.backend_kinds import BACKENDS, BackendKind
from engine.records.model_record import CheckpointRecord
from tests.engine.graphs import graph_of
from tests.engine.tiny_models import FULL_HEAD, TINY_CATEGORIES
from tests.paths import ROOT

#: How far rounding to half precision changes a value, and single precision the largest, at most.
HALF, NOISE = 2.0**-11, 1e-5
COMPOSITE = "timm:test_efficientnet+groups7of50+nanodet"
#: Each way to lay out features, and more channels, in networks that take a moment; all others run
#: at night.
TINY = ["timm:test_efficientnet", "timm:test_vit3", "timm:test_convnext", COMPOSITE]
NAMES = [*TINY, *(pytest.param(name, marks=pytest.mark.slow) for name in BACKBONES)]


def on_device(kind: str) -> Callable[[Checkpoint, Graph], Backend]:
    return lambda checkpoint, _: TorchBackend(checkpoint.classifier, torch.device(kind))


def on_graph(kind: BackendKind) -> Callable[[Checkpoint, Graph], Backend]:
    return lambda checkpoint, graph: open_backend(kind, checkpoint.weights, graph)


GRAPHS = {name: on_graph(kind) for name, kind in BACKENDS.items() if kind.runs_graphs}
RUNS = {**GRAPHS, "cuda": on_device("cuda"), "mps": on_device("mps")}
IS_HERE = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}


def skip_unless_here(kind: str) -> None:
    is_here = BACKENDS[kind].is_here if kind in BACKENDS else IS_HERE[kind]()
    if not is_here:
        pytest.skip(f"there is no {kind} here")


@cache
def network(name: str, seed: int = 0) -> tuple[Checkpoint, Graph]:
    torch.manual_seed(seed)
    config = ModelConfig(name, TINY_CATEGORIES, FULL_HEAD, backbone_spec(name).preprocess(64))
    classifier = Classifier(config).eval().requires_grad_(requires_grad=False)
    checkpoint = in_memory(classifier, CheckpointRecord(config, "m"))
    return checkpoint, graph_of(checkpoint)


def assert_near(found: np.ndarray, wanted: np.ndarray, rtol: float, atol: float) -> None:
    """Each value to within ``rtol`` of itself, and ``atol`` of the largest."""
    wanted = wanted.astype(np.float32)
    largest = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=atol * largest)


def some_pixels(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", RUNS)
def test_every_backend_says_what_pytorch_says_of_any_batch(kind: str, name: str) -> None:
    skip_unless_here(kind)
    checkpoint, graph = network(name)
    backend = RUNS[kind](checkpoint, graph)
    ours = TorchBackend(checkpoint.classifier.cpu(), torch.device("cpu"))
    for count in (1, 3, 5):
        pixels = some_pixels(count)
        found, wanted = backend.run(pixels, features=True), ours.run(pixels, features=True)
        assert found.features is not None
        assert wanted.features is not None
        assert largest_difference(found.logits, wanted.logits) <= TOLERANCE
        assert largest_difference(found.position_scores, wanted.position_scores) <= TOLERANCE
        # As near as half precision is, but for noise: random weights of the deepest make millions.
        assert_near(found.features, wanted.features, rtol=HALF, atol=NOISE)
        assert backend.run(pixels).features is None


@pytest.mark.parametrize("kind", GRAPHS)
def test_weights_of_another_form_are_refused(kind: str) -> None:
    skip_unless_here(kind)
    _, graph = network(TINY[0])
    other, _ = network(TINY[1])
    with pytest.raises(CheckpointError, match="does not fit"):
        RUNS[kind](other, graph)


@pytest.mark.parametrize("kind", GRAPHS)
def test_a_backend_may_be_used_from_several_threads(kind: str) -> None:
    skip_unless_here(kind)
    backend = RUNS[kind](*network(TINY[0]))
    batches = [some_pixels(count) for count in (1, 2, 3, 4) * 4]
    wanted = [backend.run(batch).logits for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda batch: backend.run(batch).logits, batches))
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


_QUIET = """
import sys, threading
import engine.inference.openvino_backend
assert not {"torch", "openvino_telemetry.main"} & sys.modules.keys(), "something heavy or talkative"
assert threading.enumerate() == [threading.main_thread()], threading.enumerate()
"""


def test_openvino_tells_nobody_that_it_is_used(tmp_path: Path) -> None:
    skip_unless_here("openvino")
    environment = {**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", _QUIET],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir()), "it keeps a number for this user"
