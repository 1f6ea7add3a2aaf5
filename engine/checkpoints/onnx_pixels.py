"""Steps around an exported ONNX network: pixels of photos of any size in, scores out.

They do in ONNX's own operators what the program does to a decoded photo: bilinear resizing as
Pillow does it (with all pixels that a new one covers, in steps of a grey value), padding,
normalising; and what is done to logits. Nothing of the network itself is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine.api.config import ModelConfig, PreprocessConfig
from engine.api.label_parents import CategoryParents
from engine.data.decoding.decode import PADDING

INPUT = "pixels"
OUTPUTS = ("logits", "scores", "position_scores")
# Pillow keeps so many binary digits of each weight.
_WEIGHT_STEPS = float(1 << 22)
_OWN = "around/"


class _Steps:
    """Nodes and constants as they are added."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: Any, dtype: type) -> str:
        name = f"{self.prefix}constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, dtype=dtype), name))
        return name

    def run(self, operator: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        """One step; the name of its result, which is ``to`` if that is given."""
        name = to or f"{self.prefix}{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=f"{name}/", **attributes))
        return name

    def cast(self, value: str, kind: str) -> str:
        name = f"{self.prefix}cast{len(self.nodes)}"
        to = getattr(TensorProto, kind)
        self.nodes.append(helper.make_node("Cast", [value], [name], name=f"{name}/", to=to))
        return name


def around(network: onnx.ModelProto, config: ModelConfig) -> None:
    """Make a network take pixels and give scores, too; it is changed in place.

    Its input becomes ``pixels`` (B, H, W, 3), uint8, upright and sRGB, any H and W. Its outputs are
    ``logits`` and ``scores`` (B, C), in which no category is below its kinds, and
    ``position_scores`` as before.

    Args:
        network: with the input ``images`` and the outputs ``logits`` and ``position_scores``.
        config: of the model.
    """
    graph = network.graph
    before, after = _Steps(f"{_OWN}in/"), _Steps(f"{_OWN}out/")
    images = _images(before, config.preprocess)
    own_logits = f"{_OWN}logits"
    for node in graph.node:
        _rename(node.input, graph.input[0].name, images)
        _rename(node.input, "logits", own_logits)
        _rename(node.output, "logits", own_logits)
    _logits(after, own_logits, len(config.categories), config.parents)
    activation = "Softmax" if config.head.activation == "softmax" else "Sigmoid"
    after.run(activation, "logits", to="scores", **({"axis": 1} if activation == "Softmax" else {}))
    nodes = [*before.nodes, *graph.node, *after.nodes]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*before.constants, *after.constants])
    batch = graph.input[0].type.tensor_type.shape.dim[0].dim_param or "batch"
    shape: list[str | int] = [batch, "height", "width", 3]
    graph.input[0].CopyFrom(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, shape))
    outputs = {value.name: value for value in graph.output}
    scores = onnx.ValueInfoProto()
    scores.CopyFrom(outputs["logits"])
    scores.name = "scores"
    kept = [outputs["logits"], scores, outputs["position_scores"]]
    del graph.output[:]
    graph.output.extend(kept)


def _rename(names: Any, old: str, new: str) -> None:
    for place, name in enumerate(names):
        if name == old:
            names[place] = new


def _images(steps: _Steps, pixels: PreprocessConfig) -> str:
    """(B, 3, S, S) normalised."""
    shape = steps.run("Shape", INPUT)
    height, width = (
        steps.run("Gather", shape, steps.constant(axis, np.int64), axis=0) for axis in (1, 2)
    )
    side = steps.constant(pixels.input_size, np.int64)
    inner_height, inner_width = side, side
    if pixels.resize == "letterbox":
        inner_height, inner_width = _inner(steps, (height, width), side)
    image = steps.cast(steps.run("Transpose", INPUT, perm=[0, 3, 1, 2]), "FLOAT")
    across = steps.run("Transpose", _weights(steps, width, inner_width), perm=[1, 0])
    down = _weights(steps, height, inner_height)
    lost = [steps.run("Sub", *p) for p in ((height, inner_height), (width, inner_width))]
    image = _resized(steps, image, (down, across), _is_down_first(steps, *lost))
    if pixels.resize == "letterbox":
        image = _padded(steps, image, (inner_height, inner_width), side)
    scaled = steps.run("Div", image, steps.constant(255.0, np.float32))
    mean, std = (
        steps.constant(np.reshape(values, (1, 3, 1, 1)), np.float32)
        for values in (pixels.mean, pixels.std)
    )
    return steps.run("Div", steps.run("Sub", scaled, mean), std)


