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
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AnySet
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from engine.api import errors
from engine.api.errors import EngineError
from engine.isolation.frames import BadMessageError

#: The most bytes of a message: the position scores of several photos, and much besides.
MOST_BYTES = 1 << 30
_PACKAGE = __name__.rpartition(".")[0]
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
_encoder = json.JSONEncoder(check_circular=False)
_PLAIN = frozenset([bool, int, float, str])
_GROUPS: Mapping[str, Callable[[Iterable[Any]], Any]] = {
    "tuple": tuple,
    "list": list,
    "set": frozenset,
}


def to_bytes(value: object) -> bytes:
    """A value as a message.

    Raises:
        TypeError: it holds something that must not cross.
    """
    arrays: list[bytes] = []
    said = _encoder.encode(_said(value, arrays)).encode("ascii")
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
    except Exception as error:  # what a constructor makes of nonsense, nobody can list
        raise BadMessageError(f"no value ({type(error).__name__})") from error
    return value


def _said(value: object, arrays: list[bytes]) -> object:  # noqa: PLR0911 - one kind, one line
    kind = type(value)
    if value is None or kind in _PLAIN:
        return value
    if isinstance(value, enum.Enum):
        return ["enum", _known(_enums(), kind), value.value]
    if dataclasses.is_dataclass(kind):
        fields = {name: _said(getattr(value, name), arrays) for name in _fields(kind)}
        return ["value", _known(_values(), kind), fields]
    if isinstance(value, np.ndarray):
        if value.dtype.str not in _DTYPES:
            raise TypeError(f"an array of {value.dtype} must not cross to the window")
        arrays.append(value.tobytes())
        return ["array", value.dtype.str, list(value.shape)]
    if isinstance(value, Path):
        return ["path", str(value)]
    if isinstance(value, Mapping):
        pairs = ([_said(key, arrays), _said(known, arrays)] for key, known in value.items())
        return ["map", *pairs]
    for group, name in ((tuple, "tuple"), (list, "list"), (AnySet, "set")):
        if isinstance(value, group):
            return [name, *(_said(one, arrays) for one in value)]
    if isinstance(value, EngineError):
        return _said_error(value, arrays)
    if isinstance(value, np.generic):
        return _said(value.item(), arrays)
    if isinstance(value, (int, float, str)):  # a kind of its own of them is no more than they are
        return next(plain(value) for plain in (int, float, str) if isinstance(value, plain))
    raise TypeError(f"{kind.__name__} must not cross to the window")


def _said_error(error: EngineError, arrays: list[bytes]) -> list[object]:
    known = next(kind for kind in type(error).__mro__ if kind.__name__ in _errors())
    own = vars(error) if known is type(error) else {}
    more = {name: _said(value, arrays) for name, value in own.items() if name[:1] != "_"}
    return ["error", known.__name__, str(error), more]


def _meant(said: Any, arrays: _Arrays) -> Any:  # noqa: PLR0911 - one kind, one line
    if not isinstance(said, list):
        if isinstance(said, dict):
            raise TypeError
        return said
    kind, *rest = said
    if kind == "value":
        name, fields = rest
        made = _values()[name]
        values = {field: _meant(value, arrays) for field, value in fields.items()}
        _check_fields(made, values)
        return made(**values)
    if kind == "array":
        return arrays.taken(*rest)
    if kind == "path":
        return Path(_text(*rest))
    if kind in _GROUPS:
        return _GROUPS[kind](_meant(one, arrays) for one in rest)
    if kind == "map":
        return {_meant(key, arrays): _meant(value, arrays) for key, value in rest}
    if kind == "enum":
        name, value = rest
        return _enums()[name](value)
    if kind == "error":
        name, text, more = rest
        error = _errors()[name].__new__(_errors()[name], _text(text))
        known = {_attribute(field): _meant(value, arrays) for field, value in more.items()}
        error.__dict__.update(known)
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
    modules = [importlib.import_module(f"{_PACKAGE}.{name}") for name in _MODULES]
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


def _check_fields(made: Any, values: Mapping[str, object]) -> None:
    """Whether fields hold what they say, down to what is in their collections.

    Raises:
        TypeError: one does not, or is unknown.
    """
    checks = _checks(made)
    for name, value in values.items():
        if name not in checks or not checks[name](value):
            raise TypeError


_Check = Callable[[Any], bool]


@functools.cache
def _fields(made: Any) -> Sequence[str]:
    return [field.name for field in dataclasses.fields(made) if field.init]


@functools.cache
def _checks(made: Any) -> Mapping[str, _Check]:
    hints = get_type_hints(made)
    return {name: _check(hints[name]) for name in _fields(made)}


def _check(hint: Any) -> _Check:
    """Whether a value is what a type hint says; of arrays, only that it is one.

    Raises:
        TypeError: no field of a value that crosses may be of such a kind.
    """
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Literal:
        return lambda value: type(value) is str and value in inside
    if origin in (Union, UnionType):
        either = [_check(one) for one in inside]
        return lambda value: any(is_one(value) for is_one in either)
    if origin is tuple and inside[-1] is not Ellipsis:
        return functools.partial(_is_tuple, each=[_check(one) for one in inside])
    if origin in (tuple, frozenset):
        return functools.partial(_is_group, kind=origin, is_one=_check(inside[0]))
    if origin in (dict, Mapping):
        is_key, is_known = map(_check, inside)
        return functools.partial(_is_map, is_key=is_key, is_known=is_known)
    kind = origin or hint
    if not isinstance(kind, type):
        raise TypeError(hint)
    kinds = (int, float) if kind is float else (kind,)
    return lambda value: isinstance(value, kinds)


def _is_tuple(value: object, each: Sequence[_Check]) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == len(each)
        and all(is_one(one) for is_one, one in zip(each, value, strict=True))
    )


def _is_group(value: object, kind: type, is_one: _Check) -> bool:
    return isinstance(value, kind) and all(map(is_one, cast("Iterable[object]", value)))


def _is_map(value: object, is_key: _Check, is_known: _Check) -> bool:
    return (
        isinstance(value, dict) and all(map(is_key, value)) and all(map(is_known, value.values()))
    )
