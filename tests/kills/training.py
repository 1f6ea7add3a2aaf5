"""A model and the state of a training, each whole or as it was: work that is killed."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from engine.checkpoints import onnx_export
from engine.checkpoints.safetensors_model import in_memory, save_checkpoint
from engine.train.resume import PARTS, StateFolder
from tests.engine.tiny_models import tiny_classifier, tiny_record
from tests.kills.at_calls import Contents, Work
from tests.kills.files import one_file


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
