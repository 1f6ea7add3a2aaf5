"""Tiny models for tests: small enough to make in a moment, real in every part."""

import copy
import json
import math
import tempfile
from functools import cache
from pathlib import Path

import safetensors.torch
import torch

from engine.api.categories import Categories
from engine.api.config import HeadConfig, ModelConfig, PreprocessConfig
from engine.checkpoints.safetensors_model import save_checkpoint
from engine.models.classifier import Classifier
from engine.records.model_record import CheckpointRecord

TINY_BACKBONE = "timm:test_efficientnet"
TINY_CATEGORIES = Categories(("cat", "dog", "tree", "boat", "person"))
#: Heads with all that heads may have.
FULL_HEAD = HeadConfig((1.0, 2.0, math.inf), 0.5, normalize=True, standardize=True, bias=True)


def tiny_config(head: HeadConfig | None = None, resize: str = "squash") -> ModelConfig:
    return ModelConfig(
        backbone=TINY_BACKBONE,
        categories=TINY_CATEGORIES,
        head=head or HeadConfig((1.0, math.inf), 0.3, normalize=False, standardize=True, bias=True),
        preprocess=PreprocessConfig(64, resize, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    )


def tiny_classifier(config: ModelConfig | None = None) -> Classifier:
    """A new one, always with the same weights; as if it had been made anew."""
    made, random_state = _made(config or tiny_config())
    torch.set_rng_state(random_state)
    return copy.deepcopy(made)


@cache
def _made(config: ModelConfig) -> tuple[Classifier, torch.Tensor]:
    torch.manual_seed(0)
    classifier = Classifier(config).eval()
    with torch.no_grad():
        if classifier.heads.bias is not None:
            classifier.heads.bias.uniform_(-1.0, 1.0)
    return classifier, torch.get_rng_state()


def tiny_record(config: ModelConfig | None = None) -> CheckpointRecord:
    return CheckpointRecord(
        config or tiny_config(), name="tiny", description="for tests", results={"val mAP": 0.5}
    )


def save_tiny_model(path: Path, config: ModelConfig | None = None) -> Path:
    path.write_bytes(_file(config or tiny_config()))
    return path


@cache
def _file(config: ModelConfig) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.safetensors"
        save_checkpoint(path, tiny_classifier(config), tiny_record(config))
        return path.read_bytes()


def rewrite(path, *, metadata=None, model=None, tensors=None):
    """Change parts of a saved model; the checksum stays that of the old weights."""
    with safetensors.safe_open(path, "pt") as file:
        old = dict(file.metadata())
    body = json.loads(old["model"])
    body.update(model or {})
    weights = safetensors.torch.load_file(path)
    weights.update(tensors or {})
    safetensors.torch.save_file(
        weights, path, {**old, "model": json.dumps(body), **(metadata or {})}
    )
