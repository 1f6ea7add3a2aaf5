"""The position scores of the photos looked at last, so that their maps are there at once."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from engine.api.values import PositionScores

_MAX_BYTES = 200 * 2**20


class EvidenceCache:
    """Position scores by model and photo; the ones used least recently make room.

    Args:
        max_bytes: of arrays that are kept; the newest one is kept however large it is.
    """

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._scores: OrderedDict[tuple[str, Path], PositionScores] = OrderedDict()

    def get(self, model_id: str, path: Path) -> PositionScores | None:
        """Those of a photo, if they are there; they count as used now."""
        found = self._scores.get((model_id, path))
        if found is not None:
            self._scores.move_to_end((model_id, path))
        return found

    def add(self, scores: PositionScores) -> None:
        """Keep those of one photo."""
        key = (scores.model_id, scores.path)
        old = self._scores.pop(key, None)
        self._bytes += scores.values.nbytes - (0 if old is None else old.values.nbytes)
        self._scores[key] = scores
        while self._bytes > self._max_bytes and len(self._scores) > 1:
            self._bytes -= self._scores.popitem(last=False)[1].values.nbytes

    def clear(self) -> None:
        """Forget them all."""
        self._scores.clear()
        self._bytes = 0
