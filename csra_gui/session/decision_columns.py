"""What the person said of the open photos: plain values, no Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from csra_gui.session.growing_array import GrowingArray
from engine.library.columns import VERDICT_CODES, BoolArray, IntArray
from engine.library.values import Verdict

_VERDICTS = {code: verdict for verdict, code in VERDICT_CODES.items()}


class PhotoDecisions:
    """Verdicts and reviewed marks, by row.

    Verdicts are one (N, S) array of codes, with a column for each category that anything was
    said of: few, so that a word about 100,000 photos is one assignment.
    """

    def __init__(self) -> None:
        self._columns: dict[str, int] = {}
        self._codes = GrowingArray(0, np.uint8, width=0)
        self._reviewed = GrowingArray(0, np.bool_)

    def resize(self, rows: int) -> None:
        """Have so many rows; of a new one nothing is said."""
        self._codes.resize(rows)
        self._reviewed.resize(rows)

    def clear(self) -> None:
        """Forget everything."""
        self._columns = {}
        self._codes = GrowingArray(0, np.uint8, width=0)
        self._reviewed = GrowingArray(0, np.bool_)

    @property
    def categories(self) -> tuple[str, ...]:
        """Those that something was said of, in that order."""
        return tuple(self._columns)

    @property
    def reviewed(self) -> BoolArray:
        """(N,): which photos are marked as reviewed; a view."""
        return self._reviewed.values

    def verdicts(self, row: int) -> dict[str, Verdict]:
        """What was said of one photo, by category."""
        if not self._columns:
            return {}
        codes = self._codes.values[row]
        names = self.categories
        return {names[i]: _VERDICTS[int(codes[i])] for i in np.flatnonzero(codes)}

    def say(self, rows: Sequence[int] | IntArray, category: str, verdict: Verdict | None) -> None:
        """Say the same of one label of photos; ``None`` takes it back."""
        if category not in self._columns:
            if verdict is None:
                return
            self._columns[category] = len(self._columns)
            self._codes.widen()
        code = 0 if verdict is None else VERDICT_CODES[verdict]
        self._codes.values[np.asarray(rows, dtype=np.int64), self._columns[category]] = code

    def mark(self, rows: Sequence[int] | IntArray, reviewed: bool) -> None:
        """Mark photos as reviewed, or not."""
        self._reviewed.values[np.asarray(rows, dtype=np.int64)] = reviewed

    def forget(self, rows: Sequence[int] | IntArray) -> None:
        """Take back all that was said of photos."""
        self._codes.values[np.asarray(rows, dtype=np.int64)] = 0
        self.mark(rows, False)

    def drop_unused(self) -> None:
        """Forget categories that nothing is said of any more."""
        used = np.flatnonzero(self._codes.values.any(axis=0))
        codes = self._codes.values[:, used]
        names = self.categories
        self._columns = {names[place]: column for column, place in enumerate(used.tolist())}
        self._codes = GrowingArray(0, np.uint8, width=len(used))
        self._codes.resize(len(codes))
        self._codes.values[:] = codes

    def matrix(self, known: Mapping[str, int]) -> NDArray[np.uint8]:
        """(N, K): the codes, each category's in the column that it is given."""
        codes = self._codes.values
        matrix = np.zeros((len(codes), len(known)), dtype=np.uint8)
        for category, column in self._columns.items():
            matrix[:, known[category]] = codes[:, column]
        return matrix
