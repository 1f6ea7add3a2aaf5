"""The photo being looked at, the category whose map is over it, and the scores behind that map."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.engine_client import EngineClient
from csra_gui.session.photo_table import PhotoTable
from engine.api.errors import EngineError
from engine.api.values import ModelInfo, PositionScores

#: Position scores of the photos looked at last, so that their maps are there at once.
_MAX_BYTES = 200 * 2**20


class MapFocus(QObject):
    """One photo, one category pointed at, one pinned.

    Signals:
        current_changed: the row being looked at, or ``None``.
        category_changed: the category whose map is shown, or ``None``.
        pinned_changed: the category whose map stays, or ``None``.
        evidence_changed: the position scores of the current photo have come, or will not.
    """

    current_changed = Signal(object)
    category_changed = Signal(object)
    pinned_changed = Signal(object)
    evidence_changed = Signal()

    def __init__(self, engine: EngineClient, photos: PhotoTable, parent: QObject) -> None:
        super().__init__(parent)
        self._engine = engine
        self._photos = photos
        self._hovered: int | None = None
        self._pinned: int | None = None
        self._evidence = _EvidenceCache()
        self.current: int | None = None
        self.evidence_error = ""
        engine.scores_explained.connect(self._on_engine_scores_explained)
        engine.explain_failed.connect(self._on_engine_explain_failed)

    def clear(self) -> None:
        """Look at nothing and forget all position scores."""
        self.set_current(None)
        self.set_pinned(None)
        self._evidence.clear()

    def set_current(self, row: int | None) -> None:
        """Look at another photo, or at none."""
        if row == self.current:
            return
        self.current = row
        self.evidence_error = ""
        self._request_evidence()
        self.current_changed.emit(row)

    @property
    def current_path(self) -> Path | None:
        """The photo being looked at."""
        return None if self.current is None else self._photos.paths[self.current]

    @property
    def evidence(self) -> PositionScores | None:
        """The position scores of the current photo, if they are there."""
        path, model = self.current_path, self._engine.model
        return None if path is None or model is None else self._evidence.get(model.id, path)

    @property
    def category(self) -> int | None:
        """The category whose map is over the photo: the one pointed at, else the pinned one."""
        return self._pinned if self._hovered is None else self._hovered

    @property
    def pinned(self) -> int | None:
        """The category whose map stays."""
        return self._pinned

    def set_hovered(self, category: int | None) -> None:
        """Show the map of the category pointed at; ``None`` when the pointer leaves."""
        before = self.category
        self._hovered = category
        self._tell_category(before)

    def set_pinned(self, category: int | None) -> None:
        """Keep the map of a category, also on other photos; ``None`` lets it go."""
        before, changed = self.category, category != self._pinned
        self._pinned = category
        if changed:
            self.pinned_changed.emit(category)
        self._tell_category(before)

    def use_model(self, old: Sequence[str], model: ModelInfo) -> None:
        """Another model is in use, by which the pinned category is another one, or unknown.

        Args:
            old: the categories until now.
            model: in use from now on.
        """
        pinned = None if self._pinned is None else old[self._pinned]
        self.evidence_error = ""
        self._hovered = None
        same = None if pinned is None else self._photos.names.find(pinned, model.categories)
        self.set_pinned(None if same is None else model.categories.index_of(same))

    def ask_again(self) -> None:
        """Get the position scores that the model in use gives."""
        self._request_evidence()
        self.evidence_changed.emit()

    def read_again(self) -> None:
        """Files are other ones now: what is known of them is void."""
        self._evidence.clear()
        self.ask_again()

    def _request_evidence(self) -> None:
        unreadable = self.current is not None and self._photos.error(self.current) is not None
        there = self.evidence is not None or unreadable
        self._engine.explain(None if there else self.current_path)

    def _tell_category(self, before: int | None) -> None:
        if self.category != before:
            self.category_changed.emit(self.category)

    @Slot(object)
    def _on_engine_scores_explained(self, scores: PositionScores) -> None:
        if self._photos.row_of(scores.path) is None:
            return
        self._evidence.add(scores)
        if scores.path == self.current_path:
            self.evidence_changed.emit()

    @Slot(object, object)
    def _on_engine_explain_failed(self, path: Path, error: EngineError) -> None:
        if path == self.current_path:
            self.evidence_error = str(error)
            self.evidence_changed.emit()


class _EvidenceCache:
    """Position scores by model and photo; the ones used least recently make room.

    The newest ones are kept however large they are.
    """

    def __init__(self) -> None:
        self._bytes = 0
        self._scores: OrderedDict[tuple[str, Path], PositionScores] = OrderedDict()

    def get(self, model_id: str, path: Path) -> PositionScores | None:
        found = self._scores.get((model_id, path))
        if found is not None:
            self._scores.move_to_end((model_id, path))
        return found

    def add(self, scores: PositionScores) -> None:
        key = (scores.model_id, scores.path)
        old = self._scores.pop(key, None)
        self._bytes += scores.values.nbytes - (0 if old is None else old.values.nbytes)
        self._scores[key] = scores
        while self._bytes > _MAX_BYTES and len(self._scores) > 1:
            self._bytes -= self._scores.popitem(last=False)[1].values.nbytes

    def clear(self) -> None:
        self._scores.clear()
        self._bytes = 0
