"""One write from beginning to end, its undo, and what is left to do after a crash."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from engine.interchange.exporting.choice import ExportChoice
from engine.interchange.writing.embedded_state import noted_stamp, stamp_of
from engine.interchange.writing.embedding import Embedder, NoteDigest, Rewritten
from engine.interchange.writing.plan import plan
from engine.interchange.writing.values import (
    PlannedFile,
    Target,
    WriteError,
    WriteOptions,
    WriteProgress,
    WriteReport,
)
from engine.library.images import content_hash
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
        WriteError: photos would be changed, and nobody agreed to that.
        NoExifToolError: labels are to go into photos, and ExifTool is not there.
    """
    if options.target is Target.EMBED and not options.may_change_photos:
        raise WriteError(
            "Labels would be written into the photos themselves. Nothing was written, since that "
            "has to be agreed to once more."
        )
    recover(library)
    library.forget_old_writes()
    total, done = len(choice.image_ids), 0
    written = unchanged = held_back = 0
    refused: list[tuple[Path, str]] = []
    write_id = library.begin_write(f"Write labels ({options.target.value})")
    try:
        with Embedder(options.exiftool) as embedder:
            for piece in plan(library, choice, options, embedder):
                planned = piece.files
                held_back += piece.held_back
                changed = [file for file in planned if file.after is not None]
                unchanged += sum(file.after is None and not file.refused for file in planned)
                refused += [(file.path, file.refused) for file in planned if file.refused]
                failed = yield from _write_piece(
                    library, write_id, changed, options, embedder, WriteProgress(done, total)
                )
                refused += failed
                written += len(changed) - len(failed)
                done = min(total, done + piece.photos)
                yield WriteProgress(done, total, planned=tuple(planned))
    finally:
        library.end_write(write_id)
    return WriteReport(written, unchanged, tuple(refused), held_back=held_back)


def undo(library: Library, exiftool: str = "") -> Steps:
    """Take back the last write that can be: files get what was in them, ours go.

    A file that others changed since is left alone; of a photo that was written into, what is ours
    goes and theirs stays. A full disk makes it pause, as in ``write``.

    Args:
        library: has the journal.
        exiftool: as in ``WriteOptions``.
    """
    recover(library)
    last = library.last_write()
    if last is None:
        return WriteReport(is_undo=True)
    refused: list[tuple[Path, str]] = []
    done, after = 0, None
    with Embedder(exiftool) as embedder:
        while files := library.files_of_write(last.id, after):
            library.settle_files(last.id, {file.path: FileState.BEGUN for file in files})
            progress = WriteProgress(done, last.files)
            refused += yield from _restore_piece(library, files, embedder, progress)
            done, after = done + len(files), files[-1].path
            yield WriteProgress(done, last.files)
    return WriteReport(done - len(refused), 0, tuple(refused), is_undo=True)


def recover(library: Library) -> int:
    """Settle files of a write or an undo that the program did not survive; how many."""
    begun = library.begun_files()
    folders = {file.path.parent for file in begun}
    for file in begun:
        try:
            is_old = _is_old_photo(library, file) if file.photo else _is_old(file)
        except (MetadataError, OSError):
            continue
        library.settle_files(file.write_id, {file.path: None if is_old else FileState.DONE})
        library.end_write(file.write_id)
    for folder in folders:
        sidecars.sweep(folder, 0.0)
    return len(begun)


def _is_old(file: WrittenFile) -> bool:
    # If it is neither, others changed it since: an undo will leave it alone.
    return sidecars.read(file.path).data == file.old


def _is_old_photo(library: Library, file: WrittenFile) -> bool:
    """The same of a photo; the library is told of one that was replaced just before the end."""
    before, inode = noted_stamp(file.photo, file.path)
    now = stamp_of(file.path)
    if not file.digest or now == (before, inode):
        return True
    digest = content_hash(file.path)
    if digest.hex() == file.digest:
        library.note_rewritten(before, now[0], digest)
    return False


def preview(library: Library, choice: ExportChoice, options: WriteOptions) -> Steps:
    """What ``write`` would do, in the same steps; nothing is written."""
    with Embedder(options.exiftool) as embedder:
        return (yield from _preview(library, choice, options, embedder))


