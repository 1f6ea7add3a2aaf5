"""Sidecars: which files belong to a photo, and changing one so that nothing of others is lost."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.atomic import atomic_path, sweep_folder, sync_folder
from engine.data.sidecar_names import sidecars_of
from engine.metadata.errors import (
    DiskFullError,
    MetadataError,
    ReadOnlyError,
    SidecarChangedError,
    XmpError,
)
from engine.metadata.packet import MAX_PACKET
from engine.metadata.values import Changes, XmpValues, joined
from engine.metadata.xmp import merged, parsed
from engine.texts import display_name

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
# A younger one may be that of a write that still goes on in another process.
_LITTER_AGE_S = 3600.0


@dataclass(frozen=True)
class Sidecar:
    """A sidecar as it was read.

    Attributes:
        path: its name; what it links to, if it is a link, is written instead.
        data: what it holds; ``None`` if there is no such file yet.
        stamp: what tells whether another program has written it since.
    """

    path: Path
    data: bytes | None
    stamp: tuple[int, ...] = ()

    @property
    def digest(self) -> str:
        """Of its content, for a journal; empty where there is no file."""
        return "" if self.data is None else hashlib.sha256(self.data).hexdigest()


def values_of(photo: Path) -> XmpValues:
    """What all sidecars of a photo say: keywords of each, else the first that says something.

    Raises:
        XmpError: one is broken or hostile.
        MetadataError: one cannot be read.
    """
    return joined(parsed(read(path).data or b"", path.name) for path in sidecars_of(photo))


def read(path: Path) -> Sidecar:
    """Read a sidecar, or note that there is none.

    Raises:
        XmpError: it is too big for one.
        SidecarChangedError: it was written while it was read.
        MetadataError: it is not a regular file, or cannot be read.
    """
    with faults(path):
        try:
            # Opening one that is a pipe would wait for whoever writes into it.
            flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            if path.is_symlink():
                raise MetadataError(
                    f"{display_name(path)} is a link to a file that is not there."
                ) from None
            return Sidecar(path, None)
        with os.fdopen(descriptor, "rb") as file:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise MetadataError(f"{display_name(path)} is not a regular file.")
            data = file.read(MAX_PACKET + 1)
            if len(data) > MAX_PACKET:
                raise XmpError(f"{display_name(path)} was left alone: it is too big for metadata.")
            if _stamp(os.fstat(descriptor)) != _stamp(before) or len(data) != before.st_size:
                raise _changed(path)
    return Sidecar(path, data, _stamp(before))


def write(sidecar: Sidecar, changes: Changes, *, keep_mtime: bool = False) -> Sidecar:
    """Make changes in a sidecar; the file is the old or the new one, whatever crashes.

    Nothing is written where nothing is to change. Permission bits are kept.

    Args:
        sidecar: as ``read`` gave it.
        changes: see there.
        keep_mtime: whether an existing file keeps its time of change.

    Returns:
        The sidecar as it is now.

    Raises:
        XmpError: what is there is broken or hostile; it is left alone.
        UnwritableTextError: a new text cannot be written.
        SidecarChangedError: another program wrote it since it was read.
        ReadOnlyError: it or its folder may not be written to.
        DiskFullError: there is no room.
    """
    data = merged(sidecar.data, changes, sidecar.path.name)
    if data == sidecar.data or (sidecar.data is None and changes == Changes()):
        return sidecar
    return replace(sidecar, data, keep_mtime=keep_mtime)


def replace(
    sidecar: Sidecar, data: bytes, *, keep_mtime: bool = False, is_name_synced: bool = True
) -> Sidecar:
    """Give a sidecar its new content; otherwise as ``write``.

    Without ``is_name_synced`` the disk has the content, and its name after ``sync_names``.
    """
    path = sidecar.path
    if sidecar.data is not None:
        _check_unchanged(sidecar)
    with faults(path):
        if sidecar.data is not None and not os.access(path, os.W_OK):
            raise ReadOnlyError(f"{display_name(path)} is read-only and was left alone.")
        times = path.stat() if keep_mtime and sidecar.data is not None else None
        with atomic_path(path, is_name_synced=is_name_synced) as temporary:
            temporary.write_bytes(data)
            if times is not None:
                os.utime(temporary, ns=(times.st_atime_ns, times.st_mtime_ns))
            stamp = _stamp(temporary.stat())
            # As late as can be: between this and the new name there is hardly a moment.
            _check_unchanged(sidecar)
    return Sidecar(path, data, stamp)


def sync_names(paths: Iterable[Path]) -> None:
    """Make the names of written files reach the disk: each folder once.

    Raises:
        MetadataError: the disk fails.
    """
    # What a link leads to was written, not the link.
    real = (path.resolve() if path.is_symlink() else path for path in paths)
    folders = {path.parent: path for path in real}
    for folder, path in folders.items():
        with faults(path), contextlib.suppress(FileNotFoundError):
            sync_folder(folder)


def sweep(folder: Path, min_age_s: float = _LITTER_AGE_S) -> int:
    """Remove temporary files that a crash left in a folder; how many went.

    Args:
        folder: only what lies right in it is looked at.
        min_age_s: younger ones stay, since another process may be writing them.
    """
    return sweep_folder(folder, min_age_s)


def _stamp(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)


def _check_unchanged(sidecar: Sidecar) -> None:
    # The content as well: a disk with coarse times may hide a write of the same length.
    now = read(sidecar.path)
    if now.stamp != sidecar.stamp or now.data != sidecar.data:
        raise _changed(sidecar.path)


def _changed(path: Path) -> SidecarChangedError:
    return SidecarChangedError(
        f"{display_name(path)} was left alone: another program wrote it meanwhile. Try again."
    )


@contextlib.contextmanager
def faults(path: Path) -> Generator[None, None, None]:
    """Say of a file what the system says, in words for a person, as a ``MetadataError``."""
    try:
        yield
    except OSError as error:
        name = display_name(path)
        if error.errno in _FULL:
            raise DiskFullError(f"{name} was not written: the disk is full.") from error
        if error.errno in _READ_ONLY:
            raise ReadOnlyError(
                f"{name} was left alone: it or its folder may not be read or written."
            ) from error
        raise MetadataError(
            f"{name} cannot be read or written: {error.strerror or error}."
        ) from error
