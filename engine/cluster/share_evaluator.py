"""What a worker does for ``evaluate``: one share of a data set after the other."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.api.errors import DataError, EngineError
from engine.api.evaluation import EvaluationRequest
from engine.cluster.cores import Cores
from engine.cluster.model_copy import ModelCopy
from engine.cluster.part_tagger import worker_name
from engine.data.decoding.pool import DecodePool
from engine.evaluation.evaluator import EvaluatedShare
from engine.evaluation.job import EvaluationJob
from engine.inference.threads import thread_count
from engine.records.evaluations import dataset_hash
from engine.service.local import LocalEngine

#: What of a machine the bits of logits may depend on; as the record of a run calls it.
FACTS = ("device", "backend", "threads")


@dataclass(frozen=True)
class EvaluationOrder:
    """What all workers are told.

    Attributes:
        request: with the batch size that all have.
        model: its file; ``id`` is that of its weights.
        dataset: the hash of the images, so that all see the same.
        shares: into how many the work is divided.
        device: ``cpu`` or ``cuda``.
        backend: what runs the network, by its name.
        precision: of it.
        cpus: cores of a worker.
    """

    request: EvaluationRequest
    model: ModelCopy
    dataset: str
    shares: int
    device: str
    backend: str
    precision: str
    cpus: float


@dataclass(frozen=True)
class _Share:
    """Every n-th batch; see ``engine.evaluation.evaluator.Share``."""

    rank: int
    count: int
    is_first: bool = False

    def gather(self, value: Any) -> list[Any]:
        """Nobody else is here."""
        return [value]


class ShareEvaluator:
    """An actor of Ray Data; model and data set are opened with the first share and kept.

    Args:
        order: what to do.
    """

    def __init__(self, order: EvaluationOrder) -> None:
        self._order = order
        self._held = contextlib.ExitStack()
        self._opened: tuple[EvaluationJob, DecodePool] | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Evaluate the shares that are named under "task"; a row with ``packed`` for each."""
        rows = [self._done(int(share)) for share in batch["task"]]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def close(self) -> None:
        """Free the model and its processes."""
        self._opened = None
        self._held.close()

    def _done(self, rank: int) -> dict[str, Any]:
        content, refused, facts = b"", "", dict.fromkeys(FACTS, "")
        try:
            work, pool = self._opened = self._opened or self._open()
            content = packed(_whole(work, pool, _Share(rank, self._order.shares)))
            runtime = work.backend.runtime
            facts = {
                "device": work.backend.device,
                "backend": runtime,
                "threads": str(thread_count(runtime)),
            }
        except EngineError as error:
            refused = str(error)
        return {
            "task": rank,
            "share": content,
            "refused": refused,
            "facts": json.dumps(facts),
            "worker": worker_name(),
        }

    def _open(self) -> tuple[EvaluationJob, DecodePool]:
        order = self._order
        order.model.check_program()
        self._held.callback(Cores(order.cpus).close)
        engine = LocalEngine(order.device, backend=order.backend, precision=order.precision)
        self._held.enter_context(engine)
        file = Path(order.model.file)
        if not file.is_file():
            file = order.model.copy()
        request = replace(order.request, model=str(file))
        work = self._held.enter_context(engine.evaluation(request))
        if work.model.weights.id != order.model.id:
            raise DataError("This machine has another model under this name. Use the same file.")
        if dataset_hash(work.images) != order.dataset:
            raise DataError(
                f"This machine sees other images in {order.request.root}. All machines must see "
                "the same folder under the same name."
            )
        return work, engine.pool


def _whole(work: EvaluationJob, pool: DecodePool, share: _Share) -> EvaluatedShare:
    run = work.evaluator.run(pool, share)
    with contextlib.closing(run):
        while True:
            try:
                next(run)
            except StopIteration as end:
                found: EvaluatedShare = end.value
                return found


def packed(share: EvaluatedShare) -> bytes:
    """A share as bytes that run no code when they are read."""
    body = {"failed": [list(item) for item in share.failed], "localisation": share.localisation}
    file = io.BytesIO()
    np.savez(file, rows=share.rows, logits=share.logits, body=np.array(json.dumps(body)))
    return file.getvalue()


def unpacked(content: bytes) -> EvaluatedShare:
    """What ``packed`` made bytes of."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        body = json.loads(str(arrays["body"]))
        failed = tuple((int(row), str(reason)) for row, reason in body["failed"])
        return EvaluatedShare(arrays["rows"], arrays["logits"], failed, body["localisation"])
