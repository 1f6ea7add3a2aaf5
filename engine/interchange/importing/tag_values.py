"""What an import of tags is asked, what it finds in a row, and what came of all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.interchange.importing.tag_paths import PathMap
from engine.library.values import LibraryModel
from engine.texts import photos_text

HalfArray = NDArray[np.float16]

#: So many are named of each kind of outcome.
EXAMPLES = 10


class TagCheck(StrEnum):
    """How a row is checked against the file here before it is believed.

    ``SIZE_TIME`` forgives two seconds: some file systems count in twos.
    """

    SIZE_TIME = "size-time"
    HASH = "hash"
    NONE = "none"


class Refusal(StrEnum):
    """Why a row is not imported, for people."""

    NOT_THERE = "no such file here"
    NOT_PLACED = "a relative path, or one of another kind of computer"
    UPWARDS = "“..” in the path"
    NO_PHOTO = "no kind of photo"
    OTHER_FILE = "the file here has another size or time"
    OTHER_CONTENT = "the file here has another content"
    NO_SIZE_TIME = "the row gives no size and time to check by"
    NO_HASH = "the row gives no hash to check by"
    NOT_READ = "the file here could not be read"
    UNKNOWN_MODEL = "of a model that is not known here"
    BAD_SCORES = "scores that are no numbers from 0 to 1, or too few or many"
    PARTIAL = "not all scores are given"
    BAD_ROW = "the row is damaged"
    NOT_IN_LIBRARY = "the library does not have the photo"


#: What helps, where something does.
ADVICE = {
    Refusal.NOT_PLACED: "say where the photos are here (map)",
    Refusal.UPWARDS: "say where the photos are here (map)",
    Refusal.NOT_THERE: "if they are elsewhere here, say where (map)",
    Refusal.NO_SIZE_TIME: "import without checking (check: none)",
    Refusal.NO_HASH: "check by size and time instead",
    Refusal.UNKNOWN_MODEL: "get or import the model first, or make the tags again as Parquet",
}


@dataclass(frozen=True, slots=True)
class TagWish:
    """How tags shall be imported.

    Attributes:
        paths: where the photos are here.
        check: what must agree.
        replace: whether the same model's scores that are there already are replaced.
        known_only: whether photos that the library does not have are left out.
        complete_only: whether rows that give only the scores of some labels are left out; else the
            others count as 0.
        use: whether the model of most rows becomes the one that was used last.
    """

    paths: PathMap = field(default_factory=PathMap)
    check: TagCheck = TagCheck.SIZE_TIME
    replace: bool = False
    known_only: bool = False
    complete_only: bool = False
    use: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ReadRow:
    """One photo as a file tells of it.

    Attributes:
        path: as it was tagged, wherever that was.
        model: whose scores; ``None`` if nobody knows.
        scores: (C,) in the order of the model's categories; ``None`` where there are none.
        size: of the file in bytes; ``None`` if that is not given.
        mtime_ns: when the file was changed, in ns since 1970; likewise.
        sha256: of its content, in hexadecimal; empty likewise.
        error: why it could not be tagged; ``None`` if it was.
        is_partial: whether only some labels are given; the others' scores are 0 here.
        fault: what is wrong with the row itself.
    """

    path: str
    model: LibraryModel | None = None
    scores: HalfArray | None = None
    size: int | None = None
    mtime_ns: int | None = None
    sha256: str = ""
    error: str | None = None
    is_partial: bool = False
    fault: Refusal | None = None


@dataclass(frozen=True, slots=True)
class TagProgress:
    """How far an import is.

    Attributes:
        done: bytes of the files that are read.
        total: bytes that there are.
        rows: that were looked at.
        imported: photos that have their tags, on the disk; of a preview, that would get them.
    """

    done: int
    total: int
    rows: int
    imported: int


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows with one outcome.

    Attributes:
        what: the outcome, for people.
        count: how many.
        examples: some of their paths, as the rows have them.
    """

    what: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagReport:
    """What came of an import, or would come of it.

    Attributes:
        rows: that were looked at.
        imported: photos that got tags.
        new: those of them that the library did not have.
        partial: those of them with only some labels given.
        kept: rows whose photo had this model's scores already.
        refused: why others were not imported, most first.
        failed: why photos could not be tagged where the tags were made, most first.
        models: whose scores they are, and how many, most first.
        present: the model that was used last in the library; ``None`` if there is none.
        examples: a few paths, as the rows have them and as they are here.
        problems: files that could not be read, or not to their end, and why.
        backup: the copy of the library from before; ``None`` if none was needed.
        is_preview: whether nothing was changed.
    """

    rows: int = 0
    imported: int = 0
    new: int = 0
    partial: int = 0
    kept: int = 0
    refused: tuple[Counted, ...] = ()
    failed: tuple[Counted, ...] = ()
    models: tuple[tuple[LibraryModel, int], ...] = ()
    present: LibraryModel | None = None
    examples: tuple[tuple[str, Path], ...] = ()
    problems: tuple[tuple[Path, str], ...] = ()
    backup: Path | None = None
    is_preview: bool = False

    def text(self) -> str:
        """What happened, in a sentence or three."""
        verb = "would get their tags" if self.is_preview else "got their tags"
        if self.imported == 1:
            verb = verb.replace("their", "its")
        parts = [f"{photos_text(self.imported)} of {self.rows:,} {verb}."]
        if self.new:
            parts.append(f"New to the library: {self.new:,}.")
        if self.kept:
            parts.append(f"Tagged by this model before: {self.kept:,}.")
        refused, failed = total(self.refused), total(self.failed)
        if refused:
            parts.append(f"Not imported: {refused:,}.")
        if failed:
            parts.append(f"Could not be tagged there: {failed:,}.")
        return " ".join(parts)

    def model_text(self) -> str:
        """Whose tags they are and what becomes of them; empty without any."""
        sentences = []
        for model, count in self.models:
            sentence = f"Tags by {model.name}: {count:,}"
            if self.present is None or model.fingerprint == self.present.fingerprint:
                sentences.append(f"{sentence}.")
                continue
            same = ", another of that name" if model.name == self.present.name else ""
            sentences.append(
                f"{sentence}{same}; the library shows {self.present.name}, whose tags stay. These "
                "are kept beside them and shown once that model is used."
            )
        return " ".join(sentences)

    def partial_text(self) -> str:
        """What to know of rows that give only some labels; empty without any."""
        if not self.partial:
            return ""
        return (
            f"With their best labels only: {photos_text(self.partial)}. All other labels count as "
            "0 there, so a lower threshold shows no more. csra tag --all-scores writes all."
        )


def total(counted: Sequence[Counted]) -> int:
    """How many rows these are."""
    return sum(each.count for each in counted)
