"""What a training writes, and a model on its way to others: work that is killed."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from engine.checkpoints import onnx_export
from engine.checkpoints.safetensors_model import in_memory, load_checkpoint, save_checkpoint
from engine.train.log import RunLog
from engine.train.resume import PARTS, StateFolder
from engine.train.trainer import Trainer
from tests.engine.tiny_models import tiny_classifier, tiny_record
from tests.engine.train.work import CONFIG, trainer
from tests.kills.at_calls import Contents, Work
from tests.kills.files import one_file

_CONFIG = replace(CONFIG, epochs=2, batch_size=10)
_BEST = "best.safetensors"


def checkpoint() -> Work:
    """A model, with all that is known of it."""
    model, record = tiny_classifier(), tiny_record()
    other = replace(record, name="new")
    return one_file(
        "out/model.safetensors",
        lambda path, is_new: save_checkpoint(path, model, other if is_new else record),
    )


def onnx() -> Work:
    """A model as a graph, for other programs; making and checking it writes nothing."""
    model = in_memory(tiny_classifier(), tiny_record())
    with tempfile.TemporaryDirectory() as place:
        made = Path(place, "made.onnx")
        onnx_export.export_onnx(model, made)
        graph = made.read_bytes()

    def write(path: Path, is_new: bool) -> None:
        if is_new:  # in a process of its own
            onnx_export._write = lambda *given: given[-1].write_bytes(graph)
            onnx_export._checked_difference = lambda *_: 0.0
            onnx_export.export_onnx(model, path)
        else:
            path.write_bytes(b"old")

    return one_file("out/model.onnx", write)


def state() -> Work:
    """What a training goes on from."""

    def save(here: Path, step: int) -> None:
        StateFolder(here / "run").save(step, {name: torch.full((100,), step) for name in PARTS})

    def make(here: Path) -> None:
        (here / "run").mkdir()
        for step in (1, 2):
            save(here, step)

    def read(here: Path) -> Contents:
        found = StateFolder(here / "run").load()
        assert found is not None
        return {"state": int(found["model"][0])}

    return Work(make, lambda here, _: save(here, 3), read)


def training() -> Work:
    """The last epoch of a training: log, states and the best model, again and again.

    In the end its weights and its log are those of one that nobody killed.
    """

    def make(here: Path) -> None:
        (here / "run").mkdir()
        for _ in zip(range(3), _reports(here, _begun(here)), strict=False):
            pass

    def read(here: Path) -> Contents:
        found = StateFolder(here / "run").load()
        assert found is not None
        best = load_checkpoint(here / "run" / _BEST)
        return {"state": _digest(found["model"]), "best": _digest(best.classifier.state_dict())}

    def do(here: Path, work: Trainer) -> None:
        for _ in _reports(here, work):
            pass

    return Work(make, do, read, prepare=_begun, may_mix=True, cleared_by="again")


def _begun(here: Path) -> Trainer:
    torch.set_num_threads(1)  # several of them would hang in a fork
    work = trainer(_CONFIG)
    found = StateFolder(here / "run").load()
    if found is not None:
        work.restore(found)
    return work


def _reports(here: Path, work: Trainer) -> Any:
    log = RunLog(here / "run")
    log.rewind(work.step, work.epoch)

    def keep_best(model: Any, report: Any, _: object) -> None:
        record = replace(tiny_record(), description=f"Epoch {report.epoch}")
        save_checkpoint(here / "run" / _BEST, model, record, half=True)

    for report in work.run(StateFolder(here / "run"), keep_best):
        log.add(report)
        yield report


def _digest(weights: dict[str, torch.Tensor]) -> str:
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(weights[name].numpy().tobytes())
    return found.hexdigest()
