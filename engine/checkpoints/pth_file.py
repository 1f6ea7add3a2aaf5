"""Reading the weights of a .pth file without trusting it: no code runs, no memory is wasted."""

from __future__ import annotations

import os
import pickle
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from engine.api.categories import Categories
from engine.api.errors import CheckpointError, ConfigError
from engine.checkpoints.pth_checks import PICKLE_MAGIC, ZIP_MAGIC, check_archive, check_legacy
from engine.checkpoints.weights import check_weights

# 32 bits, so that the archive's list of parts needs no second form. A ViT-L with its optimiser has
# 2.5 GB.
_MAX_FILE = 2**32 - 1
_MAX_TENSORS = 20_000
_MAX_KEY = 300
_FORMAT_VERSION = 1
_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_COUNTER = "num_batches_tracked"
_WRAPPERS = ("state_dict", "model")
_LABEL_KEYS = ("labels", "categories", "classes")
_PREFIX = "module."


@dataclass(frozen=True)
class PthFile:
    """What a .pth file holds.

    Attributes:
        tensors: float32, finite; without the ``module.`` of parallel training and without the
            counters of batch norms.
        categories: if the file names them.
    """

    tensors: dict[str, Tensor]
    categories: Categories | None = None


def read_pth(path: Path) -> PthFile:
    """Read a state dict, alone or inside ``{"state_dict": …}`` or ``{"model": …}``.

    Raises:
        CheckpointError: the file is damaged or hostile, or holds no weights; the message names
            the file and the reason.
    """
    try:
        with _open(path) as file:
            size = _check_file(file)
            content = _load(file)
        tensors, categories = _unwrap(content)
        weights = as_weights(tensors, size)
    except CheckpointError as error:
        raise CheckpointError(f"{path.name!r} cannot be used: {error}.") from error
    check_weights(path.name, weights)
    return PthFile(weights, categories)


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
        raise CheckpointError(f"{_what_it_is(start)}. Download or export it again")
    return size


def _what_it_is(start: bytes) -> str:
    text = start.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html")):
        return "it is a web page, not a model"
    if text.startswith(b"version https://git-lfs"):
        return "it only points to the model (Git LFS), the model itself was not fetched"
    return "it is not a model file"


def _load(file: BinaryIO) -> object:
    file.seek(0)
    try:
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


def _unwrap(content: object) -> tuple[Mapping[Any, object], Categories | None]:
    if not isinstance(content, dict):
        raise CheckpointError("it holds no table of weights")
    wrapper = next((k for k in _WRAPPERS if isinstance(content.get(k), dict)), None)
    if wrapper is None:
        return content, None
    version = content.get("format", content.get("format_version"))
    if isinstance(version, int) and version > _FORMAT_VERSION:
        raise CheckpointError(
            f"it has format version {str(version)[:20]}, which this program does not know"
        )
    return content[wrapper], _categories(content)


def _categories(content: Mapping[Any, object]) -> Categories | None:
    for key in _LABEL_KEYS:
        names = content.get(key)
        if isinstance(names, list | tuple):
            try:
                return Categories(tuple(names))
            except ConfigError as error:
                reason = str(error).rstrip(".")
                raise CheckpointError(f"its list of categories is wrong: {reason}") from error
    return None


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
    parallel = all(key.startswith(_PREFIX) for key in kept)
    return {
        key.removeprefix(_PREFIX) if parallel else key: value.detach().float().contiguous()
        for key, value in kept.items()
    }


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
