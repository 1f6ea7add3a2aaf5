"""The true boxes of the current photo, if it belongs to a data set, and the pointing game."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import QObject, QRectF, Signal, Slot
from PySide6.QtGui import QColor

from csra_gui.base.jobs import JobSlot, Policy
from csra_gui.base.settings import SHOW_TRUE_BOXES, Settings
from csra_gui.maps.pointing import Pointing, boxes_of, point
from csra_gui.maps.source import MapSource
from csra_gui.session.session import Session
from csra_gui.widgets.photo_marks import PhotoMark
from engine.api.errors import EngineError
from engine.api.label_names import shown_label
from engine.api.values import PositionScores, TrueBox
from engine.texts import display_text

_BOX, _HIT, _MISS = QColor("#35d6ff"), QColor("#5be37d"), QColor("#ff9b3d")
_KEPT = 64


class TrueObjects(QObject):
    """Asks for the annotation of each photo that is looked at, while boxes are to be shown.

    Signals:
        changed: there are other marks.
    """

    changed = Signal()

    def __init__(
        self, session: Session, settings: Settings, source: MapSource, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._source = source
        self._boxes: OrderedDict[Path, tuple[TrueBox, ...] | None] = OrderedDict()
        self._asking = JobSlot(session.jobs, "true boxes", self, Policy.IGNORE)
        self._measuring = JobSlot(session.jobs, "pointing game", self, Policy.IGNORE)
        self._pointing: tuple[PositionScores, int, Pointing] | None = None
        self.problem = ""
        session.focus.current_changed.connect(self._on_focus_current_changed)
        session.models.state_changed.connect(self._update)
        session.focus.category_changed.connect(self._update)
        source.changed.connect(self._update)
        settings.setting_changed.connect(self._on_settings_changed)

    @property
    def is_on(self) -> bool:
        """Whether they are to be shown."""
        return bool(self._settings.value(SHOW_TRUE_BOXES))

    @property
    def boxes(self) -> tuple[TrueBox, ...]:
        """Those of the current photo that belong to the label that is shown, or all."""
        found = self._all_boxes()
        model, category = self._session.models.model, self._session.focus.category
        if not found or model is None or category is None:
            return found
        return boxes_of(found, model.categories, category)

    def marks(self, size: tuple[int, int]) -> list[PhotoMark]:
        """Boxes and the point of the game, as marks on the photo.

        Args:
            size: width and height of the upright photo, in pixels.
        """
        if not self.is_on:
            return []
        marks = [_box_mark(box, size) for box in self.boxes]
        outcome = self._outcome()
        if outcome is not None and marks:
            color = _HIT if outcome.is_hit else _MISS
            at = QRectF(outcome.x, outcome.y, 0.0, 0.0)
            marks.append(PhotoMark(at, color, outcome.text()))
        return marks

    def text(self) -> str:
        """What there is, for people; empty while nothing is asked for."""
        path = self._session.focus.current_path
        if not self.is_on or path is None:
            return ""
        if self.problem:
            return display_text(self.problem)
        if path not in self._boxes:
            return "Looking for the true boxes…"
        if self._boxes[path] is None:
            return "This photo lies in no data set with boxes (VOC or COCO)."
        return "" if self.boxes else "The data set has no box of this here."

    def _all_boxes(self) -> tuple[TrueBox, ...]:
        path = self._session.focus.current_path
        return (None if path is None else self._boxes.get(path)) or ()

    def _outcome(self) -> Pointing | None:
        known, scores = self._pointing, self._source.scores
        if known is None or scores is None or known[0] is not scores:
            return None
        return known[2] if known[1] == self._session.focus.category else None

    @Slot()
    def _update(self) -> None:
        if self.is_on:
            self._ask()
            self._measure()
        self.changed.emit()

    def _ask(self) -> None:
        path = self._session.focus.current_path
        ready = self._session.models.model is not None
        if path is None or path in self._boxes or self.problem or not ready:
            return
        self._asking.run(
            self._session.engine.ask(lambda engine: engine.true_boxes(path)),
            lambda boxes: self._keep(path, boxes),
            lambda error: self._fail(path, error),
            on_end=self._update,
        )

    def _measure(self) -> None:
        """In a worker: the map is laid over every pixel of the photo."""
        scores, category = self._source.scores, self._session.focus.category
        boxes = self.boxes
        if scores is None or category is None or not boxes or self._outcome() is not None:
            return
        if not scores.says_where:
            return
        self._measuring.run(
            lambda: point(scores, category, boxes),
            lambda found: self._keep_pointing(scores, category, found),
            on_end=self._update,
        )

    def _keep(self, path: Path, boxes: tuple[TrueBox, ...] | None) -> None:
        self._boxes[path] = boxes
        while len(self._boxes) > _KEPT:
            self._boxes.popitem(last=False)

    def _fail(self, path: Path, error: EngineError) -> None:
        if path == self._session.focus.current_path:
            self.problem = str(error)

    def _keep_pointing(self, scores: PositionScores, category: int, found: Pointing) -> None:
        self._pointing = scores, category, found

    @Slot(object)
    def _on_focus_current_changed(self, _row: int | None) -> None:
        self.problem = ""
        self._update()

    @Slot(str, object)
    def _on_settings_changed(self, key: str, _value: object) -> None:
        if key == SHOW_TRUE_BOXES.key:
            self._update()


def _box_mark(box: TrueBox, size: tuple[int, int]) -> PhotoMark:
    left, top, right, bottom = box.box
    width, height = size
    rect = QRectF(left / width, top / height, (right - left) / width, (bottom - top) / height)
    more = " (difficult)" if box.is_difficult else " (crowd)" if box.is_crowd else ""
    dashed = box.is_difficult or box.is_crowd
    return PhotoMark(rect, _BOX, shown_label(box.category) + more, dashed)
