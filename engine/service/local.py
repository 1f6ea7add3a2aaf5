"""The real engine: models, a decode pool and what runs networks, in this process."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from engine.api.config import PredictConfig
from engine.api.errors import CheckpointError, DataError, EngineStoppedError, ModelError
from engine.api.evaluation import EvaluationDone, EvaluationProgress, EvaluationRequest
from engine.api.geometry import Box
from engine.api.quantizing import QuantizingDone
from engine.api.teaching import TeachProgress, TeachReport, TeachRequest
from engine.api.training import TrainRequest
from engine.api.training_control import Wish
from engine.api.training_reports import TrainingEnded, TrainReport
from engine.api.values import (
    ModelImport,
    ModelInfo,
    PositionScores,
    Prediction,
    ThresholdsForModel,
    TrueBox,
)
from engine.checkpoints.onnx_file import is_onnx_file
from engine.checkpoints.onnx_import import import_onnx
from engine.data.datasets.true_boxes import TrueBoxes
from engine.data.decoding.pool import DecodePool, decoding_processes
from engine.evaluation.job import EvaluationJob
from engine.inference import predict as prediction
from engine.inference.backend import Backend
from engine.inference.details import keep_details
from engine.inference.hardware import may_have_gpu
from engine.inference.implied import implying
from engine.inference.int8_opening import is_int8_chosen, open_int8
from engine.inference.keeping import KeepingPredictor
from engine.inference.onnx_network import has_onnx_network, open_network
from engine.inference.open_model import OpenModel
from engine.inference.photo_features import PhotoFeatures
from engine.inference.thumbnails import image_source
from engine.inference.turns import Turns
from engine.records.backend_kinds import AUTO, BACKENDS, INT8_BACKENDS
from engine.records.catalogue import DETAILS_MODEL, find_model
from engine.records.folders import check_writable
from engine.records.int8_networks import Int8Networks
from engine.records.measured_backends import MeasuredBackends
from engine.records.model_record import is_ours
from engine.records.models import default_store
from engine.service.graph_maker import GraphMaker
from engine.service.opening import Choice, is_prepared, known_graph, open_fastest
from engine.service.told_form import is_told, says_all

if TYPE_CHECKING:
    from engine.service.with_pytorch import PyTorchWork

_log = logging.getLogger(__name__)
_INT8_REMEDY = (
    "Make it again with csra models quantize, or choose full precision under Run with in the "
    "Models dialog."
)


class LocalEngine:
    """Implements ``TaggingEngine``; PyTorch is only imported for what nothing else can do.

    As a context manager it closes itself. Scripts need no ``if __name__ == "__main__"``.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        num_workers: decoding processes; 0 chooses for the machine.
        backend: what runs networks: a name of ``BACKENDS``, or "auto" for the fastest known.
        precision: "int8" runs the int8 networks of models that have one; "auto" only those of
            models of which a person chose it.
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
        backend: str = AUTO,
        graphs: GraphMaker | None = None,
        precision: str = "float",
    ) -> None:
        self._device = device
        self._backend = backend
        self._graphs = graphs
        self._precision = precision
        self._is_light = device == "cpu" or (device == "auto" and not may_have_gpu())
        _check_backend(backend, device)
        if precision == "int8":
            _check_int8(backend, device)
        workers = num_workers or decoding_processes(beside_network=self._is_light)
        self.pool = DecodePool(workers)
        self._models: dict[str, OpenModel] = {}
        self._by_file: dict[tuple[Path, int, int, int, int], str] = {}
        self._lock = threading.Lock()
        self._pytorch: PyTorchWork | None = None
        self._pytorch_lock = threading.Lock()
        self._turns = Turns()
        self._true_boxes = TrueBoxes()
        self._keeping: dict[str, KeepingPredictor] = {}
        self._evaluations: list[EvaluationJob] = []
        self._notes: dict[str, list[str]] = {}
        self._notes_lock = threading.Lock()
        self._closed = False
        if not self._is_light and device != "auto":  # whether there is such a device
            self._with_pytorch()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open_model(self, source: Path | str | None = None) -> ModelInfo:
        """Load a model and keep it; see ``TaggingEngine``."""
        self._check_open()
        if source == DETAILS_MODEL:
            keep_details()
        path = find_model(source).resolve()
        key = _file_key(path)
        self.pool.warm_up()  # while the model is read
        with self._lock:
            if key not in self._by_file:
                opened = self._opened_in_turn(path)
                self._models[opened.weights.id] = opened
                self._keeping.pop(opened.weights.id, None)
                self._by_file = {k: i for k, i in self._by_file.items() if k[0] != path}
                self._by_file[key] = opened.weights.id
            model = self._models[self._by_file[key]]
        note = self._take_note(model.weights.id)
        return replace(model.info, note=note) if note else model.info

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
        if is_onnx_file(request.path):
            store = default_store()
            name = request.name or store.free_name(request.path.stem)
            import_onnx(store, replace(request, name=name))
            return name
        name = self._with_pytorch().import_model(request)
        self._prepare(find_model(name))
        return name

    def export_formats(self, source: str) -> tuple[str, ...]:
        """The suffixes a model can be exported to; see ``TaggingEngine``."""
        return self._with_pytorch().export_formats(source)

    def export_model(self, source: str, target: Path, *, with_preprocessing: bool = False) -> None:
        """Write a model in another format; see ``TaggingEngine``."""
        self._with_pytorch().export_model(source, target, with_preprocessing=with_preprocessing)

    def predict(
        self, model_id: str, paths: Sequence[Path | str], config: PredictConfig | None = None
    ) -> Generator[Prediction, None, None]:
        """Say what is in each image, in the order given; see ``TaggingEngine``."""
        model = self._model(model_id)
        preprocess = model.weights.record.config.preprocess
        config, files = config or PredictConfig(), [Path(path) for path in paths]
        folder, wish = config.features, config.descriptors
        held_back = contextlib.nullcontext() if self._graphs is None else self._graphs.held_back()
        with (
            held_back,
            image_source(self.pool, config.thumbnails, facts=config.facts) as source,
        ):
            # What is kept of photos is what networks see in full precision, for heads of positions.
            has_any = model.config.network is None and model.config.head.is_linear
            keeps = folder is not None and has_any and not model.is_int8
            if folder is None or not keeps or model.backend.head.activation != "sigmoid":
                found = prediction.predict(
                    model.backend if wish == "none" else model.describing_backend,
                    source,
                    model_id,
                    files,
                    preprocess,
                    config,
                )
            else:
                size = prediction.batch_size(model.backend, config)
                keeping = self._keeping_predictor(model, folder)
                found = keeping.predict(source, model_id, files, size, wish)
            with contextlib.closing(found) as predictions:
                for one in prediction.giving_up(predictions):
                    note = self._take_note(model_id)
                    yield replace(one, note=note) if note else one

    def explain(
        self,
        model_id: str,
        path: Path | str,
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
        return prediction.explain(backend, self.pool, model_id, Path(path), preprocess, hidden)

    def true_boxes(self, path: Path | str) -> tuple[TrueBox, ...] | None:
        """The objects of a photo of a data set; see ``TaggingEngine``."""
        self._check_open()
        return self._true_boxes.of(Path(path))

    def evaluate(
        self, request: EvaluationRequest
    ) -> Generator[EvaluationProgress | EvaluationDone, None, None]:
        """Measure a model on labelled images; see ``TaggingEngine``."""
        self._check_open()
        yield EvaluationProgress(0, 0)
        with self.evaluation(request) as work:
            yield from work.run(self.pool)

    def quantize(
        self, request: EvaluationRequest
    ) -> Generator[EvaluationProgress | QuantizingDone, None, None]:
        """Make the int8 network of a model, and measure it; see ``TaggingEngine``."""
        self._check_open()
        yield EvaluationProgress(0, 0)
        from engine.evaluation.quantizing import divide, quantize  # noqa: PLC0415  # seconds

        path = find_model(request.model).resolve()
        if not is_ours(path):
            raise ModelError("Import this model first; only then can an int8 network be made.")
        if has_onnx_network(path):
            raise ModelError(
                f"{path.stem!r} was imported from ONNX; no int8 network is made of it. Take a "
                "model of this program."
            )
        networks, size, is_own = Int8Networks(), path.stat().st_size, path in _own_models()
        networks.check_room(size)
        if is_own:
            check_writable(path.parent, size, "What is measured of int8 could not be kept")
        graph = known_graph(path)
        if graph is None:
            graph = self._with_pytorch().graph_of(path)
        whole = replace(request, limit=None)
        with self._undisturbed(), self.evaluation(whole, in_full=True) as work:
            photos = divide(work, request.limit)
            found, network = yield from quantize(work, graph, photos, self.pool, self._turns)
        model_id = work.model.weights.id
        networks.keep(model_id, found, network)
        if is_own:  # one that ships is not changed
            self._with_pytorch().note_int8(path, found.text)
        yield QuantizingDone(model_id)

    @contextlib.contextmanager
    def evaluation(
        self, request: EvaluationRequest, *, in_full: bool = False
    ) -> Generator[EvaluationJob, None, None]:
        """The work of an evaluation, with the model as it is open, or opened for it alone.

        Args:
            request: what to evaluate.
            in_full: in full precision, whatever was chosen.

        Raises:
            ConfigError, ModelError: the model cannot take the input size.
            EngineError: the model or the data set cannot be used.
        """
        self._check_open()
        path = find_model(request.model).resolve()
        opened = self._known(path)
        if opened is not None and in_full and opened.is_int8:
            opened = None
        if is_told(request) and not says_all(path, request):
            told = self._with_pytorch().open_as_told(path, request.lam, request.heads)
            opened, model = None, replace(told, backend=self._in_turn(told.backend, told))
        elif opened is None:
            model = self._opened_in_turn(path, in_full=in_full)
        else:
            model = opened
        backend = self._exact_backend_for(model, request.config.input_size)
        work = EvaluationJob(request, model, backend)
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
        with contextlib.closing(self._with_pytorch().train(request)) as reports:
            for report in reports:
                yield report
                if isinstance(report, TrainingEnded) and report.best is not None:
                    self._prepare(report.best)

    def steer_training(self, wish: Wish) -> None:
        """What is wanted of the trainings that go on; see ``TaggingEngine``."""
        if self._pytorch is not None:
            self._pytorch.steer_training(wish)

    def teach(self, request: TeachRequest) -> Generator[TeachProgress | TeachReport, None, None]:
        """Teach a model single categories; see ``TaggingEngine``."""
        with contextlib.closing(self._with_pytorch().teach(request)) as reports:
            for report in reports:
                yield report
                if isinstance(report, TeachReport):
                    self._prepare(report.file)

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

    def _opened_in_turn(self, path: Path, *, in_full: bool = False) -> OpenModel:
        """A model whose passes wait for those of all others."""
        opened = self._opened_in_full(path) if in_full else self._opened(path)
        return replace(opened, backend=self._in_turn(opened.backend, opened))

    def _in_turn(self, backend: Backend, model: OpenModel) -> Backend:
        """What runs a model, pass by pass, saying no less of parents than of their children."""
        return self._turns.backend(implying(backend, model.config.parents))

    def _opened(self, path: Path) -> OpenModel:
        """A model with what shall run it."""
        if self._precision == "int8" or (self._precision == AUTO and is_int8_chosen(path)):
            try:
                return open_int8(path, self._backend)
            except (CheckpointError, DataError) as error:
                text = f"{path.stem!r} runs in full precision, since {str(error).rstrip('.')}."
                _log.warning("%s", text)
                opened = self._opened_in_full(path)
                self._note(opened.weights.id, f"{text} {_INT8_REMEDY}")
                return opened
        return self._opened_in_full(path)

    def _opened_in_full(self, path: Path) -> OpenModel:
        if has_onnx_network(path):
            return open_network(path)
        wish = self._backend if self._device in ("auto", "cpu") else "torch"
        if wish not in (AUTO, "torch") and known_graph(path) is None:
            return self._with_pytorch().open_with(BACKENDS[wish], path)
        choice = Choice(wish, self._is_light, lambda at: self._with_pytorch().open(at), self._note)
        opened = open_fastest(path, choice)
        if wish == AUTO:
            self._prepare(path)
        return opened

    def _prepare(self, path: Path) -> None:
        """Have a model's graph made, and what runs it measured, once there is nothing else."""
        if self._graphs is not None and not is_prepared(path):
            self._graphs.make_for(path)

    def _undisturbed(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is prepared in the background meanwhile."""
        return contextlib.nullcontext() if self._graphs is None else self._graphs.held_back()

    def _note(self, model_id: str, text: str) -> None:
        with self._notes_lock:
            self._notes.setdefault(model_id, []).append(text)

    def _take_note(self, model_id: str) -> str:
        """What a person has not been told yet."""
        with self._notes_lock:
            return " ".join(self._notes.pop(model_id, ()))

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
                    describer=model.describer,
                )
            return self._keeping[model.weights.id]

    def _backend_for(self, model: OpenModel, input_size: int) -> Backend:
        """What runs the model at an input size."""
        if model.takes(input_size):
            return model.backend
        if model.config.network is not None:
            own = model.config.preprocess.input_size
            raise ModelError(
                f"{model.record.name!r} was imported from ONNX and takes its own input size only, "
                f"{own} pixels. Leave the input size as it is."
            )
        if model.is_int8:
            instead = "choose full precision under Run with in the Models dialog"
            if self._precision == "int8":
                instead = "use --precision float"
            raise ModelError(f"In int8 a model takes its own input size only; {instead}.")
        return self._in_turn(self._with_pytorch().resized(model.path, input_size), model)

    def _exact_backend_for(self, model: OpenModel, input_size: int | None) -> Backend:
        """What runs the model where its numbers are to be compared with others."""
        own = model.weights.record.config.preprocess.input_size
        other = None if input_size == own else input_size
        if self._pytorch is not None:
            exact = self._pytorch.exact_instead(model.path, other)
            if exact is not None:
                return self._in_turn(exact, model)
        return self._backend_for(model, other or own)

    def _model(self, model_id: str) -> OpenModel:
        self._check_open()
        try:
            return self._models[model_id]
        except KeyError:
            raise ModelError("This model is not open; open it first.") from None

    def _check_open(self) -> None:
        if self._closed:
            raise EngineStoppedError("The engine is closed.")


def _check_backend(backend: str, device: str) -> None:
    if backend == AUTO:
        return
    if backend not in BACKENDS:
        raise ModelError(f"There is no backend {backend!r}. Use {', '.join((AUTO, *BACKENDS))}.")
    kind = BACKENDS[backend]
    if not kind.is_here:
        raise ModelError(
            f"{kind.title} is not installed. Install it with: pip install 'csra-gui[{backend}]'"
        )
    if kind.runs_graphs and device not in ("auto", "cpu"):
        raise ModelError(f"{kind.title} runs on the CPU here, not on {device!r}.")


def _check_int8(backend: str, device: str) -> None:
    if device not in ("auto", "cpu"):
        raise ModelError(
            f"int8 runs on the CPU, not on {device!r}. Leave out --device, or use "
            "--precision float."
        )
    if backend not in (AUTO, *INT8_BACKENDS):
        raise ModelError(
            f"{BACKENDS[backend].title} does not run int8. Use --backend "
            f"{' or '.join((AUTO, *INT8_BACKENDS))}, or --precision float."
        )


def _own_models() -> set[Path]:
    return {path.resolve() for path in default_store().models().values()}


def _file_key(path: Path) -> tuple[Path, int, int, int, int]:
    """Changes with the file and with what is known of how to run it: all open a model anew."""
    status, backends, int8 = path.stat(), MeasuredBackends(), Int8Networks()
    return path, status.st_size, status.st_mtime_ns, backends.changed_at, int8.changed_at
