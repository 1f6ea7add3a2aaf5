"""Any ImageNet classifier as a tagger of the vocabulary's categories, without training.

Each category is a group of the classifier's classes: those that show it or any of its kinds. With
l(p) the log-odds of its group at position p, the logit is (mean l + λ · max l) / (1 + λ). That is
the training-free form of the paper (``training_free``) on log-odds of groups, in place of scores of
classes: categories are no longer rivals, and one may lie above another.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import cast

import torch
from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset
from torch import Tensor

from engine.api.categories import Categories
from engine.api.config import HeadConfig, ModelConfig, PreprocessConfig
from engine.api.errors import ModelError
from engine.api.label_measures import UNMEASURED
from engine.api.label_parents import CategoryParents
from engine.api.network_names import NetworkName
from engine.api.vocabulary import Vocabulary
from engine.data.decoding.decode import decode
from engine.models.classifier import Classifier
from engine.models.composite import CompositeBackbone
from engine.models.pretrained import (
    ImageNetClassifier,
    imagenet_classifier,
    last_layer,
    load_parts,
    not_linear,
)
from engine.models.training_free import check_exact
from engine.records.model_record import CheckpointRecord
from engine.resources import resource_path


@dataclasses.dataclass(frozen=True, eq=False)
class VocabularyGroups:
    """The categories that a classifier can be asked for.

    Attributes:
        names: of G categories, in the order of the vocabulary.
        members: (K, G), 1 where a class shows a category, else 0.
        dropped: categories of the vocabulary none of whose classes the classifier has.
    """

    names: tuple[str, ...]
    members: Tensor
    dropped: tuple[str, ...]


def vocabulary_groups(
    vocabulary: Vocabulary, classes: Sequence[str], *, details: bool = False
) -> VocabularyGroups:
    """Which of a classifier's classes show which category.

    Args:
        vocabulary: says so for the classes of ImageNet-1k. A category without any is no group.
        classes: WordNet ids of the K classes that the classifier tells apart.
        details: whether breeds, species and makes are categories of their own.
    """
    place_of = {wordnet_id: place for place, wordnet_id in enumerate(classes)}
    names, columns, dropped = [], [], []
    for category in vocabulary.categories:
        members = [vocabulary.classes[index] for index in vocabulary.all_members(category.name)]
        if not members or (category.is_detail and not details):
            continue
        places = [place_of[member] for member in members if member in place_of]
        if not places:
            dropped.append(category.name)
            continue
        column = torch.zeros(len(classes))
        column[places] = 1.0
        names.append(category.name)
        columns.append(column)
    if not names:
        raise ModelError("The classifier knows nothing of what is in the vocabulary.")
    return VocabularyGroups(tuple(names), torch.stack(columns, dim=1), tuple(dropped))


def wrap_with_vocabulary(
    name: str,
    vocabulary: Vocabulary,
    lam: float = 0.3,
    input_size: int | None = None,
    *,
    details: bool = False,
) -> tuple[Classifier, CheckpointRecord, tuple[str, ...]]:
    """A tagger of the vocabulary's categories, with maps and without training.

    Args:
        name: registry name: a ResNet of the paper, or ``timm:NAME``.
        vocabulary: names the categories, and says which are kinds of others.
        lam: λ, ≥ 0.
        input_size: side of the square input in pixels; ``None`` is the size of its training.
        details: whether breeds, species and makes are categories too.

    Returns:
        The model, in evaluation mode; its record; the categories that it has no class for.

    Raises:
        ModelError: there is no such network, its weights cannot be had, it tells other classes
            apart than those of ImageNet, or it has no score at a position.
        ConfigError: a number makes no sense.
    """
    plain = imagenet_classifier(name)
    last = last_layer(plain.network, name)
    groups = vocabulary_groups(vocabulary, _classes(name, last.out_features), details=details)
    backbone = NetworkName(name, len(groups.names), last.out_features)
    config = _config(backbone, groups.names, vocabulary, plain, lam)
    if input_size is not None:
        pixels = dataclasses.replace(config.preprocess, input_size=input_size)
        config = dataclasses.replace(config, preprocess=pixels)
    classifier = _filled(config, plain, groups.members)
    return classifier, _record(config, plain), groups.dropped


def _classes(name: str, count: int) -> list[str]:
    """WordNet ids, by how many there are: each set of ImageNet has its own number."""
    subset = infer_imagenet_subset({"num_classes": count})
    if subset is None:
        raise ModelError(f"{name!r} tells {count} categories apart, as no set of ImageNet does.")
    return cast(list[str], ImageNetInfo(subset).label_names())  # type: ignore[no-untyped-call]


def _config(
    backbone: NetworkName,
    names: tuple[str, ...],
    vocabulary: Vocabulary,
    plain: ImageNetClassifier,
    lam: float,
) -> ModelConfig:
    return ModelConfig(
        str(backbone),
        Categories(names),
        HeadConfig((math.inf,), lam, normalize=False, standardize=True, bias=True),
        PreprocessConfig(plain.input_size, "squash", mean=plain.mean, std=plain.std),
        CategoryParents.among(names, vocabulary.parents_of),
    )


def _filled(config: ModelConfig, plain: ImageNetClassifier, members: Tensor) -> Classifier:
    classifier = Classifier(config).eval().requires_grad_(requires_grad=False)
    backbone = classifier.backbone
    if not isinstance(backbone, CompositeBackbone) or backbone.groups is None:
        raise ModelError(f"{config.backbone!r} has no groups.")
    groups, name = backbone.groups, backbone.name.plain
    if last_layer(plain.network, name).in_features != groups.classifier.in_features:
        raise ModelError(not_linear(name))
    load_parts(backbone, plain.network, members)
    size = config.preprocess.input_size
    check_exact(plain.network, backbone.class_scores, name, size)
    _set_heads(classifier)
    return classifier


def _set_heads(classifier: Classifier) -> None:
    """Scores of positions are log-odds / (1 + λ), by standardised features.

    Where channels differ so much in size, all photos would look alike without
    (``inference.descriptors``), and teaching would learn from the largest channels only.
    """
    count, heads = len(classifier.config.categories), classifier.linear_heads
    norm, share = heads.standardization, 1 / (1 + classifier.config.head.lam)
    if norm is None or heads.bias is None:
        raise ModelError("These heads do not standardise features, or have no bias.")
    features = _features_of_samples(classifier)
    with torch.no_grad():
        variance, mean = torch.var_mean(features, dim=(0, 2, 3), correction=0)
        # Few photos: what they do not show varies as the others of its kind do.
        for part in (variance[:-count], variance[-count:]):
            part.clamp_(min=part.mean())
        norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        norm.running_var.copy_(variance)  # type: ignore[union-attr]
        heads.weight.zero_()
        heads.weight[0, :, -count:] = torch.diag((variance + norm.eps).sqrt()[-count:] * share)
        heads.bias[0] = mean[-count:] * share


def _features_of_samples(classifier: Classifier) -> Tensor:
    """(N, D, h, w) of the photos that ship."""
    pixels = classifier.config.preprocess
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (pixels.mean, pixels.std))
    found = []
    with torch.inference_mode():
        for path in sorted(resource_path("samples").glob("*.jpg")):
            photo = decode(path, pixels.input_size, pixels.resize, mode="exact").pixels
            image = (torch.from_numpy(photo).permute(2, 0, 1).float() / 255.0 - mean) / std
            found.append(classifier.backbone(image[None]))
    return torch.cat(found)


def _record(config: ModelConfig, plain: ImageNetClassifier) -> CheckpointRecord:
    name, lam = config.backbone.partition("+")[0].removeprefix("timm:"), config.head.lam
    return CheckpointRecord(
        config,
        name=f"{name}-everyday",
        description=(
            f"The ImageNet classifier {name}, weights from {plain.source}, as a tagger of everyday "
            "words without training: of each word, the log-odds of all the classes that show it, "
            f"(mean + λ · max over positions) / (1 + λ), λ = {lam:g}. How well it knows them was "
            "not measured. It was trained to name one thing per photo, so small things are missed."
        ),
        licence="That of the weights; see where they are from.",
        provenance={"weights": plain.source},
        measures=(UNMEASURED,) * len(config.categories),
    )
