"""How large and how slow known networks are, without loading one: what their authors printed."""

from __future__ import annotations

from dataclasses import dataclass

from engine.api.network_names import network_name

_BYTES_PER_PARAMETER = 4
_PRINTED_AT = 224


@dataclass(frozen=True, slots=True)
class NetworkSize:
    """What is printed of a network with its ImageNet classifier, at 224 pixels.

    Attributes:
        parameters: in millions.
        operations: multiplications for an image, in thousands of millions.
    """

    parameters: float
    operations: float


#: From torchvision's tables of models, and of EfficientNet-Lite from the page that published it;
#: what it prints at 240 and 260 pixels is brought to 224.
_SIZES = {
    "resnet18": NetworkSize(11.7, 1.8),
    "resnet34": NetworkSize(21.8, 3.7),
    "resnet50": NetworkSize(25.6, 4.1),
    "resnet101": NetworkSize(44.5, 7.8),
    "resnet152": NetworkSize(60.2, 11.5),
    "vit_b16": NetworkSize(86.6, 17.6),
    "vit_l16": NetworkSize(304.3, 61.6),
    "timm:tf_efficientnet_lite0": NetworkSize(4.7, 0.4),
    "timm:tf_efficientnet_lite1": NetworkSize(5.4, 0.5),
    "timm:tf_efficientnet_lite2": NetworkSize(6.1, 0.6),
}
#: Counted: its convolutions, without what draws boxes.
_NANODET = NetworkSize(3.8, 0.6)


def about_bytes(backbone: str | None) -> int | None:
    """About how large a file with this network is; ``None`` for one that is not known."""
    size = _size(backbone)
    return None if size is None else round(size.parameters * _BYTES_PER_PARAMETER) * 10**6


def operations(backbone: str | None, input_size: int | None) -> float | None:
    """Multiplications for an image, in thousands of millions; ``None`` where that is not known.

    Args:
        backbone: registry name.
        input_size: side of the input in pixels; the work grows with its square.
    """
    size = _size(backbone)
    if size is None or input_size is None:
        return None
    return size.operations * (input_size / _PRINTED_AT) ** 2


def _size(backbone: str | None) -> NetworkSize | None:
    """Of a network with all that it is joined with; groups only sum up what its classifier says."""
    name = network_name(backbone or "")
    size = _SIZES.get(name.plain)
    if size is None or not name.has_nanodet:
        return size
    return NetworkSize(size.parameters + _NANODET.parameters, size.operations + _NANODET.operations)
