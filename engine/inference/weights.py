"""The weights of a model file of ours as arrays, checked, without PyTorch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from engine.api.errors import CheckpointError
from engine.api.values import FloatArray
from engine.inference.linear_heads import LinearHeads
from engine.records.litter import noted_inside
from engine.records.model_record import (
    CheckpointRecord,
    former_model_id,
    from_metadata,
    model_id,
    only_runs,
    to_metadata,
)
from engine.records.safetensors_header import read_header
from engine.records.sparse_tensors import (
    KEY,
    MASK,
    VALUES,
    as_declared,
    is_sparse,
    packed,
    shapes_text,
    unpacked,
)
from engine.texts import reason_text

#: As ``engine.checkpoints.half`` has it.
_HALVED_FROM = 65_536
_TYPES = {"F64": "float64", "F32": "float32", "F16": "float16"}


@dataclass(frozen=True, eq=False)
class ModelWeights:
    """A model without a network to run it.

    Attributes:
        record: what the file says of it.
        id: fingerprint of weights and form, hexadecimal.
        tensors: float32, by their names in the network.
        former_id: what it was called by before ids left out what changes no score.
    """

    record: CheckpointRecord
    id: str
    tensors: Mapping[str, FloatArray]
    former_id: str = ""

    @cached_property
    def heads(self) -> LinearHeads:
        """Its heads, if they score each position.

        Raises:
            ModelError: they do not.
        """
        return LinearHeads.of(self.record.config.head, self.tensors)

    @cached_property
    def backbone_digest(self) -> str:
        """The same for models that see the same in a photo: of its backbone and its pixels."""
        digest = hashlib.sha256(repr(self.record.config.preprocess).encode())
        for name in sorted(self.tensors):
            if name.startswith("backbone."):
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(self.tensors[name]).data)
        return digest.hexdigest()


def read_weights(path: Path) -> ModelWeights:
    """Read a model file of ours; nothing in it can run code.

    Whether the weights fit a network is for whoever has its form (``graphs``).

    Raises:
        CheckpointError: the file is damaged, not ours, or of numbers that only PyTorch reads.
    """
    header = read_header(path)
    record = from_metadata(header.metadata)
    if record.config.network is not None:
        raise CheckpointError(only_runs(record.name))
    if not _TYPES.keys() >= set(as_declared(path.name, header).dtypes.values()):
        raise CheckpointError(f"{path.name!r} holds weights of a type that is not supported.")
    try:
        stored = safetensors.numpy.load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path.name!r} is damaged ({reason_text(error)}). Download or export it again."
        ) from error
    if digest_of(stored) != header.metadata.get("weights_sha256"):
        raise CheckpointError(
            f"{path.name!r} is damaged: its weights do not match their checksum. "
            "Download or export it again."
        )
    whole = unpacked(path.name, stored, header.metadata)
    tensors = {name: values.astype(np.float32, copy=False) for name, values in whole.items()}
    _check(path.name, tensors)
    former = former_model_id(header.metadata)
    return ModelWeights(record, model_id(header.metadata), tensors, former)


def write_weights(path: Path, tensors: Mapping[str, FloatArray], record: CheckpointRecord) -> None:
    """Write a model file of ours atomically; ``read_weights`` gives the same weights back.

    Args:
        path: ends in ``.safetensors`` by convention.
        tensors: float32. Of large ones that are nearly all zeros the others alone are stored, and
            in half precision those that lose nothing by it.
        record: must describe them.

    Raises:
        CheckpointError: the file cannot be written.
    """
    stored: dict[str, NDArray[Any]] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for name, values in tensors.items():
        if is_sparse(values):
            kept, stored[name + MASK] = packed(values)
            shapes[name], stored[name + VALUES] = values.shape, _halved(kept)
        else:
            is_large = values.ndim >= 2 and values.size >= _HALVED_FROM
            stored[name] = np.ascontiguousarray(_halved(values) if is_large else values)
    metadata = to_metadata(record, digest_of(stored))
    if shapes:
        metadata[KEY] = shapes_text(shapes)
    try:
        with noted_inside(path) as temporary:
            safetensors.numpy.save_file(stored, temporary, metadata=metadata)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"The model could not be saved to {path}: {reason_text(error)}."
        ) from error


def _halved(values: FloatArray) -> NDArray[np.floating]:
    with np.errstate(over="ignore"):  # infinite is not equal
        half = values.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), values) else values


def digest_of(stored: Mapping[str, NDArray[np.floating]]) -> str:
    """SHA-256 over names, types, shapes and bytes, in the order of the names.

    The types are called as PyTorch does, since the first files were written with it.
    """
    digest = hashlib.sha256()
    for name in sorted(stored):
        values = np.ascontiguousarray(stored[name])
        shape = tuple(stored[name].shape)
        digest.update(f"{name} torch.{values.dtype.name} {shape}\n".encode())
        digest.update(values.data)
    return digest.hexdigest()


def _check(name: str, tensors: Mapping[str, FloatArray]) -> None:
    for key, values in tensors.items():
        if not np.isfinite(values).all():
            raise CheckpointError(
                f"{name!r} cannot be used: the weights in {key!r} hold values that are not numbers."
            )
        if key.endswith("running_var") and (values < 0).any():
            raise CheckpointError(f"{name!r} cannot be used: {key!r} holds a negative variance.")
