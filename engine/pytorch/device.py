"""Which device a model runs on, and how much memory is in use and free there."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from engine.api.errors import ModelError

_FIRST_WITH_HALF = (7, 0)
_STATUS, _INFO = Path("/proc/self/statm"), Path("/proc/meminfo")


def choose_device(wish: str = "auto") -> torch.device:
    """The device for a wish such as ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    Raises:
        ModelError: this machine has no such device.
    """
    if wish == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wish)
    except RuntimeError:
        raise ModelError(f"{wish!r} is not a device. Use auto, cpu, cuda, cuda:N or mps.") from None
    if device.type not in ("cpu", "cuda", "mps"):
        raise ModelError(f"{wish!r} is not supported. Use auto, cpu, cuda, cuda:N or mps.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise _no_device(wish)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise _no_device(wish)
    return device


def _no_device(wish: str) -> ModelError:
    text = f"There is no device {wish!r} on this computer. Use the processor (cpu) or auto."
    return ModelError(text).with_options("--device cpu, --device auto")


def device_name(device: torch.device) -> str:
    """The device for people, for example ``CPU`` or the graphics card's name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU" if device.type == "mps" else "CPU"


def half_type(device: torch.device) -> torch.dtype | None:
    """The type of half precision that a network runs in on a device; ``None`` if in none.

    It is float16, which keeps scores ten times as near as bfloat16 does; graphics cards before
    Volta compute it slowly, and on Apple's it was never tried.
    """
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < _FIRST_WITH_HALF:
        return None
    return torch.float16


def memory_in_use(device: torch.device) -> int:
    """Bytes: of a graphics card by this process, else of this process; 0 if unknown."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    try:
        pages = int(_STATUS.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def free_memory(device: torch.device) -> int:
    """Bytes that can be had on a device without driving others out; 0 if unknown."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        for line in _INFO.read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                return 1024 * int(value.split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    return 0
