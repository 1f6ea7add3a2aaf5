"""What a model and a run are made of: frozen, and checked when made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from engine.api.categories import Categories
from engine.api.errors import ConfigError
from engine.api.label_parents import NO_PARENTS, CategoryParents
from engine.api.onnx_network import ONNX_BACKBONE, OnnxNetwork

ResizeMode = Literal["squash", "letterbox"]
Activation = Literal["sigmoid", "softmax"]
#: See ``PredictConfig``.
DescriptorWish = Literal["none", "along", "all"]
LossName = Literal["bce", "asl", "focal", "class-balanced"]
#: ``csra``: residual attention; ``gap``: global average pooling; ``ml-decoder``: queries that look
#: at the features (``engine.models.heads``, ``engine.models.decoder_head``).
HeadKind = Literal["csra", "gap", "ml-decoder"]
#: For people.
HEAD_TITLES: dict[HeadKind, str] = {
    "csra": "CSRA heads",
    "gap": "Global average pooling",
    "ml-decoder": "ML-Decoder",
}
#: ``exact`` decodes every pixel of a photo and scales them as the official code does; ``fast``
#: leaves out detail while a JPEG is decoded, and shrinks large pictures by a whole number first.
DecodeMode = Literal["exact", "fast"]

#: Temperatures of the paper's multi-head settings (section 3.3); ``inf`` is max pooling.
PAPER_TEMPERATURES: dict[int, tuple[float, ...]] = {
    1: (1.0,),
    2: (1.0, math.inf),
    4: (1.0, 2.0, 4.0, math.inf),
    6: (1.0, 2.0, 3.0, 4.0, 5.0, math.inf),
    8: (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, math.inf),
}


#: Into so many parts the attention of ``ml-decoder`` is divided.
ATTENTION_PARTS = 8


def check_range(what: str, value: int, low: int, high: int) -> None:
    """Refuse, with a ``ConfigError``, what lies outside."""
    if not low <= value <= high:
        raise ConfigError(f"The {what} must be {low:,} to {high:,}, not {value}.")


def check_above_zero(what: str, value: float) -> None:
    """Refuse, with a ``ConfigError``, what is not a finite number above 0."""
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"The {what} must be above 0, not {value}.")


def check_decode(mode: str) -> None:
    """Refuse, with a ``ConfigError``, what is no ``DecodeMode``."""
    if mode not in get_args(DecodeMode):
        raise ConfigError(f"Photos are read 'exact' or 'fast', not {mode!r}.")


def take_texts_as_paths(made: object, *fields: str) -> None:
    """Make paths of what scripts give as texts, in fields of a frozen dataclass."""
    for name in fields:
        value = getattr(made, name)
        if isinstance(value, str):
            object.__setattr__(made, name, Path(value))
        elif isinstance(value, Sequence):
            object.__setattr__(made, name, tuple(map(Path, value)))


@dataclass(frozen=True)
class HeadConfig:
    """The heads of a model: by default residual attention.

    Args:
        temperatures: one per head, > 0; ``math.inf`` means max pooling. Kinds without attention
            of this sort have the one temperature 1.
        lam: λ, the weight of the attention logit beside the base logit, ≥ 0; 0 for other kinds.
        normalize: divide each category's classifier weights by their L2 norm (the paper's form).
        standardize: scale each feature channel by the training set's mean and deviation first.
        bias: add a learned constant per category to the position scores.
        activation: what turns logits into scores; ``sigmoid`` judges each category by itself,
            ``softmax`` is for a classifier that was trained to name one category per image.
        kind: how features become logits.
        queries: of ``ml-decoder``; 0 is one per category, but at most 100.
        width: channels that ``ml-decoder`` works with; a multiple of 8; 0 is the paper's 768.
    """

    temperatures: tuple[float, ...] = (1.0,)
    lam: float = 0.1
    normalize: bool = True
    standardize: bool = False
    bias: bool = False
    activation: Activation = "sigmoid"
    kind: HeadKind = "csra"
    queries: int = 0
    width: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "temperatures", tuple(float(t) for t in self.temperatures))
        if not self.temperatures:
            raise ConfigError("A model needs at least one head.")
        if len(self.temperatures) > 64:
            raise ConfigError(f"{len(self.temperatures)} heads are more than 64.")
        if any(math.isnan(t) or t <= 0 for t in self.temperatures):
            raise ConfigError(f"Temperatures must be above 0, not {self.temperatures}.")
        if not (math.isfinite(self.lam) and self.lam >= 0):
            raise ConfigError(f"λ must be a number of at least 0, not {self.lam}.")
        if self.activation not in ("sigmoid", "softmax"):
            raise ConfigError(f"There is no activation {self.activation!r}.")
        self._check_kind()

    def _check_kind(self) -> None:
        if self.kind not in get_args(HeadKind):
            known = ", ".join(get_args(HeadKind))
            raise ConfigError(f"There is no head {self.kind!r}. There are {known}.")
        if self.kind != "csra" and (self.temperatures != (1.0,) or self.lam != 0.0):
            raise ConfigError(
                f"The head {self.kind!r} has neither temperatures nor λ. Leave them out, or take "
                "'csra'."
            )
        if self.kind != "ml-decoder":
            if self.queries or self.width:
                raise ConfigError(
                    f"The head {self.kind!r} has neither queries nor a width. Leave them out, or "
                    "take 'ml-decoder'."
                )
            return
        if self.normalize or self.bias:
            raise ConfigError(
                "The head 'ml-decoder' has weights of any length and biases of its own: set "
                "normalize and bias to false."
            )
        check_range("number of queries", self.queries, 0, 65_536)
        check_range("width", self.width, 0, 8_192)
        if self.width % ATTENTION_PARTS:
            raise ConfigError(f"The width must be a multiple of {ATTENTION_PARTS}.")

    @property
    def num_heads(self) -> int:
        """How many heads there are."""
        return len(self.temperatures)

    @property
    def is_linear(self) -> bool:
        """Whether each position has scores of its own, linear in the features.

        Then there are maps that sum to the logit, and single categories can be taught.
        """
        return self.kind != "ml-decoder"


@dataclass(frozen=True)
class PreprocessConfig:
    """How pixels reach the network; it travels with the model.

    Args:
        input_size: side of the square input in pixels.
        resize: ``squash`` to the square as the paper does, or ``letterbox`` (keep the shape, pad).
        mean: per RGB channel, subtracted from pixels in [0, 1].
        std: per RGB channel, above 0; divides after that.
    """

    input_size: int = 448
    resize: ResizeMode = "squash"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", tuple(float(v) for v in self.mean))
        object.__setattr__(self, "std", tuple(float(v) for v in self.std))
        if not 32 <= self.input_size <= 4096:
            raise ConfigError(f"The input size must be 32 to 4096 pixels, not {self.input_size}.")
        if self.resize not in ("squash", "letterbox"):
            raise ConfigError(f"Resize must be 'squash' or 'letterbox', not {self.resize!r}.")
        if len(self.mean) != 3 or len(self.std) != 3:
            raise ConfigError("Mean and deviation need three values each: red, green and blue.")
        if not all(math.isfinite(v) for v in (*self.mean, *self.std)) or min(self.std) <= 0:
            raise ConfigError("Mean and deviation must be finite, and the deviation above 0.")


@dataclass(frozen=True)
class ModelConfig:
    """A whole model: which backbone, which heads, which categories, which pixels.

    Args:
        backbone: a name that the registry knows, for example ``timm:tf_efficientnet_lite0``.
        categories: what the model tells apart, in the order of its logits.
        parents: which of them are kinds of others; no parent is scored below its child.
        network: how the ONNX file is used that is its network; ``None`` for one of our own, which
            the registry knows.
    """

    backbone: str
    categories: Categories
    head: HeadConfig = HeadConfig()
    preprocess: PreprocessConfig = PreprocessConfig()
    parents: CategoryParents = NO_PARENTS
    network: OnnxNetwork | None = None

    @property
    def says_where(self) -> bool:
        """Whether it has maps."""
        return self.head.is_linear and (self.network is None or bool(self.network.maps))

    def __post_init__(self) -> None:
        if (self.network is not None) != (self.backbone == ONNX_BACKBONE):
            raise ConfigError(f"The backbone {ONNX_BACKBONE!r} stands for a network as ONNX.")
        if self.parents.highest >= len(self.categories):
            raise ConfigError(
                f"Parents are named up to category {self.parents.highest}, but there are "
                f"{len(self.categories)}."
            )
        if self.parents and self.head.activation != "sigmoid":
            raise ConfigError(
                "A model that names one category per image has no categories that follow from "
                "others."
            )


@dataclass(frozen=True)
class ThumbnailWish:
    """Thumbnails that somebody will want of the images a model is run over.

    Args:
        folder: of the cache that keeps them (``engine.records.thumbnail_cache``).
        side: of the square that they fit, in pixels.
        limit: of the cache, in bytes.
    """

    folder: Path
    side: int
    limit: int

    def __post_init__(self) -> None:
        check_range("thumbnail size", self.side, 16, 4096)
        check_range("thumbnail limit", self.limit, 0, 1 << 50)


@dataclass(frozen=True)
class PredictConfig:
    """How to run a model over many images.

    Args:
        batch_size: images per forward pass; 0 lets the program choose for the device.
        num_workers: decoding processes; 0 lets the program choose for the machine.
        features: a folder that keeps what the backbone sees in each image, in little room; a model
            that was taught from another one answers from it, to within a thousandth, in a
            hundredth of the time. ``None`` keeps nothing.
        thumbnails: to be made of the large images along the way, while the cache has room.
        descriptors: whether to make a ``Descriptor`` of each image: "along" of those that go
            through the network anyway, "all" also of those that could be answered without.
        facts: also measure what needs no model (``engine.api.facts``) of images that are decoded.
    """

    batch_size: int = 0
    num_workers: int = 0
    features: Path | None = None
    thumbnails: ThumbnailWish | None = None
    descriptors: DescriptorWish = "none"
    facts: bool = False

    def __post_init__(self) -> None:
        check_range("batch size", self.batch_size, 0, 4096)
        check_range("number of workers", self.num_workers, 0, 256)


@dataclass(frozen=True)
class LossSettings:
    """The parameters of the losses; each loss reads its own (``engine.train.losses``).

    Args:
        gamma_negative: of ``asl``: how strongly negatives that are clear already lose weight, 0 to
            100.
        gamma_positive: of ``asl``: the same for positives, 0 to 100.
        margin: of ``asl``: negatives scored below it cost nothing; at least 0, below 1.
        focusing_gradient: of ``asl``: let the gradient flow through the weights too, as the
            paper's formulas have it; its code, and the default here, does not.
        focal_gamma: of ``focal``: how strongly labels that are clear already lose weight, 0 to
            100.
        focal_alpha: of ``focal``: weight of positives, 0 to 1; negatives have the rest.
        beta: of ``class-balanced``, at least 0 and below 1: 0 weighs all alike, towards 1 the
            weight becomes one over the number of images.
    """

    gamma_negative: float = 4.0
    gamma_positive: float = 1.0
    margin: float = 0.05
    focusing_gradient: bool = False
    focal_gamma: float = 2.0
    focal_alpha: float = 0.25
    beta: float = 0.999

    def __post_init__(self) -> None:
        for name in ("gamma_negative", "gamma_positive", "focal_gamma"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= 100):
                raise ConfigError(f"{name} must be 0 to 100, not {value}.")
        if not 0 <= self.focal_alpha <= 1:
            raise ConfigError(f"focal_alpha must lie between 0 and 1, not {self.focal_alpha}.")
        for name in ("margin", "beta"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise ConfigError(f"{name} must be at least 0 and below 1, not {value}.")


#: What the papers have, but for the class-balanced loss, which names several.
PUBLISHED_LOSSES = LossSettings()


def check_loss(name: str, unknown_weight: float) -> None:
    """Refuse, with a ``ConfigError``, what is no ``LossName``, or no weight from 0 to 1."""
    if name not in get_args(LossName):
        known = ", ".join(get_args(LossName))
        raise ConfigError(f"There is no loss {name!r}. There are {known}.")
    if not 0 <= unknown_weight <= 1:
        raise ConfigError(f"unknown_weight must lie between 0 and 1, not {unknown_weight}.")


@dataclass(frozen=True)
class HeadTrainConfig:
    """Training the heads on features of a frozen backbone, computed once.

    Args:
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: of AdamW at its peak; it falls to 0 along a cosine.
        weight_decay: of AdamW, on the classifier's weights, at least 0.
        flip: train on mirrored images as well.
        seed: of the initial weights and the order of the images.
        loss: ``bce``, ``asl`` (asymmetric loss, Ridnik et al. 2021), ``focal`` (Lin et al. 2017),
            or ``class-balanced`` (Cui et al. 2019).
        ignore_unclear: leave out labels that nobody can tell or has told; otherwise they count as
            negative.
        unknown_weight: of unclear and unknown labels, 0 to 1: rather than left out, they count as
            negative with this weight (weak assumed negatives, Cole et al. 2021); 0 leaves them out.
        ema_decay: of the moving average of the weights that is judged and kept, below 1; 0 for
            none.
        keep_start: start from the heads as they are, and keep their statistics of the features;
            otherwise both are made anew.
        patience: stop after so many epochs without a better mAP; 0 never does.
        decode: ``exact`` reads photos as the official code does; ``fast`` as tagging does.
        loss_settings: the parameters of the loss.
    """

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    flip: bool = True
    seed: int = 0
    loss: LossName = "bce"
    ignore_unclear: bool = True
    ema_decay: float = 0.0
    keep_start: bool = False
    patience: int = 0
    decode: DecodeMode = "exact"
    unknown_weight: float = 0.0
    loss_settings: LossSettings = PUBLISHED_LOSSES

    def __post_init__(self) -> None:
        check_range("number of epochs", self.epochs, 1, 10_000)
        check_loss(self.loss, self.unknown_weight)
        check_decode(self.decode)
        if not 0 <= self.ema_decay < 1:
            raise ConfigError(f"The decay of the average must be below 1, not {self.ema_decay}.")
        check_range("number of epochs without a gain", self.patience, 0, 10_000)
        check_range("batch size", self.batch_size, 1, 4096)
        check_above_zero("learning rate", self.learning_rate)
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise ConfigError(f"The weight decay must be at least 0, not {self.weight_decay}.")


@dataclass(frozen=True)
class EvaluateConfig:
    """How to evaluate a model.

    Args:
        batch_size: images per forward pass; 0 lets the program choose for the device.
        flip: average the logits of each image and its mirror image.
        input_size: side of the network's square input in pixels; ``None`` is the model's own.
        decode: ``exact`` reads photos as the official code does; ``fast`` as tagging does.
    """

    batch_size: int = 0
    flip: bool = False
    input_size: int | None = None
    decode: DecodeMode = "exact"

    def __post_init__(self) -> None:
        check_decode(self.decode)
        check_range("batch size", self.batch_size, 0, 4096)
