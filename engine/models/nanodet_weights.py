"""The published weights of NanoDet-g, out of a graph of TensorFlow.js.

Such a graph is a JSON file that says which steps there are, and where each tensor lies in the files
beside it. Only its convolutions are looked at: they come in the order of those of ``NanoDet``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from engine.api.errors import ModelError
from engine.api.values import FloatArray
from engine.models.nanodet import NanoDet
from engine.texts import display_path, reason_text

_KINDS = {name: np.dtype(name).newbyteorder("<") for name in ("float16", "float32", "int32")}


class _Convolution(NamedTuple):
    """(D_out, D_in, k, k) and (D_out,)."""

    weight: FloatArray
    bias: FloatArray


def load_nanodet(network: NanoDet, graph: Path) -> None:
    """Give a network the weights of a published graph, in place.

    Args:
        network: as wide as the graph. Of the last convolutions, which say where boxes are too, it
            takes what says the category.
        graph: ``nanodet.json``; the files that it names lie beside it.

    Raises:
        ModelError: a file is missing or is none of these, or it does not fit the network.
    """
    shown = display_path(graph)
    try:
        found = _convolutions(graph)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{shown} is not read: it is no graph of TensorFlow.js whose weights lie beside it "
            f"({type(error).__name__}: {reason_text(error)})."
        ) from error
    own = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    if len(found) != len(own):
        raise ModelError(f"{shown} has {len(found)} convolutions, this network has {len(own)}.")
    # Its pixels were in the order blue, green, red.
    found[0] = found[0]._replace(weight=found[0].weight[:, ::-1])
    lasts = network.classifiers()
    for number, (module, theirs) in enumerate(zip(own, found, strict=True)):
        outputs = module.out_channels if module in lasts else len(theirs.weight)
        weight, bias = theirs.weight[:outputs], theirs.bias[:outputs]
        if weight.shape != module.weight.shape or bias.shape != (module.out_channels,):
            raise ModelError(
                f"Convolution {number} of {shown} has the shape {weight.shape}, "
                f"not {tuple(module.weight.shape)}."
            )
        with torch.no_grad():
            module.weight.copy_(torch.from_numpy(weight.copy()))
            if module.bias is not None:
                module.bias.copy_(torch.from_numpy(bias.copy()))


def _convolutions(graph: Path) -> list[_Convolution]:
    """In the order of their numbers, which is that of the network before it was converted."""
    content = json.loads(graph.read_text(encoding="utf-8"))
    tensors = _tensors(graph.parent, content["weightsManifest"])
    nodes = content["modelTopology"]["node"]
    # What is added to a convolution is its bias.
    biases = {node["input"][0]: node["input"][1] for node in nodes if node["op"] == "Add"}
    found = {
        _number(node["name"]): _Convolution(
            tensors[node["input"][1]].transpose(3, 2, 0, 1), tensors[biases[node["name"]]]
        )
        for node in nodes
        if node["op"] == "Conv2D"
    }
    return [found[number] for number in sorted(found)]


def _number(name: str) -> int:
    """Of ``…/convolution_12``; the first one has none."""
    digits = name.rpartition("_")[2]
    return int(digits) if digits.isdecimal() else 0


def _tensors(folder: Path, groups: list[dict[str, Any]]) -> dict[str, FloatArray]:
    tensors: dict[str, FloatArray] = {}
    for group in groups:
        # The name alone: a graph could point anywhere.
        parts = [(folder / Path(path).name).read_bytes() for path in group["paths"]]
        content, start = b"".join(parts), 0
        for entry in group["weights"]:
            kind = _KINDS[entry.get("quantization", entry)["dtype"]]
            count = math.prod(entry["shape"])
            values = np.frombuffer(content, kind, count, start)
            tensors[entry["name"]] = values.astype(np.float32).reshape(entry["shape"])
            start += values.nbytes
    return tensors
