"""What a spot or a part of a photo says, in two lines of plain text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Slot
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget
from typing_extensions import override

from csra_gui.maps.display import NOT_WHERE, MapDisplay, number_text
from csra_gui.session.session import Session
from engine.api.geometry import Box
from engine.api.label_parents import NO_PARENTS, CategoryParents
from engine.api.values import FloatArray, Label, PositionScores
from engine.explain.evidence import MapKind, activate, heads_knowing, logits, with_head
from engine.explain.regions import PointValues, labels_at, region_labels, region_shares, values_at
from engine.texts import display_text, percent, whole_percent

_MOST = 3


def spot_labels(
    scores: PositionScores,
    categories: Sequence[str],
    point: tuple[float, float],
    *,
    smooth: bool,
    parents: CategoryParents = NO_PARENTS,
) -> str:
    """The best labels of a spot, whatever the threshold is.

    Args:
        scores: of the photo.
        categories: of the model, as labels are called.
        point: x and y in fractions of the photo.
        smooth: whether the map that is shown is interpolated.
        parents: of the categories; what follows from a label of the spot is not listed.
    """
    best = labels_at(scores, point, categories, 0.0, smooth=smooth, parents=parents)[:_MOST]
    return f"This spot looks like {_listed(best)}"


def spot_value(
    scores: PositionScores,
    category: int,
    point: tuple[float, float],
    *,
    kind: MapKind,
    head: int | None,
    smooth: bool,
) -> str:
    """The value of the map that is shown at a spot, and the spot's part in the logit.

    Args:
        scores: of the photo.
        category: whose map is shown.
        point: x and y in fractions of the photo.
        kind: of the map.
        head: whose attention is shown; ``None`` is the mean of all.
        smooth: whether it is interpolated.
    """
    values = values_at(scores, category, point, smooth=smooth)
    shown = _of_kind(values, kind)
    if kind is MapKind.ATTENTION and head is not None:
        heads = [place == head for place in range(len(scores.values))]
        only = with_head(scores, heads=heads)
        knows = head in heads_knowing(scores, category)
        shown = values_at(only, category, point, smooth=smooth).attention if knows else 0.0
    total = float(logits(scores)[category])
    # Of a logit below 0 a part means nothing: what speaks for the label would count against it.
    part = f", {percent(values.evidence / total)} % of its logit" if total > 0 else ""
    return f"{number_text(kind, shown)}{part} (cell {values.row + 1}, {values.column + 1})"


def region_lines(
    scores: PositionScores,
    categories: Sequence[str],
    box: Box,
    listed: list[int],
    parents: CategoryParents = NO_PARENTS,
) -> tuple[str, str]:
    """How much of each label comes from a part of the photo, and what that part says alone.

    Args:
        scores: of the photo.
        categories: of the model, as labels are called.
        box: in fractions of the photo.
        listed: the categories to tell of; ranked here by their share.
        parents: of the categories; what follows from a label of the part is not listed for it.
    """
    shares = region_shares(scores, box)
    alone = region_labels(scores, box, categories, 0.0, parents=parents)[:_MOST]
    return _shares(shares, categories, listed), f"On its own it looks like {_listed(alone)}"


def _shares(shares: FloatArray, categories: Sequence[str], listed: list[int]) -> str:
    ranked = sorted(listed, key=lambda category: -shares[category])
    parts = [f"{whole_percent(shares[c])} of {categories[c]}" for c in ranked]
    verb = "comes" if len(parts) == 1 else "come"
    return f"{', '.join(parts)} {verb} from here"


def listed_categories(
    scores: FloatArray, thresholds: float | FloatArray, shown: int | None
) -> list[int]:
    """The labels of a photo and the category that is shown; the best guess if there are none."""
    found = [int(c) for c in np.flatnonzero(scores >= np.asarray(thresholds, dtype=np.float32))]
    if shown is not None and shown not in found:
        found.append(shown)
    return found or [int(scores.argmax())]


def _of_kind(values: PointValues, kind: MapKind) -> float:
    return {
        MapKind.LOCAL_PROBABILITY: values.probability,
        MapKind.EVIDENCE: values.evidence,
        MapKind.SCORE: values.score,
        MapKind.ATTENTION: values.attention,
    }[kind]


def _listed(labels: tuple[Label, ...]) -> str:
    return ", ".join(f"{label.category} {whole_percent(label.score)}" for label in labels)


_HINT = "Point at the photo to read its values.\nShift-drag asks about a part of it."
_INSTEAD = "To see what a part does, mark it with Shift-drag and hide it (Ctrl+H)."
_MARGIN = 6


class ReadoutBar(QLabel):
    """Follows the pointer; a marked region comes before it."""

    def __init__(
        self, session: Session, display: MapDisplay, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._display = display
        self._point: tuple[float, float] | None = None
        self._region: Box | None = None
        self._remark = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMargin(_MARGIN)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Values under the pointer")
        for fact in (session.focus.category_changed, display.changed):
            fact.connect(self.update_text)
        session.focus.current_changed.connect(self.update_text)
        self.update_text()

    @override
    def sizeHint(self) -> QSize:
        # Always two lines, or the photo would jump when the pointer comes and goes.
        return QSize(200, 2 * self.fontMetrics().lineSpacing() + 2 * _MARGIN)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.sizeHint().height())

    @Slot(object)
    def set_point(self, point: QPointF | None) -> None:
        """Read the values at a fraction of the photo; ``None`` when the pointer has left."""
        self._point = None if point is None else (point.x(), point.y())
        self.update_text()

    @Slot(object)
    def set_region(self, rect: QRectF | None) -> None:
        """Read what a part of the photo says, in fractions; ``None`` goes back to the pointer."""
        self._region = (
            None if rect is None else Box(rect.left(), rect.top(), rect.right(), rect.bottom())
        )
        self.update_text()

    def set_remark(self, text: str) -> None:
        """Something to say while the pointer is elsewhere; plain text."""
        if text != self._remark:
            self._remark = text
            self.update_text()

    @Slot()
    def update_text(self) -> None:
        """Work the lines out anew."""
        model, scores = self._session.models.model, self._display.source.scores
        if self._session.focus.current is None:
            text = ""
        elif model is None or scores is None or (self._point is None and self._region is None):
            text = self._remark or ("" if scores is None else _HINT)
            if scores is not None and not scores.says_where:
                text = self._remark
        elif not scores.says_where:
            text = f"{NOT_WHERE}\n{_INSTEAD}"
        else:
            lines = self._lines(scores, model.parents)
            text = "\n".join(map(display_text, lines))
        self.setText(text)

    def _lines(self, scores: PositionScores, parents: CategoryParents) -> tuple[str, ...]:
        shown, labels = self._session.focus.category, self._session.photos.categories
        if self._region is not None:
            whole = activate(logits(scores), scores.activation)
            listed = listed_categories(whole, self._session.thresholds.values, shown)
            return region_lines(scores, labels, self._region, listed, parents)
        if self._point is None:
            return ()
        smooth = self._display.smooth
        best = spot_labels(scores, labels, self._point, smooth=smooth, parents=parents)
        if shown is None:
            return (best,)
        kind, head = self._display.kind, self._display.head_in(scores)
        value = spot_value(scores, shown, self._point, kind=kind, head=head, smooth=smooth)
        follows = scores.follows.get(shown)
        name = labels[shown] if follows is None else f"{labels[shown]}, from {labels[follows]},"
        return f"{name} here: {value}", best
