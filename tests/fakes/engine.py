"""An engine whose answers follow from the names of files."""

from __future__ import annotations

import hashlib
import json
import struct
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from engine.api.categories import Categories
from engine.api.config import HeadConfig, ModelConfig, PredictConfig, PreprocessConfig
from engine.api.errors import (
    EngineError,
    ImageError,
    ModelError,
)
from engine.api.evaluation import EvaluationDone, EvaluationProgress, EvaluationRequest
from engine.api.facts import Fact
from engine.api.geometry import Box
from engine.api.quantizing import QuantizingDone
from engine.api.teaching import TeachProgress, TeachReport, TeachRequest
from engine.api.training import TrainRequest
from engine.api.training_control import Wish
from engine.api.training_reports import TrainReport
from engine.api.values import (
    Descriptor,
    ModelImport,
    ModelInfo,
    PositionScores,
    Prediction,
    ThresholdsForModel,
    TrueBox,
)
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.registry import load_dataset
from engine.explain.evidence import logits, sigmoid
from engine.explain.regions import cell_shares
from engine.records.catalogue import find_model
from engine.records.evaluations import EvaluationRun, EvaluationStore, dataset_hash, now
from engine.records.int8_networks import Int8Figures, Int8Networks
from engine.records.model_record import CheckpointRecord, to_metadata
from engine.records.model_record import model_id as checkpoint_id
from engine.records.models import default_store, shipped_models
from engine.records.safetensors_header import read_header
from tests.fakes.gates import opened_gate
from tests.fakes.trainer import FakeTrainer

CATEGORIES = Categories(("cat", "dog", "car", "person", "boat", "<b>bold</b> & co"))
MODEL_ID = "f4ce"
SHIPPED = "csra-lite0-voc"
INT8_FIGURES = Int8Figures(
    *("val, 400 images", "train, 64 images", "2026-01-01", 0.9, 0.899, 0.995, 5.0, 15.0),
    *("ONNX Runtime", "openvino", "OpenVINO 1"),
)
GRID = 14
WIDTH, HEIGHT = 640, 480


