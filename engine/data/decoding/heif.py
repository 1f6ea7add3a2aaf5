"""HEIC and other HEIF files by pi-heif: one image, upright, with its profile; nothing else of them.

A HEIF turns its pixels by a property of its own, which libheif obeys. Its EXIF repeats the turn
for programs that only list it, so that is not looked at here: it would turn the picture twice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from PIL import Image, ImageFile
from typing_extensions import override

from engine.api.errors import ImageError
from engine.data.decoding.limits import MAX_PIXELS
from engine.data.decoding.orientation import note_stated, orientation_of, set_orientation

if TYPE_CHECKING:
    import pi_heif

_HEVC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
# Of HEIF as such, whatever its pixels are packed by; an AVIF may have them too.
_GENERAL_BRANDS = frozenset({b"mif1", b"msf1", b"mif2", b"miaf"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_SIZE = re.compile(r"Image size (\d+)x(\d+)")
_CUT = ("file size too small", "cannot read full", "end of file")


def is_heif(head: bytes) -> bool:
    """Whether a file is a HEIF that Pillow does not read by itself.

    Args:
        head: its first bytes.
    """
    if head[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if head[8:12] in _HEVC_BRANDS:
        return True
    return head[8:12] in _GENERAL_BRANDS and not brands & _AVIF_BRANDS


def open_heif(stream: BinaryIO) -> Image.Image:
    """Open a HEIF at its primary image; ``load`` decodes it.

    Raises:
        ImageError: pi-heif is missing.
        Exception: one of ``faults.DECODER_ERRORS``.
    """
    return _HeifImage(stream)


class _HeifImage(ImageFile.ImageFile):
    """The primary image of a HEIF."""

    format = "HEIF"
    format_description = "HEIF"
    _frame: pi_heif.HeifImage | None = None

    @override
    def _open(self) -> None:
        try:
            heif = _library().HeifFile(self.fp, convert_hdr_to_8bit=True, remove_stride=False)
            self._frame = heif[heif.primary_index]
        except (RuntimeError, ValueError, LookupError) as error:
            _raise_fault(error)
        self._size = self._frame.size
        self._mode = self._frame.mode
        said = self._frame.info
        self.info = {key: said[key] for key in ("icc_profile", "exif") if said.get(key)}
        note_stated(self, orientation_of(self))
        set_orientation(self, 1)

    @override
    def load(self) -> Any:
        if self._frame is not None:
            frame, self._frame = self._frame, None
            try:
                data = frame.data
                if frame.size != self.size:
                    raise ValueError("the picture has another size than it says")
                self.load_prepare()
                self.frombytes(data, "raw", (frame.mode, frame.stride))
            except RuntimeError as error:
                _raise_fault(error)
        return super().load()


def _library() -> Any:
    try:
        import pi_heif  # noqa: PLC0415 - only who has such photos waits for it
    except ImportError as error:
        message = "HEIC photos need the package pi-heif, which is not here: pip install pi-heif."
        raise ImageError(message) from error
    # There are as many processes as cores, and what else the file holds is none of the picture.
    options = pi_heif.options
    options.DECODE_THREADS = 1
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    return pi_heif


def _raise_fault(error: Exception) -> NoReturn:
    """Raise what ``faults.picture_fault`` understands instead of what libheif says."""
    text = str(error).lower()
    size = _SIZE.search(str(error))
    if size is not None and int(size[1]) * int(size[2]) > MAX_PIXELS:
        raise Image.DecompressionBombError(f"({int(size[1]) * int(size[2])} pixels)") from error
    if any(part in text for part in _CUT):
        raise OSError("truncated") from error
    if "memory" in text and "security" not in text:
        raise MemoryError(text) from error
    raise ValueError("damaged") from error
