"""What is exported: an image with what is known of each of its labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from engine.api.errors import EngineError


class ExportError(EngineError):
    """An export that could not be made; nothing of it is left."""


class WhichLabels(StrEnum):
    """Whose labels are exported; what a person rejected never is one."""

    ACCEPTED = "accepted"
    MACHINE = "machine"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class ExportedLabel:
    """A label that an image has.

    Attributes:
        name: as it is shown.
        source: ``person``, ``file`` or ``machine``.
        score: of the model, in [0, 1]; ``None`` if it gave none.
    """

    name: str
    source: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class ExportedImage:
    """What is known of one image.

    Attributes:
        path: of the file.
        present: the labels that it has.
        rejected: those of which a person said that it has them not.
        absent: all that it is known not to have; empty if it is complete.
        unknown: those of which nobody can say; empty unless it is complete.
        is_complete: whether all that is named nowhere is absent; else nobody can say.
        image_id: its number in the library; 0 for none.
        rating: -1 (rejected) to 5; 0 for none.
        color: its colour label, as ``library.values.Attribute`` says; empty for none.
        title: empty for none.
        measured: names of what was measured (``engine.api.facts``); empty if nothing was.
        others: with ``ExportOptions.all_scores`` every label that it has not, or of which nobody
            can say: name, whether it is absent, and the model's score.
        held_back: how many labels of the machine are left out since they are suggestions.
    """

    path: Path
    present: tuple[ExportedLabel, ...] = ()
    rejected: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    is_complete: bool = True
    image_id: int = 0
    rating: int = 0
    color: str = ""
    title: str = ""
    measured: tuple[str, ...] = ()
    others: tuple[tuple[str, bool, float | None], ...] = ()
    held_back: int = 0

    @property
    def is_rated(self) -> bool:
        """Whether it has a rating, a colour label or a title."""
        return bool(self.rating or self.color or self.title)

    @property
    def says_nothing(self) -> bool:
        """Whether nothing at all is known."""
        return not (self.is_complete or self.present or self.absent)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What can be chosen for some formats.

    Attributes:
        bom: of CSV: begin with the mark by which Excel knows UTF-8.
        copies: of formats with pictures: copies instead of links.
        all_scores: of CSV: a row for every label of a photo, not only for those that it has and
            those that a person decided on.
    """

    bom: bool = False
    copies: bool = False
    all_scores: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how an export is written.

    Attributes:
        path: the temporary file, or the temporary folder, which is empty.
        target: what it will be called, absolute.
        categories: all that images may have.
        options: what was chosen.
        left_out: is told why an image was left out.
    """

    path: Path
    target: Path
    categories: tuple[str, ...]
    options: ExportOptions = ExportOptions()
    left_out: Counter[str] = field(default_factory=Counter)


#: Takes one image after the other; false for one that was left out.
Write: TypeAlias = Callable[[ExportedImage], bool]
#: Opens a format's files, and finishes them at the end of the block.
Open: TypeAlias = Callable[[Place], AbstractContextManager[Write]]


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """How many images were looked at, of how many."""

    done: int
    total: int


def held_back_text(count: int) -> str:
    """Why labels that the machine found are not in files, in two sentences for a person."""
    noun = "suggestion was" if count == 1 else "suggestions were"
    return (
        f"{count:,} {noun} left out, as always: nobody has measured how well the model knows such "
        "labels, so they are never written by themselves. Accept those that are right."
    )


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What came of an export.

    Attributes:
        target: the file or folder.
        written: how many images are in it.
        left_out: how many are not, by the reason.
        most_bytes: that this program reads, if the list is larger; else 0.
        held_back: how many labels of the machine were left out since they are suggestions.
    """

    target: Path
    written: int
    left_out: dict[str, int]
    most_bytes: int = 0
    held_back: int = 0

    def text(self) -> str:
        """One or more sentences for a person."""
        photos = "1 photo" if self.written == 1 else f"{self.written} photos"
        parts = [f"{photos} exported to {self.target}."]
        parts += [f"Left out ({count}): {why}." for why, count in self.left_out.items()]
        parts += [held_back_text(self.held_back)] if self.held_back else []
        if self.most_bytes:
            parts.append(
                f"The list is larger than {self.most_bytes >> 20} MiB, so this program itself "
                "cannot read it again as a data set: export fewer photos at a time for that."
            )
        return " ".join(parts)
