"""What this machine may have beside its processor, told without PyTorch."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

_NVIDIA, _AMD = Path("/dev/nvidiactl"), Path("/dev/kfd")


def may_have_gpu() -> bool:
    """Whether it is worth asking PyTorch for a graphics card, which takes seconds."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        system = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32"
        return (system / "nvcuda.dll").exists()
    return _NVIDIA.exists() or _AMD.exists()
