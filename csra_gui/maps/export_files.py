"""Files made of maps, written in workers: pictures, numbers, a sheet, a page."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF
from PySide6.QtGui import QImage, QPainter

from csra_gui.browse.decode_queue import ImageDecoder, to_qimage
from engine.api.errors import DataError, ImageError
from engine.api.values import FloatArray, ModelInfo, PositionScores
from engine.data.decoding.pool import DecodeRequest
from engine.explain.drawn_maps import DrawingSettings
from engine.explain.explained_photo import ExplainedPhoto, save_arrays, save_sheet
from engine.records.litter import write_noted
from engine.report.explanations import open_page
from engine.texts import display_path, reason_text

_SHEET_SIDE, _PAGE_SIDE = 1024, 1024
_NO_PIXELS = np.zeros((1, 1, 3), dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Explained:
    """One photo to write about.

    Attributes:
        scores: its position scores, as they are looked at.
        model: that gave them.
        wanted: categories; ``None`` is every label.
        settings: how maps are drawn.
    """

    scores: PositionScores
    model: ModelInfo
    wanted: tuple[int, ...] | None
    settings: DrawingSettings


@dataclass(frozen=True, slots=True)
class PageProgress:
    """How far a page is.

    Attributes:
        done: photos that were looked at.
        total: of so many.
        failed: photos that could not be read so far.
    """

    done: int
    total: int
    failed: int


def write_picture(image: QImage, target: Path) -> Path:
    """A picture as a PNG.

    Raises:
        DataError: it cannot be written; also below.
    """
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stub knows no device and text
    with _told(target):
        write_noted(target, bytes(data.data()))
    return target


def write_full_picture(decoder: ImageDecoder, photo: Path, overlay: QImage, target: Path) -> Path:
    """The photo with all its pixels, and what lies over it.

    Raises:
        ImageError: the photo cannot be read.
        DataError: see above.
    """
    image = to_qimage(decoder.submit(DecodeRequest(photo)).result())
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(QRectF(image.rect()), overlay)
    painter.end()
    return write_picture(image, target)


def write_numbers(what: Explained, values: FloatArray | None, target: Path) -> Path:
    """The map that is shown as NPY, or, by the target's suffix, all there is to know as NPZ."""
    if target.suffix.lower() == ".npy" and values is not None:
        buffer = io.BytesIO()  # of one head, perhaps, which no engine function writes
        np.save(buffer, values)
        with _told(target):
            write_noted(target, buffer.getvalue())
    else:
        save_arrays(_explained(None, what, 0), target)
    return target


def write_sheet(decoder: ImageDecoder, what: Explained, target: Path) -> Path:
    """The photo and the maps of all its labels in one picture."""
    save_sheet(_explained(decoder, what, _SHEET_SIDE), target)
    return target


def write_page(
    decoder: ImageDecoder,
    model: ModelInfo,
    settings: DrawingSettings,
    explain: Callable[[Path], PositionScores],
    paths: Sequence[Path],
    target: Path,
) -> Generator[PageProgress, None, Path]:
    """One HTML page of many photos; it takes its name when all is written.

    Args:
        decoder: for the photos.
        model: that explains them.
        settings: how maps are drawn.
        explain: asks the model about a photo; one that cannot be read is left out.
        paths: of the photos.
        target: the page.
    """
    failed = 0
    with open_page(model.full_name, settings.kind, target) as add:
        for done, path in enumerate(paths, start=1):
            try:
                what = Explained(explain(path), model, None, settings)
                add(_explained(decoder, what, _PAGE_SIDE))
            except ImageError:
                failed += 1
            yield PageProgress(done, len(paths), failed)
    return target


@contextlib.contextmanager
def _told(target: Path) -> Generator[None, None, None]:
    """What the disk refuses becomes a sentence."""
    try:
        yield
    except OSError as error:
        reason = reason_text(error)
        raise DataError(f"{display_path(target)} could not be written: {reason}.") from error


def _explained(decoder: ImageDecoder | None, what: Explained, side: int) -> ExplainedPhoto:
    pixels = _NO_PIXELS
    if decoder is not None:
        pixels = decoder.submit(DecodeRequest(what.scores.path, side)).result().pixels
    return ExplainedPhoto.of(pixels, what.scores, what.model, what.wanted, what.settings)
