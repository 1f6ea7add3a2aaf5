"""One evaluation from its request to the run that is kept: for the window and the command line."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.api.config import EvaluateConfig, ModelConfig
from engine.api.errors import DataError
from engine.api.evaluation import (
    EvaluationDone,
    EvaluationProgress,
    EvaluationRequest,
    Unfinished,
)
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.registry import dataset_spec, load_dataset
from engine.data.decoding.pool import DecodePool
from engine.evaluation.evaluator import EvaluatedShare, Evaluator, merged
from engine.evaluation.stored import stored_fit
from engine.inference.backend import Backend
from engine.inference.open_model import OpenModel
from engine.inference.threads import thread_count
from engine.records.evaluations import IGNORED_AS, EvaluationRun, EvaluationStore, dataset_hash, now
from engine.records.model_record import CHOSEN_ON
from engine.records.program_facts import program_facts
from engine.records.unfinished import UnfinishedRun, UnfinishedStore, unfinished_key

_SAVE_EVERY_S = 30.0


class EvaluationJob:
    """A request with the model and the images it names.

    Args:
        request: what to do.
        model: as it is open.
        backend: runs it at the input size of the request, if that is not the model's own.

    Attributes:
        model: likewise.
        backend: what runs it.
        images: in the model's words, as many as are wanted.
        evaluator: runs the one over the other.

    Raises:
        DataError: the data set cannot be read, or shares no category with the model.
    """

    def __init__(
        self,
        request: EvaluationRequest,
        model: OpenModel,
        backend: Backend | None = None,
    ) -> None:
        self.request, self.model = request, model
        self.backend = model.backend if backend is None else backend
        self._config = _at_size(model.config, request.config.input_size)
        images = load_dataset(
            request.dataset,
            request.root,
            request.split,
            strict=request.strict,
            follow_links=request.follow_links,
        ).for_categories(self._config.categories, request.mapping)
        self.whole = len(images)
        self.images = images.spread(request.limit)
        self.evaluator = Evaluator(self._config, self.backend, self.images, request.config)
        self._saving = threading.Lock()
        self._is_kept = False

    def with_config(self, config: EvaluateConfig) -> EvaluationJob:
        """The same model on the same images, run in another way."""
        request = replace(self.request, config=config)
        return EvaluationJob(request, self.model, self.backend)

    def run(self, pool: DecodePool) -> Generator[EvaluationProgress | EvaluationDone, None, None]:
        """Evaluate in this process and keep the run; the last value says under which name.

        What was found is kept every now and then, and when the generator is closed or fails.

        Raises:
            DataError: no image could be read, or the results cannot be kept.
        """
        before = self._before()
        if self.request.unfinished is Unfinished.AS_IT_IS:
            if before is None:
                raise DataError("There are no results of this evaluation that could be kept.")
            yield EvaluationDone(self._keep(before))
            return
        started, saved = time.monotonic(), time.monotonic()
        done_before = 0 if before is None else len(before.rows) + len(before.failed)
        progress = EvaluationProgress(done_before, len(self.images))
        try:
            for progress in self.evaluator.run(pool, start=before):
                yield progress
                if time.monotonic() - saved > _SAVE_EVERY_S:
                    self.save_unfinished()
                    saved = time.monotonic()
            elapsed = max(time.monotonic() - started, 1e-6)
            rate = (progress.done - done_before) / elapsed
            yield EvaluationDone(self._keep(self.evaluator.so_far, rate))
        finally:
            with contextlib.suppress(DataError):  # what ended it matters more
                self.save_unfinished()

    def save_unfinished(self) -> None:
        """Keep what was found so far, unless the run is kept already; from any thread.

        Raises:
            DataError: it cannot be written.
        """
        with self._saving:
            share = self.evaluator.so_far
            if self._is_kept or not len(share.rows):
                return
            run = UnfinishedRun(
                self._key,
                self._facts(),
                len(self.images),
                share.rows,
                share.logits,
                share.failed,
                share.localisation,
            )
            UnfinishedStore().save(run)

    def as_run(
        self, share: EvaluatedShare, processes: int = 1, rate_per_s: float = 0.0
    ) -> EvaluationRun:
        """What was found, as a run; of fewer images than all it says so.

        Args:
            share: of all processes.
            processes: how many there were.
            rate_per_s: images per second; 0 says nothing of it.
        """
        images, share = _part(self.images, share)
        record = self.model.record
        rows = share.rows
        part = {} if len(images) == self.whole else {"part": f"{len(images)} of {self.whole}"}
        name = f"{images.name}, {len(images):,} of {self.whole:,} images" if part else images.name
        rate = {"images per second": f"{rate_per_s:.3g}"} if rate_per_s > 0 else {}
        ignored_as = {IGNORED_AS: str(images.ignored_as)} if images.ignored_as else {}
        return EvaluationRun(
            model=self._model_facts(),
            dataset={
                "name": name,
                "kind": dataset_spec(self.request.dataset).name,
                "split": self.request.split,
                "hash": dataset_hash(images),
                **ignored_as,
                **part,
            },
            settings={
                "flip": str(self.request.config.flip),
                "decode": self.request.config.decode,
                "input size": str(self._config.preprocess.input_size),
                "device": self.backend.device,
                "backend": self.backend.runtime,
                "threads": str(thread_count(self.backend.runtime)),
                "processes": str(processes),
                **rate,
                **program_facts(),
                **({"command": self.request.command} if self.request.command else {}),
            },
            date=now(),
            categories=images.categories,
            ids=tuple(images.ids[row] for row in rows.tolist()),
            logits=share.logits,
            targets=images.targets[rows],
            ignored=images.ignored[rows],
            failed=tuple((images.ids[row], reason) for row, reason in share.failed),
            problems=images.problems,
            localisation=share.localisation,
            stored=stored_fit(record, images),
        )

    def _model_facts(self) -> dict[str, str]:
        record, head = self.model.record, self.model.config.head
        temperatures = ", ".join("max" if math.isinf(t) else f"{t:g}" for t in head.temperatures)
        heads = f"{head.num_heads}, temperatures {temperatures}, λ {head.lam:g}"
        chosen = record.provenance.get(CHOSEN_ON, "")
        return {
            "name": record.name,
            "id": self.model.weights.id,
            "backbone": record.config.backbone,
            "heads": heads if head.kind == "csra" else head.kind,
            **({"chosen on": chosen} if chosen else {}),
        }

    def keep(self, run: EvaluationRun) -> Path:
        """Store a run of this work, and where its images lie; the run's folder.

        Raises:
            DataError: it cannot be written.
        """
        return EvaluationStore().save(run, self.request.root)

    def _keep(self, share: EvaluatedShare, rate_per_s: float = 0.0) -> str:
        folder = self.keep(self.as_run(share, rate_per_s=rate_per_s))
        with self._saving:
            self._is_kept = True
            UnfinishedStore().forget(self._key)
        return folder.name

    def _before(self) -> EvaluatedShare | None:
        if self.request.unfinished is Unfinished.AGAIN:
            return None
        run = UnfinishedStore().find(self._key)
        if run is None or run.total != len(self.images):
            return None
        if run.logits.shape[1] != len(self.images.categories):
            return None
        return EvaluatedShare(run.rows, run.logits, run.failed, run.localisation)

    @property
    def _key(self) -> str:
        config = self.request.config
        # The batches are those of the backend; a logit depends on what else is in its batch.
        batches = config.batch_size or self.backend.best_batch
        way = (self.backend.device, self.backend.runtime, config.decode)
        settings = (config.flip, config.input_size, batches, *way)
        data = (self.request.dataset, self.request.split, dataset_hash(self.images))
        return unfinished_key(self.model.weights.id, *data, *settings)

    def _facts(self) -> dict[str, str]:
        request = self.request
        return {
            "model": request.model or "",
            "model name": self.model.record.name,
            "data set": self.images.name,
            "kind": request.dataset,
            "root": str(request.root),
            "split": request.split,
            "flip": str(request.config.flip),
            "decode": request.config.decode,
            "input size": ""
            if request.config.input_size is None
            else str(request.config.input_size),
            "limit": "" if request.limit is None else str(request.limit),
        }


def _at_size(config: ModelConfig, input_size: int | None) -> ModelConfig:
    if input_size is None:
        return config
    return replace(config, preprocess=replace(config.preprocess, input_size=input_size))


def _part(images: LabelledImages, share: EvaluatedShare) -> tuple[LabelledImages, EvaluatedShare]:
    """The images that were looked at, and the share in their numbering, in order."""
    seen = np.array(sorted([*share.rows.tolist(), *(row for row, _ in share.failed)]), "i8")
    if len(seen) < len(images):
        images = images.subset(seen)
        share = replace(
            share,
            rows=np.searchsorted(seen, share.rows),
            failed=tuple((int(np.searchsorted(seen, row)), why) for row, why in share.failed),
        )
    return images, merged([share], images)
