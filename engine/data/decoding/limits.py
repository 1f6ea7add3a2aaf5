"""How large a picture may be that is decoded; hostile files state sizes that fill any memory."""

from __future__ import annotations

from PIL import Image

#: The most pixels that are decoded of a picture; cameras of 100 megapixels exist. A JPEG, of which
#: less can be decoded, may have twice as many: phones of 200 megapixels exist.
MAX_PIXELS = 150_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow opens nothing that has twice as many


def check_size(width: int, height: int) -> None:
    """Refuse to decode more pixels than the limit, by an error of ``faults.DECODER_ERRORS``."""
    if width * height > MAX_PIXELS:
        raise Image.DecompressionBombError(f"({width * height} pixels)")
