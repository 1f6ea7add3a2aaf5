"""A model as ONNX, for other programs: one file with two outputs, checked against PyTorch."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from engine.api.errors import CheckpointError
from engine.api.geometry import content_box
from engine.api.values import FloatArray, PixelArray
from engine.checkpoints.exporting import largest_difference, quiet
from engine.checkpoints.safetensors_model import Checkpoint
from engine.data.decoding.decode import PADDING
from engine.models.classifier import Classifier
from engine.models.heads import ResidualAttentionHeads, pool
from engine.records.litter import noted_path
from engine.records.model_record import PIXELS_FORMAT, to_metadata
from engine.texts import reason_text

OUTPUTS = ("logits", "position_scores")
_TOLERANCE = 1e-4
# Resizing here and in Pillow differs by a grey value in a few pixels of a thousand.
_RESIZED_TOLERANCE = 0.05
_BATCHES = (1, 3)


class _AsItIs(nn.Module):
    """A classifier whose heads cannot be folded."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) normalised pixels → logits (B, C), and them again as (B, 1, C, 1, 1)."""
        output = self.classifier(images)
        return output.logits, output.position_scores


class _Folded(nn.Module):
    """The classifier with everything that is fixed folded into one 1×1 convolution."""

    weight: Tensor
    bias: Tensor

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.backbone = classifier.backbone
        self.head = classifier.config.head
        self.num_classes = len(classifier.config.categories)
        weight, bias = fold_heads(classifier.linear_heads)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) normalised pixels → logits (B, C), scores (B, num_heads, C, h, w)."""
        scores = functional.conv2d(self.backbone(images), self.weight, self.bias)
        shape = (scores.shape[0], self.head.num_heads, self.num_classes, *scores.shape[2:])
        scores = scores.reshape(shape)
        return pool(scores, self.head.temperatures, self.head.lam), scores


def fold_heads(heads: ResidualAttentionHeads) -> tuple[Tensor, Tensor]:
    """The heads as one convolution: their norms, standardisation and biases worked out once.

    Returns:
        Weight (num_heads·C, D, 1, 1) and bias (num_heads·C,), for the features as they come from
        the backbone.
    """
    weight = heads.weight.detach()
    if heads.config.normalize:
        weight = weight / weight.norm(dim=2, keepdim=True)
    weight = weight.flatten(0, 1)
    bias = torch.zeros(len(weight)) if heads.bias is None else heads.bias.detach().flatten()
    norm = heads.standardization
    if norm is not None and norm.running_var is not None and norm.running_mean is not None:
        weight = weight / (norm.running_var + norm.eps).sqrt()
        bias = bias - weight @ norm.running_mean
    return weight[:, :, None, None].contiguous(), bias


def export_onnx(checkpoint: Checkpoint, path: Path, *, with_preprocessing: bool = False) -> float:
    """Write a model as ONNX, for any number of images at once, and check it with ONNX Runtime.

    The input ``images`` is (B, 3, S, S), float32, normalised as the metadata of the file say
    (``model``, JSON); the outputs are ``logits`` (B, C) and ``position_scores``
    (B, num_heads, C, h, w). Heads that have no maps give the logits again as the second,
    (B, 1, C, 1, 1): one position is the whole image.

    Args:
        checkpoint: what to write; it stays as it is.
        path: ends in ``.onnx`` by convention; it is written only if the check succeeds.
        with_preprocessing: the input is ``pixels`` (B, H, W, 3), uint8, of any size, instead, and
            ``scores`` come out, too (``engine.checkpoints.onnx_pixels``).

    Returns:
        The largest difference from PyTorch found, relative to the largest value where that is
        above 1.

    Raises:
        CheckpointError: ONNX is not installed, the network has no ONNX form, the results differ
            by more than 1e-4, or the file cannot be written.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        _needed(package)
    size = checkpoint.classifier.config.preprocess.input_size
    is_linear = checkpoint.classifier.config.head.is_linear
    folded = (_Folded if is_linear else _AsItIs)(checkpoint.classifier).eval()
    try:
        with noted_path(path) as temporary:
            _write(folded, size, checkpoint, temporary)
            if with_preprocessing:
                _put_around(checkpoint, temporary)
                return _checked_from_pixels(checkpoint, size, temporary)
            return _checked_difference(checkpoint, size, temporary)
    except OSError as error:
        reason = reason_text(error)
        raise CheckpointError(f"The model could not be saved to {path}: {reason}.") from error


