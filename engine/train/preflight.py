"""What a run will need, said before it starts."""

from __future__ import annotations

import copy
import shutil
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.data.labelled import LabelledImages
from engine.models.classifier import Classifier
from engine.train.losses import losses
from engine.train.reports import FEW_IMAGES, Preflight
from engine.train_config import TrainConfig

_STATES_KEPT = 3  # two, and the one that is being written
_PROBE_BATCH = 2


def preflight(
    classifier: Classifier,
    labels: LabelledImages,
    config: TrainConfig,
    folder: Path,
    device: torch.device,
) -> Preflight:
    """Try a copy of the network on two images and see.

    Args:
        classifier: as it will start; not touched.
        labels: to learn from.
        config: of the run.
        folder: where it will be kept; must exist.
        device: where it will run.
    """
    weights = sum(p.numel() * p.element_size() for p in classifier.parameters())
    per_image_seconds, per_image_bytes = _probe(classifier, config, device)
    images_at_once = -(-config.batch_size // config.passes)
    copies = 2 + (1 if config.optimizer == "sgd" else 2)  # weights, gradients, optimiser
    with_average = copies + bool(config.ema_decay)
    counts = (labels.targets & ~labels.ignored).sum(axis=0).tolist()
    named = tuple(zip(labels.categories, counts, strict=True))
    return Preflight(
        images_per_category=named,
        rare=tuple(name for name, count in named if count < FEW_IMAGES),
        memory_bytes=with_average * weights + images_at_once * per_image_bytes,
        disk_bytes=_STATES_KEPT * (with_average - 1) * weights + weights,
        free_bytes=shutil.disk_usage(folder).free,
        seconds=config.epochs * len(labels) * per_image_seconds,
    )


def _probe(classifier: Classifier, config: TrainConfig, device: torch.device) -> tuple[float, int]:
    """Seconds and bytes of activations for one training image."""
    network = copy.deepcopy(classifier).to(device).to(memory_format=torch.channels_last).train()
    network.requires_grad_(requires_grad=True)
    size = config.train_size or classifier.config.preprocess.input_size
    images = torch.rand(_PROBE_BATCH, 3, size, size, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    targets = torch.zeros(_PROBE_BATCH, len(classifier.config.categories), device=device)
    kept = _kept_bytes(network, images)
    seconds = 0.0
    for _ in range(2):  # the first one also prepares
        started = time.monotonic()
        loss = losses(config.loss, network(images).logits, targets).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        seconds = time.monotonic() - started
    return seconds / _PROBE_BATCH, kept // _PROBE_BATCH


def _kept_bytes(network: nn.Module, images: Tensor) -> int:
    """What a forward pass keeps for the backward pass."""
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = network(images)
    own = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    del output
    return sum(size for place, size in sizes.items() if place not in own)
