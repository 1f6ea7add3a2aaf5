"""A model's network as ONNX without its weights, checked against PyTorch.

PyTorch's exporter would work weights out into new ones. So they are made inputs while its graph is
tidied up, and become weights again, kept elsewhere, afterwards (docs/adr/0016).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir
import torch
from onnx import helper
from onnxscript import optimizer
from torch import Tensor, nn

from engine.api.config import HeadConfig
from engine.api.errors import CheckpointError
from engine.api.values import FloatArray
from engine.checkpoints.exporting import largest_difference, quiet
from engine.checkpoints.safetensors_model import Checkpoint
from engine.inference.graphs import Graph
from engine.inference.onnx_backend import OnnxBackend
from engine.models.classifier import Classifier
from engine.models.heads import ResidualAttentionHeads
from engine.models.resizing import resized
from engine.pytorch.torch_backend import TorchBackend

_log = logging.getLogger(__name__)
#: Largest difference from PyTorch, relative to the largest value where that is above 1.
TOLERANCE = 1e-3
_OUTPUTS = ("logits", "position_scores", "features")
_BATCHES = (1, 3)
#: Backbones halve their input up to five times; between such sizes they pad each other ways.
_STEP = 32
_SMALL = 2 * _STEP
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
        if not isinstance(self.heads, ResidualAttentionHeads):
            output = self.heads(features)
            return output.logits, output.position_scores, features
        # As the heads do it, but by steps in which no size of the feature map is written down.
        flat = self.heads.flat_scores(features)
        scores = torch.stack(flat.chunk(self.heads.config.num_heads, dim=1), dim=1)
        return _pooled(scores, self.heads.config), scores, features


def _pooled(scores: Tensor, config: HeadConfig) -> Tensor:
    attended = [
        _attended(scores[:, head], temperature)
        for head, temperature in enumerate(config.temperatures)
    ]
    return (scores.mean(dim=(3, 4)) + config.lam * torch.stack(attended, dim=1)).sum(dim=1)


def _attended(scores: Tensor, temperature: float) -> Tensor:
    """(B, C, h, w) → (B, C)."""
    peaks = scores.amax(dim=(2, 3), keepdim=True)
    if math.isinf(temperature):
        return peaks[:, :, 0, 0]
    weights = (temperature * (scores - peaks)).exp()
    return (scores * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3))


def export_graph(checkpoint: Checkpoint) -> Graph:
    """The graph of a model, for any number of images at once; the model stays as it is.

    Of a network that is convolutional throughout it takes other input sizes too.

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
    free = Graph(_of_any_size(proto).SerializeToString(), shapes, _STEP)
    if takes_other_sizes(checkpoint, free):
        graph = free
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
    size = checkpoint.record.config.preprocess.input_size
    backend = OnnxBackend(checkpoint.weights, graph)
    return max(_difference(backend, checkpoint.classifier, size, batch) for batch in _BATCHES)


def takes_other_sizes(checkpoint: Checkpoint, graph: Graph) -> bool:
    """Whether ONNX Runtime says what PyTorch says at smaller sizes too, which cost less."""
    own = checkpoint.record.config.preprocess.input_size
    if own % _STEP:
        return False
    sizes = {_SMALL, own // _SMALL * _STEP, own - _STEP} - {0, own}
    try:
        backend = OnnxBackend(checkpoint.weights, graph)
        for size in sorted(sizes):
            backend.run(np.zeros((1, size, size, 3), dtype=np.uint8))
            other = resized(checkpoint.classifier, size)
            if not _difference(backend, other, size, 1) <= TOLERANCE:
                return False
    except Exception as error:  # noqa: BLE001  # ONNX Runtime's have no other class in common
        _log.debug("a network of one size only: %s", error)
        return False
    return True


def _difference(theirs: OnnxBackend, classifier: Classifier, size: int, batch: int) -> float:
    ours = TorchBackend(classifier, torch.device("cpu"))
    pixels = np.random.default_rng(0).integers(0, 256, (batch, size, size, 3), dtype=np.uint8)
    a, b = theirs.run(pixels), ours.run(pixels)
    pairs = ((a.logits, b.logits), (a.position_scores, b.position_scores))
    return max(largest_difference(*pair) for pair in pairs)


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


def _of_any_size(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same steps with the sides of images and feature maps left open."""
    free = onnx.ModelProto()
    free.CopyFrom(model)
    sides = [(value, len(value.type.tensor_type.shape.dim)) for value in free.graph.output]
    named = [(value, range(count - 2, count), "map") for value, count in sides if count > 2]
    for value, axes, name in [(free.graph.input[0], (1, 2), "image"), *named]:
        for axis, side in zip(axes, ("height", "width"), strict=True):
            value.type.tensor_type.shape.dim[axis].dim_param = f"{name}_{side}"
    return free


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
