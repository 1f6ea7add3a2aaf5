"""The narrow interface through which a front end uses the engine."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Protocol

from engine.api.config import PredictConfig
from engine.api.evaluation import EvaluationDone, EvaluationProgress, EvaluationRequest
from engine.api.geometry import Box
from engine.api.quantizing import QuantizingDone
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


class TaggingEngine(Protocol):
    """What a window or a command may ask of the engine.

    Every call may take long (the first that needs PyTorch imports it) and belongs in a worker.
    Calls from several threads at once are allowed. Expected failures raise ``EngineError``.
    """

    def open_model(self, source: Path | str | None = None) -> ModelInfo:
        """Load a model and keep it; the same one twice costs nothing.

        Args:
            source: a file, or the name of a model that ships; ``None`` is the default model. Its
                form with details (``engine.inference.details``) is made if it is not there yet.

        Raises:
            CheckpointError: the file is not a sound model.
            ModelError: there is no such model.
        """
        ...

    def close_model(self, model_id: str) -> None:
        """Free the memory of ``model_id``, if it is open at all. Work on it goes on."""
        ...

    def import_model(self, request: ModelImport) -> str:
        """Make a model of the person's own as ``request`` says; its name, to open it by.

        Raises:
            CheckpointError: the file cannot be used.
            MissingFactsError: it can, once somebody says what it does not say.
            ModelError: the name is taken or unusable.
        """
        ...

    def export_formats(self, source: str) -> tuple[str, ...]:
        """The suffixes (``.onnx``, …) of the formats that the model ``source`` can be written in.

        Raises:
            CheckpointError: the file cannot be used.
            ModelError: there is no such model.
        """
        ...

    def export_model(self, source: str, target: Path, *, with_preprocessing: bool = False) -> None:
        """Write the model ``source`` in the format that the suffix of ``target`` names.

        Args:
            source: the model's name or file.
            target: the file to write.
            with_preprocessing: an ONNX file takes the pixels of photos of any size.

        Raises:
            CheckpointError: the model cannot be read, or not be written so.
            ModelError: there is no such model, format or folder.
        """
        ...

    def predict(
        self, model_id: str, paths: Sequence[Path | str], config: PredictConfig | None = None
    ) -> Generator[Prediction, None, None]:
        """Say what is in each image, in the order given, one value per path.

        A bad image yields a prediction with ``error`` set. Closing the generator stops the work
        within one batch.

        Args:
            model_id: of an open model.
            paths: images; relative ones begin in the current folder.
            config: batch size and what else to make along the way; ``None`` is usual.

        Raises:
            ModelError: the model is not open.
        """
        ...

    def explain(
        self,
        model_id: str,
        path: Path | str,
        hidden: Box | None = None,
        input_size: int | None = None,
    ) -> PositionScores:
        """The position scores of one image: everything its maps are computed from.

        Args:
            model_id: of an open model.
            path: the image.
            hidden: a rectangle in fractions of the upright photo that the model does not get to
                see (``engine.explain.occlusion``); ``None`` shows it the whole photo.
            input_size: side of the network's square input in pixels; larger means a finer grid,
                and objects of other sizes than it was trained on. ``None`` is the model's own.

        Raises:
            ConfigError: no network can take this size.
            ImageError: the image cannot be read.
            ModelError: the model is not open, or cannot take this size.
        """
        ...

    def true_boxes(self, path: Path | str) -> tuple[TrueBox, ...] | None:
        """The objects of the photo ``path``, in a VOC devkit or beside COCO's annotations.

        Returns:
            ``None`` for any other photo.

        Raises:
            DataError: the annotation cannot be read.
        """
        ...

    def evaluate(
        self, request: EvaluationRequest
    ) -> Generator[EvaluationProgress | EvaluationDone, None, None]:
        """Measure a model on labelled images and keep the run; its id is the last value.

        Closing the generator stops the work within one batch. What was found is kept and can be
        gone on with (``engine.records.unfinished``).

        Args:
            request: the model, the images, and how to run the one over the other.

        Raises:
            CheckpointError: the model's file cannot be used.
            DataError: the data set cannot be read, or the results not be kept.
            ModelError: there is no such model, or it cannot take the input size.
        """
        ...

    def quantize(
        self, request: EvaluationRequest
    ) -> Generator[EvaluationProgress | QuantizingDone, None, None]:
        """Make the int8 network of a model and measure it on labelled images.

        It is kept if it is good enough, the figures in any case. Closing the generator stops the
        work within one photo, and leaves what was there before.

        Args:
            request: the model and the images; its ``limit`` is of those that are measured on.

        Raises:
            CheckpointError: the model's file cannot be used.
            DataError: there are too few images, or the network could not be kept.
            ModelError: there is no such model, or no int8 network can be made of it.
        """
        ...

    def save_thresholds(self, request: ThresholdsForModel) -> str:
        """Keep thresholds as ``request`` says; the name of the model that has them.

        Raises:
            CheckpointError: the file cannot be used or not be written.
            ModelError: there is no such model, or it is not the person's own to change.
        """
        ...

    def train(self, request: TrainRequest) -> Generator[TrainReport, None, None]:
        """Train a model (``engine.train.session.run_training``); ``TrainingEnded`` comes last.

        Closing the generator stops at once and keeps what is there to go on with.

        Args:
            request: the images, where to start, how to learn and where to write.

        Raises:
            CheckpointError: a model file or the state of an earlier run cannot be used.
            ConfigError: the settings do not fit the images, the model or each other.
            DataError: the images cannot be used, or a file not be written.
            DivergedError: the loss is no number any more.
            ModelError: there is no such model, backbone or device.
        """
        ...

    def steer_training(self, wish: Wish) -> None:
        """Tell the trainings that go on a ``wish``: a pause, an end, or neither any more."""
        ...

    def teach(self, request: TeachRequest) -> Generator[TeachProgress | TeachReport, None, None]:
        """Teach a model single categories (``engine.teach``); the report is the last value.

        Closing the generator stops the work and leaves no file.

        Args:
            request: the model to start from, and what is known of which photos.

        Raises:
            CheckpointError: the model's file cannot be used, or the new one not be written.
            DataError: there is nothing to learn, or a photo cannot be read.
            ModelError: there is no such model, or it cannot be taught.
        """
        ...

    def close(self) -> None:
        """Free models, processes and threads; later calls raise ``EngineError``."""
        ...
