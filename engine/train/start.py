"""Where a training run starts: ImageNet weights, a backbone's file, or any model."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from engine.api.categories import Categories
from engine.api.config import HeadConfig, ModelConfig, PreprocessConfig
from engine.api.errors import ModelError
from engine.api.label_parents import NO_PARENTS
from engine.api.training import DEFAULT_BACKBONE, HEAD_FORMS, INPUT_SIZES, ModelStart, head_like
from engine.checkpoints.backbone_files import read_backbone
from engine.checkpoints.csra_import import BackboneOnlyError
from engine.checkpoints.csra_layout import UnknownNetworkError
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import Checkpoint
from engine.data.datasets.category_mapping import match_categories
from engine.models.classifier import Classifier
from engine.models.heads import take_categories
from engine.models.pretrained import load_imagenet_weights, load_into_backbone
from engine.models.registry import BACKBONES, backbone_spec
from engine.records.catalogue import find_start, imagenet_entry, load_catalogue
from engine.records.models import default_store
from engine.train.dataset import PixelSet
from engine.train.head_training import set_statistics

_MOST_IMAGES, _BATCH = 256, 8


@dataclass(frozen=True, eq=False)
class StartingPoint:
    """What a run starts with.

    Attributes:
        classifier: the network.
        origin: where its weights are from, for people.
        has_new_heads: its heads know nothing yet, not even how features are distributed.
    """

    classifier: Classifier
    origin: str
    has_new_heads: bool


def starting_classifier(start: ModelStart, categories: Categories, seed: int) -> Classifier:
    """The network of ``starting_point`` alone."""
    return starting_point(start, categories, seed).classifier


def starting_point(start: ModelStart, categories: Categories, seed: int) -> StartingPoint:
    """The network that a run starts with.

    Args:
        start: where it starts.
        categories: what it shall tell apart.
        seed: of new weights.

    Raises:
        ModelError: there is no such model or backbone, or its ImageNet weights cannot be had.
        CheckpointError: the model cannot be read, or its file holds weights of no known network.
    """
    start = _as_model(start)
    if start.model is None:
        classifier = _new_classifier(start, start.backbone, categories, seed)
        _load_imagenet(classifier, start.backbone)
        return StartingPoint(classifier, "ImageNet weights", has_new_heads=True)
    file = find_start(start.model)
    try:
        checkpoint = open_checkpoint(file)
    except (BackboneOnlyError, UnknownNetworkError):
        found = read_backbone(file, start.backbone)
        classifier = _new_classifier(start, found.backbone, categories, seed)
        load_into_backbone(classifier.backbone, found.tensors, found.backbone)
        return StartingPoint(classifier, f"weights of {file.name!r}", has_new_heads=True)
    own = checkpoint.record.config.head
    head = _with_wishes(own, start)
    torch.manual_seed(seed)  # of the categories that are new to it
    classifier = from_checkpoint(checkpoint, categories, start.input_size, head)
    origin, is_other = f"the model {checkpoint.record.name!r}", head.kind != own.kind
    return StartingPoint(classifier, origin, has_new_heads=is_other)


def _as_model(start: ModelStart) -> ModelStart:
    """A backbone that is a file, or the id of a downloaded one, is where to start."""
    if start.model is not None or start.backbone in BACKBONES:
        return start
    is_file = Path(start.backbone).expanduser().is_file()
    if is_file or start.backbone in load_catalogue():
        return dataclasses.replace(start, model=start.backbone, backbone=DEFAULT_BACKBONE)
    return start


def _load_imagenet(classifier: Classifier, backbone: str) -> None:
    """From the catalogue's file if it was downloaded; else from where they can be had."""
    entry = imagenet_entry(backbone)
    file = None if entry is None else entry.downloaded_file(default_store())
    if file is not None:
        weights = read_backbone(file, backbone).tensors
        load_into_backbone(classifier.backbone, weights, backbone)
        return
    try:
        load_imagenet_weights(classifier.backbone, backbone)
    except ModelError as error:
        if entry is None:
            raise
        raise ModelError(
            f"{error} Or download {entry.title!r} from the list of models first."
        ).with_options(f"csra models download {entry.id}") from error


