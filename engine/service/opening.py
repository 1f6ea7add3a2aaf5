"""Opening a model to run it: with ONNX Runtime if that can be, with PyTorch else."""

from __future__ import annotations

import logging
from pathlib import Path

from engine.api.errors import CheckpointError
from engine.inference.graphs import Graph, find_graph
from engine.inference.onnx_backend import OnnxBackend
from engine.inference.open_model import OpenModel
from engine.inference.weights import ModelWeights, read_weights
from engine.records.model_record import from_metadata, is_ours
from engine.records.safetensors_header import read_header

_log = logging.getLogger(__name__)


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
