"""What scripts and notebooks use: light to import, and described so that it can be used."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import enum
import inspect
import re
import runpy
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any, NamedTuple

import pytest

import engine
from tests.paths import ROOT

MAKE_API = SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "make_api.py")))
HEAVY = ("torch", "torchvision", "timm", "PySide6", "numpy", "PIL", "onnxruntime", "onnx", "lxml")

#: An array has a shape, such as (N, C) or (num_heads, C, h, w).
ARRAY = re.compile(r"NDArray|FloatArray|PixelArray|BoolArray|Columns\b")
SHAPE = re.compile(r"\(\w+,\)|\(\w+(, \w+)+\)")
#: A number that is no count has a unit or a range.
FLOAT = re.compile(r"\bfloat\b|\bThreshold\b")
UNIT = re.compile(
    r"0 to 1|\[0, 1\]|[<>≥≤] ?\d|at least \d|above 0|below 1|fraction|share|pixels?\b|second|minute"
    r"|epochs|images per|bytes|logit|λ|lam\b|temperature|ratio|factor|positives|score|rate|per "
    r"channel|entries",
    re.IGNORECASE,
)
#: What a class may say of all its numbers at once.
OF_ALL = re.compile(r"each 0 to 1|in fractions|fractions from 0 to 1")


class Described(NamedTuple):
    """A public function or class, or a method or property of one."""

    name: str
    value: Any
    owner: type | None = None

    @property
    def function(self) -> Any:
        return MAKE_API.function_of(self.value)

    @property
    def doc(self) -> Any:
        return MAKE_API.parsed((self.function.__doc__ or "").removesuffix("None"))

    @property
    def whole(self) -> str:
        return inspect.cleandoc(self.function.__doc__ or "")

    def said_of(self, name: str) -> str | None:
        for section in ("Args", "Attributes"):
            for names, text in self.doc.entries.get(section, {}).items():
                if name in names.split(", "):
                    return text
        return None


def everything() -> Iterator[Described]:
    for name in engine.__all__:
        if name == "__version__":
            continue
        value = getattr(engine, name)
        yield Described(name, value)
        if isinstance(value, type):
            for member, inside in MAKE_API.members(value):
                yield Described(f"{name}.{member}", inside, value)


EVERYTHING = list(everything())
FUNCTIONS = [one for one in EVERYTHING if isinstance(one.function, FunctionType)]
CLASSES = [one for one in EVERYTHING if isinstance(one.value, type)]


def fields_of(one: Described) -> dict[str, str]:
    """What a class is made with, and the types; those of an exception or a constructor too."""
    if dataclasses.is_dataclass(one.value):
        found = {f.name: str(f.type) for f in dataclasses.fields(one.value) if f.repr}
        return {name: kind for name, kind in found.items() if not name.startswith("_")}
    made = None if getattr(one.value, "_is_protocol", False) else one.value.__dict__.get("__init__")
    return parameters_of(made) if isinstance(made, FunctionType) else {}


def parameters_of(function: FunctionType) -> dict[str, str]:
    found = inspect.signature(function).parameters.values()
    return {p.name: str(p.annotation) for p in found if p.name not in ("self", "cls")}


def refers(one: Described) -> bool:
    """Whether a description leaves the rest to another one: "as in ``that``"."""
    return bool(re.search(r"(as in|see) ``\w+", one.whole, re.IGNORECASE))


def test_importing_the_engine_loads_nothing_and_its_light_names_load_no_pytorch() -> None:
    script = f"""
        import sys
        import engine
        print([name for name in {HEAVY!r} if name in sys.modules])
        for name in engine.__all__:
            getattr(engine, name)
        print([name for name in {HEAVY[:4]!r} if name in sys.modules])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_type_checkers_see_every_public_name_from_where_it_is_loaded() -> None:
    tree = ast.parse(Path(engine.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.asname or alias.name: (node.module, alias.name)
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    names = {
        name: (f"engine.{home}", name)
        for home, names in engine._HOMES.items()
        for name in names.split()
    }
    names |= {new: (f"engine.{home}", name) for new, (home, name) in engine._RENAMED.items()}
    assert seen == names
    assert {*names, "__version__"} == set(engine.__all__)


def test_a_name_that_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'LocalMotor'"):
        _ = engine.LocalMotor  # type: ignore[attr-defined]  # that it is missing is the test
    assert set(engine.__all__) <= set(dir(engine))


def test_the_page_of_the_public_names_is_that_of_their_docstrings() -> None:
    grouped = [name for group in MAKE_API.GROUPS.values() for name in group]
    assert sorted(grouped) == sorted({*engine.__all__} - {"__version__"})
    page = MAKE_API.PAGE.read_text(encoding="utf-8")
    assert page == MAKE_API.page(), "run python docs/make_api.py"


def test_every_public_name_says_what_it_is_and_names_errors_that_can_be_caught() -> None:
    faults = []
    for one in EVERYTHING:
        first = one.whole.splitlines()[0] if one.whole else ""
        if not first.endswith((".", "?")):
            faults.append(f"{one.name} does not begin with a sentence")
        for error in ", ".join(one.doc.entries.get("Raises", {})).split(", "):
            if error and error not in engine.__all__ and not hasattr(builtins, error):
                faults.append(f"{one.name}: nobody can catch {error}")
    assert not faults


def test_every_public_class_says_what_it_is_made_of_with_shapes_and_units() -> None:
    assert not [fault for one in CLASSES for fault in faults_of_class(one)]


def test_every_public_function_says_what_it_takes_gives_and_raises() -> None:
    assert not [fault for one in FUNCTIONS for fault in faults_of_function(one)]


def faults_of_class(one: Described) -> Iterator[str]:
    if issubclass(one.value, enum.Enum):
        silent = [member.name for member in one.value if f"{member.name}:" not in one.whole]
        yield from (f"{one.name}: nothing is said of {name}" for name in silent)
        return
    for name, kind in fields_of(one).items():
        yield from faults_of_value(one, name, kind)


def faults_of_function(one: Described) -> Iterator[str]:
    parameters = parameters_of(one.function)
    if not refers(one):
        for name, kind in parameters.items():
            yield from faults_of_value(one, name, kind)
    given = str(inspect.signature(one.function).return_annotation)
    if ARRAY.search(given) and not SHAPE.search(one.whole):
        yield f"{one.name}: the shape of what it returns"
    if re.fullmatch(r"(float|tuple\[float, .*)( \| None)?", given) and not UNIT.search(one.whole):
        yield f"{one.name}: the unit or range of what it returns"
    said = ", ".join(one.doc.entries.get("Raises", {}))
    yield from (f"{one.name} raises {e}" for e in raised_by(one.function) if e not in said)
    reads_files = any(re.search(r"\bPath\b", kind) for kind in parameters.values())
    asks = one.owner is engine.TaggingEngine and parameters and given != "None"
    if (reads_files or asks) and not (said or "Raises nothing" in one.whole or refers(one)):
        yield f"{one.name}: what it raises"


def faults_of_value(one: Described, name: str, kind: str) -> Iterator[str]:
    above = inspect.getdoc(one.owner) or "" if one.owner else ""
    prose = [text for text in (one.whole, above) if f"``{name}``" in text]
    text = one.said_of(name) or " ".join(prose)
    if not text:
        yield f"{one.name}: nothing is said of {name}"
    elif ARRAY.search(kind) and not SHAPE.search(text):
        yield f"{one.name}: the shape of {name}"
    elif (
        not ARRAY.search(kind)
        and FLOAT.search(kind)
        and not (UNIT.search(f"{name} {text}") or OF_ALL.search(one.doc.text))
    ):
        yield f"{one.name}: the unit or range of {name}"


def raised_by(function: FunctionType) -> set[str]:
    """The errors that a function raises itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raises = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    calls = [one.func for one in raises if isinstance(one, ast.Call)]
    return {call.id for call in calls if isinstance(call, ast.Name)}


def test_the_checks_above_find_what_is_missing() -> None:
    # Names of types are read as text, so those below need not be imported.
    def short(scores: FloatArray, threshold: float) -> FloatArray:  # type: ignore[name-defined]  # noqa: F821
        """Scores above a threshold.

        Args:
            scores: of images.
        """
        raise ValueError(scores)

    assert sorted(faults_of_function(Described("short", short))) == [
        "short raises ValueError",
        "short: nothing is said of threshold",
        "short: the shape of scores",
        "short: the shape of what it returns",
    ]


def test_a_path_may_be_given_as_a_text(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"")
    (tmp_path / "labels.csv").write_text("path,labels\nx.jpg,cat\n", encoding="utf-8")
    root = str(tmp_path)
    source = engine.DatasetSource("folder", root)
    request = engine.TrainRequest(source, root, engine.HeadTrainConfig(), cache=root)

    assert next(engine.scan(root)).paths == (tmp_path / "x.jpg",)
    assert next(engine.scan([root])).paths == (tmp_path / "x.jpg",)
    assert engine.load_dataset("folder", root, "all").paths == (tmp_path / "x.jpg",)
    assert engine.recognise(root) == ("folder", ("all",))
    assert engine.EvaluationRequest("folder", root, "all").root == tmp_path
    assert (source.root, request.output, request.cache) == (tmp_path, tmp_path, tmp_path)
    assert engine.ScoreRequest(root).scores == tmp_path


def test_an_engine_takes_texts_as_paths_and_closes_itself() -> None:
    photo = ROOT / "resources" / "samples" / "cat.jpg"
    with engine.LocalEngine(device="cpu", num_workers=1) as tagger:
        model = tagger.open_model("csra-lite0-voc")
        (prediction,) = tagger.predict(model.id, [str(photo)])
        scores = tagger.explain(model.id, str(photo))
    assert (prediction.path, prediction.labels(model.categories)[0].category) == (photo, "cat")
    assert scores.path == photo
    with pytest.raises(engine.EngineStoppedError):
        tagger.open_model()
