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
from engine.api.label_measures import LabelMeasure
from engine.api.label_parents import NO_PARENTS, CategoryParents, Relations
from engine.api.onnx_network import OnnxNetwork
from engine.records.folders import DAMAGE
from engine.records.safetensors_header import looks_like_safetensors, read_header

FORMAT_NAME = "csra-checkpoint"
#: Of ONNX files that take pixels of any size; they are for other programs, not imported here.
PIXELS_FORMAT = "csra-network-with-preprocessing"
FORMAT_VERSION = 1
_MAX_TEXT = 20_000
_MAX_TITLE = 40
#: In the provenance of a model that was taught single categories: from which one, and which.
STARTED_FROM, TAUGHT = "started from", "taught"
#: In the provenance: the images that thresholds and calibration were fitted to afterwards, where a
#: person chose thresholds, and the images that a training was validated on.
FITTED, THRESHOLDS_SET = "thresholds and calibration", "thresholds"
VALIDATED_ON = "validation images"
#: In the provenance of a model whose epoch was chosen on a test split: which.
CHOSEN_ON = "chosen on"


#: Of heads, what files leave out that have just this.
_OF_OTHER_HEADS = {"kind": "csra", "queries": 0, "width": 0}
#: What shapes a model's scores, beside its weights; the second only in files that have it.
_FORM, _FORM_IF_ANY = (
    ("backbone", "categories", "head", "preprocess"),
    ("parents", "details", "network"),
)


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
        measures: per category, how well the model knows it; ``None`` if the file does not say.
        head_titles: what each head is, in a word or two; empty if the file does not say.
    """

    config: ModelConfig
    name: str
    description: str = ""
    licence: str = ""
    thresholds: tuple[float, ...] | None = None
    calibration: LogitScaling | None = None
    results: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    measures: tuple[LabelMeasure, ...] | None = None
    head_titles: tuple[str, ...] = ()

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
        if self.measures is not None and len(self.measures) != count:
            raise ConfigError(f"{len(self.measures)} measured labels do not fit {count}.")
        if self.head_titles and len(self.head_titles) != self.config.head.num_heads:
            raise ConfigError(
                f"{len(self.head_titles)} titles do not fit {self.config.head.num_heads} heads."
            )
        if not all(0 < len(title) <= _MAX_TITLE for title in self.head_titles):
            raise ConfigError(f"A head's title has 1 to {_MAX_TITLE} characters.")


def to_metadata(record: CheckpointRecord, weights_sha256: str) -> dict[str, str]:
    """The record as the string-to-string table that a safetensors header can hold."""
    body: dict[str, object] = {
        "name": record.name,
        "description": record.description,
        "licence": record.licence,
        "backbone": record.config.backbone,
        "categories": list(record.config.categories),
        "head": _head_as_dict(record.config.head),
        "preprocess": asdict(record.config.preprocess),
        "thresholds": None if record.thresholds is None else list(record.thresholds),
        "results": dict(record.results),
        "provenance": dict(record.provenance),
    }
    if record.calibration is not None:  # files without one keep the text, and the id, they had
        body["calibration"] = record.calibration.as_dict()
    if record.measures is not None:
        body["measures"] = [measure.as_dict() for measure in record.measures]
    if record.head_titles:
        body["head_titles"] = list(record.head_titles)
    for key, relations in _relations(record.config.parents).items():
        if relations:
            body[key] = _named(relations, record.config.categories)
    if record.config.network is not None:
        body["network"] = asdict(record.config.network)
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
        form = {name: body[name] for name in _FORM}
        form |= {name: body[name] for name in _FORM_IF_ANY if name in body}
        text = metadata["weights_sha256"] + json.dumps(form, sort_keys=True)
    except DAMAGE as error:
        raise CheckpointError(f"The model's description is damaged: {error}") from error
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def only_runs(name: str) -> str:
    """Why something cannot be done with a model of which the network is an ONNX file."""
    return (
        f"{name!r} was imported from ONNX: it tags, can be evaluated and take thresholds, but not "
        "be trained, taught, made faster, measured or exported. Take a model of this program."
    )


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
    for count in ("queries", "width"):
        if not isinstance(head.get(count, 0), int):
            raise TypeError(f"{count} must be a whole number")
    if not isinstance(body["categories"], list):
        raise TypeError("the categories must be a list")
    if not isinstance(pixels["input_size"], int):
        raise TypeError("the input size must be a whole number")
    thresholds = body["thresholds"]
    categories = Categories(tuple(body["categories"]))
    return CheckpointRecord(
        config=ModelConfig(
            backbone=_text(body["backbone"]),
            categories=categories,
            head=HeadConfig(**head),
            preprocess=PreprocessConfig(**pixels),
            parents=CategoryParents(
                *(_placed(body.get(key, {}), categories) for key in _relations(NO_PARENTS))
            ),
            network=OnnxNetwork(**body["network"]) if "network" in body else None,
        ),
        name=_text(body["name"]),
        description=_text(body["description"]),
        licence=_text(body["licence"]),
        thresholds=None if thresholds is None else _numbers(thresholds),
        calibration=_calibration(body.get("calibration")),
        measures=_measures(body.get("measures")),
        head_titles=_titles(body.get("head_titles", [])),
        results={_text(key): float(value) for key, value in body["results"].items()},
        provenance={_text(key): _text(value) for key, value in body["provenance"].items()},
    )


def _calibration(body: dict[str, Any] | None) -> LogitScaling | None:
    if body is None:
        return None
    return LogitScaling(_numbers(body["slopes"]), _numbers(body["offsets"]))


def _measures(body: list[Any] | None) -> tuple[LabelMeasure, ...] | None:
    if body is None:
        return None
    if not isinstance(body, list):
        raise TypeError("the measured labels must be a list")
    return tuple(LabelMeasure.from_dict(one) for one in body)


def _titles(body: list[Any]) -> tuple[str, ...]:
    if not isinstance(body, list):
        raise TypeError("the titles of heads must be a list")
    return tuple(map(_text, body))


def _relations(parents: CategoryParents) -> dict[str, Relations]:
    """By their names in a file, in the order in which ``CategoryParents`` takes them."""
    return {"parents": parents.of, "details": parents.details}


def _named(relations: Relations, names: Categories) -> dict[str, list[str]]:
    return {names[child]: [names[place] for place in above] for child, above in relations.items()}


def _placed(body: dict[str, Any], names: Categories) -> Relations:
    """What ``_named`` gave."""
    return {
        names.index_of(child): tuple(names.index_of(name) for name in above)
        for child, above in body.items()
    }


def _numbers(values: list[Any]) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise TypeError("a list of numbers was expected")
    return tuple(float(value) for value in values)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise TypeError(f"a text of at most {_MAX_TEXT} characters was expected")
    return value


def _head_as_dict(head: HeadConfig) -> dict[str, object]:
    body = asdict(head)
    for name, value in _OF_OTHER_HEADS.items():
        if body[name] == value:  # files of heads of before keep the text, and the id, they had
            del body[name]
    # JSON has no infinity.
    return {**body, "temperatures": ["max" if math.isinf(t) else t for t in head.temperatures]}
