"""What an import finds, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from engine.api.errors import EngineError
from engine.texts import photos_text


class LabelImportError(EngineError):
    """Labels cannot be imported as asked; nothing was imported."""


class ImportSource(StrEnum):
    """Where labels are read from.

    The first three belong to photos: XMP beside them, what lies within them, a text beside them.
    The others are files of their own that list photos.
    """

    SIDECAR = "sidecar"
    EMBEDDED = "embedded"
    TXT = "txt"
    CSV = "csv"
    JSON = "json"
    COCO = "coco"
    VOC = "voc"


#: Of photos themselves; what is read if nothing else is asked for is without the text files.
PHOTO_SOURCES = (ImportSource.SIDECAR, ImportSource.EMBEDDED, ImportSource.TXT)
USUAL_SOURCES = (ImportSource.SIDECAR, ImportSource.EMBEDDED)


@dataclass(frozen=True, slots=True)
class FoundPhoto:
    """What files say of one photo.

    Attributes:
        path: of the photo.
        names: what stands there, each once; ``animal|dog`` lies under ``animal``.
        rejected: names of which a person had said that they are wrong.
    """

    path: Path
    names: tuple[str, ...]
    rejected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NameUse:
    """One name, as it stands in files.

    Attributes:
        name: of a label, with what it lies under.
        count: on how many photos it is.
        rejected: on how many photos a person had said that it is wrong.
        examples: some of the photos.
    """

    name: str
    count: int
    rejected: int
    examples: tuple[Path, ...]


@dataclass(frozen=True)
class FoundLabels:
    """All that was read.

    Attributes:
        photos: those with any name.
        looked_at: how many photos there were.
        problems: file and reason of each that could not be read, and what readers say.
    """

    photos: tuple[FoundPhoto, ...] = ()
    looked_at: int = 0
    problems: tuple[tuple[Path, str], ...] = ()
    uses: tuple[NameUse, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "uses", _uses(self.photos))


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far reading or importing is."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import.

    Attributes:
        labels: that were taken over.
        rejected: decisions that a label is wrong, taken over.
        photos: that got any.
        known: labels that were there already, or that a person had decided on otherwise.
        left_out: names that were left out.
        vanished: photos that are not there.
        edit_id: in the journal; 0 if nothing changed.
    """

    labels: int = 0
    rejected: int = 0
    photos: int = 0
    known: int = 0
    left_out: int = 0
    vanished: int = 0
    edit_id: int = 0

    def text(self) -> str:
        """A few sentences for a person."""
        if not (self.labels or self.rejected):
            parts = ["Nothing new to import."]
        else:
            labels = "1 label" if self.labels == 1 else f"{self.labels:,} labels"
            parts = [f"{labels} imported for {photos_text(self.photos)}."]
        if self.rejected:
            parts.append(f"Marked as wrong: {self.rejected:,}.")
        if self.known:
            parts.append(f"Decided before, so left as it was: {self.known:,}.")
        if self.left_out:
            parts.append(f"Names left out: {self.left_out:,}.")
        if self.vanished:
            parts.append(f"Photos that are not there: {self.vanished:,}.")
        return " ".join(parts)


_EXAMPLES = 20


def _uses(photos: Sequence[FoundPhoto]) -> tuple[NameUse, ...]:
    """All names, those on most photos first."""
    counts: dict[str, list[int]] = {}
    examples: dict[str, list[Path]] = {}
    for photo in photos:
        for place, names in enumerate((photo.names, photo.rejected)):
            for name in names:
                counts.setdefault(name, [0, 0])[place] += 1
                shown = examples.setdefault(name, [])
                if len(shown) < _EXAMPLES:
                    shown.append(photo.path)
    ranked = sorted(counts.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
    return tuple(
        NameUse(name, given, wrong, tuple(examples[name])) for name, (given, wrong) in ranked
    )
