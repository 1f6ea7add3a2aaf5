"""Opening a model to run it: with the fastest backend that can, with PyTorch in the end."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.api.errors import CheckpointError
from engine.inference.backend import Backend
from engine.inference.backends import open_backend
from engine.inference.graphs import Graph, find_graph, graph_key
from engine.inference.guarded import GuardedBackend
from engine.inference.open_model import OpenModel
from engine.inference.weights import ModelWeights, read_weights
from engine.records.backend_kinds import AUTO, BACKENDS, BackendKind
from engine.records.measured_backends import MeasuredBackends, NetworkRecord
from engine.records.model_record import from_metadata, is_ours
from engine.records.safetensors_header import read_header

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Choice:
    """Which backends may run a model, and what happens if one fails.

    Attributes:
        wish: the name of one, or "auto".
        is_light: whether the processor shall do where nothing was measured.
        with_pytorch: runs a model file with PyTorch.
        tell: is told, for a person, what was put aside and why; from any thread.
    """

    wish: str
    is_light: bool
    with_pytorch: Callable[[Path], OpenModel]
    tell: Callable[[str, str], None]


def order_of(record: NetworkRecord, wish: str, *, is_light: bool) -> tuple[str, ...]:
    """The names of the backends to try, best first, up to PyTorch, which always can.

    Args:
        record: what was measured, and what a person chose.
        wish: of this call; "auto" leaves it to the record.
        is_light: whether the processor shall do where nothing was measured.
    """
    wanted = record.wish if wish == AUTO else wish
    ranked = [
        m.backend
        for m in record.measurements
        if _is_valid(m.backend, m.runtime) and (m.device == "cpu" or not is_light)
    ]
    usual = ["onnx"] if is_light else []
    names = [wanted, *(ranked or usual)] if wanted in BACKENDS else (ranked or usual)
    before = names[: names.index("torch")] if "torch" in names else names
    fit = [name for name in dict.fromkeys(before) if _may_run(BACKENDS[name], record)]
    return (*fit, "torch")


def open_fastest(path: Path, choice: Choice) -> OpenModel:
    """Open a model file with the first backend that can run it.

    Raises:
        CheckpointError: none can, PyTorch included, which has the last word on the file.
    """
    found = _graph_of(path)
    if found is None:
        return choice.with_pytorch(path)
    network, graph = found
    kept = MeasuredBackends()
    record = kept.find(network)
    for name in order_of(record, choice.wish, is_light=choice.is_light)[:-1]:
        kind = BACKENDS[name]
        try:
            weights = read_weights(path)
        except CheckpointError:
            break  # PyTorch says what is wrong with it
        try:
            backend = open_backend(kind, weights, graph)
        except (CheckpointError, ImportError) as error:
            _put_aside(kept, network, kind, str(error))
            choice.tell(weights.id, _said(kind, str(error)))
            continue
        measured = record.of(name)
        batch = 0 if measured is None else measured.batch
        guarded = guard(weights, path, (backend, kind, batch), choice)
        return OpenModel(weights, guarded, path, _step(kind, graph))
    return choice.with_pytorch(path)


def is_prepared(path: Path) -> bool:
    """Whether all backends that are here were measured with a model, and its graph is there.

    A network that has no graph needs none, nor one that is an ONNX file; a file of others has no
    graph before it is imported.
    """
    with contextlib.suppress(CheckpointError):
        if is_ours(path):
            config = from_metadata(read_header(path).metadata).config
            if config.network is not None:
                return True
            record, onnx = MeasuredBackends().find(graph_key(config)), BACKENDS["onnx"]
            has_none = record.reason_against(onnx.name, onnx.runtime)
            return is_measured(record) and bool(has_none or find_graph(config))
    return True


def is_measured(record: NetworkRecord) -> bool:
    """Whether what is known of a network is of all backends that are here, as they are."""
    for kind in BACKENDS.values():
        measured = record.of(kind.name)
        is_known = measured is not None and measured.runtime == kind.runtime
        if kind.is_here and not is_known and not record.reason_against(kind.name, kind.runtime):
            return False
    return True


def guard(
    weights: ModelWeights, path: Path, runs: tuple[Backend, BackendKind, int], choice: Choice
) -> Backend:
    """The backend, with PyTorch to go on if it fails.

    Args:
        weights: of the model.
        path: its file.
        runs: the backend, its kind, and images per pass (0 leaves it to the backend).
        choice: how to go on.
    """
    backend, kind, batch = runs
    network = graph_key(weights.record.config)

    def put_aside(reason: str) -> None:
        _put_aside(MeasuredBackends(), network, kind, reason)
        choice.tell(weights.id, _said(kind, reason))

    return GuardedBackend(backend, lambda: choice.with_pytorch(path).backend, put_aside, batch)


def run_with(kind: BackendKind, weights: ModelWeights, graph: Graph, path: Path) -> OpenModel:
    """A model on one backend and no other.

    Raises:
        CheckpointError: that cannot be.
    """
    try:
        return OpenModel(weights, open_backend(kind, weights, graph), path, _step(kind, graph))
    except ImportError as error:
        raise CheckpointError(f"{kind.title} cannot be used here: {error}.") from error


def _step(kind: BackendKind, graph: Graph) -> int:
    """See ``OpenModel``; OpenVINO is faster if it knows the size."""
    return graph.step if kind.name == "onnx" else 0


def known_graph(path: Path) -> Graph | None:
    """The graph of a model of ours, if there is one."""
    found = _graph_of(path)
    return None if found is None else found[1]


def _graph_of(path: Path) -> tuple[str, Graph] | None:
    with contextlib.suppress(CheckpointError):
        if is_ours(path):
            config = from_metadata(read_header(path).metadata).config
            graph = find_graph(config)
            return None if graph is None else (graph_key(config), graph)
    return None


def _is_valid(name: str, runtime: str) -> bool:
    """Whether what was measured is of the versions that are here."""
    return name in BACKENDS and BACKENDS[name].is_here and BACKENDS[name].runtime == runtime


def _may_run(kind: BackendKind, record: NetworkRecord) -> bool:
    return kind.is_here and not record.reason_against(kind.name, kind.runtime)


def _put_aside(kept: MeasuredBackends, network: str, kind: BackendKind, reason: str) -> None:
    with contextlib.suppress(OSError):  # it is found out again
        kept.put_aside(network, kind.name, kind.runtime, reason)


def _said(kind: BackendKind, reason: str) -> str:
    text = f"{kind.title} was put aside, since {reason.rstrip('.')}. PyTorch goes on."
    _log.warning("%s", text)
    return text
