"""Where a photo lies in a view that zooms and pans: arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF

MAX_ZOOM = 16.0
#: Steps of the zoom end here on their way, besides where the whole photo is seen.
_STOPS = (1.0, 2.0)
#: Small photos are enlarged to fill the view, but not further than this.
MAX_FIT_ZOOM = 4.0


@dataclass(frozen=True, slots=True)
class PhotoPlace:
    """What two linked views of one photo share, whatever their sizes are.

    Attributes:
        fitted: the whole photo is shown.
        zoom: device pixels per pixel of the photo; means nothing while it is fitted.
        center_x: the fraction of the photo's width in the middle of the view.
        center_y: that of its height.
    """

    fitted: bool
    zoom: float
    center_x: float
    center_y: float


class PhotoGeometry:
    """A photo's place in a view.

    Zoom is in device pixels per pixel of the photo. Points are in the view's coordinates.

    Attributes:
        photo: size of the photo in its own pixels; empty without one.
        view: size of the view in device-independent pixels.
        ratio: device pixels per device-independent pixel.
    """

    def __init__(self) -> None:
        self.photo = QSize()
        self.view = QSizeF(1.0, 1.0)
        self.ratio = 1.0
        self._zoom = 1.0
        self._fitted = True
        self._center = QPointF(0.5, 0.5)  # the fraction of the photo in the middle of the view

    @property
    def zoom(self) -> float:
        """Device pixels per pixel of the photo."""
        return self._zoom

    @property
    def fitted(self) -> bool:
        """Whether the photo follows the size of the view."""
        return self._fitted

    @property
    def place(self) -> PhotoPlace:
        """What another view of the same photo can take over."""
        return PhotoPlace(self._fitted, self._zoom, self._center.x(), self._center.y())

    @property
    def fit_zoom(self) -> float:
        """The zoom at which the whole photo is as large as the view allows."""
        if self.photo.isEmpty():
            return 1.0
        across = self.view.width() * self.ratio / self.photo.width()
        down = self.view.height() * self.ratio / self.photo.height()
        return min(across, down, MAX_FIT_ZOOM * self.ratio)

    @property
    def can_pan(self) -> bool:
        """Whether a part of the photo is outside the view."""
        size = self._size()
        return size.width() > self.view.width() + 0.5 or size.height() > self.view.height() + 0.5

    def rect(self) -> QRectF:
        """Where the photo lies; empty without one."""
        if self.photo.isEmpty():
            return QRectF()
        size = self._size()
        left = self.view.width() / 2 - self._center.x() * size.width()
        top = self.view.height() / 2 - self._center.y() * size.height()
        # On whole device pixels, or thin lines turn soft.
        left, top = round(left * self.ratio) / self.ratio, round(top * self.ratio) / self.ratio
        return QRectF(left, top, size.width(), size.height())

    def seen(self) -> QRectF:
        """The part of the photo inside the view, in its own pixels."""
        rect = self.rect()
        part = rect.intersected(QRectF(QPointF(), self.view)).translated(-rect.topLeft())
        scale = self.ratio / self._zoom
        return QRectF(part.topLeft() * scale, part.size() * scale)

    def device_size(self) -> QSize:
        """How many pixels of the screen the photo takes, at least one."""
        width, height = self.photo.width() * self._zoom, self.photo.height() * self._zoom
        return QSize(max(1, round(width)), max(1, round(height)))

    def fraction_at(self, point: QPointF) -> QPointF | None:
        """The fraction of the photo under a point; ``None`` beside the photo."""
        rect = self.rect()
        if rect.isEmpty() or not rect.contains(point):
            return None
        return QPointF(
            (point.x() - rect.left()) / rect.width(), (point.y() - rect.top()) / rect.height()
        )

    def nearest_fraction(self, point: QPointF) -> QPointF:
        """The fraction of the photo nearest to a point; only with a photo."""
        rect = self.rect()
        x = (point.x() - rect.left()) / rect.width()
        y = (point.y() - rect.top()) / rect.height()
        return QPointF(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))

    def fit(self) -> None:
        """Show the whole photo, now and after the view changes its size."""
        self._fitted = True
        self._center = QPointF(0.5, 0.5)
        self._zoom = self.fit_zoom

    def take(self, place: PhotoPlace) -> None:
        """Lie as in another view of the same photo; the whole photo fits a view of any size."""
        if place.fitted:
            self.fit()
        elif not self.photo.isEmpty():
            self._fitted, self._zoom = False, place.zoom
            self._move_center(place.center_x, place.center_y)

    def refit(self) -> None:
        """Follow a change of the view's size."""
        if self._fitted:
            self.fit()
        elif not self.photo.isEmpty():
            self._move_center(self._center.x(), self._center.y())

    def stepped_zoom(self, factor: float) -> float:
        """The zoom a step away, or Fit, 100 % or 200 % where that lies on the way."""
        begin, end = self._zoom, self._zoom * factor
        stops = [
            stop for stop in (self.fit_zoom, *_STOPS) if begin < stop < end or end < stop < begin
        ]
        return min(stops, key=lambda stop: abs(stop - begin), default=end)

    def zoom_about(self, zoom: float, anchor: QPointF) -> None:
        """Change the zoom, within limits, and leave what is under the anchor where it is."""
        if self.photo.isEmpty():
            return
        rect, fit_zoom = self.rect(), self.fit_zoom
        at_x = (anchor.x() - rect.left()) / rect.width()
        at_y = (anchor.y() - rect.top()) / rect.height()
        self._zoom = min(max(zoom, min(fit_zoom, 1.0)), max(MAX_ZOOM, fit_zoom))
        self._fitted = self._zoom == fit_zoom
        size = self._size()
        self._move_center(
            at_x + (self.view.width() / 2 - anchor.x()) / size.width(),
            at_y + (self.view.height() / 2 - anchor.y()) / size.height(),
        )

    def pan(self, by: QPointF) -> None:
        """Move the photo, but no further than its edge."""
        size = self._size()
        self._move_center(
            self._center.x() - by.x() / size.width(), self._center.y() - by.y() / size.height()
        )

    def _size(self) -> QSizeF:
        scale = self._zoom / self.ratio
        return QSizeF(self.photo.width() * scale, self.photo.height() * scale)

    def _move_center(self, x: float, y: float) -> None:
        size = self._size()
        self._center = QPointF(
            _clamped(x, self.view.width() / size.width()),
            _clamped(y, self.view.height() / size.height()),
        )


def _clamped(center: float, visible: float) -> float:
    """Keep the view inside the photo; ``visible`` is the share of the photo that fits."""
    if visible >= 1.0:
        return 0.5
    return min(max(center, visible / 2), 1.0 - visible / 2)
