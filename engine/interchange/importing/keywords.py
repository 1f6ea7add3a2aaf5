"""The keywords of single photos: in their sidecars, within them, and in a text beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from engine.api.categories import MAX_NAME_LENGTH
from engine.data.datasets.captions import read_caption
from engine.data.datasets.reading import FaultLog
from engine.data.sidecar_names import sidecars_of
from engine.interchange.importing.values import ImportSource
from engine.library.written import EntryPair
from engine.metadata import sidecars
from engine.metadata.embedded import read_embedded
from engine.metadata.errors import MetadataError
from engine.metadata.values import XmpValues
from engine.metadata.xmp import parsed

#: More names than this of one photo are no keywords.
MOST_NAMES = 20_000
_LONGEST = 4 * MAX_NAME_LENGTH
_CATEGORIES = "categories.txt"


def files_of(photo: Path, sources: Collection[ImportSource]) -> dict[Path, ImportSource]:
    """The files that may hold keywords of a photo, each once."""
    found: dict[Path, ImportSource] = {}
    if ImportSource.SIDECAR in sources:
        found |= dict.fromkeys(sidecars_of(photo), ImportSource.SIDECAR)
    if ImportSource.EMBEDDED in sources:
        found[photo] = ImportSource.EMBEDDED
    if ImportSource.TXT in sources:
        texts = (photo.with_name(f"{photo.name}.txt"), photo.with_suffix(".txt"))
        there = (path for path in texts if path.name != _CATEGORIES and path.is_file())
        found |= dict.fromkeys(there, ImportSource.TXT)
    return found


def names_in(
    path: Path, source: ImportSource, own: Iterable[EntryPair] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names in one file, each once, but those that we wrote there; and what is wrong with it.

    Args:
        path: the file.
        source: of the three that belong to photos.
        own: what of the file's keywords we wrote.

    Raises:
        MetadataError: nothing of it can be read.
    """
    mine = {text for _, text in own}
    faults: tuple[str, ...] = ()
    names: Iterator[str]
    if source is ImportSource.TXT:
        log = FaultLog(strict=False)
        row = read_caption(path, log)
        names = iter([n for n in row.present if n not in mine] if row is not None else [])
        faults = () if row is not None else log.problems()
    elif source is ImportSource.SIDECAR:
        names = _names_of(parsed(sidecars.read(path).data or b"", path.name), mine)
    else:
        within = read_embedded(path)
        names, faults = _names_of(within.values, mine), within.faults
    shown = (name.strip()[:_LONGEST] for name in names)
    kept = dict.fromkeys(name for name in shown if name)
    if len(kept) > MOST_NAMES:
        faults = (*faults, f"{path.name} has {len(kept):,} names; {MOST_NAMES:,} were read.")
    return tuple(kept)[:MOST_NAMES], faults


def read_photo(
    photo: Path,
    sources: Collection[ImportSource],
    own: dict[Path, tuple[EntryPair, ...]] | None = None,
) -> tuple[tuple[str, ...], tuple[tuple[Path, str], ...]]:
    """The names of a photo from all of its files, and what could not be read, file by file."""
    names: dict[str, None] = {}
    problems: list[tuple[Path, str]] = []
    for path, source in files_of(photo, sources).items():
        try:
            found, faults = names_in(path, source, (own or {}).get(path, ()))
        except MetadataError as error:
            problems.append((path, str(error)))
            continue
        names |= dict.fromkeys(found)
        problems += [(path, fault) for fault in faults]
    return _without_leaves(names), tuple(problems)


def _without_leaves(names: Iterable[str]) -> tuple[str, ...]:
    """Names, but not again by its last part alone what one file has with all it lies under."""
    names = tuple(names)
    leaves = {name.rpartition("|")[2] for name in names if "|" in name}
    return tuple(name for name in names if name not in leaves)


def _names_of(values: XmpValues, own: Collection[str]) -> Iterator[str]:
    """Paths with their parents, and the flat names that are the end of none of them."""
    leaves = set()
    for path in values.paths:
        spelled = {"|".join(path), "/".join(path), path[-1]}
        if len(path) > 1:
            leaves.add(path[-1])
            if not spelled & set(own):
                yield "|".join(part.replace("|", "/") for part in path)
    for word in values.keywords:
        if word not in leaves and word not in own:
            yield word
