"""A model's network as ONNX without its weights, checked against PyTorch.

PyTorch's exporter would work weights out into new ones. So they are made inputs while its graph is
tidied up, and become weights again, kept elsewhere, afterwards (docs/adr/0016).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir
import torch
from onnx import helper
from onnxscript import optimizer
from torch import Tensor, nn

from engine.api.errors import CheckpointError
from engine.api.values import FloatArray
from engine.checkpoints.exporting import largest_difference, quiet
from engine.checkpoints.safetensors_model import Checkpoint
from engine.inference.graphs import Graph
from engine.inference.onnx_backend import OnnxBackend
from engine.models.classifier import Classifier
from engine.pytorch.torch_backend import TorchBackend

#: Largest difference from PyTorch, relative to the largest value where that is above 1.
TOLERANCE = 1e-3
_OUTPUTS = ("logits", "position_scores", "features")
_BATCHES = (1, 3)
# Nothing lies there: the weights are given when a graph is loaded.
_ELSEWHERE = "weights"


class _FromPixels(nn.Module):
    """A classifier with what is done to pixels before it."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.backbone = classifier.backbone
        self.heads = classifier.heads
        pixels = classifier.config.preprocess
        self.side = pixels.input_size
        for name, values in (("pixel_mean", pixels.mean), ("pixel_std", pixels.std)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, S, S, 3) uint8 → logits, position scores and features."""
        images = pixels.permute(0, 3, 1, 2).float() / 255.0
        features = self.backbone((images - self.pixel_mean) / self.pixel_std)
        output = self.heads(features)
        return output.logits, output.position_scores, features


def export_graph(checkpoint: Checkpoint) -> Graph:
    """The graph of a model, for any number of images at once; the model stays as it is.

    Raises:
        CheckpointError: the network has no ONNX form, or its results differ by more than 1e-3.
    """
    name, classifier = checkpoint.record.name, checkpoint.classifier
    weights = checkpoint.weights.tensors
    try:
        with quiet():
            proto = _tidied(_exported(_FromPixels(classifier).eval()), weights)
    except Exception as error:  # the exporter's errors have no other class in common
        raise CheckpointError(
            f"{name!r} cannot be run with ONNX Runtime: its backbone "
            f"({checkpoint.record.config.backbone}) has steps that ONNX lacks."
        ) from error
    used = {tensor.name for tensor in proto.graph.initializer} & weights.keys()
    shapes = {name: tuple(weights[name].shape) for name in used}
    graph = Graph(proto.SerializeToString(), shapes)
    worst = difference(checkpoint, graph)
    if not worst <= TOLERANCE:
        raise CheckpointError(
            f"{name!r} is not run with ONNX Runtime: its results differ by {worst:.1e}."
        )
    return graph


def difference(checkpoint: Checkpoint, graph: Graph) -> float:
    """The largest one between what ONNX Runtime and PyTorch say, relative where above 1.

    Raises:
        CheckpointError: ONNX Runtime cannot run it.
    """
    ours = TorchBackend(checkpoint.classifier, torch.device("cpu"))
    theirs = OnnxBackend(checkpoint.weights, graph)
    size = checkpoint.record.config.preprocess.input_size
    chance = np.random.default_rng(0)
    found = []
    for batch in _BATCHES:
        pixels = chance.integers(0, 256, (batch, size, size, 3), dtype=np.uint8)
        a, b = theirs.run(pixels), ours.run(pixels)
        pairs = ((a.logits, b.logits), (a.position_scores, b.position_scores))
        found += [largest_difference(*pair) for pair in pairs]
    return max(found)


def _exported(network: _FromPixels) -> onnx.ModelProto:
    program = torch.onnx.export(
        network,
        (torch.zeros(2, network.side, network.side, 3, dtype=torch.uint8),),
        dynamo=True,
        optimize=False,
        input_names=["pixels"],
        output_names=list(_OUTPUTS),
        dynamic_shapes={"pixels": {0: torch.export.Dim("batch")}},
        verbose=False,
    )
    if program is None:
        raise ValueError("nothing was exported")
    found: onnx.ModelProto = program.model_proto
    return found


def _tidied(model: onnx.ModelProto, weights: Mapping[str, FloatArray]) -> onnx.ModelProto:
    own = [tensor for tensor in model.graph.initializer if tensor.name in weights]
    others = [tensor for tensor in model.graph.initializer if tensor.name not in weights]
    _replace(model.graph.initializer, others)
    inputs = list(model.graph.input)
    values = [helper.make_tensor_value_info(one.name, one.data_type, one.dims) for one in own]
    _replace(model.graph.input, [*inputs, *values])
    tree = onnx_ir.from_proto(model)
    optimizer.optimize(tree, num_iterations=3, onnx_shape_inference=True)
    model = onnx_ir.to_proto(tree)
    _replace(model.graph.input, inputs)
    # Some networks have weights that lead to no feature map; ONNX Runtime refuses to be given them.
    used = {name for node in model.graph.node for name in node.input}
    names = [tensor.name for tensor in own if tensor.name in used]
    model.graph.initializer.extend(_elsewhere(name, weights[name]) for name in names)
    _forget_origins(model)
    return model


def _elsewhere(name: str, values: FloatArray) -> onnx.TensorProto:
    tensor = onnx.TensorProto(
        name=name,
        data_type=onnx.TensorProto.FLOAT,
        dims=values.shape,
        data_location=onnx.TensorProto.EXTERNAL,
    )
    tensor.external_data.add(key="location", value=_ELSEWHERE)
    return tensor


def _forget_origins(model: onnx.ModelProto) -> None:
    """Where in which source each step comes from: most of a graph's bytes."""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    del model.metadata_props[:]


def _replace(field: Any, values: Sequence[Any]) -> None:
    """Fill a list of the file's format anew; it cannot be assigned to."""
    del field[:]
    field.extend(values)
