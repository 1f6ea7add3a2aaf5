"""What a write would do, file by file; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.api.errors import EngineError
from engine.interchange.exporting.choice import ChosenImages, ExportChoice
from engine.interchange.exporting.values import ExportedImage
from engine.interchange.writing import targets
from engine.interchange.writing.attributes import (
    WITH_ATTRIBUTES,
    OwnAttributes,
    Wanted,
)
from engine.interchange.writing.embedding import Embedder
from engine.interchange.writing.values import PlannedFile, Target, WriteOptions
from engine.library.store import Library
from engine.library.written import EntryPair
from engine.metadata import sidecars
from engine.texts import display_name

#: So many files are noted in the journal at a time, and in memory with what they hold.
PIECE = 50


@dataclass(frozen=True, slots=True)
class PlannedPiece:
    """So many photos were looked at, and these files belong to a write.

    ``held_back`` is how many labels of the machine are not in them since they are suggestions.
    """

    photos: int
    files: list[PlannedFile]
    held_back: int = 0


@dataclass(frozen=True, slots=True)
class _Ours:
    """A file, its entries that we wrote, and what the person set of the photo."""

    path: Path
    entries: tuple[EntryPair, ...]
    wanted: Wanted


def plan(
    library: Library, choice: ExportChoice, options: WriteOptions, embedder: Embedder
) -> Iterator[PlannedPiece]:
    """What a write would do to the files of photos, a piece at a time.

    Photos without a label have no file in it, unless one of ours is to go. An empty piece counts
    as progress.

    Raises:
        FilterError: the filter of the choice is none.
        NoExifToolError: labels are to go into photos, and ExifTool is not there.
    """
    if options.target is Target.EMBED:
        embedder.check()
    neighbours = targets.Neighbours()
    for images in ChosenImages(library, choice).pieces():
        for start in range(0, max(1, len(images)), PIECE):
            some = images[start : start + PIECE]
            files = _plan_piece(library, some, options, neighbours, embedder)
            yield PlannedPiece(len(some), files, sum(image.held_back for image in some))


def _plan_piece(
    library: Library,
    images: Sequence[ExportedImage],
    options: WriteOptions,
    neighbours: targets.Neighbours,
    embedder: Embedder,
) -> list[PlannedFile]:
    paths = [targets.file_for(image.path, options.target) for image in images]
    own = library.own_entries(paths)
    said: Mapping[int, OwnAttributes] = {}
    if options.target in WITH_ATTRIBUTES:
        said = library.own_attributes(image.image_id for image in images)
    return [
        _planned(
            image,
            _Ours(
                path,
                own.get(path, ()),
                Wanted(image.image_id, said.get(image.image_id, {})),
            ),
            options,
            neighbours,
            embedder,
        )
        for image, path in zip(images, paths, strict=True)
        if image.present or path in own or image.image_id in said
    ]


def _planned(
    image: ExportedImage,
    ours: _Ours,
    options: WriteOptions,
    neighbours: targets.Neighbours,
    embedder: Embedder,
) -> PlannedFile:
    photo, path = image.path, ours.path
    refused = neighbours.clash(photo, options.target)
    if not refused and not photo.is_file():
        refused = f"{display_name(photo)} has vanished."
    if refused:
        return PlannedFile(photo, path, refused=refused)
    try:
        names = [targets.keyword_path(label.name, options) for label in image.present]
        wanted = {entry for name in names for entry in targets.entries_of(name, options)}
        gone = tuple(entry for entry in ours.entries if entry not in wanted)
        if options.target is Target.EMBED:
            return embedder.planned(photo, names, gone, options, ours.wanted)
        before = sidecars.read(path)
        shown = display_name(path)
        also, said = ours.wanted.changes(before.data, path.name)
        after, added, kept = targets.merge(before.data, names, gone, options, shown, also)
    except EngineError as error:
        return PlannedFile(photo, path, refused=str(error))
    if after == before.data:
        return PlannedFile(photo, path, before, kept=kept)
    return PlannedFile(photo, path, before, after, added, gone, kept, attributes=said)
