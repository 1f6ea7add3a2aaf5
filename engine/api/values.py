"""What crosses the border between the engine and a front end: frozen values, NumPy at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api.calibration import LogitScaling
from engine.api.categories import Categories
from engine.api.config import Activation
from engine.api.facts import Fact
from engine.api.geometry import Box
from engine.api.label_measures import LabelMeasure
from engine.api.label_parents import NO_PARENTS, CategoryParents
from engine.api.onnx_network import OnnxFacts

FloatArray = NDArray[np.float32]
PixelArray = NDArray[np.uint8]

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Label:
    """One category that an image was found to have.

    Attributes:
        category: its name.
        score: how sure the model is, 0 to 1: the activation (sigmoid) of the logit.
    """

    category: str
    score: float


def ranked_labels(
    scores: FloatArray, categories: Sequence[str], threshold: float | Sequence[float]
) -> tuple[Label, ...]:
    """The categories whose score reaches the threshold, best first.

    Args:
        scores: (C,) in [0, 1].
        categories: as many as there are scores.
        threshold: one for all, or one per category, in [0, 1].
    """
    above = np.flatnonzero(scores >= np.asarray(threshold, dtype=np.float32))
    ranked = above[np.argsort(-scores[above], kind="stable")]
    return tuple(Label(categories[i], float(scores[i])) for i in ranked)


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A small copy of a photo, made of the same decoded pixels as a ``DecodedImage``.

    Attributes:
        pixels: (h, w, 3) uint8, upright, sRGB.
        side: of the square that it fits, in pixels.
        file_size: of the photo's file as it was read, in bytes.
        mtime_ns: when that file was changed, in ns since 1970.
        turn: how a sidecar said that the photo is turned, 1 to 8; 0 if none did.
    """

    pixels: PixelArray
    side: int
    file_size: int
    mtime_ns: int
    turn: int


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """The pixels of one image, upright, sRGB, scaled as was asked.

    Attributes:
        pixels: (h, w, 3) uint8.
        width: of the upright original, in pixels (not of ``pixels``).
        height: of the upright original, in pixels.
        content: the part of ``pixels`` that the photo covers, in fractions of its width and
            height; the rest is padding. The whole for everything but a letterboxed image.
        thumbnail: a small copy, if one was asked for and was to be had of the same pixels.
        facts: what was measured of the image; ``None`` if that was not asked for.
    """

    pixels: PixelArray
    width: int
    height: int
    content: Box = Box.UNIT
    thumbnail: Thumbnail | None = None
    facts: Fact | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Descriptor:
    """What is kept of an image to compare it with others.

    Attributes:
        kind: of which features it is made; only descriptors of one kind can be compared.
        values: (d,) int8; the angle between two of them says how alike the images are.
    """

    kind: str
    values: NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a model says of one image; either scores or an error, never both.

    Attributes:
        path: the image, as it was given.
        model_id: which model said so (``ModelInfo.id``).
        scores: (C,) float32 in [0, 1], in the order of the model's categories; empty on error.
        width: of the upright original in pixels; 0 on error.
        height: of the upright original in pixels; 0 on error.
        error: what went wrong with this image, for a person; ``None`` if nothing did.
        note: what happened meanwhile that a person should know; mostly empty.
        descriptor: if it was asked for and made.
        facts: what was measured of the image, whatever the model says; ``None`` if nothing was.
    """

    path: Path
    model_id: str
    scores: FloatArray
    width: int = 0
    height: int = 0
    error: str | None = None
    note: str = ""
    descriptor: Descriptor | None = None
    facts: Fact | None = None

    def labels(
        self, categories: Categories, threshold: float | Sequence[float] = DEFAULT_THRESHOLD
    ) -> tuple[Label, ...]:
        """The categories whose score reaches the threshold, best first.

        Args:
            categories: those of the model, as many as there are scores.
            threshold: one for all, or one per category, in [0, 1].
        """
        if self.error is not None:
            return ()
        return ranked_labels(self.scores, categories, threshold)


@dataclass(frozen=True, slots=True, eq=False)
class PositionScores:
    """The scores of every head, category and position of one image: all its maps lie in here.

    ``engine.explain.evidence`` turns it into logits and maps by arithmetic alone.

    Attributes:
        path: the image, as it was given.
        model_id: which model said so.
        values: (num_heads, C, h, w) float32, before pooling; a bias is already in them.
        temperatures: one per head; ``math.inf`` is max pooling.
        lam: λ.
        content: the part of the grid that the photo covers, in fractions (letterbox padding is
            outside); ``Box.UNIT`` for a squashed image.
        width: of the upright original in pixels.
        height: of the upright original in pixels.
        activation: what turns logits into scores.
        follows: of which kind a category shows the values, by its index; those that are not in
            here have their own (``engine.explain.following``).
        silenced: categories that nothing is left of, by their index: every head that knows them
            is off (``engine.explain.evidence.with_head``). Their score is 0.
    """

    path: Path
    model_id: str
    values: FloatArray
    temperatures: tuple[float, ...]
    lam: float
    content: Box
    width: int
    height: int
    activation: Activation = "sigmoid"
    follows: Mapping[int, int] = field(default_factory=dict)
    silenced: frozenset[int] = frozenset()

    @property
    def says_where(self) -> bool:
        """Whether there is more than one position; one alone is the whole photo, and no map."""
        return int(self.values.shape[2] * self.values.shape[3]) > 1


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a front end may know of an opened model.

    Attributes:
        id: stable fingerprint of the file's content (hexadecimal); the key for later calls.
        name: short name for people.
        path: the file; ``None`` for a model that has none.
        categories: in the order of the scores.
        temperatures: one per head.
        lam: λ.
        input_size: side of the network's square input in pixels.
        backbone: registry name.
        thresholds: per category in [0, 1]; ``None`` if the file has none.
        results: measured results that the file carries, 0 to 1, for example ``{"val mAP": 0.889}``.
        description: where it came from, in a sentence or two.
        device: where and with what it runs, for people ("CPU, ONNX Runtime").
        activation: what turns logits into scores; those of ``softmax`` add up to 1.
        calibration: how often a score of each category is right; ``None`` if the file does not
            say. Thresholds are for scores as they are, not for calibrated ones.
        taught_from: id of the model that this one was taught from, single categories that is, so
            that all others say the same; empty for any other model.
        former_id: what ``id`` was before it left out what changes no score; empty if nothing.
        note: what happened while it was opened that a person should know; mostly empty.
        int8_of: id of the model in full precision whose int8 network this is; empty if it is none.
        parents: which categories are kinds of others; scores say so already, logits of position
            scores do not.
        measures: how well it knows each category; ``None`` if the file does not say.
        head_titles: what each head is, in a word or two; empty if the file does not say.
        descriptor_kind: of its ``Descriptor`` of images; empty if it makes none.
        says_where: whether it has maps.
        is_onnx: whether its network is an ONNX file of others: it takes no other input size, and
            cannot be trained, taught or made faster.
    """

    id: str
    name: str
    path: Path | None
    categories: Categories
    temperatures: tuple[float, ...]
    lam: float
    input_size: int
    backbone: str
    thresholds: tuple[float, ...] | None = None
    results: Mapping[str, float] = field(default_factory=dict)
    description: str = ""
    device: str = "CPU"
    activation: Activation = "sigmoid"
    calibration: LogitScaling | None = None
    taught_from: str = ""
    former_id: str = ""
    note: str = ""
    int8_of: str = ""
    parents: CategoryParents = NO_PARENTS
    measures: tuple[LabelMeasure, ...] | None = None
    head_titles: tuple[str, ...] = ()
    descriptor_kind: str = ""
    says_where: bool = True
    is_onnx: bool = False

    @property
    def can_be_taught(self) -> bool:
        """Whether single labels can be taught to it: its network is ours, and scores positions."""
        return self.says_where and not self.is_onnx

    @property
    def full_name(self) -> str:
        """The name that tells it from the same model in full precision, beside results of it."""
        return f"{self.name} (int8)" if self.int8_of else self.name


