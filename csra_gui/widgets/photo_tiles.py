"""The sharp parts of a photo over its blurred whole: which are needed, and those that are there."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF
from PySide6.QtGui import QImage, QPainter, QPixmap

from csra_gui.widgets.photo_geometry import PhotoGeometry
from engine.data.decoding.tiles import Tile

TILE_SIDE = 512
#: A megabyte each. Where more would be seen, coarser ones show all that the screen can.
MOST_TILES = 160


def reduction_for(zoom: float) -> int:
    """The most photo pixels that can be one, each way, while the screen has no more."""
    return 1 << max(0, math.floor(-math.log2(zoom)))


def needed_tiles(geometry: PhotoGeometry, shown_width: int, finest: int = 1) -> tuple[Tile, ...]:
    """The tiles that make sharp what is in sight, from its middle outwards, then those around it.

    Args:
        geometry: of the view.
        shown_width: of the picture of the photo that is there already, in pixels.
        finest: the least reduction that can be had.

    Returns:
        None where that picture has a pixel for each of the screen's.
    """
    photo = geometry.photo
    if photo.isEmpty() or geometry.device_size().width() <= shown_width:
        return ()
    reduction = max(finest, reduction_for(geometry.zoom))
    while _count(seen := _cells(geometry.seen(), reduction)) > MOST_TILES:
        reduction *= 2
    if photo.width() <= reduction * shown_width:
        return ()
    columns, rows = _cells(QRectF(0, 0, photo.width(), photo.height()), reduction)
    middle_x, middle_y = ((cells.start + cells.stop - 1) / 2 for cells in seen)

    def order(cell: tuple[int, int]) -> tuple[bool, float]:
        column, row = cell
        outside = column not in seen[0] or row not in seen[1]
        return outside, math.hypot(column - middle_x, row - middle_y)

    cells = [
        (column, row)
        for column in range(seen[0].start - 1, seen[0].stop + 1)
        for row in range(seen[1].start - 1, seen[1].stop + 1)
        if column in columns and row in rows
    ]
    ordered = sorted(cells, key=order)[:MOST_TILES]
    return tuple(_tile(column, row, reduction, photo) for column, row in ordered)


class PhotoTiles:
    """Keeps the tiles of one photo, the latest needed of them, and paints them."""

    def __init__(self) -> None:
        self._pixmaps: OrderedDict[Tile, QPixmap] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pixmaps)

    def __iter__(self) -> Iterator[Tile]:
        return iter(self._pixmaps)

    def clear(self) -> None:
        """Forget all of them: another photo, or nobody sees it."""
        self._pixmaps.clear()

    def add(self, tile: Tile, image: QImage) -> None:
        """Keep a tile, and let go of what has not been needed for longest."""
        pixmap = QPixmap.fromImage(image)
        pixmap.setDevicePixelRatio(1.0)
        self._pixmaps[tile] = pixmap
        while len(self._pixmaps) > MOST_TILES:
            self._pixmaps.popitem(last=False)

    def missing(self, needed: Iterable[Tile]) -> tuple[Tile, ...]:
        """Which of the tiles are not there; the others count as needed now."""
        lacking = []
        for tile in needed:
            if tile in self._pixmaps:
                self._pixmaps.move_to_end(tile)
            else:
                lacking.append(tile)
        return tuple(lacking)

    def paint(self, painter: QPainter, geometry: PhotoGeometry) -> None:
        """Paint what is in sight, each tile where its part of the photo lies."""
        seen, place = geometry.seen(), geometry.rect()
        scale = place.width() / geometry.photo.width()
        reduction = reduction_for(geometry.zoom)
        # Those for this zoom at last: finer ones flicker, coarser ones are blurred.
        order = sorted(
            self._pixmaps, key=lambda tile: (tile.reduction == reduction, -tile.reduction)
        )
        for tile in order:
            own = _own_part(tile, geometry.photo)
            if not seen.intersects(QRectF(own)):
                continue
            painter.save()
            # A tile reaches a pixel beyond its part, so that colours run on across its edge.
            painter.setClipRect(_placed(own, place, scale))
            reach = QRect(tile.left, tile.top, tile.right - tile.left, tile.bottom - tile.top)
            size = QSizeF(reach.size()) / tile.reduction
            source = QRectF(QPointF(), size)  # its last pixels may be of less than the others
            painter.drawPixmap(_placed(reach, place, scale), self._pixmaps[tile], source)
            painter.restore()


_Cells = tuple[range, range]


def _cells(part: QRectF, reduction: int) -> _Cells:
    side = TILE_SIDE * reduction
    columns = range(math.floor(part.left() / side), math.ceil(part.right() / side))
    return columns, range(math.floor(part.top() / side), math.ceil(part.bottom() / side))


def _count(cells: _Cells) -> int:
    return len(cells[0]) * len(cells[1])


def _tile(column: int, row: int, reduction: int, photo: QSize) -> Tile:
    side = TILE_SIDE * reduction
    return Tile(
        max(column * side - reduction, 0),
        max(row * side - reduction, 0),
        min((column + 1) * side + reduction, photo.width()),
        min((row + 1) * side + reduction, photo.height()),
        reduction,
    )


def _own_part(tile: Tile, photo: QSize) -> QRect:
    """A tile without what it shares with its neighbours, in pixels of the photo."""
    side = TILE_SIDE * tile.reduction
    left = (tile.left + tile.reduction) // side * side
    top = (tile.top + tile.reduction) // side * side
    right, bottom = min(left + side, photo.width()), min(top + side, photo.height())
    return QRect(left, top, right - left, bottom - top)


def _placed(part: QRect, place: QRectF, scale: float) -> QRectF:
    """A part of the photo in the coordinates of the view."""
    return QRectF(
        place.left() + part.left() * scale,
        place.top() + part.top() * scale,
        part.width() * scale,
        part.height() * scale,
    )
