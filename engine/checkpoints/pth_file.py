"""Reading the weights of a .pth file without trusting it: no code runs, no memory is wasted."""

from __future__ import annotations

import os
import pickle
import stat
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from engine.api.categories import Categories
from engine.api.errors import CheckpointError
from engine.checkpoints.file_kinds import what_it_is
from engine.checkpoints.pth_checks import (
    PICKLE_MAGIC,
    SETTING_TABLES,
    SETTING_VALUES,
    ZIP_MAGIC,
    check_archive,
    check_legacy,
)
from engine.checkpoints.training_settings import Pixels, Setting, categories_in, lam_in, pixels_in
from engine.checkpoints.weights import check_weights
from engine.checkpoints.wrappers import find_network
from engine.texts import display_text

# 32 bits, so that the archive's list of parts needs no second form. A ViT-L with its optimiser has
# 2.5 GB.
_MAX_FILE = 2**32 - 1
_MAX_TENSORS = 20_000
_MAX_KEY = 300
_FORMAT_VERSION = 1
_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class PthFile:
    """What a .pth file holds.

    Attributes:
        tensors: float32, finite, by official names where it is a CSRA network; without counters.
        categories: if the file names them.
        lam: λ, if the settings of the training are in the file and say it.
        pixels: mean and deviation that the network or the settings say, of pixels in [0, 1].
        notes: sentences for people about what was around the weights.
    """

    tensors: dict[str, Tensor]
    categories: Categories | None = None
    lam: float | None = None
    pixels: Pixels | None = None
    notes: tuple[str, ...] = ()


_STAND_INS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    *((Setting, name) for name in sorted(SETTING_VALUES)),
    *((OrderedDict, name) for name in sorted(SETTING_TABLES)),
]


def read_pth(path: Path, weights_at: str | None = None) -> PthFile:
    """Read a state dict, alone or inside the tables that training scripts save.

    Args:
        path: of the file.
        weights_at: which network of several, as ``wrappers.find_network`` names them.

    Raises:
        CheckpointError: the file is damaged or hostile, or holds no weights; the message names
            the file and the reason.
    """
    try:
        with _open(path) as opened:
            size = _check_file(opened)
            content = _load(opened)
        if not isinstance(content, dict):
            raise CheckpointError("it holds no table of weights")
        _check_version(content)
        file = unwrapped(content, size, weights_at)
    except CheckpointError as error:
        # It quotes what the file names things.
        raise CheckpointError(display_text(f"{path.name!r} cannot be used: {error}.")) from error
    check_weights(path.name, file.tensors)
    return file


def unwrapped(content: Mapping[Any, object], size: int, weights_at: str | None = None) -> PthFile:
    """The weights in what a file holds, and what it says of them.

    Args:
        content: of the file.
        size: of the file in bytes.
        weights_at: which network of several.

    Raises:
        CheckpointError: there are none, or they are not honest; the message lacks the file's name.
    """
    found = find_network(content, weights_at)
    weights = as_weights(found.tensors, size)
    pixels = pixels_in(content, found.pixels)
    return PthFile(weights, categories_in(content), lam_in(content), pixels, found.notes)


def _open(path: Path) -> BinaryIO:
    try:
        # Opening a pipe would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise CheckpointError(f"{path.name!r} is not a file.")
        return path.open("rb")
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise CheckpointError(
            f"The model file {path.name!r} cannot be opened: {reason}."
        ) from error


def _check_file(file: BinaryIO) -> int:
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise CheckpointError("it is empty. Download or export it again")
    if size > _MAX_FILE:
        raise CheckpointError(f"it has {size / 1e9:.1f} GB, more than {_MAX_FILE / 1e9:.1f} GB")
    start = file.read(512)
    if start.startswith(ZIP_MAGIC):
        check_archive(file, size)
    elif start.startswith(PICKLE_MAGIC):
        check_legacy(file)
    else:
        raise CheckpointError(what_it_is(start))
    return size


def _load(file: BinaryIO) -> object:
    file.seek(0)
    try:
        with torch.serialization.safe_globals(_STAND_INS):
            return torch.load(file, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError,
        ArithmeticError,
        AssertionError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        # PyTorch's own text is long and explains how to load the file unsafely.
        raise CheckpointError(
            "it holds more than weights, or it is damaged. Download or export it again"
        ) from error


def _check_version(content: Mapping[Any, object]) -> None:
    version = content.get("format", content.get("format_version"))
    if isinstance(version, int) and version > _FORMAT_VERSION:
        raise CheckpointError(
            f"it has format version {str(version)[:20]}, which this program does not know"
        )


def as_weights(tensors: Mapping[Any, object], file_size: int) -> dict[str, Tensor]:
    """Float32 weights; every size is compared with the file's before anything is copied.

    Args:
        tensors: name → tensor, if the file is honest.
        file_size: in bytes.

    Raises:
        CheckpointError: it is not; the message lacks the file's name.
    """
    if not tensors:
        raise CheckpointError("it holds no weights")
    if len(tensors) > _MAX_TENSORS:
        raise CheckpointError(f"it holds {len(tensors)} weights, more than {_MAX_TENSORS}")
    kept: dict[str, Tensor] = {}
    claimed = 0
    for key, value in tensors.items():
        if not isinstance(key, str) or len(key) > _MAX_KEY:
            raise CheckpointError("its weights have no proper names")
        if not isinstance(value, Tensor):
            raise CheckpointError(f"{key!r} in it is no weight but a {type(value).__name__}")
        if key.endswith(_COUNTER):
            continue
        claimed += _claimed_bytes(key, value)
        kept[key] = value
    if claimed > file_size:
        raise CheckpointError("its weights claim to be larger than the whole file")
    return {key: value.detach().float().contiguous() for key, value in kept.items()}


def _claimed_bytes(key: str, tensor: Tensor) -> int:
    if tensor.layout != torch.strided or tensor.device.type != "cpu":
        raise CheckpointError(f"{key!r} in it is not a plain table of numbers")
    if tensor.dtype not in _FLOATS:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise CheckpointError(f"{key!r} in it holds numbers of type {kind}, not fractions")
    claimed = tensor.numel() * tensor.element_size()
    if claimed > tensor.untyped_storage().nbytes():
        raise CheckpointError(f"{key!r} in it claims more numbers than the file holds")
    return claimed
