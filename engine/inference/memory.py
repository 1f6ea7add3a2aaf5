"""How much memory is in use and free, as far as the system says."""

from __future__ import annotations

import os
from pathlib import Path

import torch

_STATUS, _INFO = Path("/proc/self/statm"), Path("/proc/meminfo")


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
