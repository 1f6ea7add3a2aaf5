import dataclasses
import enum
import inspect
import json
import math
import struct
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

from engine.api import wire
from engine.api.categories import Categories
from engine.api.engine import TaggingEngine
from engine.api.errors import CheckpointError, EngineError, MissingFactsError, ModelError
from engine.api.facts import Fact
from engine.api.geometry import Box
from engine.api.label_parents import CategoryParents
from engine.api.teaching import Hits, Spread, TaughtCategory, TeachProgress
from engine.api.training_reports import Ending, TrainingEnded
from engine.api.values import Descriptor, ModelInfo, PositionScores, Prediction
from engine.isolation.frames import BadMessageError

INFO = ModelInfo(
    "id",
    "name",
    Path("a") / "b.safetensors",
    Categories(("cat", "dog", "animal")),
    (1.0, math.inf),
    0.2,
    64,
    "none",
    results={"val mAP": 0.5},
    parents=CategoryParents({0: (2,), 1: (2,)}),
)


def through(value):
    return wire.from_bytes(wire.to_bytes(value))


def test_values_come_back_as_they_were():
    for value in (
        INFO,
        ("done", 3, None),
        TeachProgress("looking", 1, 2),
        TaughtCategory("a", 1, 2, 3, 4, 5, None, Hits(1, 2), spread=Spread(1, (Path("x"),))),
        TrainingEnded(Ending.DONE, Path("x"), None, 0.5, 3, False),
        {1: ("a", [1.5, True]), "b": frozenset({1})},
        Path("bad\udcff.jpg"),
    ):
        back = through(value)
        assert (type(back), back) == (type(value), value)


def test_arrays_come_back_to_the_bit_and_can_be_written_to():
    scores = np.linspace(0, 1, 5, dtype=np.float32)
    descriptor = Descriptor("kind", np.arange(-3, 3, dtype=np.int8))
    back = through(Prediction(Path("x"), "m", scores, 4, 3, None, "", descriptor, Fact.BLURRED))
    np.testing.assert_array_equal(back.scores, scores)
    np.testing.assert_array_equal(back.descriptor.values, descriptor.values)
    assert back.facts is Fact.BLURRED
    back.scores[0] = 2
    values = np.random.default_rng(0).random((2, 3, 4, 5), np.float32)
    maps = through(PositionScores(Path("x"), "m", values[:, ::2], (1.0,), 0.1, Box.UNIT, 4, 3))
    np.testing.assert_array_equal(maps.values, values[:, ::2])


def test_errors_come_back_with_what_they_carry():
    back = through(MissingFactsError("Say λ.", ("lam",), 5, ("out",)))
    assert (type(back), str(back)) == (MissingFactsError, "Say λ.")
    assert (back.facts, back.num_classes, back.outputs) == (("lam",), 5, ("out",))


def test_what_to_type_comes_with_the_error_and_is_no_part_of_its_message():
    back = through(ModelError("The name is taken.").with_options("--name"))
    assert (str(back), back.options) == ("The name is taken.", "--name")


def test_an_error_that_the_window_does_not_know_comes_as_what_it_is_one_of():
    class OwnError(CheckpointError):
        pass

    assert type(through(OwnError("why"))) is CheckpointError


def test_what_python_itself_notes_at_an_error_is_not_sent():
    error = ModelError("why")
    error.add_note("when")
    assert str(through(error)) == "why"


def test_whatever_a_question_may_be_answered_with_is_known_here():
    left = [
        get_type_hints(question)["return"]
        for name, question in inspect.getmembers(TaggingEngine, inspect.isfunction)
        if not name.startswith("_")
    ]
    found = set()
    while left:
        hint = left.pop()
        if dataclasses.is_dataclass(hint) and hint not in found:
            found.add(hint)
            left += get_type_hints(hint).values()
            assert wire._values()[hint.__name__] is hint
            assert wire._checks(hint)
        elif inspect.isclass(hint) and issubclass(hint, enum.Enum):
            assert wire._enums()[hint.__name__] is hint
        left += get_args(hint)
    assert {ModelInfo, Prediction, Descriptor, TrainingEnded, TaughtCategory} < found


class Unknown:
    pass


@pytest.mark.parametrize("value", [Unknown(), Unknown, print, b"x", np.array([Unknown()])])
def test_what_is_no_value_is_not_sent(value):
    with pytest.raises(TypeError):
        wire.to_bytes(value)


def message(said, tail=b""):
    text = json.dumps(said).encode()
    return struct.pack("!I", len(text)) + text + tail


PREDICTION = {"path": ["path", "x"], "model_id": "m", "scores": ["array", "<f4", [1]]}


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x00\x00",
        struct.pack("!I", 1 << 31) + b"[]",
        message({"no": "tag"}),
        message(["code", "os.system", "true"]),
        message(["value", "Popen", {"args": "true"}]),
        message(["value", "__builtins__", {}]),
        message(["value", "Prediction", {}]),
        message(["value", "Prediction", PREDICTION | {"scores": "many"}], bytes(4)),
        message(["value", "Prediction", PREDICTION | {"width": "many"}], bytes(4)),
        message(["value", "Prediction", PREDICTION | {"path": "x"}], bytes(4)),
        message(["value", "Prediction", PREDICTION | {"__class__": "x"}], bytes(4)),
        message(["value", "Prediction", PREDICTION]),  # its array is not there
        message(["value", "Prediction", PREDICTION], bytes(400)),
        message(["array", "<f4", [1 << 62]]),
        message(["array", "<f4", [-1, -1]], bytes(4)),
        message(["array", "|O8", [1]], bytes(8)),
        message(["value", "Categories", {"names": ["tuple", "a", "a"]}]),
        message(["value", "Categories", {"names": 5}]),
        message(["enum", "Ending", "never"]),
        message(["error", "SystemExit", "x", {}]),
        message(["error", "ModelError", "x", {"__class__": 1}]),
        message(["error", "ModelError", 5, {}]),
        message(["error", "ModelError", "x", {"__dict__": 1}]),
        message(["value", "Prediction", []]),
        message(["value", "Spread", {"gained": ["tuple", 1]}]),
        message(["value", "Box", {"left": "a", "top": 0, "right": 1, "bottom": 1}]),
        message(["value", "TeachProgress", {"stage": "else", "done": 1, "total": 2}]),
        message(["value", "TeachProgress", {"stage": ["list"], "done": 1, "total": 2}]),
        message(["map", 1]),
        message(["map", [["list"], 1]]),
        message(["path"]),
        message([]),
        struct.pack("!I", 50_000) + b"[" * 50_000,
        b"\x80\x04\x95" + bytes(40),
    ],
)
def test_nothing_else_is_believed(sent):
    with pytest.raises(BadMessageError):
        wire.from_bytes(sent)


def test_the_plainest_message_is_believed():
    assert wire.from_bytes(message(["value", "Prediction", PREDICTION], bytes(4))).model_id == "m"
    assert isinstance(wire.from_bytes(message(["error", "EngineError", "x", {}])), EngineError)
