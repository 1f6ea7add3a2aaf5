"""Stand-ins that implement the real interfaces, deterministic and controllable."""

from tests.fakes.decoder import FakeDecoder
from tests.fakes.downloader import FakeDownloader
from tests.fakes.engine import (
    CATEGORIES,
    GRID,
    HEIGHT,
    MODEL_ID,
    SHIPPED,
    WIDTH,
    FakeEngine,
    evaluation_run,
    fake_model,
    position_scores,
    write_model_file,
)
from tests.fakes.trainer import FakeTrainer

__all__ = [
    "CATEGORIES",
    "GRID",
    "HEIGHT",
    "MODEL_ID",
    "SHIPPED",
    "WIDTH",
    "FakeDecoder",
    "FakeDownloader",
    "FakeEngine",
    "FakeTrainer",
    "evaluation_run",
    "fake_model",
    "position_scores",
    "write_model_file",
]
