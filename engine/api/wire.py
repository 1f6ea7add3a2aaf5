"""What crosses from the engine's process to the window as bytes, checked when it arrives.

The engine opens model files of strangers. So nothing that it sends names code: a message is JSON,
in which every list says what it stands for, and the bytes of arrays behind it. What comes out are
plain values and those of ``engine.api``, made by their own constructors; nothing else can be said.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import importlib
import inspect
import json
import math
import struct
from collections.abc import Mapping, Sequence
from collections.abc import Set as AnySet
from pathlib import Path
from typing import Any

import numpy as np

from engine.api import errors
from engine.api.errors import EngineError
from engine.isolation.frames import BadMessageError

#: The most bytes of a message: the position scores of several photos, and much besides.
MOST_BYTES = 1 << 30
_MODULES = [
    "calibration",
    "categories",
    "config",
    "evaluation",
    "facts",
    "geometry",
    "label_measures",
    "label_parents",
    "onnx_network",
    "quantizing",
    "teaching",
    "training",
    "training_config",
    "training_control",
    "training_reports",
    "validation",
    "values",
]
_DTYPES = frozenset(
    ["|b1", "|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8"]
)
_LENGTH = struct.Struct("!I")


def to_bytes(value: object) -> bytes:
    """A value as a message.

    Raises:
        TypeError: it holds something that must not cross.
    """
    arrays: list[bytes] = []
    said = json.dumps(_said(value, arrays)).encode("ascii")
    return b"".join([_LENGTH.pack(len(said)), said, *arrays])


def from_bytes(message: bytes) -> Any:
    """The value of a message.

    Raises:
        BadMessageError: it says nothing that ``to_bytes`` could have said.
    """
    try:
        (length,) = _LENGTH.unpack_from(message)
        body = memoryview(message)[_LENGTH.size :]
        if length > len(body):
            raise ValueError
        arrays = _Arrays(body[length:])
        value = _meant(json.loads(bytes(body[:length])), arrays)
        if arrays.left:
            raise ValueError
    except (ValueError, TypeError, KeyError, RecursionError, EngineError, struct.error) as error:
        raise BadMessageError(f"no value ({type(error).__name__})") from error
    return value


def _said(value: object, arrays: list[bytes]) -> object:  # noqa: PLR0911 - one kind, one line
    inside = functools.partial(_said, arrays=arrays)
    if isinstance(value, enum.Enum):
        return ["enum", type(value).__name__, value.value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value) if field.init]
        fields = {name: inside(getattr(value, name)) for name in names}
        return ["value", _known(_values(), type(value)), fields]
    if isinstance(value, EngineError):
        known = next(kind for kind in type(value).__mro__ if kind.__name__ in _errors())
        own = vars(value) if known is type(value) else {}
        more = {name: inside(one) for name, one in own.items()}
        return ["error", known.__name__, str(value), more]
    if isinstance(value, np.ndarray):
        arrays.append(np.ascontiguousarray(value).tobytes())
        if value.dtype.str not in _DTYPES:
            raise TypeError(f"an array of {value.dtype}")
        return ["array", value.dtype.str, list(value.shape)]
    if isinstance(value, Path):
        return ["path", str(value)]
    if isinstance(value, Mapping):
        return ["map", *([inside(key), inside(known)] for key, known in value.items())]
    for kind, name in ((tuple, "tuple"), (list, "list"), (AnySet, "set")):
        if isinstance(value, kind):
            return [name, *map(inside, value)]
    raise TypeError(f"{type(value).__name__} must not cross to the window")


def _meant(said: Any, arrays: _Arrays) -> Any:  # noqa: PLR0911 - one kind, one line
    if not isinstance(said, list):
        if isinstance(said, dict):
            raise TypeError
        return said
    kind, *rest = said
    inside = functools.partial(_meant, arrays=arrays)
    if kind in ("tuple", "list", "set"):
        return {"tuple": tuple, "list": list, "set": frozenset}[kind](map(inside, rest))
    if kind == "map":
        return {inside(key): inside(value) for key, value in rest}
    if kind == "path":
        return Path(_text(rest[0]))
    if kind == "array":
        return arrays.taken(*rest)
    if kind == "enum":
        return _enums()[rest[0]](rest[1])
    if kind == "value":
        name, fields = rest
        made = _values()[name]
        values = {field: inside(value) for field, value in fields.items()}
        _check_fields(made, values)
        return made(**values)
    if kind == "error":
        name, text, more = rest
        error = _errors()[name].__new__(_errors()[name], _text(text))
        error.__dict__.update({_attribute(field): inside(value) for field, value in more.items()})
        return error
    raise ValueError


class _Arrays:
    """The bytes behind a message, of which each array takes its part."""

    def __init__(self, left: memoryview) -> None:
        self.left = left

    def taken(self, dtype: str, shape: Sequence[int]) -> np.ndarray[Any, Any]:
        if dtype not in _DTYPES or not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size > len(self.left):
            raise ValueError
        part, self.left = self.left[:size], self.left[size:]
        return np.frombuffer(bytearray(part), dtype=dtype).reshape(shape)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _attribute(name: str) -> str:
    """A name under which an error may carry more; not one that Python looks at."""
    if name.startswith("_"):
        raise ValueError
    return name


def _known(among: Mapping[str, type], kind: type) -> str:
    if among.get(kind.__name__) is not kind:
        raise TypeError(f"{kind.__name__} must not cross to the window")
    return kind.__name__


@functools.cache
def _classes() -> tuple[type, ...]:
    modules = [importlib.import_module(f"engine.api.{name}") for name in _MODULES]
    return tuple(
        known
        for module in modules
        for _, known in inspect.getmembers(module, inspect.isclass)
        if known.__module__ == module.__name__
    )


@functools.cache
def _values() -> Mapping[str, Any]:
    return {known.__name__: known for known in _classes() if dataclasses.is_dataclass(known)}


@functools.cache
def _enums() -> Mapping[str, Any]:
    return {known.__name__: known for known in _classes() if issubclass(known, enum.Enum)}


@functools.cache
def _errors() -> Mapping[str, Any]:
    return {
        name: known
        for name, known in inspect.getmembers(errors, inspect.isclass)
        if issubclass(known, EngineError)
    }


#: What a field says of itself, as it is written, and what may be in it.
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "Path": Path,
    "Categories": Sequence,
    "FloatArray": np.ndarray,
    "PixelArray": np.ndarray,
    "BoolArray": np.ndarray,
}


def _check_fields(made: Any, values: Mapping[str, object]) -> None:
    """Whether plain fields hold what they say; what is inside collections, those check who use it.

    Raises:
        TypeError: one does not, or is unknown.
    """
    for field in dataclasses.fields(made):
        if field.name not in values:
            continue
        written = str(field.type)
        is_optional = written.endswith(" | None")
        name = written.removesuffix(" | None")
        value = values[field.name]
        if value is None and is_optional:
            continue
        wanted = _KINDS.get(name) or _values().get(name) or _enums().get(name)
        if wanted is None:
            wanted = next((kind for start, kind in _STARTS.items() if name.startswith(start)), None)
        if wanted is not None and not isinstance(value, wanted):
            raise TypeError


_STARTS: Mapping[str, Any] = {
    "tuple[": tuple,
    "Mapping[": Mapping,
    "dict[": Mapping,
    "frozenset[": frozenset,
    "NDArray[": np.ndarray,
}
