"""Opening a model to run it: with ONNX Runtime if that can be, with PyTorch else."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engine.api.errors import CheckpointError
from engine.api.values import ModelInfo
from engine.inference.backend import Backend
from engine.inference.graphs import Graph, find_graph
from engine.inference.onnx_backend import OnnxBackend
from engine.inference.weights import ModelWeights, read_weights
from engine.records.model_record import from_metadata, is_ours
from engine.records.safetensors_header import read_header

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class OpenModel:
    """A model that is ready to run.

    Attributes:
        weights: and what its file says.
        backend: runs it.
        path: its file.
    """

    weights: ModelWeights
    backend: Backend
    path: Path

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
            taught_from=record.taught_from,
            former_id=self.weights.former_id,
        )


def open_with_onnx(path: Path) -> OpenModel | None:
    """Open a model of ours whose network is known as a graph; ``None`` if that cannot be.

    PyTorch then has the last word on the file.
    """
    try:
        graph = _graph_of(path)
        weights = None if graph is None else read_weights(path)
    except CheckpointError:
        return None
    if graph is None or weights is None:
        return None
    try:
        return run_with_onnx(weights, graph, path)
    except CheckpointError as error:
        _log.warning("ONNX Runtime is put aside, PyTorch goes on: %s", error)
        return None


def run_with_onnx(weights: ModelWeights, graph: Graph, path: Path) -> OpenModel:
    """A model on ONNX Runtime.

    Raises:
        CheckpointError: that cannot be.
    """
    return OpenModel(weights, OnnxBackend(weights, graph), path)


def _graph_of(path: Path) -> Graph | None:
    if not is_ours(path):
        return None
    return find_graph(from_metadata(read_header(path).metadata).config)
