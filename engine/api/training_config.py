"""What a training run is made of: frozen, checked when made, and three presets."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal, get_args

from engine.api.config import (
    PUBLISHED_LOSSES,
    DecodeMode,
    LossName,
    LossSettings,
    check_above_zero,
    check_loss,
    check_range,
)
from engine.api.errors import ConfigError

OptimizerName = Literal["sgd", "adamw"]
ScheduleName = Literal["constant", "step", "cosine", "one-cycle"]
MixingName = Literal["none", "mixup", "splicemix"]
NormMode = Literal["train", "frozen"]
HalfMode = Literal["gpu", "always", "never"]


@dataclass(frozen=True)
class AugmentConfig:
    """How each training image is changed, anew in every epoch.

    Args:
        flip: mirror half of them left to right.
        crop_scale: least and greatest share of the picture's area that is kept; 1 to 1 crops
            nothing, whatever ``crop_ratio`` says.
        crop_ratio: least and greatest width / height of what is kept, in the picture's own pixels.
        num_ops: how many changes of colour or shape RandAugment draws.
        magnitude: how strong they are, 0 to 1.
        cutout: side of the square that is greyed out, as a share of the image's; 0 for none.
        mixing: ``mixup`` blends two images, ``splicemix`` lays out four as a grid.
        mixing_share: of the images that are mixed.
    """

    flip: bool = True
    crop_scale: tuple[float, float] = (0.5, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    num_ops: int = 0
    magnitude: float = 0.3
    cutout: float = 0.0
    mixing: MixingName = "none"
    mixing_share: float = 0.5

    @property
    def crops(self) -> bool:
        """Whether anything is ever cut off."""
        return self.crop_scale != (1, 1)

    def __post_init__(self) -> None:
        for name in ("crop_scale", "crop_ratio"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        low, high = self.crop_scale
        if not 0 < low <= high <= 1:
            raise ConfigError(f"Crops keep a share between 0 and 1, not {self.crop_scale}.")
        low, high = self.crop_ratio
        if not 0 < low <= high:
            raise ConfigError(f"Width / height must be above 0, not {self.crop_ratio}.")
        if not 0 <= self.num_ops <= 10:
            raise ConfigError(f"RandAugment takes 0 to 10 changes, not {self.num_ops}.")
        for name in ("magnitude", "cutout", "mixing_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} must lie between 0 and 1, not {getattr(self, name)}.")
        if self.mixing not in ("none", "mixup", "splicemix"):
            raise ConfigError(f"There is no mixing {self.mixing!r}.")


@dataclass(frozen=True)
class TrainConfig:
    """Training a whole network.

    Args:
        epochs: passes over the training images.
        batch_size: images per step, over all processes.
        passes: into how many parts each batch is divided to save memory (gradient accumulation).
        optimizer: ``sgd`` (momentum 0.9) or ``adamw``.
        learning_rate: of the backbone at its peak.
        head_learning_rate: of the heads at its peak.
        weight_decay: at least 0; see ``decay_all``.
        decay_all: let weight decay act on biases and norms too, as the official code does.
        schedule: how the rates go after the warm-up.
        warmup_epochs: over which they rise in a straight line from 0; may be a fraction.
        step_epochs: with ``step``, they fall to a tenth every so many epochs.
        loss: ``bce``, ``asl`` (asymmetric loss, Ridnik et al. 2021), ``focal`` (Lin et al. 2017),
            or ``class-balanced`` (Cui et al. 2019).
        ignore_unclear: leave out labels that nobody can tell (all objects marked difficult) or
            has told; otherwise they count as negative, as in the official code.
        unknown_weight: of unclear and unknown labels, 0 to 1: rather than left out, they count as
            negative with this weight (weak assumed negatives, Cole et al. 2021); 0 leaves them out.
        ema_decay: of the moving average of the weights that is evaluated and kept, below 1; 0 for
            none.
        blend: share of the trained weights in the model that is evaluated and kept; the rest are
            those that it started from (Wortsman et al. 2022). 1 for the trained weights alone.
        norms: ``frozen`` keeps the statistics of batch norms as they are.
        frozen: parameters of the backbone whose names start so stay as they are, and so do the
            statistics of norms among them; early layers are costly to train and gain little.
        train_size: side of the training images in pixels; 0 is the model's input size.
        final_epochs: so many of the last epochs train at ``final_size``.
        final_size: in pixels; 0 is the model's input size.
        clip_norm: longest gradient, at least 0; 0 for no limit.
        augment: how images are changed.
        seed: of everything that is drawn.
        decode: ``exact`` reads photos as the official code does; ``fast`` as tagging does.
        evaluate_every: so many epochs; the last one always is.
        checkpoint_minutes: the state is saved after so many minutes, and after each epoch.
        gradient_checkpointing: compute activations twice to save memory.
        sync_norms: with several processes, batch norms see the whole batch; on CUDA alone.
        half: where the network computes in half precision (autocast): ``gpu`` on CUDA alone,
            ``always`` on any device, ``never``. A processor with instructions for bfloat16 is
            faster with it; without them it is many times slower.
        patience: stop after so many epochs without a better mAP; 0 never does.
        loss_settings: the parameters of the loss.
    """

    epochs: int = 20
    batch_size: int = 16
    passes: int = 1
    optimizer: OptimizerName = "adamw"
    learning_rate: float = 2e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.01
    decay_all: bool = False
    schedule: ScheduleName = "cosine"
    warmup_epochs: float = 0.5
    step_epochs: int = 4
    loss: LossName = "bce"
    ignore_unclear: bool = True
    ema_decay: float = 0.999
    blend: float = 1.0
    norms: NormMode = "train"
    frozen: tuple[str, ...] = ()
    train_size: int = 0
    final_epochs: int = 0
    final_size: int = 0
    clip_norm: float = 0.0
    augment: AugmentConfig = AugmentConfig()
    seed: int = 0
    decode: DecodeMode = "exact"
    evaluate_every: int = 1
    checkpoint_minutes: float = 10.0
    gradient_checkpointing: bool = False
    sync_norms: bool = False
    half: HalfMode = "gpu"
    patience: int = 0
    unknown_weight: float = 0.0
    loss_settings: LossSettings = PUBLISHED_LOSSES

    def __post_init__(self) -> None:
        check_loss(self.loss, self.unknown_weight)
        check_range("number of epochs", self.epochs, 1, 10_000)
        check_range("batch size", self.batch_size, 1, 65_536)
        check_range("number of passes", self.passes, 1, self.batch_size)
        check_range("number of epochs between steps", self.step_epochs, 1, 10_000)
        check_range("number of epochs between evaluations", self.evaluate_every, 1, 10_000)
        check_range("number of last epochs", self.final_epochs, 0, self.epochs)
        check_range("number of epochs without a gain", self.patience, 0, 10_000)
        for size in (self.train_size, self.final_size):
            check_range("size", size, *((0, 0) if size == 0 else (32, 4096)))
        check_above_zero("learning rate", self.learning_rate)
        check_above_zero("learning rate of the heads", self.head_learning_rate)
        check_above_zero("time between checkpoints", self.checkpoint_minutes)
        for name in ("weight_decay", "warmup_epochs", "clip_norm"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{name} must be at least 0, not {value}.")
        if not 0 <= self.ema_decay < 1:
            raise ConfigError(f"The decay of the average must be below 1, not {self.ema_decay}.")
        if not 0 < self.blend <= 1:
            raise ConfigError(f"The share of the trained weights is above 0, not {self.blend}.")
        choices: dict[str, tuple[str, ...]] = {
            "optimizer": ("sgd", "adamw"),
            "schedule": ("constant", "step", "cosine", "one-cycle"),
            "norms": ("train", "frozen"),
            "half": ("gpu", "always", "never"),
            "decode": get_args(DecodeMode),
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ConfigError(f"{name} must be {' or '.join(known)}.")


#: Exactly the official recipe for VOC (its code, not the paper's text).
PAPER = TrainConfig(
    epochs=30,
    optimizer="sgd",
    learning_rate=0.01,
    head_learning_rate=0.1,
    weight_decay=1e-4,
    decay_all=True,
    schedule="step",
    warmup_epochs=2,
    ignore_unclear=False,
    ema_decay=0.0,
    augment=AugmentConfig(crop_scale=(0.7, 1.0)),
)
#: The same for COCO: the rates fall every five epochs.
PAPER_COCO = dataclasses.replace(PAPER, step_epochs=5)
#: The same for WIDER-Attribute: mirrored, never cropped, as its people are cut out already.
PAPER_WIDER = dataclasses.replace(PAPER_COCO, augment=AugmentConfig(crop_scale=(1.0, 1.0)))
#: Gentler and longer, with what helps.
RECOMMENDED = TrainConfig(augment=AugmentConfig(num_ops=1, cutout=0.2))

#: By name; ``quick`` trains heads on a frozen backbone and has a config of its own.
PRESETS: dict[str, TrainConfig] = {
    "paper": PAPER,
    "paper-coco": PAPER_COCO,
    "paper-wider": PAPER_WIDER,
    "recommended": RECOMMENDED,
}
