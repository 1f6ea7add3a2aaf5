"""Running a network with ONNX Runtime: uint8 pixels in, NumPy scores out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from engine.api.config import HeadConfig
from engine.api.errors import CheckpointError, MemoryShortError
from engine.api.memory import is_memory_short
from engine.inference.backend import BatchScores
from engine.inference.graphs import Graph
from engine.inference.in_parts import run_in_parts
from engine.inference.weights import ModelWeights
from engine.records.backend_kinds import BACKENDS

# More at once gain nothing on a CPU (docs/BENCHMARKS.md) and take more memory, 50 MB a photo; and
# while a batch runs nobody's click is answered.
_BEST_BATCH = 1
_OUTPUTS = ("logits", "position_scores")
_WITH_FEATURES = (*_OUTPUTS, "features")
# What fails is raised; ONNX Runtime would write it to the terminal as well.
_FATAL_ONLY = 4


class OnnxBackend:
    """A model on the CPU.

    Args:
        weights: they are not needed any more afterwards.
        graph: of its network.
        threads: 0 chooses for the machine.

    Raises:
        CheckpointError: they do not fit each other, or a trial run fails.
    """

    name = "CPU, ONNX Runtime"
    device = "cpu"
    runtime = BACKENDS["onnx"].runtime
    best_batch = _BEST_BATCH

    def __init__(self, weights: ModelWeights, graph: Graph, threads: int = 0) -> None:
        self._head = weights.record.config.head
        name = weights.record.name
        check_fit(name, graph, weights)
        size = weights.record.config.preprocess.input_size

        def first_pass(pixels: NDArray[np.uint8]) -> BatchScores:
            self._session = _session(weights, graph, threads or available_cores())
            return self.run(pixels)

        check_trial(name, "ONNX Runtime", size, first_pass)

    @property
    def head(self) -> HeadConfig:
        """Of the model."""
        return self._head

    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        """One pass; see ``Backend``."""
        return run_in_parts(partial(self._pass, features=features), pixels)

    def _pass(self, pixels: NDArray[np.uint8], *, features: bool) -> BatchScores:
        outputs: Sequence[str] = _WITH_FEATURES if features else _OUTPUTS
        found = self._session.run(list(outputs), {"pixels": np.ascontiguousarray(pixels)})
        return BatchScores(found[0], found[1], found[2] if features else None)


def available_cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _session(weights: ModelWeights, graph: Graph, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    # Waiting threads would take the cores from the decoders.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    values = {
        name: onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(weights.tensors[name]))
        for name in graph.shapes
    }
    options.add_external_initializers(list(values), list(values.values()))
    return onnxruntime.InferenceSession(graph.onnx, options, providers=["CPUExecutionProvider"])


def check_trial(
    name: str, title: str, size: int, first_pass: Callable[[NDArray[np.uint8]], BatchScores]
) -> None:
    """Whether a backend can run a model at all.

    Args:
        name: of the model.
        title: of the backend.
        size: side of the square input in pixels.
        first_pass: loads what runs it, and runs it on (1, size, size, 3) pixels.

    Raises:
        CheckpointError: that fails, or gives values that are not numbers.
        MemoryShortError: there is too little memory to know.
    """
    try:
        found = first_pass(np.full((1, size, size, 3), 128, dtype=np.uint8))
    except Exception as error:  # those of runtimes have no other class in common
        if is_memory_short(error) or isinstance(error, MemoryShortError):
            raise MemoryShortError from error  # which is no fault of the model or of what runs it
        reason = str(error).strip().partition("\n")[0][:200]
        raise CheckpointError(
            f"{name!r} cannot be used with {title}: a trial run failed ({reason})."
        ) from error
    if not (np.isfinite(found.logits).all() and np.isfinite(found.position_scores).all()):
        raise CheckpointError(
            f"{name!r} cannot be used: a trial run gave values that are not numbers."
        )


def check_fit(name: str, graph: Graph, weights: ModelWeights) -> None:
    """Whether a model's weights are those that a graph asks for.

    Raises:
        CheckpointError: they are not.
    """
    found = {key: values.shape for key, values in weights.tensors.items()}
    different = sorted(key for key, shape in graph.shapes.items() if found.get(key) != shape)
    if different:
        raise CheckpointError(
            f"{name!r} does not fit the model it describes (for example {different[0]!r})."
        )
