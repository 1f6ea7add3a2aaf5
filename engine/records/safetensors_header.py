"""Reading the header of a safetensors file with limits, before anything trusts it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.api.errors import CheckpointError
from engine.records.folders import DAMAGE

_MAX_HEADER = 16 * 2**20
_MAX_TENSORS = 20_000


@dataclass(frozen=True)
class SafetensorsHeader:
    """What a file declares.

    Attributes:
        metadata: free string-to-string table.
        shapes: of each tensor.
        dtypes: of each tensor, in the format's own names (``F32``, ``F16``, …).
    """

    metadata: dict[str, str]
    shapes: dict[str, tuple[int, ...]]
    dtypes: dict[str, str]


def looks_like_safetensors(path: Path) -> bool:
    """Whether the file begins as one of this format does, whatever its name.

    Raises:
        CheckpointError: it cannot be opened.
    """
    try:
        # Opening a pipe would wait for its writer.
        if not path.is_file():
            return False
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise CheckpointError(_cannot_open(path, error)) from error
    return start[8:] == b"{"


def read_header(path: Path) -> SafetensorsHeader:
    """The header of a safetensors file; no tensor is read.

    Raises:
        CheckpointError: the file is missing, cut, too large a header, or not of this format.
    """
    try:
        raw = _header_bytes(path)
    except OSError as error:
        raise CheckpointError(_cannot_open(path, error)) from error
    try:
        table = json.loads(raw.decode())
        return _parse(table)
    except DAMAGE as error:
        raise CheckpointError(
            f"{path.name!r} is not a model file, or it is damaged (its table of contents cannot be "
            "read). Download or export it again."
        ) from error


def _cannot_open(path: Path, error: OSError) -> str:
    reason = error.strerror or "it cannot be read"
    return f"The model file {path.name!r} cannot be opened: {reason}."


def _header_bytes(path: Path) -> bytes:
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < 8 or length < 2 or length > size - 8 or length > _MAX_HEADER:
            raise CheckpointError(
                f"{path.name!r} is not a model file, or it was cut short. "
                "Download or export it again."
            )
        return file.read(length)


def _parse(table: dict[str, Any]) -> SafetensorsHeader:
    metadata = table.pop("__metadata__", {})
    if not all(isinstance(v, str) for v in metadata.values()):
        raise TypeError("metadata must be texts")
    if len(table) > _MAX_TENSORS:
        raise ValueError("too many tensors")
    return SafetensorsHeader(
        metadata=dict(metadata),
        shapes={name: tuple(int(n) for n in entry["shape"]) for name, entry in table.items()},
        dtypes={name: str(entry["dtype"]) for name, entry in table.items()},
    )
