"""Taggers of others as ONNX files: which part of such a network is what, and what people say of it.

Such a network scores a whole photo. Where it has no position scores, it says what, not where.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from engine.api.errors import ConfigError

#: Stands for the backbone of a model whose network is an ONNX file.
ONNX_BACKBONE = "onnx"
#: (B, 3, S, S), or (B, S, S, 3).
Layout = Literal["nchw", "nhwc"]
PixelType = Literal["float32", "float16", "uint8"]
ChannelOrder = Literal["rgb", "bgr"]
#: What the network's numbers are: each label's own logit, logits of which one per photo is true
#: (softmax), or scores in [0, 1] already.
ScoreForm = Literal["logits", "softmax", "probabilities"]
SCORE_FORMS: tuple[ScoreForm, ...] = get_args(ScoreForm)
_LONGEST = 500

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class PixelScale:
    """What a network wants its pixels to be.

    Args:
        mean: per RGB channel, subtracted from pixels in [0, 1].
        std: per RGB channel, divides after that; 1/255 leaves 0 to 255.
        order: of the channels as they reach the network.
    """

    mean: Channels
    std: Channels
    order: ChannelOrder = "rgb"


#: By what people call them.
PIXEL_SCALES: dict[str, PixelScale] = {
    "0..1": PixelScale((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "imagenet": PixelScale((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "clip": PixelScale(
        (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    ),
    "signed": PixelScale((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "0..255": PixelScale((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
    "0..255-bgr": PixelScale((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255), "bgr"),
}  # fmt: skip


@dataclass(frozen=True)
class OnnxNetwork:
    """Which part of an ONNX file is what.

    Args:
        input: name of its only input.
        output: name of the one that is (B, C).
        layout: of the input.
        pixels: their type.
        order: of the channels.
        batch: images per pass, if the file takes no other number; 0 for any.
        are_probabilities: whether the output is scores in [0, 1] already.
        maps: name of the output that is position scores, (B, C, h, w) or (B, num_heads, C, h, w);
            empty if there is none.
    """

    input: str
    output: str
    layout: Layout = "nchw"
    pixels: PixelType = "float32"
    order: ChannelOrder = "rgb"
    batch: int = 0
    are_probabilities: bool = False
    maps: str = ""

    def __post_init__(self) -> None:
        for name, least in ((self.input, 1), (self.output, 1), (self.maps, 0)):
            if not (isinstance(name, str) and least <= len(name) <= _LONGEST):
                raise ConfigError("An input or output of the network has no usable name.")
        kinds = ((self.layout, Layout), (self.pixels, PixelType), (self.order, ChannelOrder))
        for value, kind in kinds:
            if value not in get_args(kind):
                raise ConfigError(f"{value!r} is none of {', '.join(get_args(kind))}.")
        if not isinstance(self.are_probabilities, bool):
            raise ConfigError("Outputs are probabilities or not.")
        if not isinstance(self.batch, int) or not 0 <= self.batch <= 4096:
            raise ConfigError(f"{self.batch!r} images cannot go through a network at once.")


@dataclass(frozen=True)
class OnnxFacts:
    """What a person says of an ONNX file; ``None`` or empty: find it out.

    Args:
        scale: of the pixels.
        scores: what its numbers are.
        output: name of the output that has them.
    """

    scale: PixelScale | None = None
    scores: ScoreForm | None = None
    output: str = ""

    def __post_init__(self) -> None:
        if self.scores is not None and self.scores not in SCORE_FORMS:
            raise ConfigError(f"{self.scores!r} is none of {', '.join(SCORE_FORMS)}.")
