"""The folder of a run: which settings and images it belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.api.errors import ConfigError, DataError
from engine.api.training_config import TrainConfig
from engine.atomic import write_text
from engine.data.datasets.labelled import LabelledImages
from engine.records.evaluations import dataset_hash
from engine.texts import display_path

_SETTINGS, _IMAGES = "config.json", "images.json"


def open_run_folder(
    folder: Path, config: TrainConfig, parts: tuple[LabelledImages, LabelledImages], *, resume: bool
) -> None:
    """Make the folder of a new run, or see that an old one fits.

    Args:
        folder: of the run; made if missing.
        config: of the run.
        parts: to learn from, and to be judged by.
        resume: whether a run that is there already is gone on with.

    Raises:
        ConfigError: it holds a run that shall not be, or cannot be, gone on with.
        DataError: it cannot be read or written.
    """
    settings = asdict(config)
    images = {"train": dataset_hash(parts[0]), "val": dataset_hash(parts[1])}
    shown = display_path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not any(folder.glob("state-*.pt")):
            write_text(folder / _SETTINGS, json.dumps(settings, indent=2) + "\n")
            write_text(folder / _IMAGES, json.dumps(images, indent=2) + "\n")
            return
        if not resume:
            raise ConfigError(
                f"{shown} holds a run already. Go on with it, or take another folder."
            )
        if not _is_same(settings, _read(folder / _SETTINGS), asdict(TrainConfig())):
            raise ConfigError(f"The run in {shown} was started with other settings.")
        if not _is_same(images, _read(folder / _IMAGES), images):
            raise ConfigError(f"The run in {shown} was started with other images or labels.")
    except (OSError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise DataError(f"The run cannot be kept in {shown}: {error}.") from error


def _read(file: Path) -> dict[str, Any]:
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
        elif json.dumps(value) != json.dumps(other):
            return False
    return True
