"""What a model file says beside its weights, and its form as text."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.api.calibration import LogitScaling
from engine.api.categories import Categories
from engine.api.config import HeadConfig, ModelConfig, PreprocessConfig
from engine.api.errors import CheckpointError, ConfigError
from engine.records.folders import DAMAGE
from engine.records.safetensors_header import looks_like_safetensors, read_header

FORMAT_NAME = "csra-checkpoint"
FORMAT_VERSION = 1
_MAX_TEXT = 20_000
#: In the provenance of a model that was taught single categories: from which one, and which.
STARTED_FROM, TAUGHT = "started from", "taught"


@dataclass(frozen=True)
class CheckpointRecord:
    """Everything needed to use a model, and where it came from.

    Args:
        config: the model itself.
        name: short, for people.
        description: where it came from, in a sentence or two.
        licence: terms of use, for people.
        thresholds: per category in [0, 1], for scores; ``None`` means one common threshold.
        calibration: per category, how often a score is right; ``None`` if nobody measured it.
        results: measured results, for example ``{"val mAP": 0.889}``.
        provenance: how it was made: data set, command, seed, versions.
    """

    config: ModelConfig
    name: str
    description: str = ""
    licence: str = ""
    thresholds: tuple[float, ...] | None = None
    calibration: LogitScaling | None = None
    results: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def taught_from(self) -> str:
        """The id of the model that single categories were taught to; empty for any other model."""
        return self.provenance.get(STARTED_FROM, "") if TAUGHT in self.provenance else ""

    def __post_init__(self) -> None:
        count = len(self.config.categories)
        if self.thresholds is not None:
            if len(self.thresholds) != count:
                raise ConfigError(
                    f"{len(self.thresholds)} thresholds do not fit {count} categories."
                )
            if not all(0.0 <= t <= 1.0 for t in self.thresholds):
                raise ConfigError("Thresholds must lie between 0 and 1.")
        if self.calibration is not None and len(self.calibration.slopes) != count:
            raise ConfigError(
                f"A calibration of {len(self.calibration.slopes)} categories does not fit {count}."
            )


def to_metadata(record: CheckpointRecord, weights_sha256: str) -> dict[str, str]:
    """The record as the string-to-string table that a safetensors header can hold."""
    body = {
        "name": record.name,
        "description": record.description,
        "licence": record.licence,
        "backbone": record.config.backbone,
        "categories": list(record.config.categories),
        "head": {
            **asdict(record.config.head),
            # JSON has no infinity.
            "temperatures": ["max" if math.isinf(t) else t for t in _temperatures(record)],
        },
        "preprocess": asdict(record.config.preprocess),
        "thresholds": None if record.thresholds is None else list(record.thresholds),
        "results": dict(record.results),
        "provenance": dict(record.provenance),
    }
    if record.calibration is not None:  # files without one keep the text, and the id, they had
        body["calibration"] = record.calibration.as_dict()
    return {
        "format": FORMAT_NAME,
        "version": str(FORMAT_VERSION),
        "weights_sha256": weights_sha256,
        "model": json.dumps(body, allow_nan=False),
    }


def from_metadata(metadata: Mapping[str, str]) -> CheckpointRecord:
    """The record that a header holds.

    Raises:
        CheckpointError: it is not ours, comes from a later version, or makes no sense.
    """
    if metadata.get("format") != FORMAT_NAME:
        raise CheckpointError(
            "The file holds weights but not what they mean (categories, input size): "
            "it was not saved by this program."
        )
    if metadata.get("version") != str(FORMAT_VERSION):
        raise CheckpointError(
            f"The file has format version {metadata.get('version', '?')[:20]}, this program reads "
            f"version {FORMAT_VERSION}. Update the program to open it."
        )
    try:
        return _parse(json.loads(metadata["model"]))
    except DAMAGE as error:
        raise CheckpointError(f"The model's description is damaged: {error}") from error


def is_ours(file: Path) -> bool:
    """Whether a file says that this program wrote it."""
    return looks_like_safetensors(file) and (
        read_header(file).metadata.get("format") == FORMAT_NAME
    )


def model_id(metadata: Mapping[str, str]) -> str:
    """The fingerprint of a model: its weights and what shapes its scores, hexadecimal.

    Names, thresholds, calibrations and results may change without its scores becoming others.

    Args:
        metadata: as ``from_metadata`` takes it.

    Raises:
        CheckpointError: it is damaged.
    """
    try:
        body = json.loads(metadata["model"])
        form = {name: body[name] for name in ("backbone", "categories", "head", "preprocess")}
        text = metadata["weights_sha256"] + json.dumps(form, sort_keys=True)
    except DAMAGE as error:
        raise CheckpointError(f"The model's description is damaged: {error}") from error
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def former_model_id(metadata: Mapping[str, str]) -> str:
    """What ``model_id`` was before it left out what does not change scores."""
    text = metadata["weights_sha256"] + metadata["model"]
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _parse(body: dict[str, Any]) -> CheckpointRecord:
    head, pixels = dict(body["head"]), dict(body["preprocess"])
    head["temperatures"] = tuple(math.inf if t == "max" else float(t) for t in head["temperatures"])
    for flag in ("normalize", "standardize", "bias"):
        if not isinstance(head[flag], bool):
            raise TypeError(f"{flag} must be true or false")
    head["lam"] = float(head["lam"])
    if not isinstance(body["categories"], list):
        raise TypeError("the categories must be a list")
    if not isinstance(pixels["input_size"], int):
        raise TypeError("the input size must be a whole number")
    thresholds = body["thresholds"]
    return CheckpointRecord(
        config=ModelConfig(
            backbone=_text(body["backbone"]),
            categories=Categories(tuple(body["categories"])),
            head=HeadConfig(**head),
            preprocess=PreprocessConfig(**pixels),
        ),
        name=_text(body["name"]),
        description=_text(body["description"]),
        licence=_text(body["licence"]),
        thresholds=None if thresholds is None else _numbers(thresholds),
        calibration=_calibration(body.get("calibration")),
        results={_text(key): float(value) for key, value in body["results"].items()},
        provenance={_text(key): _text(value) for key, value in body["provenance"].items()},
    )


def _calibration(body: dict[str, Any] | None) -> LogitScaling | None:
    if body is None:
        return None
    return LogitScaling(_numbers(body["slopes"]), _numbers(body["offsets"]))


def _numbers(values: list[Any]) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise TypeError("a list of numbers was expected")
    return tuple(float(value) for value in values)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise TypeError(f"a text of at most {_MAX_TEXT} characters was expected")
    return value


def _temperatures(record: CheckpointRecord) -> tuple[float, ...]:
    return record.config.head.temperatures
