"""The settings of a config as rows of a form: read from its dataclass and its docstring."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any, Literal, get_args, get_origin, get_type_hints

from engine.api.errors import ConfigError

_ENTRY = re.compile(r"(\w+): (.*)")
#: What a name alone does not say well.
_CAPTIONS = {
    "ema_decay": "Moving average",
    "norms": "Batch norms",
    "frozen": "Frozen parts",
    "clip_norm": "Longest gradient",
    "num_ops": "Random changes",
    "passes": "Parts per batch",
}


class FieldKind(Enum):
    """How a value is edited."""

    SWITCH = auto()
    WHOLE = auto()
    NUMBER = auto()
    CHOICE = auto()
    NUMBERS = auto()
    TEXTS = auto()


@dataclasses.dataclass(frozen=True, slots=True)
class FieldSpec:
    """One setting of a config.

    Attributes:
        name: where it is, for example ``epochs`` or ``augment.flip``.
        caption: for people.
        help: what the docstring says of it.
        kind: how it is edited.
        choices: of a ``CHOICE``.
    """

    name: str
    caption: str
    help: str
    kind: FieldKind
    choices: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The config inside the config that it belongs to; empty for the outer one."""
        return self.name.rpartition(".")[0]


def field_specs(config: type[Any], prefix: str = "") -> tuple[FieldSpec, ...]:
    """Every setting of a config, those of configs inside it last, in the order of the fields."""
    hints, helps = get_type_hints(config), argument_helps(config)
    own: list[FieldSpec] = []
    inner: list[FieldSpec] = []
    for field in dataclasses.fields(config):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            inner += field_specs(hint, f"{prefix}{field.name}.")
        else:
            kind, choices = _kind(hint)
            caption = _CAPTIONS.get(field.name, field.name.replace("_", " ").capitalize())
            own.append(
                FieldSpec(prefix + field.name, caption, helps.get(field.name, ""), kind, choices)
            )
    return (*own, *inner)


def argument_helps(config: type[Any]) -> dict[str, str]:
    """What the docstring's list of arguments says of each, as one sentence of plain text."""
    helps: dict[str, str] = {}
    for name, text in _entries(inspect.getdoc(config) or ""):
        # A value's own name keeps its letters as they are.
        sentence = text if text.startswith("`") else f"{text[:1].upper()}{text[1:]}"
        helps[name] = sentence.replace("``", "")
    return helps


def value_of(config: Any, name: str) -> Any:
    """The value of a setting by its dotted name."""
    for part in name.split("."):
        config = getattr(config, part)
    return config


def with_values(config: Any, values: dict[str, Any]) -> Any:
    """A config with other values, by dotted names; it is checked when it is made.

    Raises:
        ConfigError: they make no sense together.
    """
    own = {name: value for name, value in values.items() if "." not in name}
    inner: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        group, _, rest = name.partition(".")
        if rest:
            inner.setdefault(group, {})[rest] = value
    for group, parts in inner.items():
        own[group] = with_values(getattr(config, group), parts)
    return dataclasses.replace(config, **own)


def parsed(spec: FieldSpec, text: str) -> Any:
    """The value that a line of text stands for.

    Raises:
        ConfigError: it is none.
    """
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if spec.kind is FieldKind.TEXTS:
        return tuple(part for part in parts if part)
    try:
        numbers = tuple(float(part) for part in parts)
    except ValueError:
        raise ConfigError(f"{spec.caption}: {text!r} is not a number.") from None
    if spec.kind is FieldKind.NUMBERS:
        if len(numbers) != 2:
            raise ConfigError(f"{spec.caption}: give two numbers, least and greatest.")
        return numbers
    if len(numbers) != 1:
        raise ConfigError(f"{spec.caption}: give one number.")
    return numbers[0]


def shown(value: Any) -> str:
    """A value as a line of text that ``parsed`` understands."""
    if isinstance(value, tuple):
        return ", ".join(shown(part) for part in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _kind(hint: Any) -> tuple[FieldKind, tuple[str, ...]]:
    if get_origin(hint) is Literal:
        return FieldKind.CHOICE, get_args(hint)
    if get_origin(hint) is tuple:
        return (FieldKind.TEXTS if get_args(hint)[0] is str else FieldKind.NUMBERS), ()
    return {bool: FieldKind.SWITCH, int: FieldKind.WHOLE, float: FieldKind.NUMBER}[hint], ()


def _entries(doc: str) -> Iterator[tuple[str, str]]:
    """Names and texts of the section ``Args`` of a docstring."""
    _, _, section = doc.partition("\nArgs:\n")
    name = ""
    texts: list[str] = []
    for line in section.splitlines():
        if line and not line.startswith("    "):
            break  # the next section
        found = _ENTRY.fullmatch(line.strip()) if not line.startswith("     ") else None
        if found is not None:
            if name:
                yield name, " ".join(texts)
            name, texts = found[1], [found[2]]
        elif line.strip():
            texts.append(line.strip())
    if name:
        yield name, " ".join(texts)
