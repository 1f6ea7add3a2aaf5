"""Running a model with a backend that is known by its name."""

from __future__ import annotations

import importlib

from engine.inference.backend import Backend
from engine.inference.graphs import Graph
from engine.inference.weights import ModelWeights
from engine.records.backend_kinds import BackendKind


def open_backend(
    kind: BackendKind, weights: ModelWeights, graph: Graph, threads: int = 0
) -> Backend:
    """A model on the CPU, run by a backend that runs graphs.

    Args:
        kind: which backend; it is imported now.
        weights: not needed any more afterwards.
        graph: of its network.
        threads: 0 chooses for the machine.

    Raises:
        CheckpointError: weights and graph do not fit each other, or a trial run fails.
        ImportError: its package is broken.
    """
    module, _, name = kind.place.partition(":")
    made: Backend = getattr(importlib.import_module(module), name)(weights, graph, threads)
    return made
