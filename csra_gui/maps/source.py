"""Which position scores the maps are drawn from: as stored, or under a what-if."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from csra_gui.base.jobs import JobSlot, Policy
from csra_gui.maps.head_change import HeadChange
from csra_gui.session.session import Session
from engine.api.errors import EngineError
from engine.api.geometry import Box
from engine.api.label_parents import NO_PARENTS
from engine.api.values import PositionScores
from engine.explain.following import following

#: A slider that is being dragged asks the network once it rests this long.
_PAUSE_MS = 250
_KEPT = 8
#: As stored, as shown, and without attention; one more while one of them changes.
_KEPT_RESULTS = 4
_AS_IT_IS = HeadChange()

#: Model, photo, hidden part and input size: what one run of the network depends on.
_Question = tuple[str, Path, Box | None, int | None]


class MapSource(QObject):
    """The current photo's position scores, and what the person changed about them.

    λ, temperatures and heads are arithmetic and act at once, on every photo until they are taken
    back. A hidden part and another input size are asked of the network, in a worker; the hidden
    part belongs to one photo. Nothing of this is stored. What follows from a kind always has the
    values of the kind that is best under what was changed.

    Signals:
        changed: there are other scores, or others are wanted, or there will be none.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._change = HeadChange()
        self._input_size: int | None = None
        self._hidden: Box | None = None
        self._answers: OrderedDict[_Question, PositionScores] = OrderedDict()
        self._errors: dict[_Question, str] = {}
        self._asking = JobSlot(session.jobs, "explain otherwise", self, Policy.IGNORE)
        self._results: list[tuple[PositionScores, HeadChange, PositionScores]] = []
        self._model_id = ""
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._ask)
        session.focus.evidence_changed.connect(self.changed)
        session.focus.current_changed.connect(self._on_focus_current_changed)
        session.models.state_changed.connect(self._on_models_state_changed)

    # What there is.

    @property
    def stored(self) -> PositionScores | None:
        """Those of the photo and the model as they are."""
        return self._under(_AS_IT_IS, self._session.focus.evidence)

    @property
    def scores(self) -> PositionScores | None:
        """Those that maps are drawn from; ``None`` while they are not there."""
        base = self._base()
        return self._under(self._fitting(base), base)

    @property
    def without_attention(self) -> PositionScores | None:
        """The same with λ = 0: every label by its base score alone."""
        base = self._base()
        return self._under(replace(self._fitting(base), lam=0.0), base)

    def _fitting(self, base: PositionScores | None) -> HeadChange:
        # A head that was changed for the model before does not fit the one that has just come.
        return self._change if base and base.model_id == self._model_id else _AS_IT_IS

    def _under(self, change: HeadChange, base: PositionScores | None) -> PositionScores | None:
        """Position scores under a change, each worked out once while a photo is looked at."""
        if base is None:
            return None
        for of, under, found in self._results:
            if of is base and under == change:
                return found
        model = self._session.models.model
        is_own = model is not None and model.id == base.model_id
        parents = model.parents if model is not None and is_own else NO_PARENTS
        found = following(change.applied(base), parents)
        self._results = [(base, change, found), *self._results][:_KEPT_RESULTS]
        return found

    @property
    def change(self) -> HeadChange:
        """What is different about the head."""
        return self._change

    @property
    def input_size(self) -> int | None:
        """Another side of the network's input in pixels; ``None`` is the model's own."""
        return self._input_size

    @property
    def hidden(self) -> Box | None:
        """The part of the photo that the model does not get to see."""
        return self._hidden

    @property
    def is_changed(self) -> bool:
        """Whether anything is not as stored."""
        return not self._change.is_none or self._question_differs()

    @property
    def is_working(self) -> bool:
        """Whether the network is being asked, or will be in a moment."""
        return self._pause.isActive() or self._asking.is_running

    @property
    def error(self) -> str:
        """Why there are no scores under the what-if; empty if there is no such reason."""
        question = self._question()
        return "" if question is None else self._errors.get(question, "")

    def text(self) -> str:
        """What is different, for people; empty if nothing is."""
        parts = ["a part is hidden"] if self._hidden is not None else []
        if self._input_size is not None:
            parts.append(f"input {self._input_size} px")
        if not self._change.is_none:
            parts.append(self._change.text())
        return " · ".join(parts)

    # What the person changes.

    def set_change(self, change: HeadChange) -> None:
        """Look through another head."""
        if change != self._change:
            self._change = change
            self.changed.emit()

    def set_input_size(self, side: int | None) -> None:
        """Ask the network at another input size; while a slider moves, the last one counts."""
        model = self._session.models.model
        own = model is not None and side == model.input_size
        side = None if own else side
        if side != self._input_size:
            self._input_size = side
            self._want(at_once=side is None)

    def set_hidden(self, box: Box | None) -> None:
        """Ask the network without a part of the photo; ``None`` shows it all of it again."""
        if box != self._hidden:
            self._hidden = box
            self._want(at_once=True)

    def reset(self) -> None:
        """Back to what is stored."""
        if self.is_changed:
            self._change, self._input_size, self._hidden = HeadChange(), None, None
            self._want(at_once=True)

    # Asking the network.

    def _question_differs(self) -> bool:
        return self._hidden is not None or self._input_size is not None

    def _question(self) -> _Question | None:
        path, model = self._session.focus.current_path, self._session.models.model
        if path is None or model is None or not self._question_differs():
            return None
        return model.id, path, self._hidden, self._input_size

    def _base(self) -> PositionScores | None:
        if not self._question_differs():
            return self._session.focus.evidence
        question = self._question()
        return None if question is None else self._answers.get(question)

    def _want(self, *, at_once: bool) -> None:
        self._errors.clear()  # whoever asks again wants another try
        self._pause.stop()
        question = self._question()
        if question is not None and question not in self._answers:
            self._pause.start(0 if at_once else _PAUSE_MS)
        self.changed.emit()

    @Slot()
    def _ask(self) -> None:
        question = self._question()
        known = question is None or question in self._answers or question in self._errors
        if self._asking.is_running or known or question is None:
            self.changed.emit()
            return
        self._asking.run(
            self._session.engine.ask(lambda engine: engine.explain(*question)),
            lambda scores: self._keep(question, scores),
            lambda error: self._fail(question, error),
            on_end=self._look_again,
        )

    def _keep(self, question: _Question, scores: PositionScores) -> None:
        self._answers[question] = scores
        while len(self._answers) > _KEPT:
            self._answers.popitem(last=False)

    def _fail(self, question: _Question, error: EngineError) -> None:
        self._errors[question] = str(error)

    def _look_again(self) -> None:
        self._ask()  # something else may be wanted by now
        self.changed.emit()

    # Facts.

    @Slot(object)
    def _on_focus_current_changed(self, _row: int | None) -> None:
        self._hidden = None
        self._want(at_once=True)

    @Slot(object)
    def _on_models_state_changed(self, _state: object) -> None:
        model = self._session.models.model
        model_id = "" if model is None else model.id
        if model_id != self._model_id:
            self._model_id = model_id
            self._answers.clear()
            self._change, self._input_size, self._hidden = HeadChange(), None, None
            self._want(at_once=True)
