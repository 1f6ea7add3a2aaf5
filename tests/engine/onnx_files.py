"""Small taggers as ONNX: their scores are the mean colours of a photo, weighted."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

#: Of red, green and blue in the logit of each of four categories.
WEIGHTS = np.array([[4, 0, 0], [0, 4, 0], [0, 0, 4], [-3, -3, 6]], dtype=np.float32)
BIAS = np.array([-1.0, -2.0, -0.5, 0.25], dtype=np.float32)


def write_tagger(path, *, side=32, batch="N", nhwc=False, last="", maps="", **other):
    """Write one.

    Args:
        path: of the file.
        side: of its input; text leaves it free.
        batch: likewise.
        nhwc: takes channels last.
        last: step of the output "scores" after the logits: "Sigmoid" or "Softmax".
        maps: "mean" has position scores that add up, "four" has them without an axis of heads,
            "wrong" has others.
        other: ``pixels``, the type of the input; ``opsets``, ``steps``, ``inputs``, ``outputs`` and
            ``metadata`` are added.
    """
    kind = other.get("pixels", TensorProto.FLOAT)
    shape = [batch, side, side, 3] if nhwc else [batch, 3, side, side]
    steps, at = [], "image"
    if kind != TensorProto.FLOAT:
        steps.append(helper.make_node("Cast", [at], ["floats"], to=TensorProto.FLOAT))
        at = "floats"
    if nhwc:
        steps.append(helper.make_node("Transpose", [at], ["planes"], perm=[0, 3, 1, 2]))
        at = "planes"
    steps += [
        helper.make_node("Conv", [at, "weights", "bias"], ["seen"]),
        helper.make_node("GlobalAveragePool", ["seen"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["logits" if last else "scores"]),
    ]
    if last:
        steps.append(helper.make_node(last, ["logits"], ["scores"]))
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, len(BIAS)])]
    if maps:
        source = "weird" if maps == "wrong" else "seen"
        if maps == "wrong":
            steps.append(helper.make_node("Add", ["seen", "seen"], ["weird"]))
        if maps == "four":
            steps.append(helper.make_node("Identity", [source], ["maps"]))
        else:
            steps.append(helper.make_node("Unsqueeze", [source, "axis"], ["maps"]))
        outputs.append(helper.make_tensor_value_info("maps", TensorProto.FLOAT, None))
    weights = [
        numpy_helper.from_array(WEIGHTS[:, :, None, None], "weights"),
        numpy_helper.from_array(BIAS, "bias"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"),
    ]
    graph = helper.make_graph(
        [*steps, *other.get("steps", ())],
        "tagger",
        [helper.make_tensor_value_info("image", kind, shape), *other.get("inputs", ())],
        [*outputs, *other.get("outputs", ())],
        weights,
    )
    opsets = [helper.make_opsetid("", 17), *other.get("opsets", ())]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    for key, value in other.get("metadata", {}).items():
        model.metadata_props.add(key=key, value=value)
    save(model, path)
    return path


def expected_logits(pixels, mean=(0, 0, 0), std=(1, 1, 1)):
    """(C,) of (h, w, 3) uint8 pixels."""
    scaled = (pixels / 255 - np.array(mean)) / np.array(std)
    return scaled.mean(axis=(0, 1)) @ WEIGHTS.T + BIAS


def write_names(path, names=("red thing", "golden_retriever", "^_^", "cat")):
    """Write a list of names."""
    path.write_text("\n".join(names) + "\n", encoding="utf-8")
    return path
