"""Write docs/API.md from the docstrings of the engine's public names.

Without options it rewrites the page; with ``--check`` it says whether the page is as it should be.
``tests/engine/test_public_names.py`` reads docstrings with it, too.

    python docs/make_api.py [--check]
"""

from __future__ import annotations

import enum
import inspect
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]

import engine  # noqa: E402

PAGE = ROOT / "docs" / "API.md"
#: What the page says before the names.
_HEAD = """# The engine as a library

<!-- Made by docs/make_api.py from the docstrings; change those. -->

Everything that the program does without its window can be done from a script or a notebook:

```python
from pathlib import Path

import engine

photos = sorted(Path("resources/samples").glob("*.jpg"))
with engine.LocalEngine() as tagger:
    model = tagger.open_model()
    for prediction in tagger.predict(model.id, photos):
        print(prediction.path.name, prediction.error or prediction.labels(model.categories))
```

In the repository the package is called `engine`; where the program is installed it is
`csra_gui.engine` (`from csra_gui import engine`). Only the names on this page are meant to stay;
what lies below them may change with any version. Importing the package loads nothing: a name
loads what it needs when it is first used, and PyTorch comes with what needs it (training,
teaching, models without a graph). Photos are decoded in processes of their own. A script needs no
`if __name__ == "__main__"` for that, and may as well be a cell of a notebook.

Two notebooks show it at work: [tag and explain](notebooks/tag_and_explain.ipynb) and [a task of
your own](notebooks/own_task.ipynb). Words are those of [GLOSSARY.md](GLOSSARY.md). A *score* is
sigmoid(logit), 0 to 1; N counts images and C categories; (h, w) is the grid with which a model
looks at a photo. `FloatArray` is NumPy's float32, `PixelArray` uint8, `BoolArray` bool;
`FloatColumns` and `BoolColumns` are arrays of two dimensions; a path may be a text. What goes
wrong in an expected way is an `EngineError`, whose message says what to do. Long work is a
generator; closing it is Cancel.
"""

#: The names by what they are for; a test says if one is missing.
GROUPS = {
    "The engine": ["LocalEngine", "TaggingEngine"],
    "Models": [
        "ModelInfo",
        "Categories",
        "LabelMeasure",
        "LabelStatus",
        "ModelImport",
        "ThresholdsForModel",
    ],
    "Tagging": [
        "scan",
        "ScanBatch",
        "ScanProblem",
        "PredictConfig",
        "Prediction",
        "Label",
        "Fact",
    ],
    "Explaining": [
        "PositionScores",
        "following",
        "MapKind",
        "map_of",
        "local_probability",
        "evidence_map",
        "score_map",
        "attention",
        "logits",
        "with_head",
        "on_photo",
        "ExplainedPhoto",
        "DrawingSettings",
        "explanation",
        "Explanation",
        "HeadTerms",
        "Box",
        "TrueBox",
    ],
    "Data sets": ["load_dataset", "recognise", "LabelledImages", "ObjectBox"],
    "Evaluating": [
        "EvaluationRequest",
        "EvaluateConfig",
        "Unfinished",
        "EvaluationProgress",
        "EvaluationDone",
        "EvaluationStore",
        "EvaluationSummary",
        "LabelMark",
        "EvaluationRun",
        "evaluation_report",
        "EvaluationReport",
        "compare_runs",
        "RunComparison",
        "PairedDifferences",
        "SeedSpread",
    ],
    "Scores of other programs": [
        "score_saved",
        "ScoreRequest",
        "ScoredFile",
        "label_errors",
        "LabelError",
    ],
    "Measures": [
        "average_precision",
        "mean_average_precision",
        "average_precisions",
        "ApKind",
        "paper_metrics",
        "consistent_metrics",
        "Protocol",
        "MetricReport",
        "LabelMetrics",
        "CategoryReport",
        "best_f1_thresholds",
        "Thresholds",
        "ThresholdSettings",
        "BootstrapSettings",
        "Interval",
        "Intervals",
    ],
    "Training": [
        "TrainRequest",
        "DatasetSource",
        "LabelSource",
        "ModelStart",
        "HeadTrainConfig",
        "LossSettings",
        "TrainConfig",
        "AugmentConfig",
        "HeadConfig",
        "PreprocessConfig",
        "PreparationReport",
        "Preflight",
        "TrainingStarted",
        "StepReport",
        "EpochReport",
        "SampleReport",
        "PauseReport",
        "TrainingEnded",
        "Ending",
        "Wish",
    ],
    "Teaching": [
        "TeachRequest",
        "TeachProgress",
        "TeachReport",
        "TaughtCategory",
        "Hits",
        "Comparison",
    ],
    "Errors": [
        "EngineError",
        "CheckpointError",
        "ConfigError",
        "DataError",
        "DivergedError",
        "EngineStoppedError",
        "FileChangedError",
        "ImageError",
        "MissingFactsError",
        "ModelError",
    ],
}

_SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises):$")
_ENTRY = re.compile(r"^ {4}(\w[\w, ]*): (.*)$")
_LISTS = ("Args", "Attributes", "Raises")
_WIDEST = 96
_LONGEST_DEFAULT = 40
#: A method that says so has its description there.
_ELSEWHERE = re.compile(r"see ``TaggingEngine``")


@dataclass
class Doc:
    """A docstring taken apart.

    Attributes:
        text: what stands before the sections.
        entries: of each section of a list: name → what is said of it.
        prose: of each other section.
    """

    text: str
    entries: dict[str, dict[str, str]] = field(default_factory=dict)
    prose: dict[str, str] = field(default_factory=dict)


def parsed(docstring: str) -> Doc:
    """A docstring in Google's style, taken apart."""
    doc = Doc("")
    text: list[str] = []
    section, name = "", ""
    for line in inspect.cleandoc(docstring).splitlines():
        if match := _SECTION.match(line):
            section, name = match[1], ""
            continue
        if section and line and not line.startswith(" "):
            section = ""
        if not section:
            text.append(line)
        elif section not in _LISTS:
            doc.prose[section] = f"{doc.prose.get(section, '')} {line.strip()}".strip()
        elif match := _ENTRY.match(line):
            name = match[1]
            doc.entries.setdefault(section, {})[name] = match[2]
        elif name and line.strip():
            doc.entries[section][name] += f" {line.strip()}"
    doc.text = "\n".join(text).strip()
    return doc


def members(kind: type) -> Iterator[tuple[str, object]]:
    """The public methods and properties of a class, as they stand in its source.

    What is the same as in another class of Python's own, or described elsewhere, is left out; so is
    what it has from another public class, which its first line names.
    """
    public = {getattr(engine, name) for names in GROUPS.values() for name in names}
    inherited = {name for base in kind.__mro__[1:] if base in public for name in vars(base)}
    for name in dir(kind):
        if name.startswith("_") or (name in inherited and name not in vars(kind)):
            continue
        value = inspect.getattr_static(kind, name)
        made = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not inspect.isfunction(made) or not made.__module__.startswith(engine.__name__):
            continue
        if not _ELSEWHERE.search(made.__doc__ or ""):
            yield name, value


def function_of(value: object) -> object:
    """What a method, a property or a function runs."""
    if isinstance(value, property):
        return value.fget
    return getattr(value, "__func__", value)


def page() -> str:
    """The whole page."""
    lines = [_HEAD]
    taken: Counter[str] = Counter()
    for title, names in GROUPS.items():
        anchor = _anchor(title, taken)
        listed = ", ".join(f"[`{name}`](#{_anchor(name, taken)})" for name in names)
        lines.append(
            textwrap.fill(f"- [{title}](#{anchor}): {listed}", 110, subsequent_indent="  ")
        )
    for title, names in GROUPS.items():
        lines += ["", f"## {title}"]
        for name in names:
            lines += _described(name, getattr(engine, name))
    return "\n".join(lines) + "\n"


