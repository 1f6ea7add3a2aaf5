"""The real engine: models, a decode pool and what runs networks, in this process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

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
from engine.data.datasets.true_boxes import TrueBoxes
from engine.data.decoding.pool import DecodePool
from engine.evaluation.job import EvaluationJob
from engine.inference import predict as prediction
from engine.inference.backend import Backend
from engine.inference.hardware import may_have_gpu
from engine.inference.keeping import KeepingPredictor
from engine.inference.open_model import OpenModel
from engine.inference.photo_features import PhotoFeatures
from engine.inference.thumbnails import image_source
from engine.inference.turns import Turns
from engine.records.catalogue import find_model
from engine.service.graph_maker import GraphMaker
from engine.service.opening import open_with_onnx

if TYPE_CHECKING:
    from engine.service.with_pytorch import PyTorchWork

#: What runs a network; "auto" is ONNX Runtime on the CPU if it can be, and PyTorch else.
BackendWish = Literal["auto", "onnx", "torch"]


class LocalEngine:
    """Implements ``TaggingEngine``; PyTorch is only imported for what nothing else can do.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        num_workers: decoding processes; 0 chooses for the machine.
        backend: what runs networks.
        graphs: makes the graphs of networks that have none, beside other work; ``None`` makes none.

    Attributes:
        pool: decodes.

    Raises:
        ModelError: this machine has no such device.
    """

    def __init__(
        self,
        device: str = "auto",
        num_workers: int = 0,
        backend: BackendWish = "auto",
        graphs: GraphMaker | None = None,
    ) -> None:
        self._device = device
        self._backend = backend
        self._graphs = graphs
        self._is_light = device == "cpu" or (device == "auto" and not may_have_gpu())
        if backend == "onnx" and device not in ("auto", "cpu"):
            raise ModelError(f"ONNX Runtime runs on the CPU here, not on {device!r}.")
        self.pool = DecodePool(num_workers)
        self._models: dict[str, OpenModel] = {}
        self._by_file: dict[tuple[Path, int, int], str] = {}
        self._lock = threading.Lock()
        self._pytorch: PyTorchWork | None = None
        self._pytorch_lock = threading.Lock()
        self._turns = Turns()
        self._true_boxes = TrueBoxes()
        self._keeping: dict[str, KeepingPredictor] = {}
        self._evaluations: list[EvaluationJob] = []
        self._closed = False
        if not self._is_light and device != "auto":  # whether there is such a device
            self._with_pytorch()

    def open_model(self, source: str | None = None) -> ModelInfo:
        """Load a model and keep it; see ``TaggingEngine``."""
        self._check_open()
        path = find_model(source).resolve()
        key = _file_key(path)
        with self._lock:
            if key not in self._by_file:
                opened = self._opened_in_turn(path)
                self._models[opened.weights.id] = opened
                self._by_file[key] = opened.weights.id
            return self._models[self._by_file[key]].info

    def close_model(self, model_id: str) -> None:
        """Free a model's memory; see ``TaggingEngine``."""
        with self._lock:
            closed = self._models.pop(model_id, None)
            self._keeping.pop(model_id, None)
            self._by_file = {key: id_ for key, id_ in self._by_file.items() if id_ != model_id}
        if closed is not None and self._pytorch is not None:
            self._pytorch.forget(closed.path)

    def import_model(self, request: ModelImport) -> str:
        """Make a model of the person's own from a file; see ``TaggingEngine``."""
        return self._with_pytorch().import_model(request)

    def export_formats(self, source: str) -> tuple[str, ...]:
        """The suffixes a model can be exported to; see ``TaggingEngine``."""
        return self._with_pytorch().export_formats(source)

    def export_model(self, source: str, target: Path) -> None:
        """Write a model in another format; see ``TaggingEngine``."""
        self._with_pytorch().export_model(source, target)

    def predict(
        self, model_id: str, paths: Sequence[Path], config: PredictConfig | None = None
    ) -> Generator[Prediction, None, None]:
        """Say what is in each image, in the order given; see ``TaggingEngine``."""
        model = self._model(model_id)
        preprocess = model.weights.record.config.preprocess
        folder = None if config is None else config.features
        with image_source(self.pool, None if config is None else config.thumbnails) as source:
            if folder is None or model.backend.head.activation != "sigmoid":
                yield from prediction.predict(
                    model.backend, source, model_id, paths, preprocess, config
                )
                return
            size = prediction.batch_size(model.backend, config)
            keeping = self._keeping_predictor(model, folder)
            yield from keeping.predict(source, model_id, paths, size)

    def explain(
        self,
        model_id: str,
        path: Path,
        hidden: Box | None = None,
        input_size: int | None = None,
    ) -> PositionScores:
        """The position scores of one image; see ``TaggingEngine``."""
        model = self._model(model_id)
        preprocess = model.weights.record.config.preprocess
        if input_size is not None:
            preprocess = replace(preprocess, input_size=input_size)
        backend = self._backend_for(model, preprocess.input_size)
        backend = self._turns.backend(backend, urgent=True)
        return prediction.explain(backend, self.pool, model_id, path, preprocess, hidden)

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
        with self.evaluation(request) as work:
            yield from work.run(self.pool)

    @contextlib.contextmanager
    def evaluation(self, request: EvaluationRequest) -> Generator[EvaluationJob, None, None]:
        """The work of an evaluation, with the model as it is open, or opened for it alone.

        Raises:
            ConfigError, ModelError: the model cannot take the input size.
            EngineError: the model or the data set cannot be used.
        """
        self._check_open()
        path = find_model(request.model).resolve()
        opened = self._known(path)
        model = self._opened_in_turn(path) if opened is None else opened
        size = request.config.input_size
        work = EvaluationJob(request, model, self._backend_for(model, size) if size else None)
        self._evaluations.append(work)
        try:
            yield work
        finally:
            self._evaluations.remove(work)
            if opened is None and self._pytorch is not None:
                self._pytorch.forget(path)

    def save_thresholds(self, request: ThresholdsForModel) -> str:
        """Keep thresholds in a model file; see ``TaggingEngine``."""
        return self._with_pytorch().save_thresholds(request)

    def train(self, request: TrainRequest) -> Generator[TrainReport, None, None]:
        """Train a model; see ``TaggingEngine``."""
        yield from self._with_pytorch().train(request)

    def steer_training(self, wish: Wish) -> None:
        """What is wanted of the trainings that go on; see ``TaggingEngine``."""
        if self._pytorch is not None:
            self._pytorch.steer_training(wish)

    def teach(self, request: TeachRequest) -> Generator[TeachProgress | TeachReport, None, None]:
        """Teach a model single categories; see ``TaggingEngine``."""
        yield from self._with_pytorch().teach(request)

    def close(self) -> None:
        """Free models and decoding processes; twice is harmless."""
        self._closed = True
        for work in tuple(self._evaluations):  # nobody may ask for its next value any more
            with contextlib.suppress(DataError):
                work.save_unfinished()
        if self._pytorch is not None:
            self._pytorch.close()
        if self._graphs is not None:
            self._graphs.close()
        self.pool.close()
        self._models.clear()

    def _known(self, path: Path) -> OpenModel | None:
        """A model that is open and whose file is as it was."""
        with self._lock:
            known = self._by_file.get(_file_key(path))
            return None if known is None else self._models.get(known)

    def _opened_in_turn(self, path: Path) -> OpenModel:
        """A model whose passes wait for those of all others."""
        opened = self._opened(path)
        return replace(opened, backend=self._turns.backend(opened.backend))

    def _opened(self, path: Path) -> OpenModel:
        """A model with what shall run it."""
        if self._backend == "onnx":
            return open_with_onnx(path) or self._with_pytorch().open_with_onnx(path)
        is_wanted = self._backend == "auto" and self._is_light
        opened = open_with_onnx(path) if is_wanted else None
        if opened is not None:
            return opened
        opened = self._with_pytorch().open(path)
        if is_wanted and self._graphs is not None:
            self._graphs.make_for(path)
        return opened

    def _with_pytorch(self) -> PyTorchWork:
        """What PyTorch does; the first time takes seconds."""
        self._check_open()
        with self._pytorch_lock:
            if self._pytorch is None:
                from engine.service.with_pytorch import PyTorchWork  # noqa: PLC0415  # seconds

                self._pytorch = PyTorchWork(self._device, self.pool)
            return self._pytorch

    def _keeping_predictor(self, model: OpenModel, folder: Path) -> KeepingPredictor:
        with self._lock:
            if model.weights.id not in self._keeping:
                record = model.weights.record
                self._keeping[model.weights.id] = KeepingPredictor(
                    model.backend,
                    PhotoFeatures(model.weights, folder),
                    record.config.preprocess,
                    answers=bool(record.taught_from),
                )
            return self._keeping[model.weights.id]

    def _backend_for(self, model: OpenModel, input_size: int) -> Backend:
        """What runs the model at an input size."""
        if input_size == model.weights.record.config.preprocess.input_size:
            return model.backend
        return self._turns.backend(self._with_pytorch().resized(model.path, input_size))

    def _model(self, model_id: str) -> OpenModel:
        self._check_open()
        try:
            return self._models[model_id]
        except KeyError:
            raise ModelError("This model is not open; open it first.") from None

    def _check_open(self) -> None:
        if self._closed:
            raise EngineStoppedError("The engine is closed.")


def _file_key(path: Path) -> tuple[Path, int, int]:
    status = path.stat()
    return path, status.st_size, status.st_mtime_ns
