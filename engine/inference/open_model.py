"""A model that is open: what its file says, and what runs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engine.api.config import ModelConfig
from engine.api.values import ModelInfo
from engine.inference.backend import Backend
from engine.inference.descriptors import Describer, DescribingBackend
from engine.inference.weights import ModelWeights
from engine.records.model_record import CheckpointRecord

_LARGEST = 4096


@dataclass(frozen=True, eq=False)
class OpenModel:
    """A model that is ready to run.

    Attributes:
        weights: and what its file says.
        backend: runs it.
        path: its file.
        step: the backend takes every input size that is a multiple of this; 0 if only the model's.
        int8_of: id of the model whose int8 network runs, with other scores; empty if none does.
    """

    weights: ModelWeights
    backend: Backend
    path: Path
    step: int = 0
    int8_of: str = ""

    @property
    def is_int8(self) -> bool:
        """Whether its int8 network runs."""
        return bool(self.int8_of)

    def takes(self, input_size: int) -> bool:
        """Whether the backend runs it at an input size in pixels."""
        own = self.config.preprocess.input_size
        if self.step == 0 or not 0 < input_size <= _LARGEST:
            return input_size == own
        return input_size % self.step == 0

    @property
    def record(self) -> CheckpointRecord:
        """What its file says of it."""
        return self.weights.record

    @property
    def config(self) -> ModelConfig:
        """Its form and categories."""
        return self.weights.record.config

    @cached_property
    def describer(self) -> Describer | None:
        """Makes descriptors of photos; ``None`` if its network gives no features."""
        if self.config.network is not None:
            return None
        return Describer(self.weights, is_int8=self.is_int8)

    @property
    def describing_backend(self) -> Backend:
        """Runs it and makes descriptors, if it can."""
        if self.describer is None:
            return self.backend
        return DescribingBackend(self.backend, self.describer)

    @cached_property
    def info(self) -> ModelInfo:
        """What a front end may know of it."""
        record = self.weights.record
        return ModelInfo(
            id=self.weights.id,
            name=record.name,
            path=self.path,
            categories=record.config.categories,
            temperatures=record.config.head.temperatures,
            lam=record.config.head.lam,
            input_size=record.config.preprocess.input_size,
            backbone=record.config.backbone,
            thresholds=record.thresholds,
            results=dict(record.results),
            description=record.description,
            device=self.backend.name,
            activation=record.config.head.activation,
            calibration=record.calibration,
            # In int8 it says something else also of what was not taught.
            taught_from="" if self.is_int8 else record.taught_from,
            former_id=self.weights.former_id,
            int8_of=self.int8_of,
            parents=record.config.parents,
            measures=record.measures,
            head_titles=record.head_titles,
            descriptor_kind="" if self.describer is None else self.describer.kind,
            says_where=record.config.says_where,
            is_onnx=record.config.network is not None,
        )
