"""What an evaluation is asked to do, and what it says while it goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from engine.api.config import EvaluateConfig, take_texts_as_paths
from engine.api.errors import ConfigError


class Unfinished(StrEnum):
    """What to do with the results of the same evaluation, if it was stopped before its end.

    GO_ON: only what is missing is evaluated. AGAIN: everything is. AS_IT_IS: nothing is; the
    results so far become a run of a part of the split.
    """

    GO_ON = "go on"
    AGAIN = "again"
    AS_IT_IS = "as it is"


@dataclass(frozen=True)
class EvaluationRequest:
    """A model, a data set, and how to run the one over the other.

    Args:
        dataset: the kind of data set, see ``engine.data.datasets.registry``.
        root: its folder.
        split: of it.
        model: a file, or the name of a model; ``None`` is the one that ships.
        config: test-time flip, input size, batches.
        mapping: the data set's category names → the model's.
        strict: take missing images and malformed entries for an error.
        limit: at most so many images, spread evenly over the split; ``None`` takes all.
        unfinished: what to do with what was begun before.
        follow_links: take images also where links lead out of the data set's folder.
        lam: λ of a model of the official code whose file does not say it.
        heads: how many heads such a model must have; they get the paper's temperatures.
        command: that asks, for the record; empty from a window.
    """

    dataset: str
    root: Path
    split: str
    model: str | None = None
    config: EvaluateConfig = field(default_factory=EvaluateConfig)
    mapping: Mapping[str, str] | None = None
    strict: bool = False
    limit: int | None = None
    unfinished: Unfinished = Unfinished.GO_ON
    follow_links: bool = False
    lam: float | None = None
    heads: int | None = None
    command: str = ""

    def __post_init__(self) -> None:
        take_texts_as_paths(self, "root")
        if self.limit is not None and self.limit < 1:
            raise ConfigError("An evaluation needs at least one image.")
        if self.lam is not None and not (math.isfinite(self.lam) and self.lam >= 0):
            raise ConfigError(f"λ must be a number of at least 0, not {self.lam}.")
        if self.heads is not None and self.heads < 1:
            raise ConfigError("A model needs at least one head.")


@dataclass(frozen=True)
class EvaluationProgress:
    """How far an evaluation is.

    Attributes:
        done: images of this process's share so far.
        total: images of its share; 0 while model and data set are being read.
    """

    done: int
    total: int


@dataclass(frozen=True)
class EvaluationDone:
    """The last value of an evaluation.

    Attributes:
        run: the id under which its results are kept.
    """

    run: str
