"""RAW photos by rawpy (LibRaw): the preview that the camera put in, else developed in half size."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile
from typing_extensions import override

from engine.api.errors import ImageError
from engine.data.decoding.faults import DECODER_ERRORS, METADATA_ERRORS
from engine.data.decoding.limits import check_size
from engine.data.decoding.orientation import ORIENTATION_TAG, note_stated, set_orientation
from engine.data.kinds import RAW_SUFFIXES

if TYPE_CHECKING:
    import rawpy

# A preview whose longer side has fewer pixels is only for the camera's list of photos.
_LEAST_PREVIEW = 1000
_DNG_VERSION_TAG = 50706
# How LibRaw says that a picture has to be turned, and how EXIF does.
_ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}
# By so much the sides of a picture must differ to tell whether it lies on its side.
_CLEARLY_LONGER = 1.05
_TIFF_STARTS = (b"II*\0", b"MM\0*")
_RAW_STARTS = (
    *(b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILMCCD-RAW", b"\0MRM", b"FOVb"),
    b"II\x1a\0\0\0HEAPCCDR",
)


def is_raw(head: bytes, suffix: str) -> bool:
    """Whether a file is to be opened as a RAW photo.

    Args:
        head: its first bytes.
        suffix: its ending; many a RAW is a TIFF in all but the meaning of its pixels.
    """
    if head.startswith(_RAW_STARTS) or head[4:12] == b"ftypcrx ":
        return True
    if not head.startswith(_TIFF_STARTS):
        return False
    return suffix in RAW_SUFFIXES or head[8:10] == b"CR" or _DNG_VERSION_TAG in _first_tags(head)


def open_raw(stream: BinaryIO) -> Image.Image | None:
    """Open a RAW photo; ``load`` decodes its preview, or develops it.

    Returns:
        ``None`` if it is none that LibRaw knows.

    Raises:
        ImageError: rawpy is missing.
        Exception: one of ``faults.DECODER_ERRORS``.
    """
    library = _library()
    raw = library.RawPy()
    try:
        raw.open_buffer(stream)
    except library.LibRawFileUnsupportedError:
        raw.close()
        return None
    except library.LibRawError as error:
        raw.close()
        raise _fault(error) from error
    stated = _ORIENTATIONS.get(raw.sizes.flip, 1)
    preview = _preview(raw, library)
    image = _Developed(stream, raw) if preview is None else preview
    if preview is not None:
        raw.close()
    note_stated(image, stated)
    return image


def _preview(raw: rawpy.RawPy, library: Any) -> Image.Image | None:
    """The preview in a RAW with its orientation; ``None`` if it has none that is worth showing."""
    try:
        thumb = raw.extract_thumb()
        if thumb.format == library.ThumbFormat.JPEG:
            image: Image.Image = Image.open(io.BytesIO(bytes(thumb.data)), formats=("JPEG",))
        else:
            image = Image.fromarray(np.array(thumb.data))
    except (library.LibRawError, *DECODER_ERRORS):
        return None
    full = max(raw.sizes.width, raw.sizes.height)
    if max(image.size) < min(_LEAST_PREVIEW, full // 2):
        return None
    set_orientation(image, _orientation(image, raw.sizes))
    return image


def _orientation(preview: Image.Image, sizes: rawpy.ImageSizes) -> int:
    """How a preview is to be turned.

    Its own EXIF says so, or that of LibRaw, which writes one from the RAW's if there is none. But
    a camera may have turned the preview already and say of the RAW how that is to be turned: then
    the preview, once turned, would lie where the RAW stands.
    """
    whole = _ORIENTATIONS.get(sizes.flip, 1)
    try:
        own = preview.getexif().get(ORIENTATION_TAG, whole)
    except METADATA_ERRORS:
        own = whole
    if not isinstance(own, int) or not 1 <= own <= 8:
        own = whole
    lies = _lies(preview.width, preview.height)
    raw_lies = _lies(sizes.width, sizes.height)
    if whole < 5 or lies is None or raw_lies is None:
        return own
    if lies == raw_lies:
        return own if own >= 5 else whole
    return own if own < 5 else 1


def _lies(width: int, height: int) -> bool | None:
    """Whether a picture is wider than high; ``None`` if it is about a square."""
    if max(width, height) < _CLEARLY_LONGER * min(width, height):
        return None
    return width > height


class _Developed(ImageFile.ImageFile):
    """A RAW without a preview: its own pixels, by LibRaw's usual recipe, in half size and upright.

    Args:
        stream: the file, which has been read already.
        raw: opened.
    """

    format = "RAW"
    format_description = "RAW"

    def __init__(self, stream: BinaryIO, raw: rawpy.RawPy) -> None:
        self._raw: rawpy.RawPy | None = raw
        super().__init__(stream)

    @override
    def _open(self) -> None:
        assert self._raw is not None  # noqa: S101 - for the type
        sizes = self._raw.sizes
        check_size(sizes.raw_width, sizes.raw_height)
        width, height = (sizes.width + 1) // 2, (sizes.height + 1) // 2
        self._size = (height, width) if sizes.flip in (5, 6) else (width, height)
        self._mode = "RGB"
        self.info = {}

    @override
    def load(self) -> Any:
        if self._raw is not None:
            raw, self._raw = self._raw, None
            image = Image.fromarray(_develop(raw))
            if image.size != self.size:  # LibRaw halves only what has one colour per pixel
                image = image.resize(self.size, Image.Resampling.BOX)
            self.im = image.im
        return super().load()


def _develop(raw: rawpy.RawPy) -> np.ndarray[Any, np.dtype[np.uint8]]:
    library = _library()
    try:
        with raw:
            pixels = raw.postprocess(half_size=True, use_camera_wb=True, output_bps=8)
    except library.LibRawError as error:
        raise _fault(error) from error
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def _library() -> Any:
    try:
        import rawpy  # noqa: PLC0415 - only who has such photos waits for it
    except ImportError as error:
        message = "RAW photos need the package rawpy, which is not here: pip install rawpy."
        raise ImageError(message) from error
    return rawpy


def _fault(error: Exception) -> Exception:
    """What ``faults.picture_fault`` understands instead of what LibRaw says."""
    name = type(error).__name__
    if "Memory" in name or "TooBig" in name:
        return MemoryError(str(error))
    return EOFError(str(error)) if "IOError" in name else ValueError("damaged")


def _first_tags(head: bytes) -> set[int]:
    """The tags of a TIFF's first directory, as far as they are in its first bytes."""
    order = "<" if head.startswith(b"II") else ">"
    try:
        (start,) = struct.unpack_from(f"{order}I", head, 4)
        (count,) = struct.unpack_from(f"{order}H", head, start)
        return {struct.unpack_from(f"{order}H", head, start + 2 + 12 * i)[0] for i in range(count)}
    except struct.error:
        return set()
