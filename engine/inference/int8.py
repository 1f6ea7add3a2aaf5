"""Networks in whole numbers of eight bits: which steps, within which ranges, made of a graph.

Convolutions and products with weights on the way to the features are run in int8, weights by
channel. The first two of each network stay as they are: they cost little, and what they lose is
lost to all that follows. So do the heads, hence position scores are numbers as fine as before
(docs/adr/0020), and groups of a classifier's classes: eight bits cannot tell small shares apart
(docs/adr/0023).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.shape_inference import quant_pre_process

from engine.api.errors import ModelError
from engine.inference.graphs import Graph
from engine.inference.onnx_backend import available_cores
from engine.inference.weights import ModelWeights
from engine.records.litter import OwnFolder

_STEPS = ("Conv", "MatMul", "Gemm")
_LEFT_OUT = 2
#: Weights of a network of its own, which has first ones too: with them in int8, maps of 400 photos
#: of VOC2007 val correlated 0.989, without 0.994.
_DETECTOR = "backbone.detector."
#: Weights of groups, whose products are of exponentials.
_GROUPS = "backbone.groups."
_ERRORS_ONLY = 3
#: Of each photo, so many values a hundred thousand may lie outside of a range.
_TAIL = 1e-4
_VALUES = 100_000


class Int8Maker:
    """Makes the int8 network of a model, once it has seen how large values become.

    Args:
        weights: of the model.
        graph: of its network.

    Raises:
        ModelError: nothing in it can be run in int8.
    """

    def __init__(self, weights: ModelWeights, graph: Graph) -> None:
        whole = with_weights(graph, weights)
        of_groups = _made_of(whole, _GROUPS)
        self._model = _folded(whole)
        steps = [step for step in _steps(self._model) if step.input[1] not in of_groups]
        detecting = [step for step in steps if step.input[1].startswith(_DETECTOR)]
        others = [step for step in steps if not step.input[1].startswith(_DETECTOR)]
        self._steps = [*others[_LEFT_OUT:], *detecting[_LEFT_OUT:]]
        if not self._steps:
            raise ModelError(f"Nothing in {weights.record.name!r} can be run in int8.")
        self._names = list(dict.fromkeys(step.input[0] for step in self._steps))
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in self._names)
        self._session = _session(model)

    def range_of(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """How large what enters each step becomes: (steps, 2) least and greatest.

        Args:
            pixels: (S, S, 3) uint8, of one photo, resized as the model wants.
        """
        found = self._session.run(self._names, {"pixels": np.ascontiguousarray(pixels[None])})
        return np.array([_range(values) for values in found])

    def make(self, ranges: Iterable[NDArray[np.float64]]) -> bytes:
        """The network as ONNX with its weights; inputs and outputs are those of the graph.

        Args:
            ranges: of some photos.
        """
        seen = np.array(list(ranges))
        least, greatest = seen[..., 0].min(axis=0), seen[..., 1].max(axis=0)
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        quantizer = QDQQuantizer(
            model,
            True,  # by channel
            False,
            QuantType.QInt8,
            QuantType.QUInt8,
            _as_tensors(self._names, least, greatest),
            [step.name for step in self._steps],
            [],
            list(_STEPS),
            # What leaves a step is cut by the activation after it; ranges are those behind that.
            {"OpTypesToExcludeOutputQuantization": list(_STEPS)},
        )
        quantizer.quantize_model()
        made: bytes = quantizer.model.model.SerializeToString()
        return made


def with_weights(graph: Graph, weights: ModelWeights) -> onnx.ModelProto:
    """A graph that holds its weights.

    Args:
        graph: of a network.
        weights: those that it needs.
    """
    model = onnx.load_model_from_string(graph.onnx)
    for tensor in model.graph.initializer:
        if tensor.name in graph.shapes:
            values = np.ascontiguousarray(weights.tensors[tensor.name])
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return model


def _folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Batch norms become parts of the convolutions before them."""
    with OwnFolder() as folder:
        before, path = folder / "model.onnx", folder / "folded.onnx"
        onnx.save(model, before)
        quant_pre_process(before, path, skip_symbolic_shape=True)
        return onnx.load(path)


def _steps(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Those with weights on the way to the features, in order."""
    weights = {tensor.name for tensor in model.graph.initializer}
    needed, found = {"features"}, []
    for node in reversed(model.graph.node):
        if needed.isdisjoint(node.output):
            continue
        needed.update(node.input)
        if node.op_type in _STEPS and node.input[1] in weights and node.input[0] not in weights:
            found.append(node)
    return found[::-1]


def _made_of(model: onnx.ModelProto, prefix: str) -> set[str]:
    """What weights whose names start so flow into, themselves included; folding keeps the names."""
    found = {tensor.name for tensor in model.graph.initializer if tensor.name.startswith(prefix)}
    for node in model.graph.node:
        if not found.isdisjoint(node.input):
            found.update(node.output)
    return found


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    data = model.SerializeToString()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _range(values: NDArray[np.float32]) -> tuple[float, float]:
    """Single values far outside would make all others coarse."""
    some = values.reshape(-1)[:: max(1, values.size // _VALUES)]
    low, high = np.quantile(some, [_TAIL, 1.0 - _TAIL])
    return min(float(low), 0.0), max(float(high), 0.0)


def _as_tensors(
    names: list[str], least: NDArray[np.float64], greatest: NDArray[np.float64]
) -> TensorsData:
    found: Mapping[str, TensorData] = {
        name: TensorData(lowest=np.float32(low), highest=np.float32(high))
        for name, low, high in zip(names, least, greatest, strict=True)
    }
    return TensorsData(CalibrationMethod.MinMax, dict(found))
