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

    Verdicts are one (N,) column of codes for each category that anything was said of: few, so that
    a word about a million photos is one assignment, and a new category costs nothing but its own.
    """

    def __init__(self) -> None:
        self._codes: dict[str, GrowingArray] = {}
        self._reviewed = GrowingArray(0, np.bool_)

    def resize(self, rows: int) -> None:
        """Have so many rows; of a new one nothing is said."""
        for codes in self._codes.values():
            codes.resize(rows)
        self._reviewed.resize(rows)

    def clear(self) -> None:
        """Forget everything."""
        self._codes = {}
        self._reviewed = GrowingArray(0, np.bool_)

    @property
    def categories(self) -> tuple[str, ...]:
        """Those that something was said of, in that order."""
        return tuple(self._codes)

    @property
    def reviewed(self) -> BoolArray:
        """(N,): which photos are marked as reviewed; a view."""
        return self._reviewed.values

    def verdicts(self, row: int) -> dict[str, Verdict]:
        """What was said of one photo, by category."""
        said = ((name, int(codes.values[row])) for name, codes in self._codes.items())
        return {name: _VERDICTS[code] for name, code in said if code}

    def codes(self, category: str) -> NDArray[np.uint8]:
        """(N,): what was said of a category that something was said of; a view."""
        return self._codes[category].values

    def say(self, rows: Sequence[int] | IntArray, category: str, verdict: Verdict | None) -> None:
        """Say the same of one label of photos; ``None`` takes it back."""
        if category not in self._codes:
            if verdict is None:
                return
            self._codes[category] = GrowingArray(0, np.uint8)
            self._codes[category].resize(len(self._reviewed.values))
        code = 0 if verdict is None else VERDICT_CODES[verdict]
        self._codes[category].values[np.asarray(rows, dtype=np.int64)] = code

    def mark(self, rows: Sequence[int] | IntArray, reviewed: bool) -> None:
        """Mark photos as reviewed, or not."""
        self._reviewed.values[np.asarray(rows, dtype=np.int64)] = reviewed

    def forget(self, rows: Sequence[int] | IntArray) -> None:
        """Take back all that was said of photos."""
        places = np.asarray(rows, dtype=np.int64)
        for codes in self._codes.values():
            codes.values[places] = 0
        self.mark(places, False)

    def drop_unused(self) -> None:
        """Forget categories that nothing is said of any more."""
        self._codes = {name: codes for name, codes in self._codes.items() if codes.values.any()}

    def matrix(self, known: Mapping[str, int]) -> NDArray[np.uint8]:
        """(N, K): the codes, each category's in the column that it is given.

        Column after column in memory, which is copied in a fraction of the time.
        """
        matrix = np.zeros((len(known), len(self._reviewed.values)), dtype=np.uint8)
        for category, codes in self._codes.items():
            matrix[known[category]] = codes.values
        return matrix.T
