"""An import: reading what there is, and telling the library, each as progress and a report."""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.api.errors import EngineError
from engine.data.scan import scan
from engine.interchange.importing.annotations import read_list
from engine.interchange.importing.keywords import files_of, read_photo
from engine.interchange.importing.mapping import LEFT_OUT
from engine.interchange.importing.values import (
    USUAL_SOURCES,
    FoundLabels,
    FoundPhoto,
    ImportProgress,
    ImportReport,
    ImportSource,
)
from engine.library.store import Library
from engine.library.values import Verdict, Wish, look_at

#: So many photos are read, or told the library, between two looks at whether to go on.
PIECE = 100
_MOST_PROBLEMS = 1000

Reading = Generator[ImportProgress, None, FoundLabels]


def read_keywords(
    library: Library,
    photos: Sequence[Path],
    sources: Collection[ImportSource] = USUAL_SOURCES,
    others: Mapping[Path, Sequence[Path]] | None = None,
) -> Reading:
    """The keywords of photos; those that we wrote ourselves are not among them.

    Args:
        library: knows what we wrote.
        photos: absolute paths.
        sources: which of their files are read.
        others: the other files of photos that have several: the RAW of a JPEG.
    """
    found: list[FoundPhoto] = []
    problems: list[tuple[Path, str]] = []
    words: dict[str, str] = {}
    for start in range(0, len(photos), PIECE):
        yield ImportProgress(start, len(photos))
        piece = photos[start : start + PIECE]
        files = {photo: (photo, *(others or {}).get(photo, ())) for photo in piece}
        own = library.own_entries([f for all_of in files.values() for f in _files(all_of, sources)])
        for photo, all_of in files.items():
            names: dict[str, None] = {}
            for file in all_of:
                said, faults = read_photo(file, sources, own)
                names |= {words.setdefault(name, name): None for name in said}
                problems += faults[: _MOST_PROBLEMS - len(problems)]
            if names:
                found.append(FoundPhoto(photo, tuple(names)))
    yield ImportProgress(len(photos), len(photos))
    return FoundLabels(tuple(found), len(photos), tuple(problems))


def read_lists(paths: Sequence[Path], source: ImportSource | None = None) -> Reading:
    """The labels in files that list photos, or in the folders of data sets; a bad one is told."""
    photos: list[FoundPhoto] = []
    problems: list[tuple[Path, str]] = []
    for place, path in enumerate(paths):
        yield ImportProgress(place, len(paths))
        try:
            found, said = read_list(path, source)
        except EngineError as error:
            problems.append((path, str(error)))
            continue
        photos += found
        problems += [(path, sentence) for sentence in said]
    yield ImportProgress(len(paths), len(paths))
    return FoundLabels(tuple(photos), len(photos), tuple(problems))


@dataclass
class FoundFiles:
    """Photos below some places, with their other files, and what could not be looked into."""

    photos: list[Path] = field(default_factory=list)
    others: dict[Path, list[Path]] = field(default_factory=dict)
    problems: list[tuple[Path, str]] = field(default_factory=list)


def find_photos(paths: Sequence[Path], *, recursive: bool) -> Iterator[FoundFiles]:
    """Look for photos; the same object again each time there are more."""
    found = FoundFiles()
    for batch in scan(paths, recursive=recursive):
        found.photos += batch.paths
        found.problems += [(problem.path, problem.message) for problem in batch.skipped]
        for companion in batch.companions:
            found.others.setdefault(companion.of, []).append(companion.path)
        yield found


def import_labels(
    library: Library, found: FoundLabels, mapping: Mapping[str, str], *, who: str, caption: str
) -> Generator[ImportProgress, None, ImportReport]:
    """Tell the library of labels, as one edit that can be undone; what people decided stays.

    Nothing of it is in the library before the last progress, so that closing this changes nothing
    but which photos it knows.

    Args:
        library: is told.
        found: what was read.
        mapping: what each name means; a name that is not in it, or empty, is left out.
        who: the person.
        caption: of the edit, for the Undo menu.

    Raises:
        LibraryError: it cannot be written.
        ConfigError: a label breaks the rules for names.
    """
    wishes: list[Wish] = []
    vanished = 0
    for start in range(0, len(found.photos), PIECE):
        yield ImportProgress(start, len(found.photos))
        piece = found.photos[start : start + PIECE]
        there = [(p, file) for p in piece if _labels(p, mapping) and (file := look_at(p.path))]
        vanished += sum(1 for p in piece if _labels(p, mapping)) - len(there)
        ids = library.add_images([file for _, file in there])
        for image, (photo, _) in zip(ids, there, strict=True):
            wishes += [Wish(image, label, word) for label, word in _labels(photo, mapping).items()]
    yield ImportProgress(len(found.photos), len(found.photos))
    edit = library.take_over_labels(wishes, who=who, caption=caption)
    changes = () if edit is None else edit.decisions
    rejected = sum(c.new is not None and c.new.verdict is Verdict.REJECTED for c in changes)
    return ImportReport(
        labels=len(changes) - rejected,
        rejected=rejected,
        photos=len({change.image_id for change in changes}),
        known=len({(wish.image_id, wish.category) for wish in wishes}) - len(changes),
        left_out=sum(mapping.get(use.name, LEFT_OUT) == LEFT_OUT for use in found.uses),
        vanished=vanished,
        edit_id=0 if edit is None else edit.id,
    )


def _labels(photo: FoundPhoto, mapping: Mapping[str, str]) -> dict[str, Verdict]:
    """What the names of a photo mean; a label that it has goes before one that was wrong."""
    said = {mapping.get(name, LEFT_OUT): Verdict.REJECTED for name in photo.rejected}
    said |= {mapping.get(name, LEFT_OUT): Verdict.IMPORTED for name in photo.names}
    said.pop(LEFT_OUT, None)
    return said


def _files(paths: Sequence[Path], sources: Collection[ImportSource]) -> Iterator[Path]:
    for path in paths:
        yield from files_of(path, sources)


def absolute(path: Path) -> Path:
    """A path as the library has it: it doesn't follow links."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - see above
