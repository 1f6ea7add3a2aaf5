"""Running a network with OpenVINO: uint8 pixels in, NumPy scores out. The only place of openvino.

What it compiled is not kept on the disk: that would hold the weights a second time, unverified, and
compiling takes less than a second.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from engine.api.config import HeadConfig
from engine.api.values import FloatArray
from engine.inference.backend import BatchScores
from engine.inference.graphs import Graph
from engine.inference.in_parts import run_in_parts
from engine.inference.onnx_backend import available_cores, check_fit, check_trial
from engine.inference.weights import ModelWeights
from engine.records.backend_kinds import BACKENDS

# Importing OpenVINO tells its makers of it over the network; without this part it works and is
# silent. Nothing that this program does is told to anybody.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
import openvino  # noqa: E402  # after the line above

# A batch gains little on a CPU, and while one runs nobody's click is answered.
_BEST_BATCH = 4
_OUTPUTS = ("logits", "position_scores", "features")


class OpenVinoBackend:
    """A model on the CPU.

    Args:
        weights: they are not needed any more afterwards.
        graph: of its network.
        threads: 0 chooses for the machine.

    Raises:
        CheckpointError: they do not fit each other, or a trial run fails.
    """

    name = "CPU, OpenVINO"
    device = "cpu"
    runtime = BACKENDS["openvino"].runtime
    best_batch = _BEST_BATCH

    def __init__(self, weights: ModelWeights, graph: Graph, threads: int = 0) -> None:
        self._head = weights.record.config.head
        name = weights.record.name
        check_fit(name, graph, weights)
        size = weights.record.config.preprocess.input_size
        self._requests = threading.local()

        def first_pass(pixels: NDArray[np.uint8]) -> BatchScores:
            whole = with_weights(graph, weights.tensors).SerializeToString()
            self._compiled = compiled(whole, threads or available_cores(), size)
            return self.run(pixels)

        check_trial(name, "OpenVINO", size, first_pass)

    @property
    def head(self) -> HeadConfig:
        """Of the model."""
        return self._head

    def run(self, pixels: NDArray[np.uint8], *, features: bool = False) -> BatchScores:
        """One pass; see ``Backend``."""
        return run_in_parts(partial(self._pass, features=features), pixels)

    def _pass(self, pixels: NDArray[np.uint8], *, features: bool) -> BatchScores:
        found = self._request().infer({"pixels": np.ascontiguousarray(pixels)})
        logits, position_scores, seen = (found[name] for name in _OUTPUTS)
        return BatchScores(logits, position_scores, seen if features else None)

    def _request(self) -> Any:
        """Of this thread: one that is in use refuses other callers."""
        if not hasattr(self._requests, "mine"):
            self._requests.mine = self._compiled.create_infer_request()
        return self._requests.mine


def with_weights(graph: Graph, tensors: Mapping[str, FloatArray]) -> onnx.ModelProto:
    """A graph that holds its weights, for what cannot be given them apart.

    Args:
        graph: of a network.
        tensors: all that it needs, by name.
    """
    model = onnx.load_model_from_string(graph.onnx)
    for tensor in model.graph.initializer:
        if tensor.name in graph.shapes:
            values = np.ascontiguousarray(tensors[tensor.name])
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return model


def compiled(model: bytes, threads: int, size: int) -> openvino.CompiledModel:
    """An ONNX file's bytes, ready to run on the CPU in the numbers that it names.

    Args:
        model: with its weights.
        threads: at most so many.
        size: side of the square input, which it is faster for knowing.
    """
    core = openvino.Core()
    read = core.read_model(model)
    read.reshape([-1, size, size, 3])
    return core.compile_model(
        read,
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            # Processors that have bfloat16 would use it, and scores would differ by a hundredth.
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            # The decoders need the same cores.
            "ENABLE_CPU_PINNING": False,
        },
    )
