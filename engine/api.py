"""The narrow interface through which a front end uses the engine."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Protocol

from engine.config import PredictConfig
from engine.values import ModelInfo, PositionScores, Prediction


class TaggingEngine(Protocol):
    """What a window or a command may ask of the engine.

    Every call may take long (the first one imports torch) and belongs in a worker. Calls from
    several threads at once are allowed. Expected failures raise ``EngineError``.
    """

    def open_model(self, source: str | None = None) -> ModelInfo:
        """Load a model and keep it; the same one twice costs nothing.

        Args:
            source: a file, or the name of a model that ships; ``None`` is the default model.

        Raises:
            CheckpointError: the file is not a sound model.
            ModelError: there is no such model.
        """
        ...

    def predict(
        self, model_id: str, paths: Sequence[Path], config: PredictConfig | None = None
    ) -> Generator[Prediction, None, None]:
        """Say what is in each image, in the order given, one value per path.

        A bad image yields a prediction with ``error`` set. Closing the generator stops the work
        within one batch.

        Raises:
            ModelError: the model is not open.
        """
        ...

    def explain(self, model_id: str, path: Path) -> PositionScores:
        """The position scores of one image: everything its maps are computed from.

        Raises:
            ImageError: the image cannot be read.
            ModelError: the model is not open.
        """
        ...

    def close(self) -> None:
        """Free models, processes and threads; later calls raise ``EngineError``."""
        ...
