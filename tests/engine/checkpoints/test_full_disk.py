"""The disk is full while a model is written: what was there stays, nothing half made is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from engine.api.errors import CheckpointError, DataError
from engine.api.values import ModelImport
from engine.checkpoints.exchange import export_model, import_file
from engine.checkpoints.safetensors_model import save_checkpoint, write_with_record
from engine.records.models import ModelStore
from engine.train.resume import PARTS, StateFolder
from tests.disks import SmallDisk, small_disk
from tests.engine.tiny_models import save_tiny_model, tiny_classifier, tiny_record


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small", mib=16) as made:
        yield made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_tiny_model(tmp_path / "tiny.safetensors")


def contents(disk: SmallDisk) -> dict[Path, bytes]:
    files = (path for path in disk.place.rglob("*") if path.is_file() and path.name != "filler")
    return {path: path.read_bytes() for path in files}


def check(disk: SmallDisk, write: Callable[[], object], room: int) -> None:
    """Fill the disk while something is there already; write in vain, then with success."""
    before = contents(disk)
    disk.fill(room=room)
    with pytest.raises((CheckpointError, DataError)) as caught:
        write()
    assert "\n" not in str(caught.value)
    assert contents(disk) == before
    disk.make_room()
    write()
    assert contents(disk).keys() >= before.keys()


@pytest.mark.parametrize("room", [0, 200_000])
def test_a_model_that_is_exported(disk: SmallDisk, model: Path, room: int) -> None:
    target = disk.place / "out.safetensors"
    target.write_bytes(b"what was there before")
    check(disk, lambda: export_model(model, target), room)


@pytest.mark.parametrize("room", [0, 200_000])
def test_the_best_model_of_a_training(disk: SmallDisk, room: int) -> None:
    target = disk.place / "best.safetensors"
    save_checkpoint(target, tiny_classifier(), tiny_record())
    check(disk, lambda: save_checkpoint(target, tiny_classifier(), tiny_record()), room)


def test_a_model_that_gets_another_record(disk: SmallDisk) -> None:
    target = disk.place / "model.safetensors"
    save_tiny_model(target)
    check(disk, lambda: write_with_record(target, target, tiny_record()), 200_000)


@pytest.mark.parametrize("room", [0, 200_000])
def test_a_model_that_is_imported(disk: SmallDisk, model: Path, room: int) -> None:
    store = ModelStore(disk.place / "models")
    disk.fill(room=room)
    with pytest.raises(CheckpointError):
        import_file(store, ModelImport(model, "mine"))
    assert store.models() == {} and contents(disk) == {}
    disk.make_room()
    import_file(store, ModelImport(model, "mine"))
    assert list(store.models()) == ["mine"]


@pytest.mark.parametrize("room", [0, 200_000])
def test_the_state_of_a_training(disk: SmallDisk, room: int) -> None:
    folder = StateFolder(disk.place)
    small = dict.fromkeys(PARTS, 0)
    folder.save(1, small)
    check(disk, lambda: folder.save(2, small | {"model": torch.zeros(1 << 20)}), room)
    state = folder.load()
    assert state is not None
    assert len(state["model"]) == 1 << 20
