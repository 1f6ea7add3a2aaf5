"""Tensors that are nearly all zeros, in a file as their other numbers and a bit for each place.

A tensor T lies in the file as two: ``T@values``, its numbers that are not zero, in order, and
``T@mask``, a bit per number of T, the first in the highest bit of a byte. Its shape stands in the
file's metadata. A place cannot be named twice or lie outside.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import CheckpointError
from engine.records.safetensors_header import SafetensorsHeader

#: The key in the metadata: by the tensor's name, its shape.
KEY = "sparse"
PARTS = VALUES, MASK = "@values", "@mask"
#: Worth two tensors instead of one.
_LEAST, _MOST_FILLED = 65_536, 0.5

_TYPES = ("F16", "F32")

Array = NDArray[Any]


def is_sparse(tensor: Array) -> bool:
    """Whether a tensor takes much less room in this way."""
    return tensor.size >= _LEAST and bool(np.count_nonzero(tensor) <= _MOST_FILLED * tensor.size)


def packed(tensor: Array) -> tuple[Array, Array]:
    """What a tensor lies in the file as: its values that are not zero, and its mask."""
    is_kept = tensor.reshape(-1) != 0
    return tensor.reshape(-1)[is_kept], np.packbits(is_kept)


def shapes_text(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """For the metadata."""
    return json.dumps({name: list(shape) for name, shape in sorted(shapes.items())})


def shapes_in(name: str, metadata: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors that are stored in this way; none in most files.

    Args:
        name: of the file.
        metadata: of the file.

    Raises:
        CheckpointError: they cannot be read.
    """
    try:
        table = json.loads(metadata.get(KEY, "{}"))
        found = {str(key): tuple(map(int, shape)) for key, shape in table.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise _damaged(name) from error
    if any(size < 0 for shape in found.values() for size in shape):
        raise _damaged(name)
    return found


def as_declared(name: str, header: SafetensorsHeader) -> SafetensorsHeader:
    """A header that names whole tensors.

    Raises:
        CheckpointError: the parts of one do not belong together.
    """
    sparse = shapes_in(name, header.metadata)
    if not sparse:
        return header
    shapes, dtypes = dict(header.shapes), dict(header.dtypes)
    for key, shape in sparse.items():
        values, mask = shapes.pop(key + VALUES, None), shapes.pop(key + MASK, None)
        dtype, bits = dtypes.pop(key + VALUES, ""), dtypes.pop(key + MASK, "")
        count = math.prod(shape)
        if key in shapes or bits != "U8" or mask != (-(-count // 8),):
            raise _damaged(name)
        if dtype not in _TYPES or values is None or len(values) != 1 or values[0] > count:
            raise _damaged(name)
        shapes[key], dtypes[key] = shape, dtype
    return SafetensorsHeader(header.metadata, shapes, dtypes)


def unpacked(
    name: str, stored: Mapping[str, Array], metadata: Mapping[str, str]
) -> dict[str, Array]:
    """Whole tensors out of what a file holds.

    Args:
        name: of the file.
        stored: its tensors.
        metadata: of the file.

    Raises:
        CheckpointError: the parts of one do not belong together.
    """
    found = dict(stored)
    for key, shape in shapes_in(name, metadata).items():
        values, mask = found.pop(key + VALUES, None), found.pop(key + MASK, None)
        count = math.prod(shape)
        if values is None or mask is None or values.ndim != 1 or mask.dtype != np.uint8:
            raise _damaged(name)
        if mask.shape != (-(-count // 8),):
            raise _damaged(name)
        is_kept = np.unpackbits(mask, count=count).view(bool)
        if int(is_kept.sum()) != len(values):
            raise _damaged(name)
        whole = np.zeros(count, dtype=values.dtype)
        whole[is_kept] = values
        found[key] = whole.reshape(shape)
    return found


def _damaged(name: str) -> CheckpointError:
    return CheckpointError(
        f"{name!r} is damaged: parts of its weights do not belong together. "
        "Download or export it again."
    )
