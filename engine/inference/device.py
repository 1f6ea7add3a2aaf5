"""Which device a model runs on."""

from __future__ import annotations

import torch

from engine.api.errors import ModelError


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
        raise ModelError(f"There is no device {wish!r} on this computer. Use --device cpu or auto.")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ModelError("There is no device 'mps' on this computer. Use --device cpu or auto.")
    return device


def device_name(device: torch.device) -> str:
    """The device for people, for example ``CPU`` or the graphics card's name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU" if device.type == "mps" else "CPU"
