"""What a run keeps so that it can go on: its settings and images, and its states."""

from __future__ import annotations

import hashlib
import json
import logging
import pickle
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from engine.api.config import HeadTrainConfig
from engine.api.errors import CheckpointError, ConfigError, DataError
from engine.api.training import TrainRequest
from engine.api.training_config import TrainConfig
from engine.atomic import TEMPORARY_PREFIX, replace_durably, write_text
from engine.checkpoints.pth_checks import check_archive
from engine.data.datasets.labelled import LabelledImages
from engine.records.evaluations import dataset_hash
from engine.records.litter import noted
from engine.records.training_files import write_training_file
from engine.texts import display_path, reason_text

_NAME = re.compile(r"state-(\d{9})-([0-9a-f]{64})\.pt")
_KEPT = 2
_SETTINGS, _IMAGES = "config.json", "images.json"
#: What earlier versions, which kept no such setting, did.
_BEFORE = {"decode": "fast"}
_UNREADABLE = (
    CheckpointError,
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    pickle.UnpicklingError,
)
#: What a state holds.
PARTS = frozenset({"position", "model", "optimizer", "scaler", "passes", "average", "rng"})
_log = logging.getLogger(__name__)

State = dict[str, Any]


def open_run_folder(request: TrainRequest, parts: tuple[LabelledImages, LabelledImages]) -> None:
    """Make the folder of a new run and write its settings there, or see that an old one fits.

    Heads alone have no state to go on from: their run begins anew each time.

    Args:
        request: what is asked; with ``resume``, a run that is there already is gone on with. A
            single file as its output has no settings beside it.
        parts: to learn from, and to be judged by.

    Raises:
        ConfigError: it holds a run that shall not be, or cannot be, gone on with.
        DataError: it cannot be read or written.
    """
    folder = request.folder
    shown = display_path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if request.is_single_file:
            return
        images = {"train": dataset_hash(parts[0]), "val": dataset_hash(parts[1])}
        if any(folder.glob("state-*.pt")):
            _check_same(request, images)
            return
        write_text(folder / _SETTINGS, json.dumps(asdict(request.config), indent=2) + "\n")
        write_text(folder / _IMAGES, json.dumps(images, indent=2) + "\n")
    except ConfigError:
        raise
    except (OSError, ValueError) as error:
        raise DataError(f"The run cannot be kept in {shown}: {reason_text(error)}.") from error
    write_training_file(request)


def _check_same(request: TrainRequest, images: Mapping[str, str]) -> None:
    """Refuse, with a ``ConfigError``, to go on with a run that is not the one that is asked for."""
    folder, config = request.output, request.config
    shown = display_path(folder)
    if not request.resume:
        raise ConfigError(f"{shown} holds a run already. Go on with it, or take another folder.")
    kept = {**_BEFORE, **_read_json(folder / _SETTINGS)}
    is_other = isinstance(config, HeadTrainConfig)
    if is_other or not _is_same(asdict(config), kept, asdict(TrainConfig())):
        raise ConfigError(
            f"The run in {shown} was started with other settings ({_SETTINGS} there has them)."
        )
    if not _is_same(images, _read_json(folder / _IMAGES), images):
        raise ConfigError(f"The run in {shown} was started with other images or labels.")


def _read_json(file: Path) -> dict[str, Any]:
    """Nothing if the file is missing: an earlier version wrote none."""
    if not file.exists():
        return {}
    read = json.loads(file.read_text(encoding="utf-8"))
    return read if isinstance(read, dict) else {}


def _is_same(
    wanted: Mapping[str, Any], kept: Mapping[str, Any], defaults: Mapping[str, Any]
) -> bool:
    """Compare settings; one that an earlier version did not know had its default."""
    for name, value in wanted.items():
        other = kept.get(name, defaults[name])
        if isinstance(value, dict) and isinstance(other, dict):
            if not _is_same(value, other, defaults[name]):
                return False
        elif json.loads(json.dumps(value)) != other:  # tuples are lists there
            return False
    return True


class StateFolder:
    """Keeps the last two states of a run, each written whole or not at all.

    A state's name holds its step and its SHA-256, so one rename makes it valid, and a file that
    was damaged later is known as such.

    Args:
        folder: of the run; must exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, step: int, state: State) -> None:
        """Write a state, then remove those before the last two.

        Raises:
            DataError: it cannot be written; those before are as they were.
        """
        temporary = self._folder / f"{TEMPORARY_PREFIX}state"
        try:
            with noted(temporary):
                with temporary.open("wb") as stream:  # the library takes no name with a leading dot
                    torch.save(state, stream)
                target = self._folder / f"state-{step:09}-{_digest(temporary)}.pt"
                replace_durably(temporary, target)
            for old in self._files()[_KEPT:]:
                old.unlink(missing_ok=True)
        except (OSError, RuntimeError) as error:
            temporary.unlink(missing_ok=True)
            raise DataError(
                f"The state of the training could not be saved to {self._folder}: "
                f"{reason_text(error)}."
            ) from error

    def load(self) -> State | None:
        """The newest sound state; ``None`` if there is none at all.

        Raises:
            DataError: there are some, but all are damaged.
        """
        files = self._files()
        for file in files:
            try:
                if _digest(file) == _step_and_hash(file)[1]:
                    return _read(file)
            except _UNREADABLE as error:
                _log.info("%s cannot be read: %s", file.name, error)
            _log.info("%s is damaged; the one before is used", file.name)
        if files:
            raise DataError(f"All states in {self._folder} are damaged. Start the training anew.")
        return None

    def _files(self) -> list[Path]:
        """Newest first; of the same step, the one written last."""
        files = [file for file in self._folder.iterdir() if _NAME.fullmatch(file.name)]
        return sorted(
            files, key=lambda file: (_step_and_hash(file)[0], file.stat().st_mtime_ns), reverse=True
        )


def _read(file: Path) -> State:
    """A state that a run wrote; the name alone proves nothing."""
    with file.open("rb") as stream:
        check_archive(stream, file.stat().st_size)
        stream.seek(0)
        state: State = torch.load(stream, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or state.keys() != PARTS:
        raise CheckpointError("it is no state of a training run")
    return state


def _step_and_hash(file: Path) -> tuple[int, str]:
    found = _NAME.fullmatch(file.name)
    assert found is not None  # noqa: S101  # only such files are asked for
    return int(found[1]), found[2]


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
