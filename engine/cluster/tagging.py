"""Tagging on a cluster: a job from what was asked to its report, as long work is here."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import __version__
from engine.api.errors import DataError, EngineError, ModelError
from engine.api.label_measures import least_scores
from engine.api.values import DEFAULT_THRESHOLD, ModelInfo
from engine.atomic import lock
from engine.cluster.interrupts import Interrupts
from engine.cluster.job import FOLDER, Job, JobFacts, begin, check_same, find
from engine.cluster.listing import Found, Wanted, facts_of
from engine.cluster.model_copy import ModelCopy
from engine.cluster.part_tagger import PartTagger, TagOrder
from engine.cluster.places import is_remote, local_path, write_whole
from engine.cluster.running import Cluster, Workers
from engine.metadata.sidecars import sweep
from engine.records.backend_kinds import AUTO, BACKENDS
from engine.records.tag_rows import TaggedBy
from engine.service.local import LocalEngine

_log = logging.getLogger(__name__)
#: A worker of a driver that was killed may still write what is younger.
_SWEPT_AFTER_S = 86_400
_MOST_CAUSES = 1000
_OTHER_CAUSES = "other causes"


@dataclass(frozen=True)
class TagRequest:
    """What a person asks for.

    Attributes:
        wanted: which photos.
        output: the folder for the parts, here or on a storage that fsspec opens.
        model: a file, or the name of a model; ``None`` is the one that ships.
        backend: what runs the network; "auto" takes what this machine would.
        precision: of the network.
        threshold: least score of a label, in [0, 1].
        hashes: whether rows get the SHA-256 of their file.
        rows_per_part: photos in a part; 0 chooses.
    """

    wanted: Wanted
    output: str
    model: str | None = None
    backend: str = AUTO
    precision: str = "float"
    threshold: float = DEFAULT_THRESHOLD
    hashes: bool = False
    rows_per_part: int = 0


@dataclass
class WorkerReport:
    """What a worker did.

    Attributes:
        photos: how many it had.
        seconds: how long it had them.
    """

    photos: int = 0
    seconds: float = 0.0


@dataclass
class TagReport:
    """What came of a job so far; it grows.

    Attributes:
        output: where its parts are.
        model: its name, for people; ``model_id`` is its fingerprint.
        total: photos of the job.
        before: of these, in parts that were there already.
        done: photos that were looked at now.
        parts: of the job; ``parts_before`` were there already.
        failures: photos that could not be read, by cause.
        workers: by name.
        seconds: of the work.
        change: how the photos that were named differ from the job's; empty if they don't.
        left_out: files of kinds that cannot be opened, by kind.
        skipped: places that could not be looked at, by the reason.
        interrupted: whether it was stopped.
    """

    output: str
    model: str
    model_id: str
    total: int
    parts: int
    before: int = 0
    parts_before: int = 0
    done: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    workers: dict[str, WorkerReport] = field(default_factory=dict)
    seconds: float = 0.0
    change: str = ""
    left_out: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    interrupted: bool = False

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "output": self.output,
            "model": self.model,
            "model_id": self.model_id,
            "program": f"csra-gui {__version__}",
            "photos": self.total,
            "parts": self.parts,
            "photos_before": self.before,
            "parts_before": self.parts_before,
            "photos_now": self.done,
            "tagged_now": self.done - self.failures.total(),
            "failed_now": self.failures.total(),
            "failures": dict(self.failures.most_common()),
            "complete": self.before + self.done == self.total,
            "interrupted": self.interrupted,
            "left_out": dict(self.left_out),
            "skipped": dict(self.skipped),
            "change": self.change,
            "seconds": round(self.seconds, 3),
            "photos_per_second": _rate(self.done, self.seconds),
            "workers": [
                {
                    "worker": name,
                    "photos": worker.photos,
                    "seconds": round(worker.seconds, 3),
                    "photos_per_second": _rate(worker.photos, worker.seconds),
                }
                for name, worker in sorted(self.workers.items())
            ],
        }

    def add(self, outcome: dict[str, Any]) -> None:
        """Take what a worker said of a part.

        Raises:
            ModelError: it could not be done there, nor will any other.
        """
        if outcome["refused"]:
            raise ModelError(f"{outcome['refused']} (Said by the worker {outcome['worker']}.)")
        worker = self.workers.setdefault(outcome["worker"], WorkerReport())
        worker.photos += int(outcome["photos"])
        worker.seconds += float(outcome["seconds"])
        self.done += int(outcome["photos"])
        for cause, count in json.loads(outcome["causes"]).items():
            # Some storages name the file in each error.
            known = cause in self.failures or len(self.failures) < _MOST_CAUSES
            self.failures[cause if known else _OTHER_CAUSES] += count


def _rate(photos: int, seconds: float) -> float:
    return round(photos / seconds, 3) if seconds > 0 else 0.0


def tag(
    request: TagRequest, cluster: Cluster, workers: Workers
) -> Generator[TagReport, None, TagReport]:
    """Tag photos on a cluster, or go on with a job that was stopped.

    Each value is the same report, which has grown. Closing the generator stops the workers; parts
    that are written stay.

    Args:
        request: what to do.
        cluster: where.
        workers: how many; see ``Workers``.

    Raises:
        ConfigError: the cluster has no room for them.
        DataError: there are no photos, or the folder is of another job or is at work.
        EngineStoppedError: the cluster is gone.
        ModelError: the model cannot be used, here or by a worker.
    """
    started = time.monotonic()
    fitting = cluster.fitting(workers)
    with _alone(request.output):
        if not is_remote(request.output):
            sweep(local_path(request.output), _SWEPT_AFTER_S)  # of workers that were killed
        model, backend = _opened(request, workers)
        facts = JobFacts(
            model.id, model.full_name, request.precision, request.threshold, request.hashes
        )
        found = Found()
        job, change = _job(request, facts, found)
        done = job.done()
        report = TagReport(job.output, model.full_name, model.id, job.photos, job.parts)
        report.change, report.left_out = change, found.left_out
        report.skipped, report.parts_before = found.skipped, len(done)
        report.before = sum(map(job.rows_of, done))
        yield report
        order = TagOrder(
            job,
            ModelCopy(str(model.path), model.id, cluster.put(_content(model))),
            TaggedBy(model.full_name, model.id, model.categories),
            _thresholds(model, request.threshold),
            _device(workers),
            backend,
            fitting.cpus,
        )
        missing = [part for part in range(job.parts) if part not in done]
        try:
            rows = cluster.run(PartTagger, (order,), missing, fitting)
            with Interrupts() as interrupts, contextlib.closing(rows):
                for outcome in rows:
                    report.add(outcome)
                    report.seconds = time.monotonic() - started
                    yield report
                    interrupts.check()
        except (GeneratorExit, KeyboardInterrupt):
            report.interrupted = True
            raise
        finally:
            report.seconds = time.monotonic() - started
            _keep(job, report)
    return report


def _device(workers: Workers) -> str:
    return "cuda" if workers.gpus else "cpu"


def _opened(request: TagRequest, workers: Workers) -> tuple[ModelInfo, str]:
    """The model, and what runs it on every machine: what does so here, unless here is no GPU."""
    with LocalEngine("cpu", 1, request.backend, precision=request.precision) as engine:
        model = engine.open_model(request.model)
    if model.path is None:
        raise ModelError("This model has no file, so no other machine can run it. Choose another.")
    backend = request.backend
    if backend == AUTO and request.precision == "float" and not model.is_onnx:
        here = [kind.name for kind in BACKENDS.values() if kind.title in model.device]
        backend = "torch" if workers.gpus else (here or [AUTO])[0]
    return model, backend


def _content(model: ModelInfo) -> bytes:
    try:
        return Path(str(model.path)).read_bytes()
    except OSError as error:
        raise ModelError(f"The model's file cannot be read: {error.strerror}.") from error


def _thresholds(model: ModelInfo, threshold: float) -> tuple[float, ...]:
    least = least_scores(model.measures, threshold, DEFAULT_THRESHOLD)
    return least if isinstance(least, tuple) else (least,) * len(model.categories)


def _job(request: TagRequest, facts: JobFacts, found: Found) -> tuple[Job, str]:
    """The job to do, begun now or before, and what is different from when it was begun."""
    job = find(request.output)
    if job is None:
        paths = request.wanted.paths(found)
        return begin(request.output, facts, paths, request.rows_per_part), ""
    check_same(job, facts)
    now = facts_of(request.wanted.paths(found))
    if now.digest == job.digest:
        return job, ""
    return job, (
        f"What is named has changed since this job was begun: {now.photos:,} photos now, "
        f"{job.photos:,} then. The job goes on with those of then; for new ones, name another "
        "folder with --output."
    )


@contextlib.contextmanager
def _alone(output: str) -> Generator[None, None, None]:
    """Nobody else works on the job meanwhile; of remote storage nobody can tell."""
    if is_remote(output):
        yield
        return
    folder = local_path(output) / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DataError(f"{output} cannot be written to: {error.strerror}.") from error
    try:
        try:
            lock(file)
        except BlockingIOError as error:
            raise DataError(
                f"Another program works on the job in {output}. Wait for its end, or stop it."
            ) from error
        except OSError:  # a disk that knows no locks
            _log.info("No lock was to be had in %s.", output)
        yield
    finally:
        os.close(file)


def _keep(job: Job, report: TagReport) -> None:
    text = json.dumps(report.as_dict(), indent=2) + "\n"
    with contextlib.suppress(EngineError):  # it is told on the terminal as well
        write_whole(job.report_file, lambda file: _write(file, text))


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
