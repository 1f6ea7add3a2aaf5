"""A training's settings as a text for people, TOML: read before a run, and written into it.

The keys are those of the values that a training is asked with (``engine.api.training``), so a new
setting of theirs is one here too. What ``toml_of`` writes, ``read_training_file`` reads again.
"""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from engine.api.config import HeadTrainConfig
from engine.api.errors import ConfigError, DataError
from engine.api.training import PRESET_STARTS, DatasetSource, ModelStart, TrainRequest
from engine.api.training_config import PRESETS, TrainConfig
from engine.atomic import write_text
from engine.texts import display_path, reason_text

#: The name of the file in a run.
NAME = "train.toml"
#: The preset that trains heads alone.
QUICK = "quick"
_MOST_BYTES = 1 << 20
_LARGEST = "max"
#: What ends so is a file, and no name of a model or network.
_WEIGHTS = (".safetensors", ".pth", ".pt", ".bin")
#: How the sections are called.
_DATA, _START, _CONFIG = "data", "start", "training"
#: What stands before them.
_OUTER: dict[str, type[Any]] = {
    **dict.fromkeys(("preset", "name", "device"), str),
    **dict.fromkeys(("output", "cache"), Path),
    "tensorboard": bool,
}


@dataclass(frozen=True)
class TrainingSettings:
    """What a file, or a command, says of a training; what it does not say is not in here.

    Attributes:
        outer: ``preset``, ``name``, ``device``, ``output``, ``cache`` and ``tensorboard``.
        data: fields of ``DatasetSource``.
        start: fields of ``ModelStart``.
        training: fields of the preset's config, those of configs inside it as their own mappings.
    """

    outer: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    start: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def overruled_by(self, other: TrainingSettings) -> TrainingSettings:
        """Both; where both say something, as the other one says."""
        names = [entry.name for entry in dataclasses.fields(self)]
        both = (_joined(getattr(self, name), getattr(other, name)) for name in names)
        return TrainingSettings(*both)

    def check_start_of(self, file: Path, said: TrainingSettings) -> None:
        """See that the files to start from, which a file of settings names, are there.

        Args:
            file: the file of settings.
            said: by it; what was said elsewhere is not looked at.

        Raises:
            ConfigError: one is not.
        """
        for name in {"model", "backbone"} & said.start.keys():
            path = Path(said.start[name])
            is_lacking = path.suffix in _WEIGHTS and not path.is_file()
            if is_lacking and self.start.get(name) == said.start[name]:
                raise ConfigError(
                    f"{display_path(file.absolute())}: {name} in [start] names the file "
                    f"{display_path(path)}, which is not there. Correct the path; it is taken from "
                    "the folder of the file of settings."
                )

    def request(self) -> TrainRequest:
        """The training that is asked for; what is not said is as its preset says.

        Raises:
            ConfigError: there is no data or output, or settings make no sense.
        """
        outer = dict(self.outer)
        preset = outer.pop("preset", QUICK)
        if "root" not in self.data:
            raise ConfigError(
                "No data set is given. Name its folder: --data DIR, or root in the section [data] "
                "of a --config file."
            )
        if "output" not in outer:
            raise ConfigError(
                "No folder is given to write to. Name it: --output DIR, or output in a --config "
                "file."
            )
        return TrainRequest(
            source=DatasetSource(**{"kind": "voc2007", **self.data}),
            config=_with(preset_config(preset), self.training),
            start=dataclasses.replace(PRESET_STARTS[preset], **self.start),
            **outer,
        )


def preset_config(preset: str) -> TrainConfig | HeadTrainConfig:
    """The settings of a preset.

    Raises:
        ConfigError: there is none of this name; the nearest one is named.
    """
    if preset == QUICK:
        return HeadTrainConfig()
    if preset not in PRESETS:
        raise ConfigError(_unknown("preset", preset, (QUICK, *PRESETS)))
    return PRESETS[preset]


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    joined = {**one, **other}
    for name in one.keys() & other.keys():
        if isinstance(one[name], dict) and isinstance(other[name], dict):
            joined[name] = _joined(one[name], other[name])
    return joined


def _with(config: Any, values: Mapping[str, Any]) -> Any:
    """A config with other values, those of configs inside it as mappings; checked when it is made.

    Raises:
        ConfigError: they make no sense together.
    """
    own = {
        name: _with(getattr(config, name), value) if isinstance(value, dict) else value
        for name, value in values.items()
    }
    return dataclasses.replace(config, **own)


