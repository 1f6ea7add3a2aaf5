"""Labels within photos themselves: never in place, and never without comparing the outcome.

A photo is written anew beside itself by ExifTool, compared with what it was, and only then
replaced: at every moment it is the old one or the new one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias

from engine.atomic import atomic_path
from engine.data.decoding.pool import DecodePool
from engine.interchange.writing import embed_check, targets
from engine.interchange.writing.attributes import NOTHING, Wanted
from engine.interchange.writing.embedded_state import (
    EmbeddedState,
    noted_characters,
    read_state,
    stamp_of,
)
from engine.interchange.writing.values import PlannedFile, WriteOptions
from engine.library.images import content_hash
from engine.library.values import ImageFile
from engine.library.written import EntryPair, WrittenFile
from engine.metadata import xmp
from engine.metadata.embedded import read_embedded
from engine.metadata.errors import (
    DiskFullError,
    MetadataError,
    ReadOnlyError,
    SidecarChangedError,
)
from engine.metadata.exiftool import ExifTool, ExifToolError
from engine.metadata.sidecars import Sidecar, faults
from engine.metadata.values import Changes, KeywordPath, XmpValues
from engine.texts import display_name, display_text

#: Is told the content hash that a photo will have, in hexadecimal digits, before it gets it.
NoteDigest: TypeAlias = Callable[[str], object]

_FIELDS = {
    "subject": "XMP-dc:Subject",
    "hierarchical": "XMP-lr:HierarchicalSubject",
    "tags_list": "XMP-digiKam:TagsList",
    targets.IPTC_FIELD: "IPTC:Keywords",
}
_DECODERS = 2
_MOST_STATES = 100
# Within a photo a packet is told by its wrapping; there others may write it again in place.
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    '  <rdf:Description rdf:about=""/>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
).encode()


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A photo that was changed: its file as it was, as it is, and its content hash."""

    before: ImageFile
    after: ImageFile
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Edit:
    """What to change in a photo.

    Attributes:
        packet: the XMP that it shall have; ``None``: none.
        added: entries that it shall have; those of XMP are in the packet too.
        removed: entries that it shall not have.
        options: what ExifTool is told beside these.
    """

    packet: bytes | None
    added: tuple[EntryPair, ...] = ()
    removed: tuple[EntryPair, ...] = ()
    options: tuple[str, ...] = ()


