"""The real engine: models, a decode pool and PyTorch in this process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.api.config import PredictConfig
from engine.api.errors import DataError, EngineStoppedError, ModelError
from engine.api.evaluation import EvaluationDone, EvaluationProgress, EvaluationRequest
from engine.api.geometry import Box
from engine.api.teaching import TeachProgress, TeachReport, TeachRequest
from engine.api.training import TrainRequest
from engine.api.training_control import Wish
from engine.api.training_reports import TrainReport
from engine.api.values import (
    ModelImport,
    ModelInfo,
    PositionScores,
    Prediction,
    ThresholdsForModel,
    TrueBox,
)
from engine.checkpoints.exchange import export_model, import_file, possible_exports
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import Checkpoint
from engine.checkpoints.thresholds_in_file import save_thresholds
from engine.data.datasets.true_boxes import TrueBoxes
from engine.data.decoding.pool import DecodePool
from engine.evaluation.job import EvaluationJob
from engine.inference import predict as prediction
from engine.inference.device import choose_device, device_name
from engine.inference.keeping import KeepingPredictor
from engine.inference.photo_features import PhotoFeatures
from engine.inference.torch_backend import TorchBackend
from engine.models.resizing import resized
from engine.records.catalogue import find_model
from engine.records.models import default_store
from engine.teach.teaching import teach
from engine.train.session import RunningTraining


@dataclass(frozen=True, eq=False)
class _OpenModel:
    checkpoint: Checkpoint
    backend: TorchBackend
    info: ModelInfo


class LocalEngine:
    """Implements ``TaggingEngine`` with PyTorch.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        num_workers: decoding processes; 0 chooses for the machine.

    Raises:
        ModelError: this machine has no such device.
    """

    def __init__(self, device: str = "auto", num_workers: int = 0) -> None:
        self._device = choose_device(device)
        self._pool = DecodePool(num_workers)
        self._models: dict[str, _OpenModel] = {}
        self._by_file: dict[tuple[Path, int, int], str] = {}
        self._lock = threading.Lock()
        self._resized: tuple[tuple[str, int], TorchBackend] | None = None
        self._resize_lock = threading.Lock()
        self._true_boxes = TrueBoxes()
        self._evaluations: list[EvaluationJob] = []
        self._trainings: list[RunningTraining] = []
        self._keeping: dict[str, KeepingPredictor] = {}
        self._closed = False

    def open_model(self, source: str | None = None) -> ModelInfo:
        """Load a model and keep it; see ``TaggingEngine``."""
        self._check_open()
        path = find_model(source).resolve()
        status = path.stat()
        key = (path, status.st_size, status.st_mtime_ns)
        with self._lock:
            if key not in self._by_file:
                opened = self._load(path)
                self._models[opened.info.id] = opened
                self._by_file[key] = opened.info.id
            return self._models[self._by_file[key]].info

    def close_model(self, model_id: str) -> None:
        """Free a model's memory; see ``TaggingEngine``."""
        with self._lock:
            self._models.pop(model_id, None)
            self._keeping.pop(model_id, None)
            self._by_file = {key: id_ for key, id_ in self._by_file.items() if id_ != model_id}
        with self._resize_lock:
            if self._resized is not None and self._resized[0][0] == model_id:
                self._resized = None

    def import_model(self, request: ModelImport) -> str:
        """Make a model of the person's own from a file; see ``TaggingEngine``."""
        self._check_open()
        return import_file(default_store(), request)

    def export_formats(self, source: str) -> tuple[str, ...]:
        """The suffixes a model can be exported to; see ``TaggingEngine``."""
        self._check_open()
        return possible_exports(find_model(source))

    def export_model(self, source: str, target: Path) -> None:
        """Write a model in another format; see ``TaggingEngine``."""
        self._check_open()
        export_model(find_model(source), target)

    def predict(
        self, model_id: str, paths: Sequence[Path], config: PredictConfig | None = None
    ) -> Generator[Prediction, None, None]:
        """Say what is in each image, in the order given; see ``TaggingEngine``."""
        model = self._model(model_id)
        preprocess = model.checkpoint.record.config.preprocess
        folder = None if config is None else config.features
        if folder is None or model.info.activation != "sigmoid":
            yield from prediction.predict(
                model.backend, self._pool, model_id, paths, preprocess, config
            )
            return
        size = prediction.batch_size(model.backend, config)
        keeping = self._keeping_predictor(model, folder)
        yield from keeping.predict(self._pool, model_id, paths, size)

    def explain(
        self,
        model_id: str,
        path: Path,
        hidden: Box | None = None,
        input_size: int | None = None,
    ) -> PositionScores:
        """The position scores of one image; see ``TaggingEngine``."""
        model = self._model(model_id)
        preprocess = model.checkpoint.record.config.preprocess
        if input_size is not None:
            preprocess = replace(preprocess, input_size=input_size)
        backend = self._backend_for(model, preprocess.input_size)
        return prediction.explain(backend, self._pool, model_id, path, preprocess, hidden)

    def true_boxes(self, path: Path) -> tuple[TrueBox, ...] | None:
        """The objects of a photo of a data set; see ``TaggingEngine``."""
        self._check_open()
        return self._true_boxes.of(path)

    def evaluate(
        self, request: EvaluationRequest
    ) -> Generator[EvaluationProgress | EvaluationDone, None, None]:
        """Measure a model on labelled images; see ``TaggingEngine``."""
        self._check_open()
        yield EvaluationProgress(0, 0)
        work = self._evaluation(request)
        self._evaluations.append(work)
        try:
            yield from work.run(self._pool)
        finally:
            self._evaluations.remove(work)

    def save_thresholds(self, request: ThresholdsForModel) -> str:
        """Keep thresholds in a model file; see ``TaggingEngine``."""
        self._check_open()
        return save_thresholds(default_store(), find_model(request.source), request)

    def train(self, request: TrainRequest) -> Generator[TrainReport, None, None]:
        """Train a model; see ``TaggingEngine``."""
        self._check_open()
        training = RunningTraining(request)
        self._trainings.append(training)
        try:
            yield from training.reports()
        finally:
            self._trainings.remove(training)

    def steer_training(self, wish: Wish) -> None:
        """What is wanted of the trainings that go on; see ``TaggingEngine``."""
        for training in tuple(self._trainings):
            training.steer(wish)

    def teach(self, request: TeachRequest) -> Generator[TeachProgress | TeachReport, None, None]:
        """Teach a model single categories; see ``TaggingEngine``."""
        self._check_open()
        yield from teach(request, self._pool)

    def close(self) -> None:
        """Free models and decoding processes; twice is harmless."""
        self._closed = True
        for training in tuple(self._trainings):  # its state is to reach the disk
            training.close()
        for work in tuple(self._evaluations):  # nobody may ask for its next value any more
            with contextlib.suppress(DataError):
                work.save_unfinished()
        self._pool.close()
        self._models.clear()
        self._resized = None

    def _evaluation(self, request: EvaluationRequest) -> EvaluationJob:
        """With the model as it is open, or with one that is gone when the evaluation is."""
        path = find_model(request.model).resolve()
        with self._lock:
            opened = next((m for m in self._models.values() if m.info.path == path), None)
        if opened is None:
            return EvaluationJob(request, open_checkpoint(path), self._device)
        return EvaluationJob(request, opened.checkpoint, self._device, opened.backend)

    def _load(self, path: Path) -> _OpenModel:
        checkpoint = open_checkpoint(path)
        record = checkpoint.record
        info = ModelInfo(
            id=checkpoint.id,
            name=record.name,
            path=path,
            categories=record.config.categories,
            temperatures=record.config.head.temperatures,
            lam=record.config.head.lam,
            input_size=record.config.preprocess.input_size,
            backbone=record.config.backbone,
            thresholds=record.thresholds,
            results=dict(record.results),
            description=record.description,
            device=device_name(self._device),
            activation=record.config.head.activation,
            calibration=record.calibration,
            taught_from=record.taught_from,
        )
        return _OpenModel(checkpoint, TorchBackend(checkpoint.classifier, self._device), info)

    def _keeping_predictor(self, model: _OpenModel, folder: Path) -> KeepingPredictor:
        with self._lock:
            if model.info.id not in self._keeping:
                self._keeping[model.info.id] = KeepingPredictor(
                    model.backend,
                    PhotoFeatures(model.checkpoint, folder),
                    model.checkpoint.record.config.preprocess,
                    answers=bool(model.info.taught_from),
                )
            return self._keeping[model.info.id]

    def _backend_for(self, model: _OpenModel, input_size: int) -> TorchBackend:
        """The model at an input size; the last one that is not the model's own is kept."""
        if input_size == model.info.input_size:
            return model.backend
        key = model.info.id, input_size
        with self._resize_lock:
            if self._resized is None or self._resized[0] != key:
                self._resized = None  # two at once may be more than the memory takes
                other = resized(model.checkpoint.classifier, input_size)
                self._resized = key, TorchBackend(other, self._device)
            return self._resized[1]

    def _model(self, model_id: str) -> _OpenModel:
        self._check_open()
        try:
            return self._models[model_id]
        except KeyError:
            raise ModelError("This model is not open; open it first.") from None

    def _check_open(self) -> None:
        if self._closed:
            raise EngineStoppedError("The engine is closed.")
