"""Ratings, colour labels and titles of the open photos: plain values, no Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from csra_gui.session.growing_array import GrowingArray
from engine.library.columns import AttributeColumns, IntArray
from engine.library.values import Attribute


class PhotoAttributes:
    """A rating and a colour of each row as arrays; titles, which few have, by row."""

    def __init__(self) -> None:
        self._ratings = GrowingArray(0, np.int8)
        self._color_of = GrowingArray(0, np.int32)
        self._colors: dict[str, int] = {"": 0}
        self._names: list[str] = [""]
        self._titles: dict[int, str] = {}

    def resize(self, rows: int) -> None:
        """Have so many rows; a new one has none of the three."""
        self._ratings.resize(rows)
        self._color_of.resize(rows)

    def clear(self) -> None:
        """Forget everything."""
        self._ratings.clear()
        self._color_of.clear()
        self._titles.clear()

    @property
    def ratings(self) -> NDArray[np.int8]:
        """(N,) -1 (rejected) to 5, 0 for none; a view."""
        return self._ratings.values

    def rating(self, row: int) -> int:
        """Of one photo: -1 (rejected) to 5, 0 for none."""
        return int(self._ratings.values[row])

    def color(self, row: int) -> str:
        """The colour label of one photo, as ``Attribute`` says; empty for none."""
        return self._names[int(self._color_of.values[row])]

    def title(self, row: int) -> str:
        """The title of one photo; may hold any characters. Empty for none."""
        return self._titles.get(row, "")

    def value(self, row: int, attribute: Attribute) -> str:
        """Any of the three as the library keeps it."""
        if attribute is Attribute.RATING:
            return str(self.rating(row) or "")
        return self.color(row) if attribute is Attribute.COLOR else self.title(row)

    def set(self, rows: Sequence[int] | IntArray, attribute: Attribute, value: str) -> None:
        """Give photos the same; empty takes it away."""
        places = np.asarray(rows, dtype=np.int64)
        if attribute is Attribute.RATING:
            self._ratings.values[places] = int(value or 0)
        elif attribute is Attribute.COLOR:
            number = self._colors.setdefault(value, len(self._colors))
            if number == len(self._names):
                self._names.append(value)
            self._color_of.values[places] = number
        elif value:
            self._titles |= dict.fromkeys(places.tolist(), value)
        else:
            for row in places.tolist():
                self._titles.pop(row, None)

    def forget(self, rows: Sequence[int] | IntArray) -> None:
        """Take all three away from photos."""
        for attribute in Attribute:
            self.set(rows, attribute, "")

    def columns(self) -> AttributeColumns:
        """All of it as it is now."""
        return AttributeColumns(
            self._ratings.values.copy(),
            tuple(self._names),
            self._color_of.values.copy(),
            dict(self._titles),
        )
