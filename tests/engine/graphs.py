"""Graphs for tests: each form of a network is exported once, which takes seconds.

Models of one form share a graph in the program too (``engine.inference.graphs``). That an exported
one says what PyTorch says, whatever the weights, is for ``checkpoints/test_graph_export.py``.
"""

from __future__ import annotations

import os
from pathlib import Path

from engine.api.errors import CheckpointError
from engine.checkpoints.graph_export import export_graph
from engine.checkpoints.safetensors_model import Checkpoint
from engine.inference.graphs import Graph, graph_key, keep_graph

_made: dict[str, Graph] = {}


def graph_of(checkpoint: Checkpoint) -> Graph:
    """What ``export_graph`` says of this model or of the first one of its form.

    Raises:
        CheckpointError: as there; such a model is asked for anew each time.
    """
    key = graph_key(checkpoint.record.config)
    if key not in _made:
        _made[key] = _shared(checkpoint, Path(os.environ["CSRA_TEST_GRAPHS"]))
    return _made[key]


def _shared(checkpoint: Checkpoint, folder: Path) -> Graph:
    """What another of the processes that run tests has exported, or what all others take then."""
    config = checkpoint.record.config
    try:
        return Graph.read(folder / f"{graph_key(config)}.zip")
    except CheckpointError:  # two at once both export it, and either will do
        graph = export_graph(checkpoint)
        keep_graph(config, graph, folder)
        return graph