def _is_down_first(steps: _Steps, rows: str, columns: str) -> str:
    """Whether Pillow (from 13 on) resizes the columns first: as found by trying its results.

    Where few rows are left the rest is less work. The order is seen in the grey values, which are
    whole in between: it moves a fifth of them by one.
    """
    none = steps.constant(0, np.int64)
    is_shrunk = steps.run("Greater", rows, none)
    is_less = steps.run("Greater", rows, steps.run("Add", columns, columns))
    return steps.run("And", is_shrunk, is_less)


def _resized(steps: _Steps, image: str, weights: tuple[str, str], is_down_first: str) -> str:
    """Rows and columns brought to their new size, one after the other."""
    down, across = weights
    branches = {}
    for branch, order in (("then_branch", (down, across)), ("else_branch", (across, down))):
        inner, result = _Steps(f"{steps.prefix}{branch}/"), image
        for table in order:
            pair = (table, result) if table == down else (result, table)
            result = _whole(inner, inner.run("MatMul", *pair))
        output = helper.make_tensor_value_info(result, TensorProto.FLOAT, None)
        branches[branch] = helper.make_graph(inner.nodes, branch, [], [output], inner.constants)
    return steps.run("If", is_down_first, **branches)


def _weights(steps: _Steps, have: str, want: str) -> str:
    """(want, have) float32: the share that each old row or column has in each new one."""
    half, zero, one = (steps.constant(value, np.float64) for value in (0.5, 0.0, 1.0))
    first, step = (steps.constant(value, np.int64) for value in (0, 1))
    scale = steps.run("Div", steps.cast(have, "DOUBLE"), steps.cast(want, "DOUBLE"))
    reach = steps.run("Div", one, steps.run("Max", scale, one))
    old, new = (
        steps.run("Add", steps.cast(steps.run("Range", first, count, step), "DOUBLE"), half)
        for count in (have, want)
    )
    axis = steps.constant([1], np.int64)
    centre = steps.run("Unsqueeze", steps.run("Mul", new, scale), axis)
    distance = steps.run("Abs", steps.run("Mul", steps.run("Sub", old, centre), reach))
    share = steps.run("Max", steps.run("Sub", one, distance), zero)
    share = steps.run("Div", share, steps.run("ReduceSum", share, axis, keepdims=1))
    many = steps.constant(_WEIGHT_STEPS, np.float64)
    fine = steps.run("Floor", steps.run("Add", steps.run("Mul", share, many), half))
    return steps.cast(steps.run("Div", fine, many), "FLOAT")


def _whole(steps: _Steps, image: str) -> str:
    """Whole grey values, a half rounded up."""
    return steps.run("Floor", steps.run("Add", image, steps.constant(0.5, np.float32)))


def _inner(steps: _Steps, size: tuple[str, str], side: str) -> tuple[str, ...]:
    """Height and width of what the photo covers of a square, in pixels."""
    longer = steps.cast(steps.run("Max", *size), "DOUBLE")
    scale = steps.run("Div", steps.cast(side, "DOUBLE"), longer)
    one = steps.constant(1.0, np.float64)
    found = (steps.run("Mul", steps.cast(part, "DOUBLE"), scale) for part in size)
    whole = (steps.run("Max", steps.run("Round", part), one) for part in found)
    return tuple(steps.cast(part, "INT64") for part in whole)


def _padded(steps: _Steps, image: str, inner: Sequence[str], side: str) -> str:
    two, at = steps.constant(2, np.int64), steps.constant([0], np.int64)
    left_over = [steps.run("Sub", side, part) for part in inner]
    before = [steps.run("Div", part, two) for part in left_over]
    after = [steps.run("Sub", whole, b) for whole, b in zip(left_over, before, strict=True)]
    none = steps.constant([0, 0], np.int64)
    parts = [[steps.run("Unsqueeze", part, at) for part in ends] for ends in (before, after)]
    pads = steps.run("Concat", none, *parts[0], none, *parts[1], axis=0)
    return steps.run("Pad", image, pads, steps.constant(float(PADDING), np.float32))


def _logits(steps: _Steps, own: str, count: int, parents: CategoryParents) -> None:
    """In which no category is below one that is a kind of it."""
    if not parents:
        steps.run("Identity", own, to="logits")
        return
    kinds: list[list[int]] = [[place] for place in range(count)]
    for place in range(count):
        for ancestor in parents.ancestors(place):
            kinds[ancestor].append(place)
    most = max(map(len, kinds))
    table = [row + row[:1] * (most - len(row)) for row in kinds]
    each = steps.run("Gather", own, steps.constant(table, np.int64), axis=1)
    axis = steps.constant([2], np.int64)
    steps.run("ReduceMax", each, axis, to="logits", keepdims=0)
