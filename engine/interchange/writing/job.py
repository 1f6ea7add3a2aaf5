"""One write from beginning to end, its undo, and what is left to do after a crash."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path

from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.writing.plan import plan
from engine.interchange.writing.values import (
    PlannedFile,
    WriteOptions,
    WriteProgress,
    WriteReport,
)
from engine.library.store import Library
from engine.library.written import FileState, WrittenFile
from engine.metadata import sidecars
from engine.metadata.errors import DiskFullError, MetadataError, ReadOnlyError
from engine.texts import display_name

_TOUCHED = {FileState.DONE, FileState.UNDONE}
Steps = Generator[WriteProgress, None, WriteReport]


def write(library: Library, choice: ExportChoice, options: WriteOptions) -> Steps:
    """Write labels into the files of photos; closing it stops after the file at hand.

    What is noted in the journal before can be undone, however this ends. A second run does only
    what is missing.

    Yields:
        How far it is. A full disk makes it pause; going on tries the same file again.

    Returns:
        What came of it.

    Raises:
        LibraryError: the journal cannot be written; no file was touched without being noted.
    """
    recover(library)
    total, done = len(choice.image_ids), 0
    written = unchanged = 0
    refused: list[tuple[Path, str]] = []
    write_id = library.begin_write(f"Write labels ({options.target.value})")
    try:
        for piece in plan(library, choice, options):
            planned = piece.files
            changed = [file for file in planned if file.after is not None]
            unchanged += sum(file.after is None and not file.refused for file in planned)
            refused += [(file.path, file.refused) for file in planned if file.refused]
            failed = yield from _write_piece(
                library, write_id, changed, options, WriteProgress(done, total)
            )
            refused += failed
            written += len(changed) - len(failed)
            done = min(total, done + piece.photos)
            yield WriteProgress(done, total, planned=tuple(planned))
    finally:
        library.end_write(write_id)
    return WriteReport(written, unchanged, tuple(refused))


def undo(library: Library) -> Steps:
    """Take back the last write that can be: files get what was in them, ours go.

    A file that others changed since is left alone. A full disk makes it pause, as in ``write``.
    """
    recover(library)
    last = library.last_write()
    if last is None:
        return WriteReport(is_undo=True)
    refused: list[tuple[Path, str]] = []
    done, after = 0, None
    while files := library.files_of_write(last.id, after):
        library.settle_files(last.id, {file.path: FileState.BEGUN for file in files})
        refused += yield from _restore_piece(library, files, WriteProgress(done, last.files))
        done, after = done + len(files), files[-1].path
        yield WriteProgress(done, last.files)
    return WriteReport(done - len(refused), 0, tuple(refused), is_undo=True)


def recover(library: Library) -> int:
    """Settle files of a write or an undo that the program did not survive; how many."""
    begun = library.begun_files()
    folders = {file.path.parent for file in begun}
    for file in begun:
        try:
            now = sidecars.read(file.path)
        except MetadataError:
            continue
        # Else others changed it since: an undo will leave it alone.
        is_old = now.data == file.old
        library.settle_files(file.write_id, {file.path: None if is_old else FileState.DONE})
        library.end_write(file.write_id)
    for folder in folders:
        sidecars.sweep(folder, 0.0)
    return len(begun)


def preview(library: Library, choice: ExportChoice, options: WriteOptions) -> Steps:
    """What ``write`` would do, in the same steps; nothing is written."""
    total, done = len(choice.image_ids), 0
    written = unchanged = 0
    refused: list[tuple[Path, str]] = []
    for piece in plan(library, choice, options):
        written += sum(file.after is not None for file in piece.files)
        unchanged += sum(file.after is None and not file.refused for file in piece.files)
        refused += [(file.path, file.refused) for file in piece.files if file.refused]
        done = min(total, done + piece.photos)
        # What the files hold would be too much to keep.
        shown = tuple(replace(file, before=None, after=file.after and b"") for file in piece.files)
        yield WriteProgress(done, total, planned=shown)
    return WriteReport(written, unchanged, tuple(refused))


def _write_piece(
    library: Library,
    write_id: int,
    files: list[PlannedFile],
    options: WriteOptions,
    progress: WriteProgress,
) -> Generator[WriteProgress, None, list[tuple[Path, str]]]:
    """Note files, write them, note that they are written; those that could not be, and why."""
    if not files:
        return []
    library.note_files(_noted(write_id, files))
    states: dict[Path, FileState | None] = {file.path: None for file in files}
    failed = []
    try:
        for file in files:
            # Until one knows, it counts as begun: whatever ends this, ``recover`` looks at it.
            del states[file.path]
            while True:
                try:
                    _write_file(file, options)
                except DiskFullError as error:
                    yield WriteProgress(progress.done, progress.total, paused=str(error))
                    continue
                except MetadataError as error:
                    failed.append((file.path, str(error)))
                    states[file.path] = None
                else:
                    states[file.path] = FileState.DONE
                break
    finally:
        _settle(library, write_id, states)
    return failed


def _restore_piece(
    library: Library, files: list[WrittenFile], progress: WriteProgress
) -> Generator[WriteProgress, None, list[tuple[Path, str]]]:
    """Take files back; those that were left alone, and why. What is ended early stays begun."""
    states: dict[Path, FileState | None] = {file.path: FileState.DONE for file in files}
    refused = []
    try:
        for file in files:
            del states[file.path]
            while True:
                try:
                    states[file.path], reason = _restore(file)
                except DiskFullError as error:
                    yield WriteProgress(progress.done, progress.total, paused=str(error))
                    continue
                if reason:
                    refused.append((file.path, reason))
                break
    finally:
        _settle(library, files[0].write_id, states)
    return refused


def _settle(library: Library, write_id: int, states: dict[Path, FileState | None]) -> None:
    # The journal says that a file is written, or given back, only once the disk has its name.
    sidecars.sync_names(path for path, state in states.items() if state in _TOUCHED)
    library.settle_files(write_id, states)


def _noted(write_id: int, files: Iterable[PlannedFile]) -> list[WrittenFile]:
    return [
        WrittenFile(
            write_id,
            file.path,
            None if file.before is None else file.before.data,
            hashlib.sha256(file.after or b"").hexdigest(),
            file.added,
            file.removed,
        )
        for file in files
    ]


def _write_file(file: PlannedFile, options: WriteOptions) -> None:
    if file.before is not None and file.after is not None:
        sidecars.replace(
            file.before, file.after, keep_mtime=options.keep_mtime, is_name_synced=False
        )


def _restore(file: WrittenFile) -> tuple[FileState, str]:
    """Give a file what was in it before; what became of it, and why it was left alone."""
    name = display_name(file.path)
    try:
        now = sidecars.read(file.path)
        if now.data == file.old:
            return FileState.UNDONE, ""
        if now.digest != file.digest:
            return FileState.LEFT, f"{name} was left alone: it was changed since we wrote it."
        if file.old is None:
            file.path.unlink()
        else:
            sidecars.replace(now, file.old, is_name_synced=False)
    except (ReadOnlyError, PermissionError):
        return FileState.DONE, f"{name} is read-only and was left alone."
    except DiskFullError:
        raise
    except (MetadataError, OSError) as error:
        return FileState.DONE, str(error)
    return FileState.UNDONE, ""