def fake_model(
    name: str, path: Path | None, categories: Categories = CATEGORIES, **facts: object
) -> ModelInfo:
    """A model that the fake engine can open; its id follows from its name."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    info = ModelInfo(digest, name, path, categories, (1.0,), 0.1, 448, "fake", device="CPU")
    info = replace(info, descriptor_kind=f"seen by {name}")
    return replace(info, **facts)  # type: ignore[arg-type]


def write_model_file(path: Path, name: str, categories: Categories = CATEGORIES) -> Path:
    """A file of ours without a tensor: enough for lists, which read no more than its head."""
    config = ModelConfig("resnet18", categories, HeadConfig(), PreprocessConfig(448))
    record = CheckpointRecord(config, name, "for tests", "as you like", results={"val mAP": 0.5})
    header = json.dumps({"__metadata__": to_metadata(record, "0" * 64)}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


@dataclass
class FakeEngine:
    """A ``TaggingEngine`` whose answers follow from the file's name.

    A category in the name ("cat-and-dog.jpg") has a high score and a blob of position scores; a
    name with "bad" in it fails. Everything else is drawn from a hash of the name.

    Attributes:
        categories: of the model that ships.
        describes_along: whether tagging makes descriptors along the way.
        model_error: makes ``open_model`` fail while it is set.
        models: what can be opened beside the model that ships, by name.
        opened: ids of the models that are open.
        import_errors: each makes one ``import_model`` fail, the first one first.
        import_gate: ``import_model`` waits for it.
        imported: the requests of ``import_model`` that were fulfilled.
        exported: what ``export_model`` was asked for.
        exported_with_preprocessing: whether it was to take pixels.
        predict_bug: is raised by ``predict`` while it is set.
        open_gate: ``open_model`` waits for it.
        predict_gate: each prediction waits for it.
        explain_gate: each explanation waits for it.
        facts: what is measured of photos, by file name; of others that they are wide.
        revise: what becomes of each prediction.
        predict_calls: the paths of each call.
        predict_configs: how each call wanted it.
        predicted: photos that a prediction was made for.
        explain_calls: the path of each call.
        hidden_calls: the hidden part of each call, ``None`` for the whole photo.
        size_calls: the input size of each call, ``None`` for the model's own; it changes nothing.
        evaluate_gate: each image of an evaluation waits for it.
        evaluate_error: ends an evaluation after its first image while it is set.
        evaluated: the requests of ``evaluate``.
        evaluate_closed: set when an ``evaluate`` has come to its end, whichever.
        quantized: the requests of ``quantize``; they wait and fail as evaluations do.
        int8_figures: what it measures.
        saved_thresholds: the requests of ``save_thresholds``.
        boxes: the true boxes of photos, by file name.
        trainer: what it does when it shall train or teach.
        closed: set when ``close`` was called.
        predict_closed: set when a ``predict`` has come to its end, whichever.
    """

    categories: Categories = CATEGORIES
    describes_along: bool = True
    model_error: EngineError | None = None
    models: dict[str, ModelInfo] = field(default_factory=dict)
    opened: dict[str, ModelInfo] = field(default_factory=dict)
    import_errors: list[EngineError] = field(default_factory=list)
    import_gate: threading.Event = field(default_factory=opened_gate)
    imported: list[ModelImport] = field(default_factory=list)
    exported: list[tuple[str, Path]] = field(default_factory=list)
    exported_with_preprocessing: list[bool] = field(default_factory=list)
    predict_bug: Exception | None = None
    facts: dict[str, Fact] = field(default_factory=dict)
    revise: Callable[[Prediction], Prediction] | None = None
    open_gate: threading.Event = field(default_factory=opened_gate)
    predict_gate: threading.Event = field(default_factory=opened_gate)
    explain_gate: threading.Event = field(default_factory=opened_gate)
    predict_calls: list[tuple[Path, ...]] = field(default_factory=list)
    predict_configs: list[PredictConfig | None] = field(default_factory=list)
    predicted: list[Path] = field(default_factory=list)
    explain_calls: list[Path] = field(default_factory=list)
    hidden_calls: list[Box | None] = field(default_factory=list)
    size_calls: list[int | None] = field(default_factory=list)
    evaluate_gate: threading.Event = field(default_factory=opened_gate)
    evaluate_error: EngineError | None = None
    evaluated: list[EvaluationRequest] = field(default_factory=list)
    evaluate_closed: threading.Event = field(default_factory=threading.Event)
    quantized: list[EvaluationRequest] = field(default_factory=list)
    int8_figures: Int8Figures = INT8_FIGURES
    trainer: FakeTrainer = field(init=False)
    saved_thresholds: list[ThresholdsForModel] = field(default_factory=list)
    boxes: dict[str, tuple[TrueBox, ...]] = field(default_factory=dict)
    closed: threading.Event = field(default_factory=threading.Event)
    predict_closed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.trainer = FakeTrainer(self._write_model)

    def open_model(self, source: Path | str | None = None) -> ModelInfo:
        """The model that ships or one of ``models``, unless it is told to fail."""
        self._wait(self.open_gate)
        if self.model_error is not None:
            raise self.model_error
        if source is None or source == SHIPPED:
            path = shipped_models()[SHIPPED].resolve()
            shipped = fake_model("Fake model", path, self.categories)
            info = replace(shipped, id=MODEL_ID)
        elif source in self.models:
            info = self.models[source]
        else:
            raise ModelError(f"There is no model {source!r}.")
        self.opened[info.id] = info
        return info

    def close_model(self, model_id: str) -> None:
        """Forget it."""
        self.opened.pop(model_id, None)

    def import_model(self, request: ModelImport) -> str:
        """Write a file that lists can read, and let the model be opened."""
        self._wait(self.import_gate)
        if self.import_errors:
            raise self.import_errors.pop(0)
        store = default_store()
        name = request.name or store.free_name(request.path.stem)
        known = self.models.get(str(request.path))
        categories = CATEGORIES if known is None else known.categories
        origin = "" if known is None else known.taught_from
        path = write_model_file(store.new_path(name), name, categories)
        self.imported.append(request)
        info = fake_model(name, path.resolve(), categories, taught_from=origin)
        self.models[name] = self.models[str(path.resolve())] = info
        return name

    def export_formats(self, source: str) -> tuple[str, ...]:
        """All but the official one."""
        return (".onnx", ".safetensors")

    def export_model(self, source: str, target: Path, *, with_preprocessing: bool = False) -> None:
        """Remember what was asked for."""
        self.exported.append((source, target))
        self.exported_with_preprocessing.append(with_preprocessing)

    def predict(
        self, model_id: str, paths: Sequence[Path | str], config: PredictConfig | None = None
    ) -> Generator[Prediction, None, None]:
        """One prediction per path, in order."""
        self.predict_calls.append(tuple(paths))
        self.predict_configs.append(config)
        info = self._open(model_id)
        try:
            for path in map(Path, paths):
                self._wait(self.predict_gate)
                if self.predict_bug is not None:
                    raise self.predict_bug
                self.predicted.append(path)
                prediction = _prediction(path, info)
                wish = "none" if config is None else config.descriptors
                if wish == "all" or (wish == "along" and self.describes_along):
                    prediction = _described(prediction, info)
                if config is not None and config.facts and prediction.error is None:
                    found = self.facts.get(path.name, Fact.LANDSCAPE_FORMAT)
                    prediction = replace(prediction, facts=found)
                yield self.revise(prediction) if self.revise else prediction
        finally:
            self.predict_closed.set()

    def explain(
        self,
        model_id: str,
        path: Path | str,
        hidden: Box | None = None,
        input_size: int | None = None,
    ) -> PositionScores:
        """A blob for each category in the name; nothing where the photo is hidden."""
        path = Path(path)
        self.explain_calls.append(path)
        self.hidden_calls.append(hidden)
        self.size_calls.append(input_size)
        self._wait(self.explain_gate)
        if "bad" in path.name:
            raise ImageError("The file ends too early.")
        scores = position_scores(path, self._open(model_id))
        if hidden is not None:
            scores.values[..., cell_shares(scores, hidden) >= 0.5] = -4.0
        return scores

    def true_boxes(self, path: Path | str) -> tuple[TrueBox, ...] | None:
        """What ``boxes`` has for the file's name."""
        return self.boxes.get(Path(path).name)

    def evaluate(
        self, request: EvaluationRequest
    ) -> Generator[EvaluationProgress | EvaluationDone, None, None]:
        """Read the data set, draw logits that are mostly right, and keep the run."""
        self.evaluated.append(request)
        try:
            yield EvaluationProgress(0, 0)
            info = self.open_model(request.model)
            images = load_dataset(request.dataset, request.root, request.split)
            images = images.spread(request.limit).for_categories(info.categories)
            for done in range(1, len(images) + 1):
                self._wait(self.evaluate_gate)
                yield EvaluationProgress(done, len(images))
                if self.evaluate_error is not None:
                    raise self.evaluate_error
            run = evaluation_run(images, info, request)
            folder = EvaluationStore().save(run, request.root)
            yield EvaluationDone(folder.name)
        finally:
            self.evaluate_closed.set()

    def quantize(
        self, request: EvaluationRequest
    ) -> Generator[EvaluationProgress | QuantizingDone, None, None]:
        """Count up, and keep the figures that are set, with a network that nothing could run."""
        self.quantized.append(request)
        try:
            yield EvaluationProgress(0, 0)
            model_id = checkpoint_id(read_header(find_model(request.model)).metadata)
            for done in range(1, 5):
                self._wait(self.evaluate_gate)
                yield EvaluationProgress(done, 4)
                if self.evaluate_error is not None:
                    raise self.evaluate_error
            Int8Networks().keep(model_id, self.int8_figures, b"an int8 network")
            yield QuantizingDone(model_id)
        finally:
            self.evaluate_closed.set()

    def save_thresholds(self, request: ThresholdsForModel) -> str:
        """Remember what was to be kept."""
        self.saved_thresholds.append(request)
        return request.name or request.source

    def train(self, request: TrainRequest) -> Generator[TrainReport, None, None]:
        """See ``FakeTrainer``."""
        yield from self.trainer.train(request, self._wait)

    def steer_training(self, wish: Wish) -> None:
        """See ``FakeTrainer``."""
        self.trainer.steer(wish)

    def teach(self, request: TeachRequest) -> Generator[TeachProgress | TeachReport, None, None]:
        """See ``FakeTrainer``."""
        for value in self.trainer.teach(request, self._wait):
            if isinstance(value, TeachReport):
                file, source = str(request.file), self.models.get(request.source or "")
                origin = MODEL_ID if source is None else source.id
                self.models[file] = replace(self.models[file], taught_from=origin)
            yield value

    def _write_model(self, path: Path, name: str, categories: Categories) -> None:
        write_model_file(path, name, categories)
        self.models[str(path)] = fake_model(str(path), path.resolve(), categories)

    def close(self) -> None:
        """Let everything that waits go on to its end."""
        self.closed.set()

    def _open(self, model_id: str) -> ModelInfo:
        try:
            return self.opened[model_id]
        except KeyError:
            raise ModelError("This model is not open; open it first.") from None

    def _wait(self, gate: threading.Event) -> None:
        while not gate.wait(0.01):
            if self.closed.is_set():
                raise EngineError("The engine is closed.")