class Embedder:
    """Writes labels into photos; use it as a context manager. Nothing is started before it must."""

    def __init__(self, exiftool: str = "") -> None:
        self._tool = ExifTool(exiftool)
        self._pool: DecodePool | None = None
        self._states: dict[Path, EmbeddedState] = {}  # of what was planned and not written yet

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tool.close()
        if self._pool is not None:
            self._pool.close()

    def check(self) -> None:
        """Make sure that ExifTool is there.

        Raises:
            NoExifToolError: it is not.
        """
        self._tool.version()

    def planned(
        self,
        photo: Path,
        names: Sequence[KeywordPath],
        gone: Sequence[EntryPair],
        options: WriteOptions,
        wanted: Wanted = NOTHING,
    ) -> PlannedFile:
        """What a write would do to a photo.

        Args:
            photo: its file.
            names: what it shall have.
            gone: entries of ours that it shall not have.
            options: of the write.
            wanted: rating, colour label and title that it shall have.

        Raises:
            MetadataError: nothing can be written into it.
        """
        with faults(photo):
            state = read_state(self._tool, photo)
        name = display_name(photo)
        start = _EMPTY if state.packet is None else state.packet
        also, said = wanted.changes(start, name)
        after, added, kept = targets.merge(start, names, gone, options, name, also)
        if after == start:
            after = state.packet
        words = [targets.entries_of(path, options)[0][1] for path in names]
        fitting = [word for word in words if state.can_hold(word)]
        added += tuple(
            (targets.IPTC_FIELD, word) for word in dict.fromkeys(fitting) if word not in state.iptc
        )
        removed = tuple(pair for pair in gone if _is_there(pair, state))
        before = Sidecar(photo, state.packet)
        if len(self._states) >= _MOST_STATES:  # nobody writes what was only looked at
            self._states.clear()
        self._states[photo] = state
        is_changed = bool(added or removed) or after != state.packet
        return PlannedFile(
            photo,
            photo,
            before,
            (after or b"") if is_changed else None,
            added,
            removed,
            kept,
            note=_note(words, fitting) if state.takes_iptc else "",
            photo_state=state.noted(),
            attributes=said,
        )

    def write(self, file: PlannedFile, note: NoteDigest, *, keep_mtime: bool) -> Rewritten:
        """Do what was planned.

        Raises:
            MetadataError: nothing was done, and why; a ``DiskFullError`` if there is no room.
        """
        with faults(file.path):
            state = self._states.pop(file.path, None) or read_state(self._tool, file.path)
            if stamp_of(file.path) != (state.file, state.inode):
                raise _changed(file.path)
        if state.noted() != file.photo_state:
            raise _changed(file.path)
        edit = _Edit(file.after or None, file.added, file.removed, _iptc_options(file.added, state))
        return self._replace(state, edit, note, keep_mtime=keep_mtime)

    def restore(self, file: WrittenFile) -> Rewritten | None:
        """Take back what a write did to a photo.

        If nobody changed the photo since, its XMP is the one from before. Else what we added goes,
        what we had taken out comes back, and whatever others did stays.

        Returns:
            ``None`` if nothing of it is there any more.

        Raises:
            MetadataError: nothing was done, and why.
        """
        with faults(file.path):
            state = read_state(self._tool, file.path)
            is_ours = content_hash(file.path).hex() == file.digest
        missing = tuple(pair for pair in file.removed if not _is_there(pair, state))
        gone = tuple(pair for pair in file.added if _is_there(pair, state))
        if not (missing or gone) and not (is_ours and file.old != state.packet):
            return None
        edit = _Edit(file.old, missing, gone)
        options: list[str] = []
        if not is_ours:
            changes = Changes(_paths(missing), targets.xmp_entries(gone))
            start = _EMPTY if state.packet is None else state.packet
            packet = xmp.merged(start, changes, display_name(file.path))
            edit = _Edit(state.packet if packet == start else packet, missing, gone)
        elif noted_characters(file.photo) == "none":
            options.append("-IPTC:all=")
        options += _digest_options(state)
        edit = _Edit(edit.packet, edit.added, edit.removed, tuple(options))
        return self._replace(state, edit, lambda _: None, keep_mtime=False)

    def _replace(
        self, state: EmbeddedState, edit: _Edit, note: NoteDigest, *, keep_mtime: bool
    ) -> Rewritten:
        photo = state.file.path
        with faults(photo):
            if not os.access(photo, os.W_OK):
                raise ReadOnlyError(f"{display_name(photo)} is read-only and was left alone.")
            with atomic_path(photo) as temporary:
                temporary.unlink()
                with contextlib.closing(self._picture(photo)) as picture:
                    self._rewrite(state, edit, temporary)
                    self._check(state, edit, temporary)
                    picture.finish(temporary)
                _copy_attributes(photo, temporary, keep_mtime=keep_mtime)
                digest = content_hash(temporary)
                note(digest.hex())
                # As late as can be: between this and the new name there is hardly a moment.
                if stamp_of(photo) != (state.file, state.inode):
                    raise _changed(photo)
            return Rewritten(state.file, stamp_of(photo)[0], digest)

    def _rewrite(self, state: EmbeddedState, edit: _Edit, temporary: Path) -> None:
        photo = state.file.path
        options = ["-api", "PNGEarlyXMP=1", *edit.options]
        packet = None
        if state.is_long and edit.packet is not None:
            # A new packet would cut off what lies beyond the old one: each field by itself.
            options += [*_by_entry(edit, tuple(_FIELDS)), *_singles(state.packet, edit.packet)]
        else:
            options += _by_entry(edit, (targets.IPTC_FIELD,))
            if edit.packet is None and state.packet is not None:
                options.append("-XMP:all=")
            elif edit.packet != state.packet:
                packet = edit.packet
        try:
            self._tool.rewrite(photo, temporary, options, packet)
        except ExifToolError as error:
            if shutil.disk_usage(photo.parent).free < 2 * state.file.size:
                raise DiskFullError(
                    f"{display_name(photo)} was not written: the disk is full."
                ) from error
            raise ExifToolError(f"{display_name(photo)} was left alone. {error}") from error

    def _check(self, state: EmbeddedState, edit: _Edit, temporary: Path) -> None:
        photo = state.file.path
        ours = [option[1:].partition("=")[0] for option in _singles(state.packet, edit.packet)]
        embed_check.check_fields(self._tool, photo, temporary, ours)
        found = read_state(self._tool, temporary)
        if _singles(found.packet, edit.packet):
            raise MetadataError(
                f"{display_name(photo)} was left alone: its rating, colour label or title would "
                "not be what it should be afterwards."
            )
        for is_wanted, pairs in ((True, edit.added), (False, edit.removed)):
            for pair in pairs:
                if _is_there(pair, found) != is_wanted:
                    raise MetadataError(
                        f"{display_name(photo)} was left alone: “{display_text(pair[1])}” would "
                        f"not be {'there' if is_wanted else 'gone'} afterwards."
                    )
        words = {text for field, text in edit.added if field in ("subject", targets.IPTC_FIELD)}
        if not words <= set(read_embedded(temporary).values.keywords):
            raise MetadataError(
                f"{display_name(photo)} was left alone: its labels would not be read again."
            )

    def _picture(self, photo: Path) -> embed_check.PictureCheck:
        if self._pool is None:
            self._pool = DecodePool(_DECODERS)
        return embed_check.PictureCheck(self._pool, photo)


