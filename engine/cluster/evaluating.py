"""Measuring a model on a cluster: the batches of one process, done by many, put together again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from engine.api.errors import ModelError
from engine.api.evaluation import EvaluationProgress
from engine.cluster.model_copy import ModelCopy
from engine.cluster.running import Cluster, Workers
from engine.cluster.share_evaluator import FACTS, EvaluationOrder, ShareEvaluator, unpacked
from engine.evaluation.evaluator import EvaluatedShare, merged
from engine.evaluation.job import EvaluationJob
from engine.records.backend_kinds import AUTO, BACKENDS
from engine.records.evaluations import EvaluationRun, dataset_hash

#: A worker gets so many shares, so that the slow ones may do fewer.
_SHARES_EACH = 4
#: Images per pass on a GPU, where nobody says it; each worker must take the same.
_GPU_BATCH = 32


@dataclass(frozen=True)
class ClusterEvaluation:
    """An evaluation whose images are looked at elsewhere.

    Attributes:
        work: as it is open here; it looks at no image.
        cluster: where.
        workers: of ``Cluster.fitting``.
        backend: what was asked for; "auto" takes what runs it here.
        precision: of the network.
    """

    work: EvaluationJob
    cluster: Cluster
    workers: Workers
    backend: str = AUTO
    precision: str = "float"

    def run(self) -> Generator[EvaluationProgress, None, EvaluationRun]:
        """Evaluate; the run is not kept yet.

        Raises:
            DataError: no image could be read, or a worker sees other images.
            EngineStoppedError: the cluster is gone.
            ModelError: a worker cannot use the model.
        """
        work, order = self.work, self._order()
        done, facts = 0, dict[str, set[str]]()
        shares: list[EvaluatedShare] = []
        tasks = self.cluster.run(ShareEvaluator, (order,), range(order.shares), self.workers)
        with contextlib.closing(tasks) as rows:
            for row in rows:
                if row["refused"]:
                    raise ModelError(f"{row['refused']} (Said by the worker {row['worker']}.)")
                share = unpacked(row["share"])
                shares.append(share)
                for name, text in json.loads(row["facts"]).items():
                    facts.setdefault(name, set()).add(text)
                done += len(share.rows) + len(share.failed)
                yield EvaluationProgress(done, len(work.images))
        run = work.as_run(merged(shares, work.images), self.workers.count)
        seen = {name: ", ".join(sorted(facts.get(name, ()))) for name in FACTS}
        return replace(run, settings={**run.settings, **{k: v for k, v in seen.items() if v}})

    def _order(self) -> EvaluationOrder:
        work, config = self.work, self.work.request.config
        here = work.backend
        backend = self.backend
        if backend == AUTO and self.precision == "float" and work.model.config.network is None:
            names = [kind.name for kind in BACKENDS.values() if kind.runtime == here.runtime]
            backend = "torch" if self.workers.gpus else (names or [AUTO])[0]
        batch = config.batch_size or (_GPU_BATCH if self.workers.gpus else here.best_batch)
        batches = -(-len(work.images) // batch)
        content = self.cluster.put(Path(work.model.path).read_bytes())
        return EvaluationOrder(
            replace(work.request, config=replace(config, batch_size=batch)),
            ModelCopy(str(work.model.path), work.model.weights.id, content),
            dataset_hash(work.images),
            max(1, min(batches, _SHARES_EACH * self.workers.count)),
            "cuda" if self.workers.gpus else "cpu",
            backend,
            self.precision,
            self.workers.cpus,
        )