def _prediction(path: Path, info: ModelInfo) -> Prediction:
    if "bad" in path.name:
        empty = np.empty(0, dtype=np.float32)
        return Prediction(path, info.id, empty, error="The file ends too early.")
    scores = sigmoid(logits(position_scores(path, info)))
    if info.activation == "softmax":
        scores /= scores.sum()
    return Prediction(path, info.id, scores, WIDTH, HEIGHT)


def _described(prediction: Prediction, info: ModelInfo) -> Prediction:
    """Photos are as alike as their scores."""
    if prediction.error is not None:
        return prediction
    values = np.rint(254 * prediction.scores - 127).astype(np.int8)
    return replace(prediction, descriptor=Descriptor(info.descriptor_kind, values))


def evaluation_run(
    images: LabelledImages, info: ModelInfo, request: EvaluationRequest
) -> EvaluationRun:
    """Logits that follow from ids and names: about nine of ten labels are right."""
    logits = np.empty(images.targets.shape, dtype=np.float32)
    for row, name in enumerate(images.ids):
        for column, category in enumerate(images.categories):
            digest = hashlib.sha256(f"{name}/{category}/{info.id}".encode()).digest()
            sure = 0.5 + 3.0 * digest[0] / 255.0
            is_right = digest[1] > 25
            logits[row, column] = sure if images.targets[row, column] == is_right else -sure
    return EvaluationRun(
        model={"name": info.name, "id": info.id, "backbone": info.backbone},
        dataset={
            "name": images.name,
            "kind": request.dataset,
            "split": request.split,
            "hash": dataset_hash(images),
        },
        settings={"device": "cpu", "images per second": "10"},
        date=now(),
        categories=images.categories,
        ids=images.ids,
        logits=logits,
        targets=images.targets,
        ignored=images.ignored,
        problems=images.problems,
    )


def position_scores(path: Path, info: ModelInfo) -> PositionScores:
    """One blob per category, whose place follows from the name; all heads have equal parts.

    A model that does not say where has one position.
    """
    values = np.full((1, len(info.categories), GRID, GRID), -4.0, dtype=np.float32)
    rows, columns = np.mgrid[:GRID, :GRID]
    for place, category in enumerate(info.categories):
        digest = hashlib.sha256(f"{path.name}/{category}".encode(errors="replace")).digest()
        distance = (rows - digest[0] % GRID) ** 2 + (columns - digest[1] % GRID) ** 2
        values[0, place] += 6.0 * np.exp(-distance / 8.0)
        if category in path.name or digest[2] < 60:
            values[0, place] += 6.0
    if not info.says_where:
        values = values.max(axis=(2, 3), keepdims=True)
    heads = info.temperatures
    values = np.repeat(values / len(heads), len(heads), axis=0)
    return PositionScores(
        path, info.id, values, heads, info.lam, Box.UNIT, WIDTH, HEIGHT, info.activation
    )
