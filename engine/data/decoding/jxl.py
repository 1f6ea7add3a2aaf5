"""JPEG XL by pylibjxl (libjxl), an extra: one image, upright, with its profile."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile
from typing_extensions import override

from engine.api.errors import ImageError
from engine.data.decoding.orientation import set_orientation

_STARTS = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
_KEYS = {"icc": "icc_profile", "exif": "exif"}  # what it calls them, and Pillow
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def is_jxl(head: bytes) -> bool:
    """Whether a file is a JPEG XL, by its first bytes."""
    return head.startswith(_STARTS)


def open_jxl(stream: BinaryIO) -> Image.Image:
    """Open a JPEG XL; ``load`` decodes it.

    Raises:
        ImageError: pylibjxl is missing.
        Exception: one of ``faults.DECODER_ERRORS``.
    """
    return _JxlImage(stream)


class _JxlImage(ImageFile.ImageFile):
    """The first frame of a JPEG XL; libjxl itself turns it upright."""

    format = "JXL"
    format_description = "JPEG XL"
    _data: bytes | None = None

    @override
    def _open(self) -> None:
        library = _library()
        data = self.fp.read() if self.fp else b""
        try:
            facts = library.probe(data)
        except RuntimeError as error:
            raise OSError("damaged") from error
        self._data = data
        self._size = (int(facts["width"]), int(facts["height"]))
        self._mode = _MODES.get(int(facts["channels"]), "RGB")
        self.info = {}

    @override
    def load(self) -> Any:
        if self._data is not None:
            data, self._data = self._data, None
            try:
                pixels, said = _library().decode(data, metadata=True)
            except RuntimeError as error:  # also where it is cut: libjxl does not tell
                raise OSError("damaged") from error
            image = Image.fromarray(np.squeeze(pixels))
            if image.size != self.size:
                raise ValueError("the picture has another size than it says")
            self._mode = image.mode
            self.im = image.im
            self.info = {_KEYS[key]: said[key] for key in _KEYS if said.get(key)}
            set_orientation(self, 1)  # turned already
        return super().load()


def _library() -> Any:
    try:
        import pylibjxl  # noqa: PLC0415 - an extra, and only who has such photos waits for it
    except ImportError as error:
        message = (
            "JPEG XL photos need the package pylibjxl, which is not here: pip install pylibjxl."
        )
        raise ImageError(message) from error
    return pylibjxl