def read_training_file(path: Path, preset: str = "") -> TrainingSettings:
    """Read the settings of a training.

    Relative paths in it are taken from the file's own folder.

    Args:
        path: a TOML file of at most 1 MiB.
        preset: in place of the one that the file names.

    Raises:
        DataError: it cannot be read, or is no TOML.
        ConfigError: a key is not known, the nearest one is named; or a value is not of its kind.
    """
    shown = display_path(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{shown} is too large for the settings of a training.")
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        reason = reason_text(error)
        raise DataError(f"The settings in {shown} cannot be read: {reason}.") from error
    except ValueError as error:  # of TOML, or of UTF-8
        raise DataError(f"{shown} is not a TOML file: {reason_text(error)}.") from error
    try:
        return _parsed(table, preset, path.absolute().parent)
    except ConfigError as error:
        raise ConfigError(f"{shown}: {error}") from error


def _parsed(table: Mapping[str, Any], preset: str, folder: Path) -> TrainingSettings:
    _check_names(table, (*_OUTER, _DATA, _START, _CONFIG), "")
    outer = {name: _as(_OUTER[name], table[name], name) for name in _OUTER if name in table}
    if preset:
        outer["preset"] = preset
    config = type(preset_config(outer.get("preset", QUICK)))
    data, start, training = (
        _typed(_section(table, name), kind, f"[{name}]")
        for name, kind in ((_DATA, DatasetSource), (_START, ModelStart), (_CONFIG, config))
    )
    if {"val_split", "val_fraction"} <= data.keys():
        raise ConfigError(
            "[data] has both val_split and val_fraction. Keep val_split to judge by that split, or "
            "val_fraction to judge by a share of the split that is learned from."
        )
    for values, name in ((outer, "output"), (outer, "cache"), (data, "root")):
        if name in values:
            values[name] = folder / values[name].expanduser()
    for name in {"model", "backbone"} & start.keys():
        beside = folder / Path(start[name]).expanduser()
        if beside.is_file() or beside.suffix in _WEIGHTS:  # else it is a name
            start[name] = str(beside)
    return TrainingSettings(outer, data, start, training)


def _section(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise ConfigError(f"{name} must be a section: [{name}] and its settings below it.")
    return section


def _typed(table: Mapping[str, Any], kind: type[Any], where: str) -> dict[str, Any]:
    """The values of a section, when each is a field of a dataclass and of its type."""
    hints = get_type_hints(kind)
    _check_names(table, [f.name for f in dataclasses.fields(kind)], where)
    values: dict[str, Any] = {}
    for name, value in table.items():
        hint = hints[name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            inner = f"{where[:-1]}.{name}]"
            if not isinstance(value, dict):
                raise ConfigError(f"{name} must be a section: {inner} and its settings below it.")
            values[name] = _typed(value, hint, inner)
        else:
            values[name] = _as(hint, value, f"{name} in {where}")
    return values


def setting(config: type[Any], name: str, value: Any) -> dict[str, Any]:
    """One setting of a config, as ``TrainingSettings.training`` has it.

    Args:
        config: ``TrainConfig`` or ``HeadTrainConfig``.
        name: dotted, for example ``augment.cutout``.
        value: of it; a list may be a text with commas.

    Raises:
        ConfigError: there is none of this name, the nearest one is named; or the value is not of
            its kind.
    """
    known = list(_names(config))
    if name not in known:
        raise ConfigError(_unknown("setting", name, known))
    *groups, last = name.split(".")
    hints = get_type_hints(config)
    for group in groups:
        hints = get_type_hints(hints[group])
    if get_origin(hints[last]) is tuple and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    found = {last: _as(hints[last], list(value) if isinstance(value, tuple) else value, name)}
    for group in reversed(groups):
        found = {group: found}
    return found


def _names(config: type[Any]) -> Iterable[str]:
    hints = get_type_hints(config)
    for entry in dataclasses.fields(config):
        hint = hints[entry.name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from (f"{entry.name}.{inner}" for inner in _names(hint))
        else:
            yield entry.name


def _check_names(table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    known = list(known)
    for name in table:
        if name not in known:
            raise ConfigError(_unknown("setting", name, known, f" in {where}" if where else ""))


def _unknown(what: str, name: str, known: Iterable[str], where: str = "") -> str:
    known = list(known)
    close = get_close_matches(name, known, n=1)
    meant = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(known)}."
    return f"There is no {what} {name[:80]!r}{where}. {meant}"


def _as(hint: Any, value: Any, name: str) -> Any:
    """The value in the form of its type."""
    hints = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for one in hints:
        found = _as_type(value, one)
        if found is not None:
            return found
    wanted = " or ".join(text for one in hints if (text := _type_text(one)))
    raise ConfigError(f"{name} must be {wanted}, not {_toml(value)}.")


def _as_type(value: Any, hint: Any) -> Any | None:
    if get_origin(hint) is Literal:
        return value if value in get_args(hint) else None
    if get_origin(hint) is tuple:
        return _as_tuple(value, get_args(hint))
    if hint in (int, float):
        is_number = isinstance(value, (int, hint)) and not isinstance(value, bool)
        return hint(value) if is_number else None
    if hint is Path:
        return Path(value) if isinstance(value, str) else None
    return value if isinstance(value, hint) else None


def _as_tuple(value: Any, hints: tuple[Any, ...]) -> tuple[Any, ...] | None:
    is_any_length = hints[-1] is ...
    if not isinstance(value, list) or not (is_any_length or len(value) == len(hints)):
        return None
    parts = tuple(_as_type(math.inf if v == _LARGEST else v, hints[0]) for v in value)
    return None if None in parts else parts


def _type_text(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(repr(choice) for choice in get_args(hint))
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        what = "texts" if inner[0] is str else "numbers"
        return f"a list of {what}" if inner[-1] is ... else f"a list of {len(inner)} {what}"
    texts = {bool: "true or false", int: "a whole number", float: "a number", type(None): ""}
    return texts.get(hint, "a text")


def write_training_file(request: TrainRequest) -> None:
    """Write what a run is asked with into its folder, all of it.

    Raises:
        DataError: the disk does not take it.
    """
    file = request.output / NAME
    try:
        # Names of folders that are not UTF-8 must not end a training.
        write_text(file, toml_of(request).encode(errors="replace").decode())
    except OSError as error:
        shown = display_path(file)
        raise DataError(
            f"The settings could not be written to {shown}: {reason_text(error)}."
        ) from error


def toml_of(request: TrainRequest) -> str:
    """All settings of a training as TOML; with ``--config`` they are the same training again.

    Where it learns from labels in memory, the file says nothing of them.
    """
    is_heads = isinstance(request.config, HeadTrainConfig)
    lines = [
        "# The settings of this training, all of them. To train so again:",
        f"#   csra train --config {NAME} --output ANOTHER_FOLDER",
        f"preset = {_toml(_preset(request))}",
        f"name = {_toml(request.plain_title)}",
        f"device = {_toml(request.device)}",
        f"cache = {_toml(str(request.cache.absolute()))}",
        f"tensorboard = {_toml(request.tensorboard)}",
    ]
    if isinstance(request.source, DatasetSource):
        source = dataclasses.replace(request.source, root=request.source.root.absolute())
        is_split = source.val_fraction is None
        lines += [
            line for line in _lines(_DATA, source) if is_split or not line.startswith("val_split ")
        ]
    lines += _lines(_START, _absolute(request.start))
    lines += ["", f"# {'Heads alone' if is_heads else 'The whole network'} learns."]
    lines += _lines(_CONFIG, request.config)[1:]
    return "\n".join(lines) + "\n"


def _preset(request: TrainRequest) -> str:
    """The one that is nearest; every setting is written, so it decides nothing but what learns."""
    if isinstance(request.config, HeadTrainConfig):
        return QUICK
    form = request.start.form
    return next(name for name in PRESETS if PRESET_STARTS[name].form == form)


def _absolute(start: ModelStart) -> ModelStart:
    """With files that are found from any folder."""

    def whole(name: str) -> str:
        file = Path(name).expanduser()
        return str(file.absolute()) if file.is_file() else name

    model = None if start.model is None else whole(start.model)
    return dataclasses.replace(start, model=model, backbone=whole(start.backbone))


def _lines(name: str, values: Any) -> list[str]:
    """A dataclass as a section; those inside it follow."""
    lines, inner = ["", f"[{name}]"], []
    for entry in dataclasses.fields(values):
        value = getattr(values, entry.name)
        if dataclasses.is_dataclass(value):
            inner += _lines(f"{name}.{entry.name}", value)
        elif value is not None:  # TOML has no word for nothing; it is the default
            lines.append(f"{entry.name} = {_toml(value)}")
    return lines + inner


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, float) and math.isinf(value):
        return _toml(_LARGEST)
    if isinstance(value, int | float):
        return repr(value)
    # A text of JSON is one of TOML, but for the one character that TOML wants escaped as well.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
