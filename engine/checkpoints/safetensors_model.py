"""Our own model files: safetensors with a record of everything needed to use them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from engine.api.config import ModelConfig
from engine.api.errors import CheckpointError, ModelError
from engine.checkpoints.half import halved
from engine.checkpoints.weights import (
    check_fit,
    check_weights,
    classifier_shapes,
    classifier_to_fill,
    load_exactly,
    read_tensors,
)
from engine.inference.onnx_network import has_onnx_network, open_network
from engine.inference.weights import ModelWeights
from engine.models.classifier import Classifier
from engine.records.litter import noted_inside
from engine.records.model_record import (
    CheckpointRecord,
    former_model_id,
    from_metadata,
    model_id,
    only_runs,
    to_metadata,
)
from engine.records.safetensors_header import SafetensorsHeader, read_header
from engine.records.sparse_tensors import (
    KEY,
    MASK,
    PARTS,
    VALUES,
    as_declared,
    is_sparse,
    packed,
    shapes_in,
    shapes_text,
    unpacked,
)
from engine.texts import reason_text

_FLOAT_TYPES = {"F32", "F16", "BF16", "F64"}


@dataclass(frozen=True)
class Checkpoint:
    """A loaded model file.

    Attributes:
        classifier: in evaluation mode, float32, on the CPU.
        record: what the file says of it.
        id: fingerprint of the weights and the form, hexadecimal (``model_id``).
        former_id: what it was called by before ids left out what changes no score.
    """

    classifier: Classifier
    record: CheckpointRecord
    id: str
    former_id: str = ""

    @property
    def weights(self) -> ModelWeights:
        """The same as arrays, which share the network's memory."""
        state = _state(self.classifier).items()
        tensors = {name: tensor.detach().float().cpu().numpy() for name, tensor in state}
        return ModelWeights(self.record, self.id, tensors, self.former_id)


def save_checkpoint(
    path: Path, classifier: Classifier, record: CheckpointRecord, *, half: bool = False
) -> None:
    """Write a model file atomically.

    Args:
        path: ends in ``.safetensors`` by convention.
        classifier: its weights; counters of batch norms are left out, as nothing that runs a
            model reads them.
        record: must describe this classifier.
        half: round the large convolutions and matrices to float16 (``engine.checkpoints.half``),
            and keep of those that are nearly all zeros the others alone (``sparse_tensors``); the
            file is half as large or less, and scores stay within a thousandth.

    Raises:
        CheckpointError: the file cannot be written.
    """
    stored: dict[str, Tensor] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for name, tensor in _state(classifier).items():
        whole = tensor.detach().cpu().contiguous()
        if not half:
            stored[name] = whole
        elif is_sparse(whole.numpy()):
            shapes[name] = tuple(whole.shape)
            values, mask = map(torch.from_numpy, packed(whole.numpy()))
            stored[name + VALUES], stored[name + MASK] = halved(values[None])[0], mask
        else:
            stored[name] = halved(whole).contiguous()
    _write(path, stored, record, shapes)


def write_with_record(source: Path, target: Path, record: CheckpointRecord) -> None:
    """Write a model file of ours again with another record; its weights keep every bit.

    Args:
        source: ours, and sound (``load_checkpoint``).
        target: may be the same file.
        record: must describe the same classifier.

    Raises:
        CheckpointError: the file cannot be read or written.
    """
    shapes = shapes_in(source.name, read_header(source).metadata)
    try:
        tensors = safetensors.torch.load_file(source)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{source.name!r} cannot be read: {reason_text(error)}.") from error
    _write(target, tensors, record, shapes)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a model file of ours; nothing in it can run code.

    The declared sizes are compared with what the model needs before a tensor is read; then the
    weights' checksum, that all are finite, that variances are not negative, and one trial forward.

    Raises:
        CheckpointError: the file is damaged, not ours, or does not fit the model it describes.
    """
    header = read_header(path)
    record = from_metadata(header.metadata)
    if record.config.network is not None:
        raise CheckpointError(only_runs(record.name))
    try:
        _check_declared(path.name, as_declared(path.name, header), record.config)
        classifier = classifier_to_fill(record.config)
    except ModelError as error:
        raise CheckpointError(f"{path.name!r} cannot be used: {error}") from error
    tensors = read_tensors(path)
    if _digest(tensors) != header.metadata.get("weights_sha256"):
        raise CheckpointError(
            f"{path.name!r} is damaged: its weights do not match their checksum. "
            "Download or export it again."
        )
    parts = {n: t.numpy() for n, t in tensors.items() if n.endswith(PARTS)}
    whole = unpacked(path.name, parts, header.metadata)
    tensors = {n: t for n, t in tensors.items() if n not in parts}
    tensors |= {n: torch.from_numpy(values) for n, values in whole.items()}
    check_weights(path.name, tensors)
    load_exactly(path.name, classifier, tensors)
    classifier.eval().requires_grad_(requires_grad=False)
    check_trial_forward(path.name, classifier)
    return Checkpoint(
        classifier, record, model_id(header.metadata), former_model_id(header.metadata)
    )


def sound_record(path: Path) -> CheckpointRecord:
    """What a model file of ours says, once it is known to be sound to the last weight.

    Raises:
        CheckpointError: it is not.
    """
    if has_onnx_network(path):
        return open_network(path).record
    return load_checkpoint(path).record


def check_trial_forward(name: str, classifier: Classifier) -> None:
    """Run the model once on a grey image.

    Raises:
        CheckpointError: it fails, or what comes out is not finite.
    """
    size = classifier.config.preprocess.input_size
    try:
        with torch.inference_mode():
            output = classifier(torch.full((1, 3, size, size), 0.1))
    except (AssertionError, IndexError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise CheckpointError(f"{name!r} cannot be used: a trial run failed ({reason}).") from error
    if not (torch.isfinite(output.logits).all() and torch.isfinite(output.position_scores).all()):
        raise CheckpointError(
            f"{name!r} cannot be used: a trial run gave values that are not numbers."
        )


def in_memory(classifier: Classifier, record: CheckpointRecord) -> Checkpoint:
    """A checkpoint that lies in no file yet, with the id that its file would have."""
    metadata = to_metadata(record, _digest(_state(classifier)))
    return Checkpoint(classifier, record, model_id(metadata), former_model_id(metadata))


def _write(
    path: Path,
    tensors: Mapping[str, Tensor],
    record: CheckpointRecord,
    sparse: Mapping[str, tuple[int, ...]],
) -> None:
    metadata = to_metadata(record, _digest(tensors))
    if sparse:
        metadata[KEY] = shapes_text(sparse)
    try:
        with noted_inside(path) as temporary:  # it makes a temporary file of its own
            safetensors.torch.save_file(dict(tensors), temporary, metadata=metadata)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"The model could not be saved to {path}: {reason_text(error)}."
        ) from error


def _state(classifier: Classifier) -> dict[str, Tensor]:
    return {
        name: tensor
        for name, tensor in classifier.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def _check_declared(name: str, header: SafetensorsHeader, config: ModelConfig) -> None:
    """Compare the declared sizes with what the model needs, before the model is made."""
    check_fit(name, classifier_shapes(config), header.shapes)
    if not _FLOAT_TYPES.issuperset(header.dtypes.values()):
        raise CheckpointError(f"{name!r} holds weights of a type that is not supported.")


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
