"""Resnet-101 with residual attention as the method's authors run it, on today's PyTorch.

    python benchmarks/_official_loop.py CHECKPOINT FOLDER SIDE SCORES

Written from the formulas of the paper (ICCV 2021, equations 1 to 4): photos decoded in full,
squashed to a square, values from 0 to 1; batches of 16 from a loader with a process per core; one
head, λ 0.1.
Scores go into SCORES as JSON, by file name. Nothing of the engine is used.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import models, transforms

_BATCH = 16
_LAM = 0.1


class Photos(Dataset[tuple[Tensor, str]]):
    """A folder of photos as squares."""

    def __init__(self, folder: Path, side: int) -> None:
        self.paths = sorted(folder.glob("*.jpg"))
        self.transform = transforms.Compose(
            [transforms.Resize((side, side)), transforms.ToTensor()]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[Tensor, str]:
        with Image.open(self.paths[row]) as image:
            return self.transform(image.convert("RGB")), self.paths[row].name


class Network(nn.Module):
    """A trunk and one head, named as in the authors' checkpoints."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        trunk = models.resnet101(weights=None)
        for name, child in trunk.named_children():
            if name not in ("avgpool", "fc"):
                self.add_module(name, child)
        head = nn.Module()
        head.head = nn.Conv2d(2048, num_classes, 1, bias=False)
        self.classifier = nn.Module()
        self.classifier.multi_head = nn.ModuleList([head])

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, S, S) → logits (B, C)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        head = self.classifier.multi_head[0].head
        scores = (head(x) / torch.norm(head.weight, dim=1, keepdim=True).transpose(0, 1)).flatten(2)
        attended = (scores * torch.softmax(scores, dim=2)).sum(dim=2)
        return scores.mean(dim=2) + _LAM * attended


def main() -> None:
    """Score every photo."""
    checkpoint, folder, side, written = sys.argv[1:]
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    network = Network(state["classifier.multi_head.0.head.weight"].shape[0])
    network.load_state_dict(state)
    network.eval()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    loader = DataLoader(Photos(Path(folder), int(side)), _BATCH, num_workers=cores or 1)
    found: dict[str, list[float]] = {}
    with torch.no_grad():
        for images, names in loader:
            scores = torch.sigmoid(network(images)).tolist()
            found.update(zip(names, scores, strict=True))
    Path(written).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
