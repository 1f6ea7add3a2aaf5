"""One export from beginning to end: all of it, or nothing."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Generator
from pathlib import Path

from engine.atomic import TEMPORARY_PREFIX, atomic_path
from engine.interchange.exporting.choice import PIECE, ChosenImages, ExportChoice
from engine.interchange.exporting.formats import export_format
from engine.interchange.exporting.values import (
    ExportError,
    ExportOptions,
    ExportProgress,
    ExportReport,
    Place,
)
from engine.library.store import Library
from engine.texts import display_path

_NOTHING_SAID = "nobody has said anything of the photo yet"
_NO_LABELS = "There is nothing to export: no photo has a label yet. Accept or add some first."
_VANISHED = "the file has vanished"


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
    images = ChosenImages(library, choice)
    if not images.categories:
        raise ExportError(_NO_LABELS)
    written, total = 0, len(choice.image_ids)
    opened = atomic_path(target) if form.suffix else _fresh_folder(target)
    try:
        with opened as temporary:
            place = Place(temporary, target, images.categories, options or ExportOptions())
            with form.open(place) as write:
                for number, piece in enumerate(images.pieces(), start=1):
                    for image in piece:
                        if image.says_nothing:
                            place.left_out[_NOTHING_SAID] += 1
                        elif form.has_pictures and not image.path.is_file():
                            place.left_out[_VANISHED] += 1
                        else:
                            written += write(image)
                    yield ExportProgress(min(number * PIECE, total), total)
            if not written:
                raise ExportError(_nothing_left(place))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(f"{display_path(target)} could not be written: {reason}.") from error
    return ExportReport(target, written, dict(place.left_out))


def _nothing_left(place: Place) -> str:
    why = " ".join(f"Left out ({n}): {reason}." for reason, n in place.left_out.items())
    return f"There is nothing to export. {why or 'No photo of the library was chosen.'}"


@contextlib.contextmanager
def _fresh_folder(target: Path) -> Generator[Path, None, None]:
    """A temporary folder beside the target, which takes its name at the end.

    Raises:
        ExportError: there is something at the target already.
    """
    with contextlib.suppress(FileNotFoundError):
        if (target.exists() and not target.is_dir()) or any(target.iterdir()):
            raise ExportError(
                f"{display_path(target)} is there already. Choose a new or an empty folder."
            )
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    try:
        temporary.mkdir()
        yield temporary
        with contextlib.suppress(FileNotFoundError):
            target.rmdir()  # an empty one; Windows does not replace it
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
