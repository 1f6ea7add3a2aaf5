"""Another model's view of the current photo, beside the model in use."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.jobs import JobSlot, Policy
from csra_gui.session.session import Session
from engine.api.engine import TaggingEngine
from engine.api.errors import EngineError
from engine.api.values import ModelInfo, PositionScores
from engine.explain.following import following


class SecondModel(QObject):
    """Opens a second model in the engine and asks it about each photo that is looked at.

    Signals:
        changed: another model is wanted, or there is an answer, or there will be none.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._asking = JobSlot(session.jobs, "explain beside", self, Policy.IGNORE)
        self._answered: tuple[str, Path] | None = None
        self.source: str | None = None
        self.info: ModelInfo | None = None
        self._scores: PositionScores | None = None
        self._error = ""
        session.focus.current_changed.connect(self._look_again)
        session.focus.evidence_changed.connect(self._ask)

    @property
    def scores(self) -> PositionScores | None:
        """What it says of the current photo; ``None`` while that is not there."""
        return self._scores if self._is_answered() else None

    @property
    def error(self) -> str:
        """Why it says nothing of the current photo; empty if there is no such reason."""
        return self._error if self._is_answered() else ""

    def choose(self, source: str | None) -> None:
        """Look at another model, by its name; ``None`` frees the one that is open."""
        if source == self.source:
            return
        self._release()
        self.source = source
        self._ask()
        self.changed.emit()

    def _is_answered(self) -> bool:
        path = self._session.focus.current_path
        return path is not None and self._answered == (self.source, path)

    def _release(self) -> None:
        if self.info is not None:
            self._session.engine.release(self.info.id)
        self.info, self._scores, self._error, self._answered = None, None, "", None

    @Slot()
    def _ask(self) -> None:
        path = self._session.focus.current_path
        ready = self._session.models.model is not None
        if self.source is None or path is None or self._is_answered() or not ready:
            return
        question = source, photo = self.source, path

        def explain(engine: TaggingEngine) -> tuple[ModelInfo, PositionScores]:
            info = engine.open_model(source)
            return info, following(engine.explain(info.id, photo), info.parents)

        self._asking.run(
            self._session.engine.ask(explain),
            lambda answer: self._keep(question, *answer),
            lambda error: self._fail(question, error),
            on_end=self._look_again,
        )

    def _keep(self, question: tuple[str, Path], info: ModelInfo, scores: PositionScores) -> None:
        if question[0] != self.source:  # nobody wants it any more
            self._session.engine.release(info.id)
            return
        self.info, self._scores, self._error, self._answered = info, scores, "", question

    def _fail(self, question: tuple[str, Path], error: EngineError) -> None:
        if question[0] == self.source:
            self._scores, self._error, self._answered = None, str(error), question

    @Slot()
    def _look_again(self) -> None:
        self._ask()
        self.changed.emit()
