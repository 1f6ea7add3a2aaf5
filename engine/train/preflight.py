"""What a run will need, said before it starts."""

from __future__ import annotations

import copy
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.api.config import HEAD_TITLES, HeadConfig, HeadTrainConfig, ResizeMode
from engine.api.network_names import network_title
from engine.api.training_config import TrainConfig
from engine.api.training_reports import FEW_IMAGES, PlanLine, Preflight
from engine.api.validation import can_validate
from engine.data.datasets.labelled import LabelledImages
from engine.models.classifier import Classifier
from engine.pytorch.device import free_memory
from engine.train.dataset import PixelForm, kept_side, pixels_file
from engine.train.device_options import device_options, fast_convolutions
from engine.train.features import FeatureExtractor
from engine.train.losses import criterion_of, leaves_out_unknown
from engine.train.sources import Parts, seen_images
from engine.train.start import StartingPoint
from engine.train.train_step import half_type, is_frozen
from engine.train.validation import label_counts

_STATES_KEPT = 3  # two, and the one that is being written
_PROBE_BATCH = 2
_HALF_BYTES = 2
_RESIZED: dict[ResizeMode, str] = {
    "squash": "squashed to a square",
    "letterbox": "with borders",
}
#: Of the program itself, once torch is loaded; measured.
_PROGRAM_BYTES = 400 << 20


@dataclass(frozen=True)
class _Needs:
    """Bytes and seconds, as in ``Preflight``."""

    memory: int
    disk: int
    cache: int
    seconds: float


