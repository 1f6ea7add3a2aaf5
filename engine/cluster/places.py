"""Files on this machine or on any storage that fsspec opens: read, listed, written whole."""

from __future__ import annotations

import contextlib
import importlib
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from engine.api.errors import DataError
from engine.atomic import TEMPORARY_PREFIX, atomic_path
from engine.records.tag_rows import FileLook
from engine.texts import display_text, reason_text

# One letter alone is a drive of Windows.
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_LOCAL = "file://"
#: How storages call the time of the last change, the most usual first.
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")


def is_remote(place: str) -> bool:
    """Whether something lies on a storage that fsspec opens: ``s3://…``, ``gs://…``, ``memory://…``."""
    return _REMOTE.match(place) is not None and not place.startswith(_LOCAL)


def local_path(place: str) -> Path:
    """The path of a place on this machine, without ``file://``."""
    return Path(place.removeprefix(_LOCAL))


def joined(folder: str, name: str) -> str:
    """A file in a folder."""
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else str(local_path(folder) / name)


def storage(place: str) -> tuple[Any, str]:
    """The file system of fsspec that has a place, and what it calls the place.

    Raises:
        DataError: it cannot be opened, mostly since a package for it is missing.
    """
    try:
        filesystem, path = importlib.import_module("fsspec.core").url_to_fs(place)
    except (ImportError, ValueError, OSError) as error:
        raise DataError(
            f"{display_text(place)} cannot be opened: {display_text(str(error)).rstrip('.')}. "
            "Install what fsspec needs for it, or name a folder of this machine."
        ) from error
    return filesystem, path


@contextlib.contextmanager
def opened(place: str) -> Generator[IO[bytes], None, None]:
    """A file to read from.

    Raises:
        DataError: there is none, or it cannot be read.
    """
    try:
        with contextlib.ExitStack() as stack:
            if is_remote(place):
                filesystem, path = storage(place)
                file = stack.enter_context(filesystem.open(path, "rb"))
            else:
                file = stack.enter_context(local_path(place).open("rb"))
            yield file
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise DataError(f"{display_text(place)} cannot be read: {display_text(reason)}.") from error


def is_there(place: str) -> bool:
    """Whether there is such a file or folder."""
    if is_remote(place):
        filesystem, path = storage(place)
        return bool(filesystem.exists(path))
    return local_path(place).exists()


def names_in(folder: str) -> frozenset[str]:
    """The names of what lies in a folder; none if it is not there.

    Raises:
        DataError: it cannot be looked into.
    """
    try:
        if is_remote(folder):
            filesystem, path = storage(folder)
            filesystem.invalidate_cache()
            return frozenset(name.rsplit("/", 1)[-1] for name in filesystem.ls(path, detail=False))
        return frozenset(entry.name for entry in local_path(folder).iterdir())
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        reason = reason_text(error)
        raise DataError(f"{display_text(folder)} cannot be looked into: {reason}.") from error


def write_whole(place: str, write: Callable[[Path], None]) -> None:
    """Write a file that is there as a whole or not at all.

    Args:
        place: of the file; folders above it are made.
        write: fills the file at the path that it is given.

    Raises:
        DataError: it cannot be written.
    """
    try:
        if is_remote(place):
            _upload_whole(place, write)
            return
        target = local_path(place)
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as temporary:
            write(temporary)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise DataError(f"{display_text(place)} could not be written: {reason}.") from error


def _upload_whole(place: str, write: Callable[[Path], None]) -> None:
    """Under another name first: of a storage that is no object store, half a file could be seen."""
    filesystem, path = storage(place)
    folder, _, name = path.rpartition("/")
    unfinished = f"{folder}/{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
    with tempfile.TemporaryDirectory(prefix=TEMPORARY_PREFIX) as here:
        written = Path(here, name)
        write(written)
        filesystem.makedirs(folder, exist_ok=True)
        filesystem.put_file(str(written), unfinished)
    filesystem.mv(unfinished, path)


def fetched(place: str, folder: Path, name: str) -> tuple[Path, FileLook]:
    """A copy of a remote file, and how the file looked before.

    Args:
        place: of the file.
        folder: on this machine, for the copy.
        name: of the copy; it gets the ending of the file.

    Raises:
        DataError: it cannot be had; the message is for a person.
    """
    filesystem, path = storage(place)
    copy = folder / (name + Path(path).suffix)
    try:
        facts = filesystem.info(path)
        filesystem.get_file(path, str(copy))
    except FileNotFoundError:
        raise DataError("There is no such file.") from None
    except Exception as error:  # each storage has errors of its own
        reason = display_text(str(error)).rstrip(".") or type(error).__name__
        raise DataError(f"It could not be fetched: {reason}.") from error
    return copy, FileLook(_size(facts), _mtime_ns(facts))


def copied(place: str, folder: Path) -> Path:
    """A file on this machine: itself, or a copy of a remote one in a folder."""
    if not is_remote(place):
        return local_path(place)
    copy = folder / Path(place).name
    with opened(place) as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target)
    return copy


def _size(facts: Mapping[str, Any]) -> int | None:
    size = facts.get("size")
    return int(size) if isinstance(size, int) else None


def _mtime_ns(facts: Mapping[str, Any]) -> int | None:
    for name in _TIMES:
        value = facts.get(name)
        with contextlib.suppress(ValueError, OverflowError):
            if isinstance(value, str):
                value = datetime.fromisoformat(value)
            if isinstance(value, datetime):
                value = value.timestamp()
            if isinstance(value, int | float):
                return round(value * 10**9)
    return None
