"""Opening the int8 network of a model, if one was made and is sound."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from engine.api.errors import CheckpointError, DataError, ModelError
from engine.inference.backend import Backend
from engine.inference.backends import open_backend
from engine.inference.graphs import Graph, graph_key
from engine.inference.int8_backend import Int8Backend
from engine.inference.open_model import OpenModel
from engine.inference.weights import ModelWeights, read_weights
from engine.records.backend_kinds import AUTO, BACKENDS, INT8_BACKENDS
from engine.records.int8_networks import Int8Networks
from engine.records.measured_backends import MeasuredBackends
from engine.records.model_record import is_ours, model_id
from engine.records.safetensors_header import read_header


def is_int8_chosen(path: Path) -> bool:
    """Whether a person wants the model of a file to run in int8."""
    with contextlib.suppress(CheckpointError):
        return is_ours(path) and Int8Networks().is_chosen(model_id(read_header(path).metadata))
    return False


def open_int8(path: Path, backend: str = AUTO) -> OpenModel:
    """A model as its int8 network; it has an id of its own, since its scores are others.

    Args:
        path: the file of the model.
        backend: the name of what runs it; "auto" takes what a person chose for the model if it
            runs int8, else what runs it fastest.

    Raises:
        CheckpointError: the model file cannot be used.
        DataError: there is no int8 network of it that could be used; says why.
    """
    weights = read_weights(path)
    kept = Int8Networks()
    network = kept.network(weights.id)
    figures = kept.figures(weights.id)
    fastest = [] if figures is None else [figures.backend]
    wish = MeasuredBackends().find(graph_key(weights.record.config)).wish
    wished = [wish] if wish in INT8_BACKENDS else []
    names = [*wished, *fastest, *INT8_BACKENDS] if backend == AUTO else [backend]
    runs = run_int8(weights, network, names)
    digest = hashlib.sha256(f"{weights.id} int8 ".encode() + network).hexdigest()[:16]
    own = replace(weights, id=digest, former_id="")
    return OpenModel(own, runs, path, int8_of=weights.id)


def run_int8(weights: ModelWeights, network: bytes, names: Iterable[str]) -> Backend:
    """An int8 network with the first of some backends that can run it.

    Raises:
        DataError: none can.
    """
    reasons = []
    for name in dict.fromkeys(names):
        kind = BACKENDS.get(name)
        if kind is None or not kind.is_here:
            continue
        try:
            return Int8Backend(open_backend(kind, weights, Graph(network, {})))
        except (CheckpointError, ImportError, ModelError) as error:
            reasons.append(str(error))
    raise DataError(f"its int8 network cannot be run ({'; '.join(reasons)})")