def preflight(
    start: StartingPoint,
    parts: Parts,
    config: TrainConfig,
    folders: tuple[Path, Path],
    device: torch.device,
) -> Preflight:
    """Try a copy of the network on two images and see.

    Args:
        start: as it will start; not touched.
        parts: to learn from, and to be judged by.
        config: of the run.
        folders: where it will be kept, and where its images are.
        device: where it will run.
    """
    train, val = parts
    classifier = start.classifier
    weights = sum(p.numel() * p.element_size() for p in classifier.parameters())
    probe = _Probe(classifier, config, device)
    images_at_once = -(-config.batch_size // config.passes)
    copies = 2 + (1 if config.optimizer == "sgd" else 2)  # weights, gradients, optimiser
    with_average = copies + bool(config.ema_decay)
    size = classifier.config.preprocess.input_size
    missing = [
        (images, side)
        for images, side in ((train, kept_side(size, config.augment)), (val, size))
        if not pixels_file(images, PixelForm(side, config.decode), folders[1]).exists()
    ]
    evaluations = -(-config.epochs // config.evaluate_every)
    needs = _Needs(
        memory=_PROGRAM_BYTES + with_average * weights + images_at_once * probe.bytes_per_image,
        disk=_STATES_KEPT * (with_average - 1) * weights + weights,
        cache=sum(3 * side * side * len(images) for images, side in missing),
        seconds=config.epochs * len(train) * probe.seconds_per_image
        + evaluations * len(val) * probe.validation_seconds,
    )
    report = _report(parts, needs, folders, device, ignore_unclear=leaves_out_unknown(config))
    return replace(report, plan=_plan(start, config))


def heads_preflight(
    start: StartingPoint,
    parts: Parts,
    config: HeadTrainConfig,
    extractor: FeatureExtractor,
    folders: tuple[Path, Path],
) -> Preflight:
    """Try the backbone on one image, and the heads on its features; on the CPU.

    Args:
        start: as it will start; not touched.
        parts: to learn from, and to be judged by.
        config: of the run.
        extractor: of the backbone's features.
        folders: where the model will be kept, and where the features are.
    """
    train, val = parts
    classifier = start.classifier
    views = [(train, False), (val, False), *([(train, True)] if config.flip else ())]
    missing = sum(
        len(images)
        for images, flip in views
        if not extractor.file_of(images.paths, images.crops, flip=flip).exists()
    )
    size = classifier.config.preprocess.input_size
    classifier.backbone.eval()
    with torch.inference_mode():
        image = torch.zeros(1, 3, size, size)
        per_image = _seconds(lambda: classifier.backbone(image))
        features = classifier.backbone(image)
        # A step costs about three times its forward pass.
        per_head = 3 * _seconds(lambda: classifier.heads(features))
    weights = sum(p.numel() * p.element_size() for p in classifier.parameters())
    needs = _Needs(
        memory=_PROGRAM_BYTES + 2 * weights + 8 * features.numel() * config.batch_size,
        disk=weights,
        cache=missing * features.numel() * _HALF_BYTES,
        seconds=missing * per_image + config.epochs * (len(train) + len(val) / 3) * per_head,
    )
    device = torch.device("cpu")
    report = _report(parts, needs, folders, device, ignore_unclear=leaves_out_unknown(config))
    return replace(report, plan=_plan(start, config))


def _plan(start: StartingPoint, config: TrainConfig | HeadTrainConfig) -> tuple[PlanLine, ...]:
    """What learns, and how fast."""
    model = start.classifier.config
    pixels, head = model.preprocess, model.head
    network = (
        f"{network_title(model.backbone)}, {start.origin}, "
        f"{pixels.input_size} px, {_RESIZED[pixels.resize]}"
    )
    if isinstance(config, HeadTrainConfig):
        rates = f"heads {config.learning_rate:g}; the backbone stays as it is"
    else:
        rates = f"backbone {config.learning_rate:g}, heads {config.head_learning_rate:g}"
    heads = f"{_heads_text(head)}, {'new' if start.has_new_heads else 'of the model'}"
    return (("Network", network), ("Heads", heads), ("Learning rates", rates))


def _heads_text(head: HeadConfig) -> str:
    if head.kind != "csra":
        return HEAD_TITLES[head.kind]
    count = "1 head" if head.num_heads == 1 else f"{head.num_heads} heads"
    texts = ("max" if math.isinf(t) else f"{t:g}" for t in head.temperatures)
    parts = [f"T = {', '.join(texts)}", f"λ = {head.lam:g}"]
    parts += ["weights of length 1"] * head.normalize
    parts += ["standardised features"] * head.standardize
    return f"{count} ({'; '.join(parts)})"


def _report(
    parts: Parts,
    needs: _Needs,
    folders: tuple[Path, Path],
    device: torch.device,
    *,
    ignore_unclear: bool,
) -> Preflight:
    train, val = parts
    positives = (train.targets & ~train.ignored).sum(axis=0).tolist()
    negatives = _negatives(train, ignore_unclear=ignore_unclear)
    named = tuple(zip(train.categories, positives, strict=True))
    return Preflight(
        images_per_category=named,
        rare=tuple(name for name, count in named if count < FEW_IMAGES),
        memory_bytes=needs.memory,
        disk_bytes=needs.disk,
        free_bytes=_free(folders[0]),
        seconds=needs.seconds,
        negatives_per_category=negatives,
        without_negatives=tuple(
            name for name, count in zip(train.categories, negatives, strict=True) if not count
        ),
        train_images=len(train),
        val_images=len(val),
        free_memory_bytes=free_memory(device),
        cache_bytes=needs.cache,
        free_cache_bytes=_free(folders[1]),
        seen_images=seen_images(parts),
        problems=problems_of(parts),
        unjudged=tuple(
            name
            for name, counts in zip(val.categories, label_counts(val), strict=True)
            if not can_validate(*counts)
        ),
    )


def problems_of(parts: Parts) -> tuple[str, ...]:
    """What looks odd in the images; what is of one of the two parts alone says of which."""
    of_both = set(parts[0].problems) & set(parts[1].problems)
    found = [
        text if text in of_both else f"{images.name}: {text}"
        for images in parts
        for text in images.problems
    ]
    return tuple(dict.fromkeys(found))


def _negatives(images: LabelledImages, *, ignore_unclear: bool) -> tuple[int, ...]:
    is_negative = ~images.targets
    if ignore_unclear:
        is_negative = is_negative & ~images.ignored
    return tuple(is_negative.sum(axis=0).tolist())


def _free(folder: Path) -> int:
    """Bytes on the disk where a folder is, or will be."""
    there = next(
        place for place in (folder.absolute(), *folder.absolute().parents) if place.exists()
    )
    return shutil.disk_usage(there).free


def _seconds(work: Callable[[], object]) -> float:
    """Of the second time: the first one also prepares."""
    work()
    started = time.monotonic()
    work()
    return time.monotonic() - started


class _Probe:
    """What training and validation one image costs.

    Args:
        classifier: copied, not touched.
        config: of the run.
        device: where it will run.

    Attributes:
        bytes_per_image: kept by the forward pass for the backward pass.
        seconds_per_image: of a training step.
        validation_seconds: of a forward pass.
    """

    def __init__(self, classifier: Classifier, config: TrainConfig, device: torch.device) -> None:
        self._config = config
        self._device = device
        network = copy.deepcopy(classifier).to(device).to(memory_format=torch.channels_last).train()
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(not is_frozen(name, config))
        own_size = classifier.config.preprocess.input_size
        images = self._images(config.train_size or own_size)
        targets = torch.zeros(_PROBE_BATCH, len(classifier.config.categories), device=device)
        self.bytes_per_image = self._kept_bytes(network, images) // _PROBE_BATCH
        step = _seconds(lambda: self._step(network, images, targets))
        self.seconds_per_image = step / _PROBE_BATCH
        network.eval()
        with torch.inference_mode():
            judged = self._images(own_size)
            self.validation_seconds = _seconds(lambda: network(judged)) / _PROBE_BATCH

    def _images(self, size: int) -> Tensor:
        images = torch.rand(_PROBE_BATCH, 3, size, size, device=self._device)
        return images.contiguous(memory_format=torch.channels_last)

    def _step(self, network: nn.Module, images: Tensor, targets: Tensor) -> None:
        with fast_convolutions(device_options(self._device)):
            criterion_of(self._config)(self._logits(network, images), targets).mean().backward()  # type: ignore[no-untyped-call]
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def _logits(self, network: nn.Module, images: Tensor) -> Tensor:
        dtype = half_type(self._device, self._config.half)
        with torch.autocast(
            self._device.type, dtype=dtype or torch.bfloat16, enabled=dtype is not None
        ):
            logits: Tensor = network(images).logits
        return logits

    def _kept_bytes(self, network: nn.Module, images: Tensor) -> int:
        sizes: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            sizes[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            output = self._logits(network, images)
        own = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
        del output
        return sum(size for place, size in sizes.items() if place not in own)