def _needed(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise CheckpointError(
            f"Exporting to ONNX needs the package {package}, which is not installed: "
            "pip install onnx onnxscript onnxruntime"
        ) from error


def _write(folded: nn.Module, size: int, checkpoint: Checkpoint, path: Path) -> None:
    name = checkpoint.record.name
    try:
        with quiet():
            program = torch.onnx.export(
                folded,
                (torch.zeros(2, 3, size, size),),
                dynamo=True,
                input_names=["images"],
                output_names=list(OUTPUTS),
                dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
                verbose=False,
            )
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise CheckpointError(
            f"{name!r} cannot be written as ONNX: its backbone "
            f"({checkpoint.record.config.backbone}) has steps that ONNX lacks."
        ) from error
    if program is None:
        raise CheckpointError(f"{name!r} cannot be written as ONNX.")
    proto = program.model_proto
    _forget_sources(proto)
    table = to_metadata(checkpoint.record, checkpoint.id)
    for key in ("format", "version", "model"):
        proto.metadata_props.add(key=key, value=table[key])
    _needed("onnx").save(proto, path)


def _forget_sources(proto: Any) -> None:
    """Take away which line of which file each step comes from: files of this computer."""
    for part in (proto.graph, *proto.functions):
        for node in part.node:
            del node.metadata_props[:]
            node.doc_string = ""


def _put_around(checkpoint: Checkpoint, path: Path) -> None:
    # Its packages are an extra.
    from engine.checkpoints.onnx_pixels import around  # noqa: PLC0415

    onnx = _needed("onnx")
    proto = onnx.load(path)
    around(proto, checkpoint.record.config)
    for entry in proto.metadata_props:
        if entry.key == "format":
            entry.value = PIXELS_FORMAT
    onnx.save(proto, path)


def _checked_from_pixels(checkpoint: Checkpoint, size: int, path: Path) -> float:
    """As ``_checked_difference``, of pixels of the model's own size and of another one."""
    random = np.random.default_rng(0)
    shapes = [(batch, size, size) for batch in _BATCHES] + [(1, size + 37, 2 * size + 5)]
    worst = 0.0
    for batch, height, width in shapes:
        pixels = random.integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
        theirs = _run(checkpoint.record.name, path, {"pixels": pixels})
        ours = from_pixels(checkpoint, np.stack([_fitted(image, checkpoint) for image in pixels]))
        worst = max([worst, *map(largest_difference, theirs, ours)])
        allowed = _TOLERANCE if (height, width) == (size, size) else _RESIZED_TOLERANCE
        _check(checkpoint.record.name, worst, allowed)
    return worst


def from_pixels(checkpoint: Checkpoint, pixels: PixelArray) -> tuple[FloatArray, FloatArray]:
    """What PyTorch makes of pixels of the model's size, as the program does.

    Args:
        checkpoint: the model.
        pixels: (B, S, S, 3).

    Returns:
        Logits (B, C), in which no category is below its kinds, and position scores.
    """
    config = checkpoint.record.config
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1)
        for values in (config.preprocess.mean, config.preprocess.std)
    )
    images = torch.tensor(pixels).permute(0, 3, 1, 2).float() / 255.0
    with torch.inference_mode():
        found = checkpoint.classifier((images - mean) / std)
    return config.parents.implied(found.logits.numpy()), found.position_scores.numpy()


def _fitted(image: PixelArray, checkpoint: Checkpoint) -> PixelArray:
    """One picture brought to the model's size as the decoder does it."""
    pixels = checkpoint.record.config.preprocess
    side, (height, width) = pixels.input_size, image.shape[:2]
    box = content_box(width, height, side, pixels.resize)
    target = round(box.width * side), round(box.height * side)
    inner = Image.fromarray(image).resize(target, Image.Resampling.BILINEAR)
    square = Image.new("RGB", (side, side), (PADDING,) * 3)
    square.paste(inner, (round(box.left * side), round(box.top * side)))
    return np.asarray(square)


def _checked_difference(checkpoint: Checkpoint, size: int, path: Path) -> float:
    generator = torch.Generator().manual_seed(0)
    differences = []
    for batch in _BATCHES:
        images = torch.randn(batch, 3, size, size, generator=generator)
        theirs = _run(checkpoint.record.name, path, {"images": images.numpy()})
        with torch.inference_mode():
            ours = checkpoint.classifier(images)
        differences += [largest_difference(a, b.numpy()) for a, b in zip(theirs, ours, strict=True)]
    worst = max(differences)
    _check(checkpoint.record.name, worst, _TOLERANCE)
    return worst


def _check(name: str, worst: float, allowed: float) -> None:
    if not worst <= allowed:
        raise CheckpointError(
            f"{name!r} was not exported: as ONNX its results differ by {worst:.1e}, more than "
            f"{allowed:.0e}."
        )


def _run(name: str, path: Path, inputs: Mapping[str, NDArray[Any]]) -> list[FloatArray]:
    runtime = _needed("onnxruntime")
    try:
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        found: list[FloatArray] = session.run(list(OUTPUTS), dict(inputs))
    except Exception as error:  # its errors have no other class in common
        reason = str(error).partition("\n")[0][:200]
        count = len(next(iter(inputs.values())))
        raise CheckpointError(
            f"{name!r} was not exported: ONNX Runtime cannot run {count} images ({reason})."
        ) from error
    return found