def _preview(
    library: Library, choice: ExportChoice, options: WriteOptions, embedder: Embedder
) -> Steps:
    total, done = len(choice.image_ids), 0
    written = unchanged = held_back = 0
    refused: list[tuple[Path, str]] = []
    for piece in plan(library, choice, options, embedder):
        held_back += piece.held_back
        written += sum(file.after is not None for file in piece.files)
        unchanged += sum(file.after is None and not file.refused for file in piece.files)
        refused += [(file.path, file.refused) for file in piece.files if file.refused]
        done = min(total, done + piece.photos)
        # What the files hold would be too much to keep.
        shown = tuple(replace(file, before=None, after=file.after and b"") for file in piece.files)
        yield WriteProgress(done, total, planned=shown)
    return WriteReport(written, unchanged, tuple(refused), held_back=held_back)


def _write_piece(
    library: Library,
    write_id: int,
    files: list[PlannedFile],
    options: WriteOptions,
    embedder: Embedder,
    progress: WriteProgress,
) -> Generator[WriteProgress, None, list[tuple[Path, str]]]:
    """Note files, write them, note that they are written; those that could not be, and why."""
    if not files:
        return []
    library.note_files(_noted(write_id, files))
    states: dict[Path, FileState | None] = {file.path: None for file in files}
    failed = []
    try:
        for done, file in enumerate(files, progress.done):
            # Until one knows, it counts as begun: whatever ends this, ``recover`` looks at it.
            del states[file.path]
            note = partial(library.note_digest, write_id, file.path)
            while True:
                try:
                    rewritten = _write_file(file, options, embedder, note)
                except DiskFullError as error:
                    yield WriteProgress(progress.done, progress.total, paused=str(error))
                    continue
                except MetadataError as error:
                    failed.append((file.path, str(error)))
                    states[file.path] = None
                else:
                    states[file.path] = FileState.DONE
                    if rewritten is not None:
                        yield _told(library, rewritten, done, progress.total)
                break
    finally:
        _settle(library, write_id, states)
        done_files = [file for file in files if states.get(file.path) is FileState.DONE]
        said = [one for file in done_files for one in file.attributes]
        if said:
            library.note_written_attributes(said)
    return failed


def _told(library: Library, photo: Rewritten, done: int, total: int) -> WriteProgress:
    """Note that a photo is the same in another file, before someone finds it changed."""
    library.note_rewritten(photo.before, photo.after, photo.digest)
    return WriteProgress(done, total, rewritten=((photo.before, photo.after),))


def _restore_piece(
    library: Library, files: list[WrittenFile], embedder: Embedder, progress: WriteProgress
) -> Generator[WriteProgress, None, list[tuple[Path, str]]]:
    """Take files back; those that were left alone, and why. What is ended early stays begun."""
    states: dict[Path, FileState | None] = {file.path: FileState.DONE for file in files}
    refused = []
    try:
        for done, file in enumerate(files, progress.done):
            del states[file.path]
            rewritten = None
            while True:
                try:
                    if file.photo:
                        states[file.path], reason, rewritten = _restore_photo(file, embedder)
                    else:
                        states[file.path], reason = _restore(file)
                except DiskFullError as error:
                    yield WriteProgress(progress.done, progress.total, paused=str(error))
                    continue
                if reason:
                    refused.append((file.path, reason))
                if rewritten is not None:
                    yield _told(library, rewritten, done, progress.total)
                break
    finally:
        _settle(library, files[0].write_id, states)
        library.note_taken_back(
            [path for path, state in states.items() if state is FileState.UNDONE]
        )
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
            # What will be in a photo is not known before it is made.
            "" if file.photo_state else hashlib.sha256(file.after or b"").hexdigest(),
            file.added,
            file.removed,
            file.photo_state,
        )
        for file in files
    ]


def _write_file(
    file: PlannedFile, options: WriteOptions, embedder: Embedder, note: NoteDigest
) -> Rewritten | None:
    if file.photo_state:
        return embedder.write(file, note, keep_mtime=options.keep_mtime)
    if file.before is not None and file.after is not None:
        sidecars.replace(
            file.before, file.after, keep_mtime=options.keep_mtime, is_name_synced=False
        )
    return None


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
            with sidecars.faults(file.path):
                file.path.unlink()
        else:
            sidecars.replace(now, file.old, is_name_synced=False)
    except ReadOnlyError:
        return FileState.DONE, f"{name} is read-only and was left alone."
    except DiskFullError:
        raise
    except MetadataError as error:
        return FileState.DONE, str(error)
    return FileState.UNDONE, ""


def _restore_photo(
    file: WrittenFile, embedder: Embedder
) -> tuple[FileState, str, Rewritten | None]:
    """The same of a photo that was written into."""
    try:
        return FileState.UNDONE, "", embedder.restore(file)
    except DiskFullError:
        raise
    except MetadataError as error:
        return FileState.DONE, str(error), None