def _is_there(pair: EntryPair, state: EmbeddedState) -> bool:
    field, text = pair
    if field == targets.IPTC_FIELD:
        return text in state.iptc
    if state.packet is None:
        return False
    return any(entry == pair for entry in xmp.parsed(state.packet).entries)


def _note(words: Sequence[str], fitting: Sequence[str]) -> str:
    left_out = [word for word in words if word not in fitting]
    if not left_out:
        return ""
    named = ", ".join(f"“{display_text(word)}”" for word in left_out)
    return f"In XMP alone, since IPTC cannot hold it there: {named}"


def _iptc_options(added: Sequence[EntryPair], state: EmbeddedState) -> tuple[str, ...]:
    words = [text for field, text in added if field == targets.IPTC_FIELD]
    options = _digest_options(state)
    is_new = state.characters == "none" and bool(words)
    if is_new or (state.characters == "plain" and not all(word.isascii() for word in words)):
        return ("-IPTC:CodedCharacterSet=UTF8", *options)
    return options


def _digest_options(state: EmbeddedState) -> tuple[str, ...]:
    # Else programs of Adobe take it that IPTC was changed by one that knows no XMP.
    return ("-Photoshop:IPTCDigest=new",) if state.is_digest_true else ()


def _by_entry(edit: _Edit, fields: Sequence[str]) -> list[str]:
    options = []
    for sign, pairs in (("-", edit.removed), ("+", edit.added)):
        options += [f"-{_FIELDS[f]}{sign}={text}" for f, text in pairs if f in fields]
    return options


def _singles(before: bytes | None, after: bytes | None) -> list[str]:
    """What of rating, colour label, title and orientation differs, as ExifTool is told it."""
    old, new = (XmpValues() if one is None else xmp.parsed(one) for one in (before, after))
    pairs = (
        ("XMP-xmp:Rating", old.rating, new.rating),
        ("XMP-xmp:Label", old.color_label, new.color_label),
        ("XMP-dc:Title", old.title, new.title),
        ("XMP-tiff:Orientation#", old.orientation, new.orientation),
    )
    return [f"-{tag}={'' if new is None else new}" for tag, old, new in pairs if old != new]


def _paths(pairs: Sequence[EntryPair]) -> tuple[KeywordPath, ...]:
    """The keywords that entries are of: those of one list say it all."""
    return tuple(
        tuple(part.replace("\uff0f", "/") for part in text.split("/"))
        for field, text in pairs
        if field == "tags_list"
    )


def _copy_attributes(photo: Path, temporary: Path, *, keep_mtime: bool) -> None:
    now = temporary.stat()
    with contextlib.suppress(OSError):  # another disk may not know them all
        shutil.copystat(photo, temporary)
    if not keep_mtime:
        os.utime(temporary, ns=(now.st_atime_ns, now.st_mtime_ns))


def _changed(photo: Path) -> SidecarChangedError:
    return SidecarChangedError(
        f"{display_name(photo)} was left alone: another program wrote it meanwhile. Try again."
    )
