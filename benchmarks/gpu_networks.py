"""The networks and photos that ``gpu.py`` measures with, and their sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engine.models.classifier import Classifier

ROOT = Path(__file__).resolve().parent.parent
LAM = 0.1


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        input_size: of the networks, in pixels.
        backbone: of the paper's network.
        photos: that are made; they are tagged several times over for rounds of some length.
        photo_size: width and height in pixels.
        round_seconds: how long a round of tagging shall take.
        batch: images of a training step.
        steps: of a round of training.
        rounds: in turn; their median counts.
    """

    input_size: int = 448
    backbone: str = "resnet101"
    photos: int = 96
    photo_size: tuple[int, int] = (640, 480)
    round_seconds: float = 2.0
    batch: int = 16
    steps: int = 8
    rounds: int = 3


SMOKE = Sizes(64, "timm:test_efficientnet", 2, (96, 64), 0.0, 2, 1, 1)


def shipped(sizes: Sizes) -> Classifier:
    """The model that ships, for this input size."""
    from engine.checkpoints.loading import open_checkpoint
    from engine.models.classifier import Classifier

    checkpoint = open_checkpoint(ROOT / "resources" / "models" / "csra-lite0-voc.safetensors")
    config = checkpoint.classifier.config
    sized = replace(config, preprocess=replace(config.preprocess, input_size=sizes.input_size))
    classifier = Classifier(sized)
    classifier.load_state_dict(checkpoint.classifier.state_dict())
    return classifier.eval()


def resnet(sizes: Sizes) -> Classifier:
    """ResNet-CSRA in the paper's form, with random weights but norms that know their input."""
    import torch

    from engine.api.categories import Categories
    from engine.api.config import ModelConfig
    from engine.api.training import PAPER_HEAD
    from engine.models.classifier import Classifier
    from engine.models.registry import backbone_spec

    name = sizes.backbone
    categories = Categories(tuple(f"category {number}" for number in range(20)))
    preprocess = backbone_spec(name).preprocess(sizes.input_size)
    classifier = Classifier(ModelConfig(name, categories, PAPER_HEAD, preprocess))
    # Without this the values of random weights double from block to block.
    with torch.no_grad():
        classifier.train()(torch.from_numpy(noise(4, sizes.input_size)).permute(0, 3, 1, 2) / 255)
    return classifier.eval()


def noise(count: int, side: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Coarse blots with fine grain: (count, side, side, 3)."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 226, (count, -(-side // 16), -(-side // 16), 3), dtype=np.uint8)
    blots = coarse.repeat(16, axis=1).repeat(16, axis=2)[:, :side, :side]
    return blots + rng.integers(0, 30, blots.shape, dtype=np.uint8)


def made_photos(folder: Path, sizes: Sizes) -> list[Path]:
    from PIL import Image

    width, height = sizes.photo_size
    paths = [folder / f"{number:04}.jpg" for number in range(sizes.photos)]
    base = noise(2, max(width, height))
    for number, path in enumerate(paths):
        turned = np.roll(base[number % 2], 7 * number, axis=1)[:height, :width]
        Image.fromarray(turned).save(path, quality=88)
    return paths


def paper_network(sizes: Sizes) -> Any:
    """Equations 3 to 6 of the paper, one head with T = 1."""
    from torch import Tensor, nn

    from engine.models.registry import build_backbone

    class PaperNetwork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = build_backbone(sizes.backbone, sizes.input_size)
            self.head = nn.Conv2d(self.trunk.feature_dim, 20, 1, bias=False)

        def forward(self, images: Tensor) -> Tensor:
            length = self.head.weight.flatten(1).norm(dim=1)
            scores = self.head(self.trunk(images)).flatten(2) / length[:, None]
            attended: Tensor = (scores * scores.softmax(dim=2)).sum(dim=2)
            return scores.mean(dim=2) + LAM * attended

    return PaperNetwork()
