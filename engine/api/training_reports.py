"""What training tells while it works; light, so that a window can show it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.api.validation import FEWEST_TO_VALIDATE, can_validate, mean_precision_interval
from engine.api.values import PositionScores
from engine.texts import about, gib

#: Fewer positives than this teach little.
FEW_IMAGES = 10


@dataclass(frozen=True)
class PreparationReport:
    """How far the images are: read, decoded or run through a frozen backbone, once.

    Attributes:
        name: of what is done, for people.
        done: images so far.
        total: images.
    """

    name: str
    done: int
    total: int


#: What it is of, and what will be: both for people.
PlanLine = tuple[str, str]


@dataclass(frozen=True)
class Preflight:
    """What a run will need, said before it starts.

    Attributes:
        images_per_category: positives to learn from, in the order of the categories.
        rare: categories with fewer than ``FEW_IMAGES``.
        memory_bytes: for weights, gradients, the optimiser and activations, roughly.
        disk_bytes: for states and models of the run.
        free_bytes: on that disk.
        seconds: of training and evaluation, roughly; decoding images the first time is not in it.
        negatives_per_category: images that certainly lack each category.
        without_negatives: categories that no image certainly lacks: they can only be learned to be
            everywhere.
        train_images: to learn from.
        val_images: to judge by; 0 for none.
        free_memory_bytes: on the device that runs it; 0 if unknown.
        cache_bytes: of decoded images or features that are still to be kept on the cache's disk.
        free_cache_bytes: on that disk; 0 if unknown.
        problems: what was left out of the images or looks odd, one sentence each.
        unjudged: categories with too few images to judge them by.
        chosen_on: the test split by which epochs and thresholds are chosen; empty if by another.
        seen_images: of those to judge by, how many are learned from, too.
        plan: the network, its heads and the learning rates.
    """

    images_per_category: tuple[tuple[str, int], ...]
    rare: tuple[str, ...]
    memory_bytes: int
    disk_bytes: int
    free_bytes: int
    seconds: float
    negatives_per_category: tuple[int, ...] = ()
    without_negatives: tuple[str, ...] = ()
    train_images: int = 0
    val_images: int = 0
    free_memory_bytes: int = 0
    cache_bytes: int = 0
    free_cache_bytes: int = 0
    problems: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    chosen_on: str = ""
    seen_images: int = 0
    plan: tuple[PlanLine, ...] = ()

    def lines(self) -> list[str]:
        """For people."""
        counts = ", ".join(f"{name} {count}" for name, count in self.images_per_category)
        needs = (
            f"needs about {gib(self.memory_bytes)} of memory and {gib(self.disk_bytes)} of disk "
            f"({gib(self.free_bytes)} free); takes {about(self.seconds)}"
        )
        return [
            *(f"{name.lower()}: {text}" for name, text in self.plan),
            f"images per category: {counts}",
            f"{self.train_images} images to learn from, {self.val_images} to judge by",
            *([f"fewer than {FEW_IMAGES} images: {', '.join(self.rare)}"] if self.rare else ()),
            *self._odd(),
            needs,
            *self.warnings(),
        ]

    def warnings(self) -> list[str]:
        """What will make the run fail or its numbers worthless, one text each."""
        found = []
        if self.chosen_on:
            found.append(chosen_on_test_text(self.chosen_on))
        if self.seen_images:
            found.append(
                f"This run learns from {self.seen_images} of the {self.val_images} images that "
                "it is judged by, and chooses its epoch, thresholds and calibration on them. What "
                "is measured there is too high. Validate on another split, or on a share of the "
                "training images that is kept apart."
            )
        if self.disk_bytes > self.free_bytes:
            found.append("The disk is too full for this run.")
        if 0 < self.free_memory_bytes < self.memory_bytes:
            found.append(
                f"Only {gib(self.free_memory_bytes)} of memory are free; a smaller batch or more "
                "passes per batch need less."
            )
        if 0 < self.free_cache_bytes < self.cache_bytes:
            found.append(
                f"The prepared images need {gib(self.cache_bytes)}, and "
                f"{gib(self.free_cache_bytes)} are free where they are kept."
            )
        return found

    def _odd(self) -> list[str]:
        found = []
        if self.without_negatives:
            found.append(f"no image certainly lacks: {', '.join(self.without_negatives)}")
        if self.unjudged:
            found.append(
                f"fewer than {FEWEST_TO_VALIDATE} validation images with or without, so they "
                f"cannot be judged: {', '.join(self.unjudged)}"
            )
        return [*found, *self.problems]


def chosen_on_test_text(images: str) -> str:
    """What it means to judge by a test split, and what to do instead.

    Args:
        images: the split, for people.
    """
    return (
        f"This run chooses its epoch, thresholds and calibration on {images}. What is measured "
        "there afterwards is too high and no test result. Validate on another split, or on a share "
        "of the training images that is kept apart, and keep the test split for the end."
    )


@dataclass(frozen=True)
class TrainingStarted:
    """Everything is ready; steps follow.

    Attributes:
        categories: in the order of ``EpochReport.category_ap``.
        device: where it runs, for people.
        epochs: of the whole run.
        total_steps: of the whole run; 0 if no steps are told, only epochs.
        step: done before, 0 unless an earlier run is gone on with.
        epoch: that it starts in, from 1.
        folder: where its files go.
    """

    categories: tuple[str, ...]
    device: str
    epochs: int
    total_steps: int
    step: int
    epoch: int
    folder: Path


@dataclass(frozen=True)
class StepReport:
    """What one step brought.

    Attributes:
        step: optimiser steps so far.
        total: steps of the whole run.
        epoch: from 1.
        loss: mean over the labels of the batch that count, above 0.
        lr: learning rate of the backbone.
        grad_norm: length of the gradient before it was cut, at least 0.
        seconds: that the step took.
        images_per_second: of late, over all processes; waiting for images counts.
        remaining_seconds: until the end of the run, roughly.
        memory_bytes: in use: of the graphics card if it runs there, else of this process; 0 if
            unknown.
    """

    step: int
    total: int
    epoch: int
    loss: float
    lr: float
    grad_norm: float
    seconds: float
    images_per_second: float = 0.0
    remaining_seconds: float = math.nan
    memory_bytes: int = 0


@dataclass(frozen=True)
class EpochReport:
    """What one epoch brought.

    Attributes:
        epoch: from 1.
        loss: mean over the training entries that count.
        val_map: mean average precision on the validation images, 0 to 1, over the categories that
            can be judged, or over all if none can; NaN without any, or if this epoch was not
            judged.
        is_best: whether no epoch before was better.
        category_ap: average precision of each category, 0 to 1, in the order of the categories;
            NaN for those without positives; empty if this epoch was not judged.
        seconds: that the epoch took, evaluation included.
        val_counts: validation images with and without each category, in the same order; empty if
            unknown, as in what older versions wrote.
    """

    epoch: int
    loss: float
    val_map: float
    is_best: bool = True
    category_ap: tuple[float, ...] = ()
    seconds: float = 0.0
    val_counts: tuple[tuple[int, int], ...] = ()

    @property
    def judged(self) -> tuple[int, ...]:
        """The places of categories with enough validation images to judge them by."""
        if len(self.val_counts) != len(self.category_ap):
            return tuple(range(len(self.category_ap)))
        return tuple(i for i, counts in enumerate(self.val_counts) if can_validate(*counts))

    @property
    def is_judged(self) -> bool:
        """Whether ``val_map`` says anything."""
        return math.isfinite(self.val_map) and (not self.val_counts or bool(self.judged))

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where ``val_map`` may lie on other images, 0 to 1: 95 %; ``None`` if nobody can say."""
        if not self.val_counts or not self.is_judged:
            return None
        return mean_precision_interval(
            [self.category_ap[i] for i in self.judged], [self.val_counts[i][0] for i in self.judged]
        )


