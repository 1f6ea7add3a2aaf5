"""Telling that memory ran out from all else that can go wrong; runtimes have no error for it."""

from __future__ import annotations

#: What PyTorch, ONNX Runtime, OpenVINO, oneDNN and C++ say of it.
_SIGNS = (
    "DefaultCPUAllocator",
    "Failed to allocate",
    "bad_alloc",
    "bad allocation",
    "could not create a memory object",
    "Cannot allocate memory",
)


def is_memory_short(error: BaseException) -> bool:
    """Whether an error says that memory ran out, of the computer or of its graphics card."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return any(sign in str(error) for sign in _SIGNS)
