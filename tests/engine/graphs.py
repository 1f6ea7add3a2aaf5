"""Graphs for tests: each form of a network is exported once, which takes seconds.

Models of one form share a graph in the program too (``engine.inference.graphs``). That an exported
one says what PyTorch says, whatever the weights, is for ``checkpoints/test_graph_export.py``.
"""

from __future__ import annotations

from engine.checkpoints.graph_export import export_graph
from engine.checkpoints.safetensors_model import Checkpoint
from engine.inference.graphs import Graph, graph_key

_made: dict[str, Graph] = {}


def graph_of(checkpoint: Checkpoint) -> Graph:
    """What ``export_graph`` says of this model or of the first one of its form.

    Raises:
        CheckpointError: as there; such a model is asked for anew each time.
    """
    key = graph_key(checkpoint.record.config)
    if key not in _made:
        _made[key] = export_graph(checkpoint)
    return _made[key]
