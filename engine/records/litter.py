"""What a program that was killed leaves behind, and its removal at the next start.

Who is killed while it writes leaves a temporary file. Beside a file that the person chose, nobody
would find it again: it is noted in the person's data first. Temporary folders are known by their
name. A lock says of both whether whoever made them still lives: it goes with the process, however
that ends. Of other temporary files in the person's data and caches, the age says it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from functools import partial
from pathlib import Path

from engine.atomic import TEMPORARY_PREFIX, atomic_path, lock, temporary_beside
from engine.data.patience import ask
from engine.resources import data_folder

_log = logging.getLogger(__name__)

#: A temporary file this old (s) belongs to nobody who is still writing it.
LEFT_OVER_AFTER_S = 3600.0
_NOTES = "being-written"
_FOLDER_PREFIX = "csra-own-"
_LOCK = ".lock"
_NOT_YET = f"{TEMPORARY_PREFIX}note-"
_INSIDE = "-inside"
#: How the name of a folder begins that is no record yet, or no more.
RECORD_PREFIX = f"{TEMPORARY_PREFIX}record-"
_DEEPEST = 3
# A disk that answers does so sooner (s).
_ANSWERS_IN_S = 5.0
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)


@contextlib.contextmanager
def noted_path(target: Path) -> Generator[Path, None, None]:
    """As ``engine.atomic.atomic_path``, for a file outside of the program's own folders.

    If the process is killed, the next start of the window removes what is left.

    Args:
        target: the file to write; its folder must exist.

    Raises:
        OSError: the folder cannot be written to or the disk is full.
    """
    temporary = temporary_beside(target)
    with noted(temporary), atomic_path(target, temporary=temporary):
        yield temporary


@contextlib.contextmanager
def noted(temporary: Path) -> Generator[None, None, None]:
    """Keep a note of a temporary file while the block runs; without one where none can be kept.

    If the process is killed, the next start of the window removes the file.

    Args:
        temporary: its name begins with ``engine.atomic.TEMPORARY_PREFIX``.
    """
    folder = data_folder() / _NOTES
    note, hidden = folder / temporary.name, folder / f"{_NOT_YET}{temporary.name[-16:]}"
    descriptor = None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = _locked(hidden)
        if descriptor is not None:
            os.write(descriptor, os.fsencode(temporary))
            hidden.replace(note)  # locked before anybody can see it
    except OSError as error:
        _log.info("It is not noted what is being written: %s", error.strerror)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
        for file in (note, hidden):
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)


@contextlib.contextmanager
def noted_inside(target: Path) -> Generator[Path, None, None]:
    """As ``noted_path``, for a writer that puts temporary files of its own beside its file.

    It writes in a folder, which goes with all that is in it.

    Args:
        target: the file to write; its folder must exist.

    Raises:
        OSError: the folder cannot be written to or the disk is full.
    """
    with noted_path(target) as temporary:
        folder = _folder_of(temporary)
        folder.mkdir(mode=0o700)
        try:
            yield folder / target.name
            (folder / target.name).replace(temporary)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def write_noted(target: Path, data: bytes) -> None:
    """Write a whole file atomically, noted as by ``noted_path``.

    Raises:
        OSError: the folder cannot be written to or the disk is full.
    """
    with noted_path(target) as temporary:
        temporary.write_bytes(data)


class OwnFolder:
    """A temporary folder that does not outlive the program, or its next start.

    Attributes:
        path: of the folder.

    Raises:
        OSError: none can be made.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX))
        self._descriptor = _locked(self.path / _LOCK)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.cleanup()

    def cleanup(self) -> None:
        """Remove it with all that is in it, as far as that goes; twice does no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        shutil.rmtree(self.path, ignore_errors=True)


def sweep(folders: Iterable[Path] = ()) -> int:
    """Remove what programs left that were killed; how many files and folders went.

    Args:
        folders: of the person beside that of the data, such as caches.
    """
    count = _sweep_noted() + _sweep_folders()
    for folder in (data_folder(), *folders):
        count += sum(map(_removed, _old_temporaries(folder)))
    if count:
        _log.info("%d temporary files or folders of a program that was killed were removed", count)
    return count


def _locked(file: Path) -> int | None:
    """A descriptor of a file that is made if it is not there; ``None`` if another one has it."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | _NO_LINKS, 0o600)
    except OSError:
        return None
    try:
        lock(descriptor)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _sweep_noted() -> int:
    count = 0
    for note in _inside(data_folder() / _NOTES):
        if note.name.startswith(_NOT_YET) or (descriptor := _locked(note)) is None:
            continue
        try:
            temporary = Path(os.fsdecode(note.read_bytes()))
            # It may lie on a disk that is away: then it is asked again at the next start.
            if ask(partial(_is_swept, temporary), False, _ANSWERS_IN_S):
                note.unlink()
                count += 1
        except (OSError, ValueError):
            continue
        finally:
            os.close(descriptor)
    return count


def _folder_of(temporary: Path) -> Path:
    return temporary.with_name(f"{temporary.name}{_INSIDE}")


def _is_swept(temporary: Path) -> bool:
    """Whether there is no such temporary file any more; what is no file of ours stays."""
    try:
        if temporary.name.startswith(TEMPORARY_PREFIX):
            shutil.rmtree(_folder_of(temporary), ignore_errors=True)  # it follows no link
        status = temporary.lstat()
        if temporary.name.startswith(TEMPORARY_PREFIX) and stat.S_ISREG(status.st_mode):
            temporary.unlink()
    except FileNotFoundError:
        return temporary.parent.is_dir()  # else a drive is away with all that is on it
    except (OSError, ValueError):
        return False
    return True


def _sweep_folders() -> int:
    count = 0
    for folder in _inside(Path(tempfile.gettempdir())):
        if not folder.name.startswith(_FOLDER_PREFIX) or not _is_own_folder(folder):
            continue
        descriptor = _locked(folder / _LOCK)
        if descriptor is not None:
            os.close(descriptor)
            shutil.rmtree(folder, ignore_errors=True)
            count += 1
    return count


def _is_own_folder(folder: Path) -> bool:
    """Whether it is ours, and not being made at this moment."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    is_ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    has_lock = (folder / _LOCK).is_file() or _is_old(status)
    return stat.S_ISDIR(status.st_mode) and is_ours and has_lock


def _old_temporaries(folder: Path) -> Iterator[Path]:
    """Old temporary files, and folders of records, in a folder and some way below it.

    No link is followed.
    """
    top = len(folder.parts)
    for place, below, names in os.walk(folder):
        if len(Path(place).parts) - top >= _DEEPEST:
            below.clear()
        for name in [name for name in below if name.startswith(RECORD_PREFIX)]:
            below.remove(name)
            with contextlib.suppress(OSError):
                if _is_old(Path(place, name).lstat()):
                    yield Path(place, name)
        for name in names:
            if name.startswith(TEMPORARY_PREFIX):
                file = Path(place, name)
                with contextlib.suppress(OSError):
                    status = file.lstat()
                    if stat.S_ISREG(status.st_mode) and _is_old(status):
                        yield file


def _is_old(status: os.stat_result) -> bool:
    return time.time() - status.st_mtime > LEFT_OVER_AFTER_S


def _removed(path: Path) -> bool:
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
