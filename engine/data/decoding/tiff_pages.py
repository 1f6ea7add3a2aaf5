"""Which page of a TIFF is the photo: not its thumbnail, nor its mask (TIFF 6.0, tags 254, 255)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from engine.data.decoding.faults import METADATA_ERRORS

_SUBFILE_TYPE, _OLD_SUBFILE_TYPE, _SUB_DIRECTORIES = 254, 255, 330
_IS_REDUCED, _IS_MASK, _OLD_REDUCED = 1, 4, 2
# A first page as small as this may be a thumbnail that does not say so.
_THUMBNAIL_SIDE = 512
_SAME_SHAPE = 0.03
_MOST_PAGES = 16


@dataclass(frozen=True, slots=True)
class _Page:
    """A page: its place, its size in pixels, and whether it says that it is no photo."""

    place: int
    width: int
    height: int
    is_aside: bool

    @property
    def pixels(self) -> int:
        """How many."""
        return self.width * self.height

    def is_small_copy_of(self, other: _Page) -> bool:
        """Whether the other shows the same shape at twice the size or more."""
        if max(self.width, self.height) > _THUMBNAIL_SIDE or other.width < 2 * self.width:
            return False
        ratio = self.width * other.height / (self.height * other.width)
        return abs(ratio - 1) <= _SAME_SHAPE + 1 / min(self.width, self.height)


def go_to_photo(image: Image.Image) -> None:
    """Turn an opened TIFF to the page that is the photo; other images stay as they are."""
    if not isinstance(image, TiffImageFile):
        return
    first = _page(image, 0)
    if not first.is_aside and max(image.size) > _THUMBNAIL_SIDE:
        return
    inner = image.tag_v2.get(_SUB_DIRECTORIES)
    pages = [first, *_further_pages(image)]
    best = _best(pages)
    image.seek(best.place)
    if best.is_aside and inner:
        _go_inside(image, inner, best)


def _best(pages: list[_Page]) -> _Page:
    photos = [page for page in pages if not page.is_aside]
    if not photos:
        return max(pages, key=lambda page: page.pixels)
    first = photos[0]
    copies = [page for page in photos[1:] if first.is_small_copy_of(page)]
    return max(copies, key=lambda page: page.pixels, default=first)


def _page(image: TiffImageFile, place: int) -> _Page:
    flags, old = (_number(image, tag) for tag in (_SUBFILE_TYPE, _OLD_SUBFILE_TYPE))
    is_aside = bool(flags & (_IS_REDUCED | _IS_MASK)) or old == _OLD_REDUCED
    return _Page(place, *image.size, is_aside)


def _number(image: TiffImageFile, tag: int) -> int:
    value = image.tag_v2.get(tag, 0)
    return value if isinstance(value, int) else 0


def _further_pages(image: TiffImageFile) -> list[_Page]:
    pages = []
    for place in range(1, _MOST_PAGES):
        try:
            image.seek(place)
        except EOFError:
            break
        except METADATA_ERRORS:  # a page of a kind that is not supported, or a broken one
            continue
        pages.append(_page(image, place))
    return pages


def _go_inside(image: TiffImageFile, offsets: object, outer: _Page) -> None:
    """Look for the photo in the directories below a thumbnail, as cameras write them."""
    first = image._frame_pos[0]
    inner: list[tuple[_Page, int]] = []
    for offset in (offsets if isinstance(offsets, tuple) else (offsets,))[:_MOST_PAGES]:
        with contextlib.suppress(*METADATA_ERRORS):
            _go_to(image, int(offset))
            inner.append((_page(image, 0), int(offset)))
    best = max(inner, key=lambda each: (not each[0].is_aside, each[0].pixels), default=None)
    if best is not None and best[0].pixels > outer.pixels:
        _go_to(image, best[1])
    else:
        image._frame_pos[0] = first
        image.seek(outer.place)


def _go_to(image: TiffImageFile, offset: int) -> None:
    """Take the directory at a place in the file for the first page; Pillow itself does so."""
    image._frame_pos[0] = offset
    image._seek(0)
