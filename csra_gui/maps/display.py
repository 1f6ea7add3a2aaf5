"""Which kind of map is shown and in which colours: shared by the photo and its colour bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.settings import (
    COLOR_MAP,
    MAP_CLEAR_BELOW,
    MAP_CONTOUR,
    MAP_DIM,
    MAP_EVEN,
    MAP_HEAD,
    MAP_KIND,
    OVERLAY_OPACITY,
    SHOW_OVERLAY,
    SMOOTH_MAPS,
    Settings,
)
from csra_gui.maps.source import MapSource
from csra_gui.session.session import Session
from csra_gui.widgets.colormaps import ColorMapName
from csra_gui.widgets.overlay import OverlayStyle
from engine.api.values import FloatArray, PositionScores
from engine.explain.evidence import (
    MapKind,
    attention,
    evidence_limit,
    heads_knowing,
    map_of,
    score_map,
)
from engine.explain.render import DEFAULT_DIM
from engine.texts import display_text, number, whole_percent

_SHOWN_BY = frozenset(
    setting.key
    for setting in (
        COLOR_MAP,
        MAP_CLEAR_BELOW,
        MAP_CONTOUR,
        MAP_DIM,
        MAP_EVEN,
        MAP_HEAD,
        MAP_KIND,
        OVERLAY_OPACITY,
        SHOW_OVERLAY,
        SMOOTH_MAPS,
    )
)
#: Of a model without maps, wherever one would be.
NOT_WHERE = "This model says what, not where."
#: Ends of scales are rounded up to one of these times a power of ten.
_ROUND_STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_UNIFORM = 1.0
#: Attention that is nearly even everywhere still gets a scale that shows it as such.
_LEAST_ATTENTION_SCALE = 2.0
#: The end of a scale while there is nothing to measure.
_NO_LIMIT = 2.0
_KEPT_LIMITS = 8


@dataclass(frozen=True, slots=True)
class KindText:
    """What people read of a kind of map.

    Attributes:
        unit: after the numbers of its scale; "%" also multiplies them by 100.
        meaning: one plain sentence.
        long: more, for a tool tip.
    """

    unit: str
    meaning: str
    long: str


KIND_TEXTS: dict[MapKind, KindText] = {
    MapKind.LOCAL_PROBABILITY: KindText(
        "%",
        "How sure the model would be if the whole photo looked like this spot.",
        "One scale for all labels and photos: the line is where the threshold is reached.",
    ),
    MapKind.EVIDENCE: KindText(
        "logits",
        "What each spot adds to the answer (red) or takes from it (blue).",
        "All spots add up to the logit, exactly. The scale is the same for every label of this "
        "photo; the few strongest spots lie beyond its ends and have their colours.",
    ),
    MapKind.SCORE: KindText(
        "score",
        "The raw score of each spot, before they are pooled.",
        "The classic class activation map, all heads added. The scale is the same for every label "
        "of this photo.",
    ),
    MapKind.ATTENTION: KindText(
        "× even",
        "Where it looks for this label, found or not; 1\N{NO-BREAK SPACE}× is an even look "
        "everywhere.",
        "Attention is no evidence: for a label that is not there it adds up to the same. The scale "
        "is the same for every label of this photo.",
    ),
}


def head_attention(scores: PositionScores, category: int, head: int) -> FloatArray:
    """Where one head looks for a category, as a multiple of an even look: (h, w).

    0 everywhere if the head does not know the category.
    """
    maps = attention(scores, category)
    if head not in heads_knowing(scores, category):
        return np.zeros_like(maps[0])
    relative: FloatArray = maps[head] * np.float32(maps[0].size)
    return relative


def head_caption(place: int, temperature: float, titles: Sequence[str] = ()) -> str:
    """A head's name for people.

    Args:
        place: from 0.
        temperature: T; ``math.inf`` is max pooling.
        titles: of all heads of the model; empty if it has none.
    """
    sharpness = "max" if math.isinf(temperature) else f"{temperature:g}"
    title = f", {display_text(titles[place])}" if titles else ""
    return f"Head {place + 1}{title} (T = {sharpness})"


def head_title(place: int, temperature: float, titles: Sequence[str] = ()) -> str:
    """The same where there is little room: a title needs it for itself."""
    if not titles:
        return head_caption(place, temperature)
    return f"{place + 1}: {display_text(titles[place])}"


class MapDisplay(QObject):
    """The settings of maps as values and styles for the photo being looked at.

    Attributes:
        source: the position scores that maps are drawn from.

    Signals:
        changed: maps look different now, whatever the category.
    """

    changed = Signal()

    def __init__(self, session: Session, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._limits: list[tuple[PositionScores, MapKind, int | None, float]] = []
        self._beside: PositionScores | None = None
        self.source = MapSource(session, self)
        self.source.changed.connect(self.changed)
        session.thresholds.changed.connect(self.changed)
        settings.setting_changed.connect(self._on_settings_changed)

    @Slot(object)
    def set_beside(self, scores: PositionScores | None) -> None:
        """Let the scale reach over what is compared with the photo too."""
        if scores is not self._beside:
            self._beside = scores
            self.changed.emit()

    @property
    def kind(self) -> MapKind:
        """The kind of map that is shown."""
        return MapKind(self._settings.value(MAP_KIND))

    @property
    def smooth(self) -> bool:
        """Whether maps are interpolated between the centres of cells."""
        return bool(self._settings.value(SMOOTH_MAPS))

    @property
    def visible(self) -> bool:
        """Whether maps are laid over photos."""
        return bool(self._settings.value(SHOW_OVERLAY))

    @property
    def head(self) -> int | None:
        """The head whose attention is shown; ``None`` is the mean of all."""
        chosen = int(self._settings.value(MAP_HEAD)) - 1
        model = self._session.models.model
        return chosen if model is not None and 0 <= chosen < len(model.temperatures) else None

    def values(self, scores: PositionScores, category: int) -> FloatArray:
        """The map of a category in the chosen kind: (h, w) on the model's grid."""
        place = self.head_in(scores) if self.kind is MapKind.ATTENTION else None
        if place is not None:
            return head_attention(scores, category, place)
        return map_of(scores, category, self.kind)

    def head_in(self, scores: PositionScores) -> int | None:
        """The chosen head's place in some position scores; ``None`` is the mean of all there."""
        if self.head is None:
            return None
        whole = len(scores.values) == len(self.source.change.heads or ())
        place = self.head if whole else self.source.change.place_of(self.head)
        return place if place is not None and place < len(scores.values) else None

    def lacking_head(self, scores: PositionScores, category: int) -> int | None:
        """The chosen head's place in the model, if its map is wanted and it has none to show."""
        place = self.head_in(scores) if self.kind is MapKind.ATTENTION else None
        lacks = place is not None and place not in heads_knowing(scores, category)
        return self.head if lacks else None

    def style(
        self, category: int | None, shown: Sequence[PositionScores] | None = None
    ) -> OverlayStyle:
        """How the map of a category is coloured, on a scale that all categories share.

        Args:
            category: whose threshold is drawn.
            shown: what has to share the scale; ``None`` is the photo that is looked at, and
                what is compared with it.
        """
        kind = self.kind
        signed = kind in (MapKind.EVIDENCE, MapKind.SCORE)
        if shown is None:
            shown = tuple(s for s in (self.source.scores, self._beside) if s is not None)
        low, high = self._ends(kind, shown)
        threshold = {
            MapKind.LOCAL_PROBABILITY: self._session.thresholds.of(category or 0),
            MapKind.ATTENTION: _UNIFORM,
        }.get(kind)
        name = ColorMapName(self._settings.value(COLOR_MAP))
        return OverlayStyle(
            colormap=ColorMapName.DIVERGING if signed else name,
            opacity=float(self._settings.value(OVERLAY_OPACITY)),
            low=low,
            high=high,
            threshold=threshold,
            smooth=self.smooth,
            contour=bool(self._settings.value(MAP_CONTOUR)),
            clear_below=bool(self._settings.value(MAP_CLEAR_BELOW)),
            even=bool(self._settings.value(MAP_EVEN)),
            dim=self._dim,
        )

    def probability_style(self, category: int) -> OverlayStyle:
        """How local probability is coloured, whatever kind of map is chosen."""
        return OverlayStyle(
            colormap=ColorMapName(self._settings.value(COLOR_MAP)),
            opacity=float(self._settings.value(OVERLAY_OPACITY)),
            threshold=self._session.thresholds.of(category),
            smooth=self.smooth,
            contour=bool(self._settings.value(MAP_CONTOUR)),
            even=bool(self._settings.value(MAP_EVEN)),
            dim=self._dim,
        )

    @property
    def _dim(self) -> float:
        return DEFAULT_DIM if self._settings.value(MAP_DIM) else 0.0

    def _ends(self, kind: MapKind, shown: Sequence[PositionScores]) -> tuple[float, float]:
        if kind is MapKind.LOCAL_PROBABILITY:
            return 0.0, 1.0
        limit = max((self._limit(kind, scores) for scores in shown), default=_NO_LIMIT)
        return (0.0, limit) if kind is MapKind.ATTENTION else (-limit, limit)

    def _limit(self, kind: MapKind, scores: PositionScores) -> float:
        """The end of the scale for all categories of a photo, worked out once."""
        head = self.head if kind is MapKind.ATTENTION else None
        for of, of_kind, of_head, limit in self._limits:
            if of is scores and (of_kind, of_head) == (kind, head):
                return limit
        limit = rounded_up(self._largest(scores, kind))
        self._limits = [(scores, kind, head, limit), *self._limits][:_KEPT_LIMITS]
        return limit

    def _largest(self, scores: PositionScores, kind: MapKind) -> float:
        if kind is MapKind.EVIDENCE:
            return evidence_limit(scores)
        categories = range(scores.values.shape[1])
        if kind is MapKind.SCORE:
            return max(float(np.abs(score_map(scores, c)).max()) for c in categories)
        largest = max(float(self.values(scores, c).max()) for c in categories)
        return max(largest, _LEAST_ATTENTION_SCALE)

    @Slot(str, object)
    def _on_settings_changed(self, key: str, _value: object) -> None:
        if key in _SHOWN_BY:
            self.changed.emit()


def rounded_up(number: float) -> float:
    """The next number, from ``number`` on, that reads well at the end of a scale; above 0."""
    number = max(number, 1e-6)
    power = 10.0 ** math.floor(math.log10(number))
    step = next(step for step in _ROUND_STEPS if step * power >= number * (1 - 1e-9))
    return float(f"{step * power:.6g}")


def number_text(kind: MapKind, value: float) -> str:
    """A value of a map with its unit, for people."""
    match kind:
        case MapKind.LOCAL_PROBABILITY:
            return whole_percent(value)
        case MapKind.ATTENTION:
            return f"{number(value, 2)} × even"
        case MapKind.EVIDENCE:
            return f"{number(value, 3, signed=True)} logits"
        case MapKind.SCORE:
            return number(value, 2, signed=True)
