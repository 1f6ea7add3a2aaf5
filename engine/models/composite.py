"""A backbone with more channels: what a classifier and a detector say at each position.

Heads are linear in the features, and stay so: what cannot be had by a linear step from them, that
a photo shows any kind of dog for example, is made a channel of its own here (docs/adr/0023).
"""

from __future__ import annotations

import contextlib
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.api.config import PreprocessConfig
from engine.api.errors import ModelError
from engine.api.network_names import NetworkName
from engine.models.backbones import Backbone
from engine.models.nanodet import STRIDE, NanoDet

#: Of a group, and of all others: log-odds end at ±13.8.
LEAST_SHARE = 1e-6
_DETECTED = 80


class GroupLogOdds(nn.Module):
    """Log-odds of groups of a classifier's classes, at every position.

    With y the class scores at a position and q = softmax(y), a group's share is the sum of q over
    its members, and its channel is log(share) − log(1 − share). So where there is a dog, it is as
    sure of "dog" as can be, however unsure of the breed.

    Args:
        feature_dim: channels D of the features.
        classes: how many classes K the classifier tells apart.
        groups: how many groups G.
    """

    members: Tensor

    def __init__(self, feature_dim: int, classes: int, groups: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(feature_dim, classes)
        members = torch.zeros(groups, classes)
        members[torch.arange(groups), torch.arange(groups) % classes] = 1.0
        # 0 or 1: half precision loses nothing of it, and training leaves it as it is.
        self.register_buffer("members", members)

    def forward(self, features: Tensor) -> Tensor:
        """(B, D, h, w) → (B, G, h, w) log-odds in [−13.8, 13.8].

        In single precision always: a share near 1 is told from the sum of all others, which would
        be lost beside it.
        """
        with _single_precision(features.device.type):
            # Channels last: sums over classes are then over what lies side by side.
            shares = self.class_scores(features).softmax(dim=3)
            sums = functional.linear(shares, torch.cat((self.members, 1.0 - self.members)))
            of_group, of_others = sums.clamp(LEAST_SHARE, 1.0 - LEAST_SHARE).chunk(2, dim=3)
            return (of_group / of_others).log().permute(0, 3, 1, 2)

    def class_scores(self, features: Tensor) -> Tensor:
        """(B, D, h, w) → (B, h, w, K): what the classifier says of each position."""
        return cast(Tensor, self.classifier(features.float().permute(0, 2, 3, 1)))


class CompositeBackbone(Backbone):
    """A backbone's features, then log-odds of groups, then NanoDet's logits.

    The backbone's own weights keep the names that they have without the others.

    Args:
        plain: gives the features.
        name: says what is joined with them.
        pixels: how images reach it.

    Attributes:
        name: as given.

    Raises:
        ModelError: NanoDet cannot take the input size.
    """

    def __init__(self, plain: Backbone, name: NetworkName, pixels: PreprocessConfig) -> None:
        detected = _DETECTED if name.has_nanodet else 0
        super().__init__(plain.network, plain.feature_dim + name.groups + detected)
        # In a tuple, so that PyTorch does not count its network twice.
        self._plain = (plain,)
        self.name = name
        self.groups = (
            GroupLogOdds(plain.feature_dim, name.classes, name.groups) if name.groups else None
        )
        self.detector = NanoDet(_DETECTED, pixels.mean, pixels.std) if name.has_nanodet else None
        if self.detector is not None:
            self._check_side(pixels.input_size)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised pixels → (B, D + G + 80, h, w), float32.

        Raises:
            ModelError: NanoDet gives another grid than the backbone for this size.
        """
        features = self._plain[0](images)
        parts = [features.float()]
        if self.groups is not None:
            parts.append(self.groups(features))
        if self.detector is not None:
            self._check_side(images.shape[2])
            self._check_side(images.shape[3])
            detected = self.detector(images)
            if detected.shape[2:] != features.shape[2:]:
                raise ModelError(
                    f"'{self.name.plain}' cannot be joined with NanoDet: of {images.shape[3]} "
                    f"pixels it makes {features.shape[3]} positions a side, not "
                    f"{detected.shape[3]}. Networks of stride {STRIDE} can."
                )
            parts.append(detected.float())
        return torch.cat(parts, dim=1)

    def class_scores(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised pixels → (B, K, h, w): what the classifier says of each position.

        Raises:
            ModelError: there is no classifier where there are no groups.
        """
        if self.groups is None:
            raise ModelError(f"'{self.name}' has no groups.")
        return self.groups.class_scores(self._plain[0](images)).permute(0, 3, 1, 2)

    def _check_side(self, side: int) -> None:
        if side % STRIDE:
            raise ModelError(
                f"'{self.name}' cannot take {side} pixels: with NanoDet the side of the input is "
                f"a multiple of {STRIDE}, for example {max(1, round(side / STRIDE)) * STRIDE}."
            )


def load_groups(backbone: Backbone, weight: Tensor, bias: Tensor | None, members: Tensor) -> None:
    """Give a backbone its groups, in place.

    Args:
        backbone: has G groups of K classes.
        weight: (K, D) of the classifier's last layer.
        bias: (K,) likewise; ``None`` for zeros.
        members: (K, G), 1 where a class is in a group, 0 elsewhere; a class may be in several.

    Raises:
        ModelError: they do not fit, or a member is neither 0 nor 1.
    """
    groups = backbone.groups if isinstance(backbone, CompositeBackbone) else None
    if groups is None:
        raise ModelError("This backbone has no groups.")
    wanted = groups.classifier.weight.shape, groups.members.T.shape
    if (weight.shape, members.shape) != wanted or (bias is not None and len(bias) != len(weight)):
        raise ModelError(
            f"A classifier {tuple(weight.shape)} and members {tuple(members.shape)} do not fit "
            f"this backbone, which has {tuple(wanted[0])} and {tuple(wanted[1])}."
        )
    members = members.float()
    if not ((members == 0) | (members == 1)).all():
        raise ModelError("A class is in a group or not: members are 0 or 1.")
    with torch.no_grad():
        groups.classifier.weight.copy_(weight)
        groups.classifier.bias.zero_() if bias is None else groups.classifier.bias.copy_(bias)
        groups.members.copy_(members.T)


def _single_precision(device: str) -> contextlib.AbstractContextManager[object]:
    # Only where it matters: an export would take the change for a step of the network.
    if torch.is_autocast_enabled(device):
        return torch.autocast(device, enabled=False)
    return contextlib.nullcontext()
