"""What lies beside an ONNX file and says how it is used: settings of other tools, as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.api.categories import Categories
from engine.api.errors import EngineError
from engine.api.onnx_network import PixelScale, ScoreForm
from engine.records.folders import DAMAGE
from engine.records.names_file import plain_names

_FILES = ("preprocessor_config.json", "config.json")
_MOST_BYTES = 20 << 20
#: Exports of Hugging Face lie in it, and their settings above.
_INNER_FOLDER = "onnx"


@dataclass(frozen=True)
class Surroundings:
    """What was found; ``None`` is unknown.

    Attributes:
        scale: of the pixels, for a network that takes them as (B, 3, S, S).
        input_size: side in pixels.
        names: of its categories.
        scores: what its numbers are.
    """

    scale: PixelScale | None = None
    input_size: int | None = None
    names: Categories | None = None
    scores: ScoreForm | None = None


def read_surroundings(file: Path) -> Surroundings:
    """What the settings beside a file say; those that are damaged say nothing."""
    folders = [file.parent]
    if file.parent.name == _INNER_FOLDER:
        folders.append(file.parent.parent)
    pixels, model = (_first(name, folders) for name in _FILES)
    trained = model.get("pretrained_cfg")
    timm = trained if isinstance(trained, dict) else {}
    return Surroundings(
        _scale(pixels) or _scale_of(timm.get("mean"), timm.get("std")),
        _size(pixels) or _last(timm.get("input_size")),
        _names(model),
        _scores(model),
    )


def _first(name: str, folders: list[Path]) -> Mapping[str, Any]:
    for folder in folders:
        path = folder / name
        try:
            if path.is_file() and path.stat().st_size <= _MOST_BYTES:
                body = json.loads(path.read_text(encoding="utf-8-sig"))
                if isinstance(body, dict):
                    return body
        except (OSError, *DAMAGE):
            continue
    return {}


def _scale(settings: Mapping[str, Any]) -> PixelScale | None:
    if not settings:
        return None
    unit = settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1.0
    if not isinstance(unit, (int, float)) or not unit > 0:
        return None
    if settings.get("do_normalize", True):
        found = _scale_of(settings.get("image_mean"), settings.get("image_std"))
    else:
        found = PixelScale((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    if found is None:
        return None
    # What is not brought to 0..1 first has mean and deviation of pixels as they are.
    times = float(unit) * 255
    mean = (found.mean[0] / times, found.mean[1] / times, found.mean[2] / times)
    std = (found.std[0] / times, found.std[1] / times, found.std[2] / times)
    return PixelScale(mean, std)


def _scale_of(mean: Any, std: Any) -> PixelScale | None:
    try:
        red, green, blue = map(float, mean)
        of_red, of_green, of_blue = map(float, std)
    except (TypeError, ValueError):
        return None
    return PixelScale((red, green, blue), (of_red, of_green, of_blue))


def _size(settings: Mapping[str, Any]) -> int | None:
    for key in ("crop_size", "size"):
        size = settings.get(key)
        if key == "crop_size" and not settings.get("do_center_crop", True):
            continue
        if isinstance(size, dict):
            size = size.get("height", size.get("shortest_edge"))
        if isinstance(size, int):
            return size
    return None


def _last(shape: Any) -> int | None:
    is_shape = isinstance(shape, list) and shape and isinstance(shape[-1], int)
    return shape[-1] if is_shape else None


def _names(model: Mapping[str, Any]) -> Categories | None:
    try:
        if isinstance(model.get("label_names"), list):
            return plain_names([str(name) for name in model["label_names"]])
        labels = model.get("id2label")
        if isinstance(labels, dict):
            return plain_names([labels[str(i)] for i in range(len(labels))])
    except (EngineError, *DAMAGE):
        pass
    return None


def _scores(model: Mapping[str, Any]) -> ScoreForm | None:
    kind = model.get("problem_type")
    if kind == "multi_label_classification":
        return "logits"
    kinds = model.get("architectures")
    is_classifier = isinstance(kinds, list) and any(
        isinstance(one, str) and one.endswith("ForImageClassification") for one in kinds
    )
    # So it is trained where nothing else is said.
    return "softmax" if kind == "single_label_classification" or is_classifier else None
