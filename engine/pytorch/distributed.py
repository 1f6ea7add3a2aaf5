"""Several processes for one piece of work, as torchrun starts them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import torch
import torch.distributed as dist

from engine.api.errors import EngineStoppedError

_T = TypeVar("_T")
_TIMEOUT = timedelta(hours=6)  # a rank may wait for another's share of a whole data set


@dataclass(frozen=True)
class Processes:
    """Which one of how many this process is.

    Attributes:
        rank: from 0.
        count: of all.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this one speaks for all."""
        return self.rank == 0

    def gather(self, value: _T) -> list[_T]:
        """Every process's value, by rank, in the first process; empty in the others."""
        if self.count == 1:
            return [value]
        values: list[object] | None = [None] * self.count if self.is_first else None
        dist.gather_object(value, values)
        return cast("list[_T]", values or [])

    def share(self, value: _T) -> _T:
        """The first process's value, in all."""
        if self.count == 1:
            return value
        values: list[object] = [value]
        dist.broadcast_object_list(values)
        return cast("_T", values[0])

    def wait_for_first(self) -> None:
        """Wait in the others until the first process calls this too.

        Raises:
            EngineStoppedError: it has ended instead.
        """
        try:
            self.share(None)
        except RuntimeError as error:
            raise EngineStoppedError("The first process has ended; so does this one.") from error

    def highest(self, value: int, device: torch.device) -> int:
        """The greatest value of all processes, in all."""
        if self.count == 1:
            return value
        greatest = torch.tensor(value, device=device)
        dist.all_reduce(greatest, dist.ReduceOp.MAX)
        return int(greatest)


@contextlib.contextmanager
def processes(device: torch.device) -> Generator[Processes, None, None]:
    """The processes that torchrun started, or just this one.

    Args:
        device: where this one runs; GPUs talk over NCCL and processors over gloo.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    if device.type == "cuda":
        torch.cuda.set_device(device)  # objects travel over the current one
    dist.init_process_group(backend, timeout=_TIMEOUT)
    try:
        yield Processes(dist.get_rank(), count)
    finally:
        dist.destroy_process_group()


def local_device(wish: str) -> str:
    """The device for this process: with ``auto`` or ``cuda``, each takes a GPU of its own."""
    local_rank = os.environ.get("LOCAL_RANK")
    if local_rank is not None and wish in ("auto", "cuda") and torch.cuda.is_available():
        return f"cuda:{int(local_rank) % torch.cuda.device_count()}"
    return wish
