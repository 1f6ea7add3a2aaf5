"""Which backend runs a model fastest on this machine: all that are here, on the same pixels.

Importing this takes seconds, since PyTorch is one of them, and the one that the others are held to.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import CheckpointError
from engine.checkpoints.exporting import largest_difference
from engine.checkpoints.graph_export import TOLERANCE, export_graph
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import Checkpoint
from engine.inference.backend import Backend
from engine.inference.backends import open_backend
from engine.inference.graphs import Graph, find_graph, graph_key, keep_graph
from engine.pytorch.device import choose_device, half_type
from engine.pytorch.torch_backend import TorchBackend
from engine.records.backend_kinds import BACKENDS, BackendKind
from engine.records.measured_backends import BackendMeasurement, MeasuredBackends, NetworkRecord
from engine.service.opening import is_prepared

_CPU_BATCHES, _GPU_BATCHES = (1, 2, 4, 8), (8, 32, 64)
_ROUNDS = 3
#: While a batch runs nobody's click is answered.
_LONGEST_BATCH_S = 0.4
#: A larger batch has to gain more than this.
_GAIN = 1.05


@dataclass(frozen=True)
class MeasuringProgress:
    """How far it is.

    Attributes:
        done: passes that are measured.
        total: of all.
    """

    done: int
    total: int


def measure_once(path: Path) -> None:
    """Make a model's graph and measure its backends, unless both was done.

    What cannot be kept is made and measured again another time.
    """
    if not is_prepared(path):
        with contextlib.suppress(OSError):
            for _ in measure(path):
                pass


def make_graph(path: Path) -> str:
    """Make the graph of a model, unless there is one; why there is none, empty if there is.

    That a network has none is remembered, until a version changes.

    Raises:
        CheckpointError: the file cannot be used.
    """
    checkpoint = open_checkpoint(path)
    _, reason = _graph_of(checkpoint)
    if reason:
        network, kept = graph_key(checkpoint.record.config), MeasuredBackends()
        with contextlib.suppress(OSError):
            for kind in _graph_kinds():
                kept.put_aside(network, kind.name, kind.runtime, reason)
    return reason


def measure(
    path: Path, device: str = "auto", file: Path | None = None
) -> Generator[MeasuringProgress, None, NetworkRecord]:
    """Measure all backends that are here with a model, and keep what came of it.

    A backend that cannot run it, or says other things than PyTorch, is put aside.

    Args:
        path: the model's file.
        device: of PyTorch; the others run on the processor.
        file: where it is kept; ``None`` is that of the program.

    Raises:
        CheckpointError: the file cannot be used.
        OSError: it cannot be kept.
    """
    checkpoint = open_checkpoint(path)
    network = graph_key(checkpoint.record.config)
    kept = MeasuredBackends(file)
    size = checkpoint.record.config.preprocess.input_size
    where = choose_device(device)
    reference = TorchBackend(checkpoint.classifier, where)
    sound: dict[str, tuple[Backend, float]] = {"torch": (reference, 0.0)}
    if (half := half_type(where)) is not None:  # as it tags, whatever the others are held to
        tagging = TorchBackend(checkpoint.classifier, where, half)
        sound["torch"] = tagging, _difference(tagging, reference, size)
    for kind, backend, found in _others(checkpoint, reference):
        if backend is None:
            kept.put_aside(network, kind.name, kind.runtime, str(found))
        else:
            sound[kind.name] = backend, float(found)
    seconds = yield from _timed({name: backend for name, (backend, _) in sound.items()}, size)
    kept.keep(network, [_measurement(name, *sound[name], times) for name, times in seconds.items()])
    return kept.find(network)


def _others(
    checkpoint: Checkpoint, reference: Backend
) -> Generator[tuple[BackendKind, Backend | None, float | str], None, None]:
    """Every backend that runs graphs, with its difference from PyTorch; or none, and why."""
    graph, reason = _graph_of(checkpoint)
    size = checkpoint.record.config.preprocess.input_size
    for kind in _graph_kinds():
        if graph is None:
            yield kind, None, reason
            continue
        try:
            backend = open_backend(kind, checkpoint.weights, graph)
            difference = _difference(backend, reference, size)
        except (CheckpointError, ImportError, RuntimeError) as error:
            yield kind, None, str(error)
            continue
        if difference <= TOLERANCE:
            yield kind, backend, difference
        else:
            yield kind, None, f"its results differ from PyTorch's by {difference:.1e}"


def _graph_kinds() -> list[BackendKind]:
    return [kind for kind in BACKENDS.values() if kind.runs_graphs and kind.is_here]


def _graph_of(checkpoint: Checkpoint) -> tuple[Graph | None, str]:
    """Its graph, made if there is none; or none, and why."""
    config = checkpoint.record.config
    graph = find_graph(config)
    if graph is None:
        try:
            graph = export_graph(checkpoint)
        except CheckpointError as error:
            return None, str(error)
        with contextlib.suppress(OSError):
            keep_graph(config, graph)
    return graph, ""


def _pixels(size: int, count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def _difference(backend: Backend, reference: Backend, size: int) -> float:
    pixels = _pixels(size, 2)
    a, b = backend.run(pixels), reference.run(pixels)
    pairs = ((a.logits, b.logits), (a.position_scores, b.position_scores))
    return max(largest_difference(*pair) for pair in pairs)


def _timed(
    backends: Mapping[str, Backend], size: int
) -> Generator[MeasuringProgress, None, dict[str, dict[int, float]]]:
    """Median seconds of a pass by backend and batch; in turn, so that a busy moment hits all."""
    plan = {
        name: _CPU_BATCHES if backend.device == "cpu" else _GPU_BATCHES
        for name, backend in backends.items()
    }
    total, done = _ROUNDS * sum(map(len, plan.values())), 0
    seconds: dict[str, dict[int, float]] = {name: {} for name in backends}
    for place in range(max(map(len, plan.values()))):
        times: dict[str, list[float]] = {name: [] for name in backends}
        for turn in range(_ROUNDS):
            for name, batches in plan.items():
                done += place < len(batches)
                if place >= len(batches) or _is_too_long(seconds[name]):
                    continue
                pixels = _pixels(size, batches[place])
                if not turn:
                    backends[name].run(pixels)  # what is done once only is not counted
                start = time.perf_counter()
                backends[name].run(pixels)
                times[name].append(time.perf_counter() - start)
                yield MeasuringProgress(done, total)
        for name, found in times.items():
            if found:
                seconds[name][plan[name][place]] = statistics.median(found)
    return seconds


def _is_too_long(seconds: Mapping[int, float]) -> bool:
    """Whether the last batch took so long that a larger one is out of the question."""
    return bool(seconds) and seconds[max(seconds)] > _LONGEST_BATCH_S


def _measurement(
    name: str, backend: Backend, difference: float, seconds: Mapping[int, float]
) -> BackendMeasurement:
    batch = min(seconds)
    for size, time_taken in seconds.items():
        fits = time_taken <= _LONGEST_BATCH_S or backend.device != "cpu"
        if fits and size / time_taken > _GAIN * batch / seconds[batch]:
            batch = size
    return BackendMeasurement(
        backend=name,
        runtime=backend.runtime,
        device=backend.device,
        rate=batch / seconds[batch],
        batch=batch,
        batch_seconds=seconds[batch],
        difference=difference,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )
