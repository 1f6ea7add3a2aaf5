"""Where a training run starts: ImageNet weights, a backbone's file, or any model."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from torch.nn import functional

from engine.api.categories import Categories
from engine.api.config import HeadConfig, ModelConfig
from engine.api.label_parents import NO_PARENTS
from engine.api.training import PAPER_HEAD, STANDARD_HEAD, ModelStart
from engine.checkpoints.csra_import import BackboneOnlyError, load_backbone_weights
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import Checkpoint
from engine.data.datasets.category_mapping import match_categories
from engine.models.classifier import Classifier
from engine.models.pretrained import load_imagenet_weights
from engine.models.registry import backbone_spec
from engine.records.catalogue import find_start
from engine.train.dataset import PixelSet
from engine.train.head_training import set_statistics

_MOST_IMAGES, _BATCH = 256, 8
_INPUT_SIZE = 448


def starting_classifier(start: ModelStart, categories: Categories, seed: int) -> Classifier:
    """The network that a run starts with.

    Args:
        start: where it starts.
        categories: what it shall tell apart.
        seed: of new weights.

    Raises:
        ModelError: there is no such model or backbone, or its ImageNet weights cannot be had.
        CheckpointError: the model cannot be read.
    """
    if start.model is None:
        classifier = _new_classifier(start, start.backbone, categories, seed)
        load_imagenet_weights(classifier.backbone, start.backbone)
        return classifier
    file = find_start(start.model)
    try:
        checkpoint = open_checkpoint(file)
    except BackboneOnlyError as error:
        classifier = _new_classifier(start, error.backbone, categories, seed)
        load_backbone_weights(classifier.backbone, file)
        return classifier
    head = _with_wishes(checkpoint.record.config.head, start)
    return from_checkpoint(checkpoint, categories, start.input_size, head)


def _new_classifier(
    start: ModelStart, backbone: str, categories: Categories, seed: int
) -> Classifier:
    head = _with_wishes(PAPER_HEAD if start.form == "paper" else STANDARD_HEAD, start)
    preprocess = backbone_spec(backbone).preprocess(start.input_size or _INPUT_SIZE, start.resize)
    torch.manual_seed(seed)
    return Classifier(ModelConfig(backbone, categories, head, preprocess))


def _with_wishes(head: HeadConfig, start: ModelStart) -> HeadConfig:
    return dataclasses.replace(
        head,
        temperatures=start.temperatures or head.temperatures,
        lam=head.lam if start.lam is None else start.lam,
    )


def from_checkpoint(
    checkpoint: Checkpoint,
    categories: Categories,
    input_size: int = 0,
    head: HeadConfig | None = None,
) -> Classifier:
    """A classifier for these categories that knows what a model knows.

    The backbone is the model's. Of the heads, categories that both have are taken over, and the
    others start small, if the form of the heads stays the same.

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
    if old.config.head.num_heads == config.head.num_heads:
        _take_categories(old, new)
    return new


def _take_categories(old: Classifier, new: Classifier) -> None:
    match = match_categories(old.config.categories, new.config.categories, {})
    with torch.no_grad():
        for source, place in match.places.items():
            # The places are those among the shared names.
            target = new.config.categories.index_of(match.names[place])
            new.heads.weight[:, target] = old.heads.weight[:, source]
            if new.heads.bias is not None and old.heads.bias is not None:
                new.heads.bias[:, target] = old.heads.bias[:, source]


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