def _anchor(heading: str, taken: Counter[str]) -> str:
    """Where a link to a heading leads, as GitHub makes it; ``taken`` counts those before."""
    anchor = heading.lower().replace(" ", "-")
    taken[anchor] += 1
    return anchor if taken[anchor] == 1 else f"{anchor}-{taken[anchor] - 1}"


def _described(name: str, value: object) -> list[str]:
    lines = ["", f"### {name}", "", *_block(_head(name, value)), ""]
    lines += _text(parsed(value.__doc__ or ""))
    if isinstance(value, type):
        for member, inside in members(value):
            lines += ["", f"#### {name}.{member}", ""]
            if not isinstance(inside, property):
                lines += [*_block(_signature(member, function_of(inside), is_method=True)), ""]
            else:
                lines += [f"A property: `{_annotation(inside.fget, 'return')}`.", ""]
            lines += _text(parsed(function_of(inside).__doc__ or ""))
    return lines


def _head(name: str, value: object) -> str:
    if not isinstance(value, type):
        return _signature(name, value)
    if issubclass(value, enum.Enum):
        each = "\n".join(f"    {member.name} = {member.value!r}" for member in value)
        return f"class {name}({value.__bases__[0].__name__}):\n{each}"
    if issubclass(value, Exception):
        return f"class {name}({', '.join(base.__name__ for base in value.__bases__)})"
    if getattr(value, "_is_protocol", False):
        return f"class {name}(Protocol)"
    return _signature(name, value)


def _signature(name: str, value: object, *, is_method: bool = False) -> str:
    signature = inspect.signature(value)
    parts = []
    starred = False
    for parameter in list(signature.parameters.values())[int(is_method) :]:
        if parameter.name.startswith("_"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        parts.append(_parameter(parameter))
    end = "" if isinstance(value, type) else f" -> {_spelled(signature.return_annotation)}"
    line = f"{name}({', '.join(parts)}){end}"
    if len(line) <= _WIDEST:
        return line
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), f"){end}"])


def _parameter(parameter: inspect.Parameter) -> str:
    text = f"{parameter.name}: {_spelled(parameter.annotation)}"
    default = parameter.default
    if default is parameter.empty:
        return text
    spelled = (
        f"{type(default).__name__}.{default.name}"
        if isinstance(default, enum.Enum)
        else repr(default)
    )
    is_long = len(spelled) > _LONGEST_DEFAULT or "<" in spelled
    return f"{text} = {'…' if is_long else spelled}"


def _annotation(function: object, name: str) -> str:
    return _spelled(getattr(function, "__annotations__", {}).get(name, ""))


def _spelled(annotation: object) -> str:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return text.replace("NDArray[np.bool_]", "BoolArray")


def _block(code: str) -> list[str]:
    return ["```", code, "```"]  # no language: what reads Python would format it


def _text(doc: Doc) -> list[str]:
    lines = [_marked(doc.text)]
    for section in ("Args", "Attributes"):
        if section in doc.entries:
            title = ["", f"**{section}**"] if {"Args", "Attributes"} <= doc.entries.keys() else []
            lines += [*title, "", *_listed(doc.entries[section])]
    for section, text in doc.prose.items():
        lines += ["", f"**{section}** {_marked(text)}"]
    if "Raises" in doc.entries:
        lines += ["", "**Raises**", "", *_listed(doc.entries["Raises"])]
    return lines


def _listed(entries: dict[str, str]) -> list[str]:
    return [f"- `{name}`: {_marked(text)}" for name, text in entries.items()]


def _marked(text: str) -> str:
    return text.replace("``", "`")


def main() -> int:
    """Write the page, or say whether it is as it should be."""
    text = page()
    if "--check" in sys.argv[1:]:
        return int(text != PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
