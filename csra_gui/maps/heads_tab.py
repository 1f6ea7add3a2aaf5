"""The attention of every head side by side, on one scale; a click chooses the head."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap, QShowEvent
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget
from typing_extensions import override

from csra_gui.base.settings import MAP_HEAD, MAP_KIND, Settings
from csra_gui.base.tool_tips import tool_tip
from csra_gui.maps.display import MapDisplay, head_attention, head_title, rounded_up
from csra_gui.maps.layers import map_picture
from csra_gui.session.session import Session
from csra_gui.widgets.labels import plain_label
from csra_gui.widgets.overlay import OverlayStyle
from engine.api.values import ModelInfo, PositionScores
from engine.explain.evidence import MapKind, heads_knowing, map_of
from engine.explain.following import best_category
from engine.texts import display_text

TILE = QSize(132, 100)
#: However little room there is, the tiles scroll in so much of it, in pixels.
_LEAST_HEIGHT = 48
_NO_SCORES = "Attention of each head: select a photo."
#: One cell of max pooling has all the attention; a scale up to it would show no other head.
_WITHIN_SCALE = 0.98
_LEAST_SCALE = 2.0


class HeadsTab(QWidget):
    """Small multiples; only drawn while they are seen."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        display: MapDisplay,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._display = display
        self._photo: QImage | None = None
        self.title = plain_label(_NO_SCORES, self)
        self.tiles = QListWidget(self)
        self._set_up()
        display.changed.connect(self.update_tiles)
        session.focus.category_changed.connect(self.update_tiles)
        self.tiles.itemClicked.connect(self._on_tiles_item_chosen)
        self.tiles.itemActivated.connect(self._on_tiles_item_chosen)

    def _set_up(self) -> None:
        self.tiles.setViewMode(QListView.ViewMode.IconMode)
        self.tiles.setFlow(QListView.Flow.LeftToRight)
        self.tiles.setMovement(QListView.Movement.Static)
        self.tiles.setResizeMode(QListView.ResizeMode.Adjust)
        self.tiles.setUniformItemSizes(True)
        self.tiles.setIconSize(TILE)
        self.tiles.setSpacing(4)
        self.tiles.setMinimumHeight(_LEAST_HEIGHT)
        self.tiles.setAccessibleName("Attention of each head")
        self.tiles.setToolTip(
            tool_tip(
                "All on one scale, in multiples of an even look; the strongest spots lie beyond "
                "its end. Attention is no evidence: for a label that is not there it adds up to "
                "the same."
            )
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addWidget(self.title)
        layout.addWidget(self.tiles, 1)

    def set_photo(self, image: QImage | None) -> None:
        """What lies under the maps."""
        self._photo = None if image is None else _shrunk(image, self.devicePixelRatioF())
        self.update_tiles()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.update_tiles()

    @Slot()
    def update_tiles(self) -> None:
        """Draw them anew."""
        if not self.isVisible():
            return
        model, scores = self._session.models.model, self._display.source.scores
        if model is None or scores is None or self._photo is None:
            waiting = self._session.focus.current is not None
            self.title.setText("Working it out…" if waiting else _NO_SCORES)
            self.tiles.clear()
            return
        category = self._category(scores)
        name = display_text(self._session.photos.categories[category])
        self._fill(model, scores, category, self._photo)
        self.title.setText(_title(self.tiles.count(), name))

    def _category(self, scores: PositionScores) -> int:
        shown = self._session.focus.category
        return best_category(scores) if shown is None else shown

    def _fill(self, model: ModelInfo, scores: PositionScores, category: int, photo: QImage) -> None:
        style = self._style(scores, category)
        known = heads_knowing(scores, category)
        heads = [
            (place, at)
            for place in range(len(model.temperatures))
            if (at := self._display.source.change.place_of(place)) in known
        ]
        maps = [head_attention(scores, category, at) for _, at in heads]
        mean = map_of(scores, category, MapKind.ATTENTION)
        tiles = [(0, "All together", mean)] if len(heads) > 1 else []
        tiles += [
            (place + 1, head_title(place, scores.temperatures[at], model.head_titles), one)
            for (place, at), one in zip(heads, maps, strict=True)
        ]
        while self.tiles.count() > len(tiles):
            self.tiles.takeItem(self.tiles.count() - 1)
        for row, (head, caption, values) in enumerate(tiles):
            item = self.tiles.item(row) or QListWidgetItem(self.tiles)
            picture = map_picture(values, scores, style, 2 * TILE.width())
            item.setIcon(QIcon(_composed(photo, picture)))
            item.setText(caption)
            item.setData(Qt.ItemDataRole.UserRole, head)
        self._mark_chosen()

    def _style(self, scores: PositionScores, category: int) -> OverlayStyle:
        """One scale for all heads."""
        known = heads_knowing(scores, category)
        maps = [head_attention(scores, category, at) for at in known]
        reach = float(np.quantile(maps, _WITHIN_SCALE)) if maps else _LEAST_SCALE
        return OverlayStyle(
            colormap=self._display.probability_style(category).colormap,
            opacity=self._display.probability_style(category).opacity,
            high=rounded_up(max(reach, _LEAST_SCALE)),
            threshold=1.0,
            smooth=self._display.smooth,
            contour=False,
        )

    def _mark_chosen(self) -> None:
        chosen = int(self._settings.value(MAP_HEAD))
        shown = self._display.kind is MapKind.ATTENTION
        for row in range(self.tiles.count()):
            item = self.tiles.item(row)
            item.setSelected(shown and item.data(Qt.ItemDataRole.UserRole) == chosen)

    @Slot(QListWidgetItem)
    def _on_tiles_item_chosen(self, item: QListWidgetItem) -> None:
        self._settings.set_value(MAP_HEAD, int(item.data(Qt.ItemDataRole.UserRole)))
        self._settings.set_value(MAP_KIND, MapKind.ATTENTION.value)
        self._mark_chosen()


def _title(tiles: int, name: str) -> str:
    """What the tiles show; a label may be known to one head alone, or to none that is on."""
    match tiles:
        case 0:
            return f"No head that is on knows {name}, so none looks for it."
        case 1:
            return f"Where the one head that knows {name} looks."
        case _:
            return f"Where each head looks that knows {name}. A click shows it over the photo."


def _shrunk(image: QImage, ratio: float) -> QImage:
    size = QSize(round(TILE.width() * ratio), round(TILE.height() * ratio))
    small = image.scaled(
        size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    small.setDevicePixelRatio(ratio)
    return small


def _composed(photo: QImage, picture: QImage) -> QPixmap:
    # A copy as an image: pixmaps made of one image have one key, and an icon's cache goes by it.
    both = photo.copy()
    painter = QPainter(both)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(QRectF(QPointF(0, 0), both.deviceIndependentSize()), picture)
    painter.end()
    return QPixmap.fromImage(both)
