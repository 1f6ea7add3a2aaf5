"""Everything that a training run is asked with; light, frozen, and safe to send to a process."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from engine.api.categories import Categories
from engine.api.config import (
    PAPER_TEMPERATURES,
    HeadConfig,
    HeadKind,
    HeadTrainConfig,
    ResizeMode,
    take_texts_as_paths,
)
from engine.api.errors import ConfigError
from engine.api.training_config import TrainConfig

DEFAULT_BACKBONE = "timm:tf_efficientnet_lite0"
#: The form of the shipped model's heads: the paper's hardly learns on small features.
STANDARD_HEAD = HeadConfig((math.inf,), 0.3, normalize=False, standardize=True, bias=True)
#: The form of the official code for VOC.
PAPER_HEAD = HeadConfig((1.0,), 0.1)
HeadForm = Literal["standard", "paper", "paper-coco", "paper-wider"]
#: New heads by their form; those of the paper as its README trains a ResNet-101 on COCO (the row
#: with 83.5) and vision transformers on WIDER-Attribute.
HEAD_FORMS: dict[HeadForm, HeadConfig] = {
    "standard": STANDARD_HEAD,
    "paper": PAPER_HEAD,
    "paper-coco": HeadConfig(PAPER_TEMPERATURES[6], 0.5),
    "paper-wider": HeadConfig((1.0,), 0.3),
}
#: Side of the input in pixels of a new model, unless another one is asked for.
INPUT_SIZES: dict[HeadForm, int] = {
    "standard": 448,
    "paper": 448,
    "paper-coco": 448,
    "paper-wider": 224,
}
_SUFFIX = ".safetensors"
#: Whoever chooses anything by it has no images left to measure the outcome on.
TEST_SPLIT = "test"
_CHOSEN_ON_TEST = " (chosen on test)"
_CHOSEN_ON_SEEN = " (chosen on images it learned from)"


def head_like(head: HeadConfig, kind: HeadKind) -> HeadConfig:
    """Heads of another kind for the same features: standardised if the given ones are.

    Args:
        head: of a model, or a form that fits the features.
        kind: of the new ones; with residual attention in the form of the shipped model.
    """
    standardize, activation = head.standardize, head.activation
    if kind == "csra":
        form = STANDARD_HEAD if standardize else PAPER_HEAD
        return replace(form, activation=activation)
    return HeadConfig(
        (1.0,),
        lam=0.0,
        normalize=False,
        standardize=standardize,
        bias=kind == "gap",
        activation=activation,
        kind=kind,
    )


def default_cache() -> Path:
    """Where decoded images and features are kept unless another folder is wanted."""
    return user_cache_path("csra-gui") / "features"


@dataclass(frozen=True)
class DatasetSource:
    """Images of a data set where it lies.

    Args:
        kind: a name that ``engine.data.datasets.registry`` knows.
        root: its folder.
        split: to learn from.
        val_split: to judge by, unless ``val_fraction`` is given.
        val_fraction: judge by this share of ``split``, kept apart, with each category as frequent
            in both parts as can be.
        follow_links: take images also where links lead out of the folder.
    """

    kind: str
    root: Path
    split: str = "train"
    val_split: str = "val"
    val_fraction: float | None = None
    follow_links: bool = False

    @property
    def is_chosen_on_test(self) -> bool:
        """Whether the split to judge by is the one that is kept for the final measurement."""
        return self.val_fraction is None and self.val_split == TEST_SPLIT

    def __post_init__(self) -> None:
        take_texts_as_paths(self, "root")
        if self.val_fraction is not None:
            _check_share(self.val_fraction)


@dataclass(frozen=True, eq=False)
class LabelSource:
    """Labels in memory, for example what a person accepted and rejected.

    Accepted and added labels are positives (``targets``), rejected ones are certain negatives
    (neither), and what nobody has looked at is ``ignored`` and teaches nothing.

    Which images are kept apart to judge by depends on the content of their files, so it stays the
    same as images are added, moved or renamed, and copies of one image stay together.

    Args:
        name: for people, for example ``my labels``; it is kept in the model's file.
        categories: in the order of the columns; those of the model to start from come first if
            it shall keep them.
        paths: N images.
        targets: (N, C) bool.
        ignored: (N, C) bool; never true where a target is.
        val_fraction: about this share is kept apart.
        ids: (N,) fingerprints of the files' contents, hexadecimal; computed if empty.
    """

    name: str
    categories: Categories
    paths: tuple[Path, ...]
    targets: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    val_fraction: float = 0.2
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        take_texts_as_paths(self, "paths")
        shape = (len(self.paths), len(self.categories))
        if self.targets.shape != shape or self.ignored.shape != shape:
            raise ConfigError(
                f"Labels of the shapes {self.targets.shape} and {self.ignored.shape} do not fit "
                f"{shape[0]} images and {shape[1]} categories."
            )
        if self.ids and len(self.ids) != len(self.paths):
            raise ConfigError(f"{len(self.ids)} ids do not fit {len(self.paths)} images.")
        if (self.targets & self.ignored).any():
            raise ConfigError("A label cannot be both a positive and ignored.")
        _check_share(self.val_fraction)


@dataclass(frozen=True)
class ModelStart:
    """Where a run starts: ImageNet weights, or a model.

    Args:
        model: a file, or the name of a model (``engine.records.catalogue``); the file may hold a
            backbone alone, which gets new heads. ``None`` starts from ``backbone`` with ImageNet
            weights and new heads.
        backbone: registry name; a model brings its own. With the file of a backbone, it says which
            network that is where the weights do not tell. It may be such a file itself, or the id
            of a downloaded one.
        form: of new heads and, for a new model, of its pixels; a model keeps its own.
        temperatures: of the heads, if others than the form's or the model's.
        lam: λ, if another one.
        input_size: in pixels; 0 is the model's, or the form's (``INPUT_SIZES``).
        resize: for a new model.
        head: the kind of its heads; ``None`` for the form's or the model's. Heads of another kind
            than the model's start anew.
        queries: of ``ml-decoder`` (``HeadConfig``); ``None`` for the model's, or 0.
        width: of ``ml-decoder``, likewise.
    """

    model: str | None = None
    backbone: str = DEFAULT_BACKBONE
    form: HeadForm = "standard"
    temperatures: tuple[float, ...] | None = None
    lam: float | None = None
    input_size: int = 0
    resize: ResizeMode = "squash"
    head: HeadKind | None = None
    queries: int | None = None
    width: int | None = None


#: Where each preset of ``engine.api.training_config`` starts unless something else is asked for.
PRESET_STARTS: dict[str, ModelStart] = {
    "quick": ModelStart(),
    "recommended": ModelStart(),
    "paper": ModelStart(backbone="resnet101", form="paper"),
    "paper-coco": ModelStart(backbone="resnet101", form="paper-coco"),
    "paper-wider": ModelStart(backbone="vit_b16", form="paper-wider"),
}


@dataclass(frozen=True, eq=False)
class TrainRequest:
    """One run of training.

    Args:
        source: the images and their labels.
        output: a folder for everything that the run writes; made if missing. For heads alone also
            a file that ends in ``.safetensors``.
        config: a ``TrainConfig`` trains the whole network, a ``HeadTrainConfig`` only heads on the
            features of a frozen backbone, which is quick.
        start: where it starts.
        name: of the model, for people; empty takes that of the output.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        cache: keeps decoded images and features, for later runs too.
        resume: go on with the run in ``output``, if there is one.
        tensorboard: write scalars for TensorBoard into ``output`` as well.
        provenance: what else to note in the model's file, for example the command.
        samples: so many validation images are told of after each epoch (``SampleReport``), and the
            model is judged before the first one too, as the epoch 0; 0 for neither.
    """

    source: DatasetSource | LabelSource
    output: Path
    config: TrainConfig | HeadTrainConfig
    start: ModelStart = ModelStart()
    name: str = ""
    device: str = "auto"
    cache: Path = field(default_factory=default_cache)
    resume: bool = False
    tensorboard: bool = False
    provenance: tuple[tuple[str, str], ...] = ()
    samples: int = 0

    def __post_init__(self) -> None:
        take_texts_as_paths(self, "output", "cache")

    @property
    def folder(self) -> Path:
        """Where everything but a single file's model goes."""
        return self.output.parent if self.is_single_file else self.output

    @property
    def best_file(self) -> Path:
        """The model of the best epoch."""
        return self.output if self.is_single_file else self.output / f"best{_SUFFIX}"

    @property
    def last_file(self) -> Path:
        """The model as it was when the run ended."""
        return self.output / f"last{_SUFFIX}"

    @property
    def is_chosen_on_test(self) -> bool:
        """Whether epochs and thresholds are chosen on the test split."""
        return isinstance(self.source, DatasetSource) and self.source.is_chosen_on_test

    @property
    def title(self) -> str:
        """Name of the model, for people; one that was chosen on the test split says so."""
        name = self.plain_title
        return f"{name}{_CHOSEN_ON_TEST}" if self.is_chosen_on_test else name

    def title_when(self, seen_images: int) -> str:
        """``title``, which also says if the model was chosen on images that it learned from.

        Args:
            seen_images: how many of those to judge by are learned from, too.
        """
        is_marked = seen_images > 0 and not self.is_chosen_on_test
        return f"{self.title}{_CHOSEN_ON_SEEN}" if is_marked else self.title

    @property
    def plain_title(self) -> str:
        """Name of the model as it was given, else that of the output."""
        return self.name or (self.output.stem if self.is_single_file else self.output.name)

    @property
    def is_single_file(self) -> bool:
        """Whether ``output`` is the model's file and nothing is written beside it."""
        is_named_so = isinstance(self.config, HeadTrainConfig) and self.output.suffix == _SUFFIX
        return is_named_so and not self.output.is_dir()


def _check_share(value: float) -> None:
    if not 0.0 < value < 1.0:
        raise ConfigError(f"The share to judge by must lie between 0 and 1, not {value}.")
