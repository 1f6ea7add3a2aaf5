"""What only PyTorch can do: models without a graph, other sizes, measuring, training, teaching.

Importing this takes seconds, so whoever only tags does without.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from engine.api.teaching import TeachProgress, TeachReport, TeachRequest
from engine.api.training import TrainRequest
from engine.api.training_control import Wish
from engine.api.training_reports import TrainReport
from engine.api.values import ModelImport, ThresholdsForModel
from engine.checkpoints.csra_import import ImportOptions
from engine.checkpoints.exchange import export_model, import_file, possible_exports
from engine.checkpoints.graph_export import export_graph
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import Checkpoint, load_checkpoint, write_with_record
from engine.checkpoints.thresholds_in_file import save_thresholds
from engine.data.decoding.pool import DecodePool
from engine.inference.backend import Backend
from engine.inference.graphs import Graph, find_graph, keep_graph
from engine.inference.open_model import OpenModel
from engine.models.resizing import resized
from engine.pytorch.device import choose_device, half_type
from engine.pytorch.torch_backend import TorchBackend
from engine.records.backend_kinds import BackendKind
from engine.records.catalogue import find_model
from engine.records.models import default_store
from engine.service.opening import run_with
from engine.teach.teaching import teach
from engine.train.session import RunningTraining


class PyTorchWork:
    """Does it on a device.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        pool: decodes; stays open.

    Raises:
        ModelError: this machine has no such device.
    """

    def __init__(self, device: str, pool: DecodePool) -> None:
        self.device = choose_device(device)
        self._half = half_type(self.device)
        self._pool = pool
        self._opened: dict[Path, tuple[Checkpoint, TorchBackend]] = {}
        self._resized: tuple[tuple[Path, int], TorchBackend] | None = None
        self._resize_lock = threading.Lock()
        self._trainings: list[RunningTraining] = []

    def open(self, path: Path, options: ImportOptions | None = None) -> OpenModel:
        """Open any model file to run it with PyTorch.

        Args:
            path: of the file.
            options: what a file of the official code does not say.

        Raises:
            CheckpointError: it cannot be used.
        """
        checkpoint = open_checkpoint(path, options)
        backend = TorchBackend(checkpoint.classifier, self.device, self._half)
        self._opened[path] = checkpoint, backend
        return OpenModel(checkpoint.weights, backend, path)

    def open_with(self, kind: BackendKind, path: Path) -> OpenModel:
        """Open any model file to run it with another backend; its graph is made if there is none.

        Raises:
            CheckpointError: it cannot be used, or its network has no form as a graph.
        """
        checkpoint = open_checkpoint(path)
        config = checkpoint.record.config
        graph = find_graph(config)
        if graph is None:
            graph = export_graph(checkpoint)
            with contextlib.suppress(OSError):  # it is made again next time
                keep_graph(config, graph)
        return run_with(kind, checkpoint.weights, graph, path)

    def open_as_told(self, path: Path, lam: float | None, heads: int | None) -> OpenModel:
        """Open a file of the official code that does not say all of itself.

        Args:
            path: of the file.
            lam: λ, if the file does not say it.
            heads: how many it must have.

        Raises:
            CheckpointError: it cannot be used, or says something else.
        """
        return self.open(path, ImportOptions(lam=lam, heads=heads, is_measured=True))

    def forget(self, path: Path) -> None:
        """Free a model's memory."""
        self._opened.pop(path, None)
        with self._resize_lock:
            if self._resized is not None and self._resized[0][0] == path:
                self._resized = None

    def resized(self, path: Path, input_size: int) -> TorchBackend:
        """A model at another input size than its own; the last one is kept.

        Raises:
            CheckpointError: its file cannot be used any more.
            ModelError: its network cannot take this size.
        """
        key = path, input_size
        with self._resize_lock:
            if self._resized is None or self._resized[0] != key:
                self._resized = None  # two at once may be more than the memory takes
                opened = self._opened.get(path)
                checkpoint = open_checkpoint(path) if opened is None else opened[0]
                other = resized(checkpoint.classifier, input_size)
                self._resized = key, TorchBackend(other, self.device, self._half)
            return self._resized[1]

    def exact_instead(self, path: Path, input_size: int | None = None) -> Backend | None:
        """What runs a model in single precision; ``None`` if it is not run in half precision.

        Args:
            path: of a model that may be open here.
            input_size: if it is another one than the model's own.

        Raises:
            CheckpointError, ModelError: as for ``resized``.
        """
        opened = self._opened.get(path)
        if self._half is None or opened is None:
            return None
        backend = opened[1] if input_size is None else self.resized(path, input_size)
        return backend.in_single_precision()

    def import_model(self, request: ModelImport) -> str:
        """See ``TaggingEngine``."""
        return import_file(default_store(), request)

    def export_formats(self, source: str) -> tuple[str, ...]:
        """See ``TaggingEngine``."""
        return possible_exports(find_model(source))

    def export_model(self, source: str, target: Path, *, with_preprocessing: bool = False) -> None:
        """See ``TaggingEngine``."""
        export_model(find_model(source), target, with_preprocessing=with_preprocessing)

    def graph_of(self, path: Path) -> Graph:
        """The graph of a model of ours, made now and kept.

        Raises:
            CheckpointError: the file cannot be used, or its network has no form as a graph.
        """
        checkpoint = open_checkpoint(path)
        graph = export_graph(checkpoint)
        with contextlib.suppress(OSError):  # it is made again next time
            keep_graph(checkpoint.record.config, graph)
        return graph

    def note_int8(self, path: Path, text: str) -> None:
        """Have figures of int8 travel along in a model of ours, without touching its weights.

        Raises:
            CheckpointError: the file cannot be used or not be written.
        """
        record = load_checkpoint(path).record
        provenance = {**record.provenance, "int8": text}
        write_with_record(path, path, replace(record, provenance=provenance))

    def save_thresholds(self, request: ThresholdsForModel) -> str:
        """See ``TaggingEngine``."""
        return save_thresholds(default_store(), find_model(request.source), request)

    def train(self, request: TrainRequest) -> Generator[TrainReport, None, None]:
        """See ``TaggingEngine``."""
        training = RunningTraining(request)
        self._trainings.append(training)
        try:
            yield from training.reports()
        finally:
            self._trainings.remove(training)

    def steer_training(self, wish: Wish) -> None:
        """See ``TaggingEngine``."""
        for training in tuple(self._trainings):
            training.steer(wish)

    def teach(self, request: TeachRequest) -> Generator[TeachProgress | TeachReport, None, None]:
        """See ``TaggingEngine``."""
        yield from teach(request, self._pool)

    def close(self) -> None:
        """Keep what goes on and free everything."""
        for training in tuple(self._trainings):  # its state is to reach the disk
            training.close()
        self._opened.clear()
        self._resized = None