@dataclass(frozen=True, slots=True)
class ThresholdsForModel:
    """Thresholds to be kept in a model file.

    Attributes:
        source: a file, or the name of a model.
        values: in [0, 1] by category; a category that is not in here keeps its threshold.
        origin: where they come from, for people.
        name: of a copy that gets them; ``None`` changes the model itself, which must be the
            person's own.
    """

    source: str
    values: Mapping[str, float]
    origin: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class TrueBox:
    """Where an object truly is, as a data set says.

    Attributes:
        category: its name in the data set.
        box: left, top, right, bottom in pixels of the photo; 0, 0 is its top left corner, and
            right and bottom lie just behind the last pixel.
        is_difficult: marked hard to recognise (VOC).
        is_crowd: stands for many objects (COCO).
    """

    category: str
    box: tuple[float, float, float, float]
    is_difficult: bool = False
    is_crowd: bool = False


@dataclass(frozen=True, slots=True)
class ModelImport:
    """A file to make a model of the person's own from; ``None`` means: as the file says.

    Attributes:
        path: ours, a file of the official CSRA code, or a tagger as ONNX.
        name: of the new model; ``None`` makes one from the file's name.
        lam: λ.
        categories: in the order of the file's scores.
        input_size: side of the square input in pixels.
        provenance: what else to record of a file of others.
        onnx: what an ONNX file does not say.
        names: a file with the categories, of any kind that ``read_names`` knows.
    """

    path: Path
    name: str | None = None
    lam: float | None = None
    categories: Categories | None = None
    input_size: int | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    onnx: OnnxFacts = field(default_factory=OnnxFacts)
    names: Path | None = None
