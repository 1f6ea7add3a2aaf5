"""What is asked of a write, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from engine.api.errors import EngineError
from engine.interchange.exporting.values import held_back_text
from engine.library.ratings import Said
from engine.library.values import Attribute, ImageFile
from engine.library.written import EntryPair
from engine.metadata.sidecars import Sidecar
from engine.texts import photos_text


class WriteError(EngineError):
    """Labels cannot be written as asked; nothing was written."""


class Target(StrEnum):
    """Where labels are written to.

    ``SIDECAR`` is ``name.jpg.xmp``, ``SIDECAR_ADOBE`` is ``name.xmp``; ``EMBED`` is the photo
    itself; ``TXT`` is ``name.txt``, ``TXT_FULL`` is ``name.jpg.txt``.
    """

    SIDECAR = "sidecar"
    SIDECAR_ADOBE = "sidecar-adobe"
    EMBED = "embed"
    TXT = "txt"
    TXT_FULL = "txt-full"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How labels are written.

    Attributes:
        target: where to.
        prefix: what each keyword lies under, from the top, such as ``("auto",)``.
        renamed: what labels are called in files, by label; ``animal|dog`` lies under ``animal``.
        parents: whether shipped labels lie under what they are a kind of, ``animal|cat``; a label
            that ``renamed`` names lies where it says.
        keep_mtime: whether a file that is there keeps its time of change.
        separator: between the labels of a text file.
        may_change_photos: whether the person agreed that photos themselves are changed; without
            it nothing is written into any.
        exiftool: where ExifTool is, which does that; empty: where programs are.
    """

    target: Target = Target.SIDECAR
    prefix: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    keep_mtime: bool = False
    separator: str = ", "
    may_change_photos: bool = False
    exiftool: str = ""
    parents: bool = False


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """What a write would do to one file.

    Attributes:
        photo: whose labels.
        path: of the file.
        before: as it is; ``None`` if it is refused.
        after: what it shall hold; ``None`` if nothing is to be written.
        added: keywords that are added.
        removed: keywords of ours that go, since the label was taken back.
        kept: how many keywords stay as they are.
        refused: why nothing is written; empty if nothing is wrong.
        note: what else there is to say of it.
        photo_state: of a photo that is written into: how it is now, for the journal.
        attributes: rating, colour label and title that are set, by the photo's number.
    """

    photo: Path
    path: Path
    before: Sidecar | None = None
    after: bytes | None = None
    added: tuple[EntryPair, ...] = ()
    removed: tuple[EntryPair, ...] = ()
    kept: int = 0
    refused: str = ""
    note: str = ""
    photo_state: str = ""
    attributes: tuple[Said, ...] = ()

    def text(self) -> str:
        """What would happen, in words: each keyword once."""
        if self.refused:
            return self.refused
        if self.after is None:
            return "as it should be already"
        parts = ["+ " + word for word in _words(self.added)]
        parts += ["- " + word for word in _words(self.removed)]
        parts += [_attribute_text(attribute, value) for _, attribute, value in self.attributes]
        kept = f" ({self.kept} kept)" if self.kept else ""
        return ", ".join(parts) + kept + (f". {self.note}" if self.note else "")


@dataclass(frozen=True, slots=True)
class WriteProgress:
    """How far a write is.

    Attributes:
        done: photos that were looked at.
        total: photos.
        paused: why it waits; it tries again when it is asked to go on.
        planned: what was looked at since the last progress.
        rewritten: photos that were changed themselves since the last progress, as they were and
            as they are. Their pictures are the same.
    """

    done: int
    total: int
    paused: str = ""
    planned: tuple[PlannedFile, ...] = ()
    rewritten: tuple[tuple[ImageFile, ImageFile], ...] = ()


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What came of a write or of an undo.

    Attributes:
        written: files that were changed.
        unchanged: files that were as they should be.
        refused: file and reason of each that was left alone.
        is_undo: whether files were given back what was in them.
        held_back: labels of the machine that were left out since they are suggestions.
    """

    written: int = 0
    unchanged: int = 0
    refused: tuple[tuple[Path, str], ...] = ()
    is_undo: bool = False
    held_back: int = 0

    def text(self) -> str:
        """A sentence for a person."""
        verb = "undone for" if self.is_undo else "written for"
        parts = [f"Labels {verb} {photos_text(self.written)}."]
        if self.unchanged:
            parts.append(f"{photos_text(self.unchanged).capitalize()} had them already.")
        if self.refused:
            parts.append(f"{photos_text(len(self.refused)).capitalize()} left alone.")
        if self.held_back:
            parts.append(held_back_text(self.held_back))
        return " ".join(parts)


def _attribute_text(attribute: Attribute, value: str) -> str:
    name = {Attribute.RATING: "rating", Attribute.COLOR: "colour", Attribute.TITLE: "title"}
    if not value:
        return f"no {name[attribute]}"
    return f"{name[attribute]} " + (f"“{value}”" if attribute is Attribute.TITLE else value)


def _words(entries: tuple[EntryPair, ...]) -> list[str]:
    flat = [text for field_name, text in entries if field_name in ("subject", "text")]
    return list(dict.fromkeys(flat or (text for _, text in entries)))
