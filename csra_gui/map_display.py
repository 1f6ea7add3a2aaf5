"""Which kind of map is shown and in which colours: shared by the photo and its colour bar."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.session import Session
from csra_gui.settings import (
    COLOR_MAP,
    MAP_CONTOUR,
    MAP_HEAD,
    MAP_KIND,
    OVERLAY_OPACITY,
    SHOW_OVERLAY,
    SMOOTH_MAPS,
    Settings,
)
from csra_gui.widgets.colormaps import ColorMapName
from csra_gui.widgets.overlay import OverlayStyle
from engine.evidence import MapKind, attention, evidence_limit, map_of, score_map
from engine.values import FloatArray, PositionScores

_SHOWN_BY = frozenset(
    setting.key
    for setting in (
        COLOR_MAP,
        MAP_CONTOUR,
        MAP_HEAD,
        MAP_KIND,
        OVERLAY_OPACITY,
        SHOW_OVERLAY,
        SMOOTH_MAPS,
    )
)
#: Ends of scales are rounded up to one of these times a power of ten.
_ROUND_STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_UNIFORM = 1.0
#: Attention that is nearly even everywhere still gets a scale that shows it as such.
_LEAST_ATTENTION_SCALE = 2.0


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


def head_caption(place: int, temperature: float) -> str:
    """A head's name for people: its place, from 0, and its temperature."""
    sharpness = "max" if math.isinf(temperature) else f"{temperature:g}"
    return f"Head {place + 1} (T = {sharpness})"


class MapDisplay(QObject):
    """The settings of maps as values and styles for the photo being looked at.

    Signals:
        changed: maps look different now, whatever the category.
    """

    changed = Signal()

    def __init__(self, session: Session, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._limits: dict[tuple[MapKind, int | None], float] = {}
        self._limits_of: PositionScores | None = None
        session.threshold_changed.connect(self.changed)
        settings.setting_changed.connect(self._on_settings_changed)

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
        model = self._session.model
        return chosen if model is not None and 0 <= chosen < len(model.temperatures) else None

    def values(self, scores: PositionScores, category: int) -> FloatArray:
        """The map of a category in the chosen kind: (h, w) on the model's grid."""
        if self.kind is MapKind.ATTENTION and self.head is not None:
            maps = attention(scores, category)
            relative: FloatArray = maps[self.head] * np.float32(maps[0].size)
            return relative
        return map_of(scores, category, self.kind)

    def style(self, category: int | None) -> OverlayStyle:
        """How the map of a category is coloured, on a scale that all categories share."""
        kind = self.kind
        signed = kind in (MapKind.EVIDENCE, MapKind.SCORE)
        low, high = self._ends(kind)
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
        )

    def _ends(self, kind: MapKind) -> tuple[float, float]:
        if kind is MapKind.LOCAL_PROBABILITY:
            return 0.0, 1.0
        limit = self._limit(kind)
        return (0.0, limit) if kind is MapKind.ATTENTION else (-limit, limit)

    def _limit(self, kind: MapKind) -> float:
        """The end of the scale for all categories of the current photo, worked out once."""
        scores = self._session.current_evidence
        if scores is None:
            return _LEAST_ATTENTION_SCALE
        if scores is not self._limits_of:
            self._limits, self._limits_of = {}, scores
        key = kind, self.head if kind is MapKind.ATTENTION else None
        if key not in self._limits:
            self._limits[key] = rounded_up(self._largest(scores, kind))
        return self._limits[key]

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
            return f"{value * 100:.0f} %"
        case MapKind.ATTENTION:
            return f"{value:.2f} × even"
        case MapKind.EVIDENCE:
            return f"{signed_text(value, 3)} logits"
        case MapKind.SCORE:
            return signed_text(value, 2)


def signed_text(value: float, decimals: int) -> str:
    """A number with its sign, as it is printed."""
    return f"{value:+.{decimals}f}".replace("-", "\N{MINUS SIGN}")