@dataclass(frozen=True)
class PauseReport:
    """A wish to pause was met: the state is on the disk, and asking for the next report goes on.

    Attributes:
        step: optimiser steps so far.
    """

    step: int


@dataclass(frozen=True)
class SampleReport:
    """What the model says of a few validation images by now.

    Attributes:
        epoch: that was finished; 0 before the first.
        scores: of each image, everything its maps are computed from (``engine.explain.evidence``).
        truth: the categories that each image has.
    """

    epoch: int
    scores: tuple[PositionScores, ...]
    truth: tuple[tuple[str, ...], ...]


class Ending(StrEnum):
    """Why a run ended.

    DONE: it had all its epochs.
    STOPPED: somebody wished it.
    NO_GAIN: it did not get better for as long as its patience lasts.
    """

    DONE = "done"
    STOPPED = "stopped"
    NO_GAIN = "no gain"


@dataclass(frozen=True)
class TrainingEnded:
    """The last report.

    Attributes:
        ending: why.
        best: the model of the best epoch so far, with thresholds; ``None`` if no epoch ended.
        last: the model as it is now; ``None`` where only one is kept.
        val_map: of ``best``, 0 to 1; NaN if unknown.
        epoch: epochs that were finished.
        can_resume: whether the same request can go on from here.
    """

    ending: Ending
    best: Path | None
    last: Path | None
    val_map: float
    epoch: int
    can_resume: bool


#: In this order: preparation, preflight, preparation, start, steps and epochs, end.
TrainReport = (
    PreparationReport
    | Preflight
    | TrainingStarted
    | StepReport
    | EpochReport
    | PauseReport
    | SampleReport
    | TrainingEnded
)