def _new_classifier(
    start: ModelStart, backbone: str, categories: Categories, seed: int
) -> Classifier:
    head = _with_wishes(HEAD_FORMS[start.form], start)
    torch.manual_seed(seed)
    return Classifier(ModelConfig(backbone, categories, head, new_pixels(start, backbone)))


def new_pixels(start: ModelStart, backbone: str) -> PreprocessConfig:
    """How images reach a new model.

    Args:
        start: its form, size and resizing.
        backbone: registry name.

    Raises:
        ModelError: there is no such backbone.
    """
    size = start.input_size or INPUT_SIZES[start.form]
    pixels = backbone_spec(backbone).preprocess(size, start.resize)
    if start.form in ("paper", "paper-coco") and backbone in BACKBONES:
        # The official code feeds a vision transformer −1 to 1 for WIDER alone, else 0 to 1.
        pixels = dataclasses.replace(pixels, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    return pixels


def _with_wishes(head: HeadConfig, start: ModelStart) -> HeadConfig:
    if start.head is not None and start.head != head.kind:
        head = head_like(head, start.head)
    return dataclasses.replace(
        head,
        temperatures=start.temperatures or head.temperatures,
        lam=head.lam if start.lam is None else start.lam,
        queries=head.queries if start.queries is None else start.queries,
        width=head.width if start.width is None else start.width,
    )


def from_checkpoint(
    checkpoint: Checkpoint,
    categories: Categories,
    input_size: int = 0,
    head: HeadConfig | None = None,
) -> Classifier:
    """A classifier for these categories that knows what a model knows.

    The backbone is the model's. Of heads that score each position, categories that both have are
    taken over, and the others start small, if the form of the heads stays the same.

    Args:
        checkpoint: where it starts.
        categories: what it shall tell apart.
        input_size: in pixels; 0 is the model's.
        head: its heads; ``None`` for those of the model.
    """
    old = checkpoint.classifier
    config = ModelConfig(
        old.config.backbone,
        categories,
        head or old.config.head,
        dataclasses.replace(
            old.config.preprocess, input_size=input_size or old.config.preprocess.input_size
        ),
        old.config.parents if categories == old.config.categories else NO_PARENTS,
    )
    if config == old.config:
        return old
    new = Classifier(config)
    new.backbone.load_state_dict(old.backbone.state_dict())
    if new.heads.standardization is not None and old.heads.standardization is not None:
        new.heads.standardization.load_state_dict(old.heads.standardization.state_dict())
    match = match_categories(old.config.categories, config.categories, {})
    # The places are those among the shared names.
    places = [
        (source, config.categories.index_of(match.names[place]))
        for source, place in match.places.items()
    ]
    take_categories(old.heads, new.heads, places)
    return new


def set_standardization(classifier: Classifier, images: PixelSet, seed: int) -> None:
    """Give new heads that standardise the statistics of some training images.

    Args:
        classifier: on the CPU; nothing happens if its heads do not standardise.
        images: to draw from.
        seed: of the draw.
    """
    norm = classifier.heads.standardization
    if norm is None:
        return
    rows = np.random.default_rng(seed).permutation(len(images))[:_MOST_IMAGES]
    config = classifier.config.preprocess
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (config.mean, config.std))
    classifier.eval()
    features = []
    with torch.inference_mode():
        for part in np.array_split(rows, math.ceil(len(rows) / _BATCH)):
            pixels = torch.from_numpy(images.pixels[np.sort(part)]).permute(0, 3, 1, 2).float()
            found = classifier.backbone(
                (
                    functional.interpolate(pixels, (config.input_size, config.input_size)) / 255.0
                    - mean
                )
                / std
            )
            features.append(found.half().numpy())
    set_statistics(norm, np.concatenate(features))
