"""One export from beginning to end: all of it, or nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Generator
from pathlib import Path

from engine.atomic import (
    TEMPORARY_PREFIX,
    atomic_path,
    sync_folder,
    sync_tree,
    temporary_beside,
)
from engine.interchange.exporting.choice import PIECE, ChosenImages, ExportChoice
from engine.interchange.exporting.formats import ExportFormat, export_format
from engine.interchange.exporting.values import (
    ExportError,
    ExportOptions,
    ExportProgress,
    ExportReport,
    Place,
)
from engine.library.store import Library
from engine.texts import display_path, reason_text

_NOTHING_SAID = "nobody has said anything of the photo yet"
_NO_LABELS = (
    "There is nothing to export: no photo has a label yet. Accept or add some first, or export "
    "the machine's labels too."
)
_VANISHED = "the file has vanished"
# Copies of photos take long: so often an export says how far it is, and can be cancelled.
_TELL_EVERY_S = 0.2


def export(
    library: Library,
    choice: ExportChoice,
    format_name: str,
    target: Path,
    options: ExportOptions | None = None,
) -> Generator[ExportProgress, None, ExportReport]:
    """Write images and what is known of them; closing it takes everything back.

    Args:
        library: where images and decisions are.
        choice: which of them.
        format_name: of ``FORMATS``.
        target: the file, which is replaced, or a folder that is not there yet or is empty.
        options: of the format.

    Yields:
        How far it is, after each piece.

    Returns:
        What came of it.

    Raises:
        ExportError: it cannot be written, or nothing is left to be written; what was at the
            target before is still there.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100 - must not follow links
    form = export_format(format_name)
    options = options or ExportOptions()
    images = ChosenImages(library, choice, all_scores=options.all_scores)
    if not images.categories:
        raise ExportError(_NO_LABELS)
    recover(library)
    if not target.parent.is_dir():
        where = display_path(target.parent)
        raise ExportError(f"There is no folder {where}. Make it first, or choose another place.")
    if not form.suffix:
        _check_is_free(target)
    temporary = temporary_beside(target)
    library.begin_export(temporary)
    make = atomic_path if form.suffix else _new_folder
    try:
        with make(target, temporary=temporary):
            place = Place(temporary, target, images.categories, options)
            written, held_back = yield from _fill(place, form, images, len(choice.image_ids))
            if not written:
                raise ExportError(_nothing_left(place))
            is_large = _size_of_list(temporary) > form.most_bytes
    except OSError as error:
        reason = reason_text(error)
        raise ExportError(f"{display_path(target)} could not be written: {reason}.") from error
    finally:
        if not os.path.lexists(temporary):
            library.end_export(temporary)
    most_bytes = form.most_bytes if is_large else 0
    return ExportReport(target, written, dict(place.left_out), most_bytes, held_back)


def _fill(
    place: Place, form: ExportFormat, images: ChosenImages, total: int
) -> Generator[ExportProgress, None, tuple[int, int]]:
    """Write all images; how many were written, and how many suggestions are not among these."""
    written, held_back, due = 0, 0, time.monotonic() + _TELL_EVERY_S
    with form.open(place) as write:
        for number, piece in enumerate(images.pieces()):
            held_back += 0 if place.options.all_scores else sum(one.held_back for one in piece)
            for row, image in enumerate(piece):
                if image.says_nothing and not (form.has_ratings and image.is_rated):
                    place.left_out[_NOTHING_SAID] += 1
                elif form.has_pictures and not image.path.is_file():
                    place.left_out[_VANISHED] += 1
                else:
                    written += write(image)
                if time.monotonic() >= due:
                    due = time.monotonic() + _TELL_EVERY_S
                    yield ExportProgress(min(number * PIECE + row, total), total)
            yield ExportProgress(min((number + 1) * PIECE, total), total)
    return written, held_back


def _nothing_left(place: Place) -> str:
    why = " ".join(f"Left out ({n}): {reason}." for reason, n in place.left_out.items())
    return f"There is nothing to export. {why or 'No photo of the library was chosen.'}"


def recover(library: Library) -> int:
    """Remove what is left of exports that the program did not survive; how many.

    Only while none is being written.
    """
    begun = library.begun_exports()
    for temporary in begun:
        if temporary.name.startswith(TEMPORARY_PREFIX):
            _remove(temporary)
        if not os.path.lexists(temporary):
            library.end_export(temporary)
    return len(begun)


def _size_of_list(temporary: Path) -> int:
    """In bytes: of the file, or of the largest right in the folder that is no photo."""
    if temporary.is_file():
        return temporary.stat().st_size
    suffixes = (".json", ".jsonl")
    lists = (path for path in temporary.iterdir() if path.suffix in suffixes)
    return max((path.stat().st_size for path in lists), default=0)


def _check_is_free(target: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        is_other = target.is_symlink() or (target.exists() and not target.is_dir())
        if is_other or any(target.iterdir()):
            raise ExportError(
                f"{display_path(target)} is there already. Choose a new or an empty folder."
            )


@contextlib.contextmanager
def _new_folder(target: Path, *, temporary: Path) -> Generator[Path, None, None]:
    """A temporary folder, which takes the target's name at the end."""
    try:
        temporary.mkdir()
        yield temporary
        sync_tree(temporary)
        with contextlib.suppress(FileNotFoundError):
            target.rmdir()  # an empty one; Windows does not replace it
        temporary.rename(target)
        sync_folder(target.parent)
    finally:
        _remove(temporary)


def _remove(temporary: Path) -> None:
    if temporary.is_dir() and not temporary.is_symlink():
        shutil.rmtree(temporary, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
