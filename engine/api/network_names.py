"""What is in the name of a backbone: one network, and what its features are joined with.

``timm:tf_efficientnet_lite2+groups300+nanodet`` is EfficientNet-Lite2 with the log-odds of 300
groups of ImageNet's classes and NanoDet's 80 categories as further channels (docs/adr/0023).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: What comes before the name of a network of timm.
TIMM_PREFIX = "timm:"
#: Classes of a classifier where a name does not say otherwise.
NUM_CLASSES = 1000
_MOST_GROUPS, _MOST_CLASSES = 5_000, 30_000
_COMPOSITE = re.compile(
    r"(?P<plain>[^+]+)"
    r"(?:\+groups(?P<groups>[1-9][0-9]{0,3})(?:of(?P<classes>[1-9][0-9]{0,4}))?)?"
    r"(?P<nanodet>\+nanodet)?"
)
_TITLES = (
    (re.compile("onnx"), "ONNX file"),
    (re.compile(r"(?:timm:tf_)?efficientnet_lite(\d)"), r"EfficientNet-Lite\1"),
    (re.compile(r"resnet(\d+)"), r"ResNet-\1"),
    (re.compile(r"vit_b16"), r"ViT-B/16"),
    (re.compile(r"vit_l16"), r"ViT-L/16"),
)


@dataclass(frozen=True, slots=True)
class NetworkName:
    """The parts of a backbone's name.

    Attributes:
        plain: name of the network that the others are joined with.
        groups: how many groups of its classes have a channel; 0 for none.
        classes: how many classes its classifier has, where there are groups.
        has_nanodet: whether NanoDet's categories have channels.
    """

    plain: str
    groups: int = 0
    classes: int = NUM_CLASSES
    has_nanodet: bool = False

    def __str__(self) -> str:
        """The registry name."""
        of = "" if self.classes == NUM_CLASSES else f"of{self.classes}"
        groups = f"+groups{self.groups}{of}" if self.groups else ""
        return f"{self.plain}{groups}{'+nanodet' if self.has_nanodet else ''}"

    @property
    def is_composite(self) -> bool:
        """Whether anything is joined with the network."""
        return bool(self.groups) or self.has_nanodet


def network_name(text: str) -> NetworkName:
    """The parts of a registry name; what says anything else has itself as its only part."""
    found = _COMPOSITE.fullmatch(text)
    if found is None:
        return NetworkName(text)
    groups, classes = int(found["groups"] or 0), int(found["classes"] or NUM_CLASSES)
    name = NetworkName(found["plain"], groups, classes, found["nanodet"] is not None)
    is_sound = groups <= _MOST_GROUPS and classes <= _MOST_CLASSES
    # What could be written two ways would be two networks.
    return name if is_sound and str(name) == text else NetworkName(text)


def network_title(text: str) -> str:
    """A backbone's name for people: "EfficientNet-Lite2 + groups + NanoDet".

    Args:
        text: registry name.
    """
    name = network_name(text)
    plain = name.plain
    for pattern, title in _TITLES:
        if found := pattern.fullmatch(plain):
            plain = found.expand(title)
            break
    parts = (
        plain.removeprefix(TIMM_PREFIX),
        "groups" * bool(name.groups),
        "NanoDet" * name.has_nanodet,
    )
    return " + ".join(part for part in parts if part)
