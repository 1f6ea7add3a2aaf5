"""How many threads a network computes with: the last bits of a logit depend on it."""

from __future__ import annotations

import sys

from engine.inference.onnx_backend import available_cores
from engine.records.backend_kinds import BACKENDS


def thread_count(runtime: str) -> int:
    """Threads of one pass.

    PyTorch has a number of its own (``OMP_NUM_THREADS``); all else here takes every core that the
    process may use.

    Args:
        runtime: of the backend, see ``Backend``.
    """
    torch = sys.modules.get("torch")  # who runs a network with it has imported it
    if torch is not None and runtime == BACKENDS["torch"].runtime:
        return int(torch.get_num_threads())
    return available_cores()
