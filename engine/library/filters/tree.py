"""What a filter says, as a tree of frozen nodes; each knows which characters it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.api.errors import EngineError
from engine.texts import display_text

Comparison = Literal["<", "<=", "=", ">=", ">"]
#: Fields that answer yes or no.
Flag = Literal["reviewed", "tagged", "error"]
Source = Literal["machine", "person", "file"]
#: Fields that ask what was said of a label: by whom it counts, or the machine's label_error.
Question = Literal["tag", "accepted", "rejected", "added", "imported", "uncertain"]


class FilterError(EngineError):
    """A filter cannot be understood.

    Attributes:
        start: the first character that is wrong.
        end: the character after the last one.
        suggestions: labels that may have been meant by what is wrong.
        unknown: the name that no label has; empty if something else is wrong.
    """

    def __init__(
        self,
        message: str,
        start: int,
        end: int,
        suggestions: tuple[str, ...] = (),
        unknown: str = "",
    ) -> None:
        super().__init__(display_text(message))  # it quotes what was typed or pasted
        self.start = start
        self.end = end
        self.suggestions = suggestions
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class Span:
    """From which character of the text to which, the last one left out."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class WordInNames:
    """A word of a filter that is no label, and so is looked for in the files' names.

    Attributes:
        text: of the word.
        span: where it is.
        suggestions: labels that may have been meant.
    """

    text: str
    span: Span
    suggestions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Everything:
    """An empty filter."""


@dataclass(frozen=True, slots=True)
class Not:
    """All but those."""

    node: Node


@dataclass(frozen=True, slots=True)
class AllOf:
    """Those that all nodes want."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Those that any node wants."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class LabelIs:
    """Of a label of this name, or any that means it (``*`` and ``?`` stand for other characters).

    A word by itself, without a field, is looked for in the files' names where it is no label's.
    Labels imply what they are a kind of, unless the very label is asked for. Words that follow
    each other, without AND or parentheses between, may be one name.
    """

    question: Question
    category: str
    span: Span
    is_word: bool = False
    is_exact: bool = False
    follows_word: bool = False


@dataclass(frozen=True, slots=True)
class ScoreIs:
    """The machine's score of a category compares so with a number.

    A score is at least that of each kind of the category, unless the very label is asked for.
    """

    category: str
    comparison: Comparison
    value: float
    span: Span
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class TagCountIs:
    """The number of labels that count compares so with a number."""

    comparison: Comparison
    value: float
    span: Span


@dataclass(frozen=True, slots=True)
class FlagIs:
    """A mark of the image is set or not."""

    flag: Flag
    value: bool


@dataclass(frozen=True, slots=True)
class SourceIs:
    """At least one label comes from there."""

    source: Source


@dataclass(frozen=True, slots=True)
class NameIs:
    """The file's name has this form; without ``*`` and ``?`` it only has to contain it."""

    pattern: str


@dataclass(frozen=True, slots=True)
class FolderIs:
    """The file is in such a folder or below it: a name, or a path if it has a separator."""

    pattern: str


@dataclass(frozen=True, slots=True)
class DateIn:
    """The photo was taken in [start, end), ns since 1970; the file's time where nothing says so."""

    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class CameraIs:
    """The camera's name has this form; without ``*`` and ``?`` it only has to contain it."""

    pattern: str


@dataclass(frozen=True, slots=True)
class MeasuredIs:
    """Any of these facts (the bits of ``engine.api.facts.Fact``) was measured; 0: anything was."""

    facts: int
    span: Span


@dataclass(frozen=True, slots=True)
class RatingIs:
    """The rating compares so with a number: no stars are 0, a rejected photo has -1."""

    comparison: Comparison
    value: float


@dataclass(frozen=True, slots=True)
class ColorIs:
    """A colour label has this name; ``None`` is a photo without any."""

    pattern: str | None


@dataclass(frozen=True, slots=True)
class TitleIs:
    """The title has this form; without ``*`` and ``?`` it only has to contain it."""

    pattern: str


@dataclass(frozen=True, slots=True)
class SimilarTo:
    """Alike to an image with a name or path of this form, to a degree (a cosine) or more.

    ``least`` is ``None`` for the usual degree.
    """

    pattern: str
    least: float | None
    span: Span


Node = (
    Everything | Not | AllOf | AnyOf | LabelIs | ScoreIs | TagCountIs | FlagIs | SourceIs
    | NameIs | FolderIs | DateIn | CameraIs | MeasuredIs | RatingIs | ColorIs | TitleIs
    | SimilarTo
)  # fmt: skip


def asks_the_camera(node: Node) -> bool:
    """Whether a filter goes by what cameras wrote into files."""
    match node:
        case Not(inner):
            return asks_the_camera(inner)
        case AllOf(nodes) | AnyOf(nodes):
            return any(map(asks_the_camera, nodes))
    return isinstance(node, DateIn | CameraIs)


def asked_similar(node: Node) -> tuple[SimilarTo, ...]:
    """What wanted images shall be alike to; what they shall not be alike to is left out."""
    match node:
        case AllOf(nodes) | AnyOf(nodes):
            return tuple(found for inner in nodes for found in asked_similar(inner))
        case SimilarTo():
            return (node,)
    return ()


def asks_for_similar(node: Node) -> bool:
    """Whether a filter compares images with others."""
    match node:
        case Not(inner):
            return asks_for_similar(inner)
        case AllOf(nodes) | AnyOf(nodes):
            return any(map(asks_for_similar, nodes))
    return isinstance(node, SimilarTo)
