"""Several processes for one piece of work, as torchrun starts them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist

from engine.api.errors import EngineStoppedError

_T = TypeVar("_T")
_TIMEOUT = timedelta(hours=6)  # a rank may wait for another's share of a whole data set
_ARRIVAL = timedelta(minutes=5)  # machines of a cluster do not start in the same moment
_ANSWER = timedelta(seconds=10)


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

    def agree(self, value: object) -> bool:
        """Whether all have the same value; all are told the same."""
        values = self.gather(value)
        return self.share(all(other == value for other in values) if self.is_first else False)

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

    Raises:
        EngineStoppedError: another has not come, or has ended before its work was done.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    if device.type == "cuda":
        torch.cuda.set_device(device)  # objects travel over the current one
    _wait_for_all(count)
    try:
        dist.init_process_group(backend, timeout=_TIMEOUT)
        yield Processes(dist.get_rank(), count)
    except RuntimeError as error:
        if not _is_of_others(error):
            raise
        raise EngineStoppedError(
            "Another process of this run has ended, and so do all. What it said tells why; start "
            "them all again, a training with --resume."
        ) from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def is_first_to_fail() -> bool:
    """Whether none of the processes that torchrun started has told of a failure before.

    A mistake that all make is told once so, and nobody who only lost another speaks after it.
    """
    store = _store()
    if store is None:
        return True
    own = os.environ["RANK"]
    key = f"csra/failed/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
    try:
        return bool(store.compare_set(key, "", own) == own.encode())
    except RuntimeError:
        return True


def _wait_for_all(count: int) -> None:
    """Wait for the others, but not for as long as for what they work on."""
    store = _store()
    if store is None:
        return
    prefix = f"csra/here/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
    try:
        store.set(f"{prefix}/{os.environ['RANK']}", "")
        store.wait([f"{prefix}/{rank}" for rank in range(count)], _ARRIVAL)
    except RuntimeError as error:
        missing = [n for n in range(count) if not store.check([f"{prefix}/{n}"])]
        named = ", ".join(map(str, missing))
        raise EngineStoppedError(
            f"Not all {count} processes of this run have come; missing: {named}, counted from 0. "
            "Look at what they said, and start all again."
        ) from error


def _store() -> Any:
    """What torchrun keeps for its processes to talk by; ``None`` without it."""
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    try:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        return dist.TCPStore(  # type: ignore[attr-defined]  # public, and documented
            address, port, is_master=False, timeout=_ANSWER, wait_for_workers=False
        )
    except (KeyError, RuntimeError, ValueError):
        return None


def _is_of_others(error: RuntimeError) -> bool:
    """Whether it is what PyTorch raises where a process that it talks to is gone."""
    text = str(error).lower()
    return isinstance(error, dist.DistError) or "gloo" in text or "nccl" in text


def local_device(wish: str) -> str:
    """The device for this process: with ``auto`` or ``cuda``, each takes a GPU of its own."""
    local_rank = os.environ.get("LOCAL_RANK")
    if local_rank is not None and wish in ("auto", "cuda") and torch.cuda.is_available():
        return f"cuda:{int(local_rank) % torch.cuda.device_count()}"
    return wish
