"""What an ONNX file is made of, read field by field, before any tool is given it.

Its steps are named ones of ONNX that the runtime has; none can bring code along. What could reach
further is refused here: steps of other collections, which need a library of their own, and weights
in other files, which a file that was made to harm would place anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.api.errors import CheckpointError

#: What protobuf, and so ONNX, can hold in one piece.
MOST_BYTES = 2_000_000_000
_OURS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
#: It runs what another file holds, compiled.
_BARRED_STEPS = frozenset({"EPContext"})
_DEEPEST = 32
_MOST_FIELDS = 5_000_000
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
# The numbers of onnx.proto.
_GRAPH, _FUNCTION = 7, 25
_NODES, _WEIGHTS, _SPARSE_WEIGHTS = 1, 5, 15
_STEP, _COLLECTION, _ATTRIBUTE = 4, 7, 5
_TENSORS, _GRAPHS, _SPARSE = (5, 10), (6, 11), (22, 23)
_ELSEWHERE, _LOCATION = 13, 14
_FUNCTION_COLLECTION, _FUNCTION_NODES, _FUNCTION_ATTRIBUTES = 10, 7, 11

_Field = tuple[int, memoryview | int]


@dataclass
class OnnxContents:
    """What was found.

    Attributes:
        elsewhere: files with weights, as the file names them.
        collections: of steps that are used.
        steps: by their names.
        defined: collections of steps that the file itself makes of others.
        has_strays: whether weights lie elsewhere and the file does not say where.
    """

    elsewhere: set[str] = field(default_factory=set)
    collections: set[str] = field(default_factory=set)
    steps: set[str] = field(default_factory=set)
    defined: set[str] = field(default_factory=set)
    has_strays: bool = False


def read_contents(name: str, data: bytes | memoryview) -> OnnxContents:
    """What an ONNX file holds; none of its weights is read.

    Args:
        name: of the file, for messages.
        data: all of it.

    Raises:
        CheckpointError: it is damaged, nested without end, or has steps that need other code.
    """
    reader = _Reader()
    try:
        reader.model(memoryview(data))
    except (ValueError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"{name!r} is damaged, or no ONNX file ({error}). Download or export it again."
        ) from error
    found = reader.found
    unknown = sorted(found.collections - _OURS - found.defined)
    if unknown or not found.steps.isdisjoint(_BARRED_STEPS):
        what = f"{unknown[0][:60]!r}" if unknown else "'EPContext'"
        raise CheckpointError(
            f"{name!r} cannot be used: it has steps of {what}, which need code that does not "
            "belong to ONNX. Export it again with the steps of ONNX alone."
        )
    return found


class _Reader:
    def __init__(self) -> None:
        self.found = OnnxContents()
        self._left = _MOST_FIELDS

    def model(self, data: memoryview) -> None:
        has_graph = False
        for number, value in self._fields(data):
            if number == _GRAPH:
                self._graph(_part(value), 0)
                has_graph = True
            elif number == _FUNCTION:
                self._function(_part(value))
        if not has_graph:
            raise ValueError("it has no network")

    def _graph(self, data: memoryview, depth: int) -> None:
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        for number, value in self._fields(data):
            if number == _NODES:
                self._node(_part(value), depth)
            elif number == _WEIGHTS:
                self._tensor(_part(value))
            elif number == _SPARSE_WEIGHTS:
                self._sparse(_part(value))

    def _function(self, data: memoryview) -> None:
        for number, value in self._fields(data):
            if number == _FUNCTION_COLLECTION:
                self.found.defined.add(_text(value))
            elif number == _FUNCTION_NODES:
                self._node(_part(value), 0)
            elif number == _FUNCTION_ATTRIBUTES:
                self._attribute(_part(value), 0)

    def _node(self, data: memoryview, depth: int) -> None:
        for number, value in self._fields(data):
            if number == _STEP:
                self.found.steps.add(_text(value))
            elif number == _COLLECTION:
                self.found.collections.add(_text(value))
            elif number == _ATTRIBUTE:
                self._attribute(_part(value), depth)

    def _attribute(self, data: memoryview, depth: int) -> None:
        for number, value in self._fields(data):
            if number in _TENSORS:
                self._tensor(_part(value))
            elif number in _GRAPHS:
                self._graph(_part(value), depth + 1)
            elif number in _SPARSE:
                self._sparse(_part(value))

    def _sparse(self, data: memoryview) -> None:
        for number, value in self._fields(data):
            if number in (1, 2):
                self._tensor(_part(value))

    def _tensor(self, data: memoryview) -> None:
        is_elsewhere, places = False, []
        for number, value in self._fields(data):
            if number == _ELSEWHERE:
                is_elsewhere = True
                pair = {n: v for n, v in self._fields(_part(value)) if n in (1, 2)}
                if _text(pair.get(1, memoryview(b""))) == "location":
                    places.append(_text(pair.get(2, memoryview(b""))))
            elif number == _LOCATION:
                is_elsewhere |= value != 0
        self.found.elsewhere.update(places)
        self.found.has_strays |= is_elsewhere and not places

    def _fields(self, data: memoryview) -> Iterator[_Field]:
        at = 0
        while at < len(data):
            self._left -= 1
            if self._left < 0:
                raise ValueError("it has too many parts")
            key, at = _varint(data, at)
            number, kind = key >> 3, key & 7
            if kind == _VARINT:
                plain, at = _varint(data, at)
                yield number, plain
            elif kind == _BYTES:
                length, at = _varint(data, at)
                if at + length > len(data):
                    raise ValueError("it was cut short")
                yield number, data[at : at + length]
                at += length
            elif kind in (_EIGHT, _FOUR):
                at += 8 if kind == _EIGHT else 4
                yield number, 0
            else:
                raise ValueError("it has parts of an unknown kind")
        if at > len(data):
            raise ValueError("it was cut short")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("it was cut short")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("it has a number without an end")


def _part(value: memoryview | int) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a part is of another kind than ONNX says")  # of data
    return value


def _text(value: memoryview | int) -> str:
    return bytes(_part(value)).decode()
