"""The kinds of files that labels are written into: where each lies, and what is merged into it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from engine.api.label_names import parents_of
from engine.data.kinds import IMAGE_SUFFIXES, RAW_SUFFIXES
from engine.data.sidecar_names import sidecar_path
from engine.interchange.writing.values import Target, WriteError, WriteOptions
from engine.library.written import EntryPair
from engine.metadata import xmp
from engine.metadata.errors import MetadataError
from engine.metadata.values import Changes, Entry, KeywordField, KeywordPath
from engine.texts import display_name

TEXT_FIELD = "text"
#: The keywords of IPTC within a photo, beside the lists of XMP.
IPTC_FIELD = "iptc"
_SHARED = frozenset({Target.SIDECAR_ADOBE, Target.TXT})


class Neighbours:
    """Which photos of a folder have one name but for the ending; each folder is read once."""

    def __init__(self) -> None:
        self._stems: dict[Path, Counter[tuple[str, bool]]] = {}

    def clash(self, photo: Path, target: Target) -> str:
        """Why a photo cannot have a file of this kind to itself; empty if it can."""
        if target not in _SHARED:
            return ""
        stems = self._stems_of(photo.parent)
        is_raw = photo.suffix.lower() in RAW_SUFFIXES
        others = stems[photo.stem, is_raw] - 1
        # Other programs take name.xmp for the RAW's if there is one.
        if not (is_raw and target is Target.SIDECAR_ADOBE):
            others += stems[photo.stem, not is_raw]
        if others <= 0:
            return ""
        return (
            f"{display_name(photo)} shares its name with another photo beside it, and the file "
            "would belong to both. Write files that keep the photo's ending in their name instead."
        )

    def _stems_of(self, folder: Path) -> Counter[tuple[str, bool]]:
        if folder not in self._stems:
            self._stems.clear()
            try:
                names = [Path(name) for name in os.listdir(folder)]  # noqa: PTH208 - names alone
            except OSError:
                names = []
            self._stems[folder] = Counter(
                (name.stem, name.suffix.lower() in RAW_SUFFIXES)
                for name in names
                if name.suffix.lower() in IMAGE_SUFFIXES
            )
        return self._stems[folder]


def file_for(photo: Path, target: Target) -> Path:
    """Where the labels of a photo are written to."""
    if target is Target.EMBED:
        return photo
    if target is Target.SIDECAR:
        return sidecar_path(photo)
    if target is Target.SIDECAR_ADOBE:
        return sidecar_path(photo, "adobe")
    return photo.with_name((photo.stem if target is Target.TXT else photo.name) + ".txt")


def keyword_path(label: str, options: WriteOptions) -> KeywordPath:
    """A label as it is called in files, with what it lies under."""
    name = options.renamed.get(label)
    if name is None:
        parts = (*(parents_of(label) if options.parents else ()), label)
    else:
        parts = tuple(part.strip() for part in name.split("|"))
    return (*options.prefix, *(part for part in parts if part))


def entries_of(path: KeywordPath, options: WriteOptions) -> tuple[EntryPair, ...]:
    """What a label is in the lists of a file.

    Raises:
        MetadataError: it has characters that cannot be written.
    """
    if options.target in (Target.TXT, Target.TXT_FULL):
        word = xmp.entries_of(path[-1:])[0].text
        if options.separator.strip() and options.separator.strip() in word:
            word = " ".join(word.replace(options.separator.strip(), " ").split())
        if not word:
            raise MetadataError("A label that is only the separator cannot be written.")
        return ((TEXT_FIELD, word),)
    entries = tuple((entry.field, entry.text) for entry in xmp.entries_of(path))
    return (*entries, (IPTC_FIELD, entries[0][1])) if options.target is Target.EMBED else entries


def merge(
    old: bytes | None,
    add: Sequence[KeywordPath],
    remove: Sequence[EntryPair],
    options: WriteOptions,
    name: str,
    also: Changes | None = None,
) -> tuple[bytes | None, tuple[EntryPair, ...], int]:
    """What a file shall hold, what of it we added, and how many keywords of it stay.

    ``also`` has a rating and the like, which text files have no place for.

    Raises:
        MetadataError: what is there cannot be merged with, or a label cannot be written.
    """
    if options.target in (Target.TXT, Target.TXT_FULL):
        return _merge_text(old, add, remove, options, name)
    gone = xmp_entries(remove)
    changes = replace(also or Changes(), add=tuple(add), remove=gone)
    done = xmp.merge(old, changes, name)
    new = done.data if old is not None or done.added or also is not None else None
    removed = {entry.text for entry in gone if entry.field == "subject"}
    kept = sum(word not in removed for word in done.before.keywords)
    return new, tuple((entry.field, entry.text) for entry in done.added), kept


def xmp_entries(pairs: Sequence[EntryPair]) -> tuple[Entry, ...]:
    """Those of the entries that stand in XMP."""
    return tuple(
        Entry(cast("KeywordField", field), text) for field, text in pairs if field != IPTC_FIELD
    )


def _merge_text(
    old: bytes | None,
    add: Sequence[KeywordPath],
    remove: Sequence[EntryPair],
    options: WriteOptions,
    name: str,
) -> tuple[bytes | None, tuple[EntryPair, ...], int]:
    try:
        text = (old or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise WriteError(f"{name} was left alone: it is not a text in UTF-8.") from None
    separator = options.separator
    mark = separator.strip() or separator
    words = [word.strip() for word in text.split(mark)] if text.strip() else []
    wanted = [entry for path in add for entry in entries_of(path, options)]
    gone = {word for _, word in remove}
    there = [word for word in words if word not in gone or (TEXT_FIELD, word) in wanted]
    added = tuple(dict.fromkeys(entry for entry in wanted if entry[1] not in there))
    if not added and len(there) == len(words):
        return old, (), len(there)
    ending = "\n" if text.endswith("\n") else ""
    return (
        (separator.join([*there, *(word for _, word in added)]) + ending).encode(),
        added,
        len(there),
    )
