"""What plots show: plain values."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Series:
    """One line of a plot.

    Attributes:
        name: in the legend; an empty one is not listed.
        x: (K,).
        y: (K,); NaN interrupts the line.
        is_guide: a thin dashed line to compare with, for example a diagonal.
        has_points: each value gets a dot.
        width: of the line, in pixels.
        is_stepped: between two values of x, which rise, holds the second one's y.
    """

    name: str
    x: Numbers
    y: Numbers
    is_guide: bool = False
    has_points: bool = False
    width: float = 2.0
    is_stepped: bool = False

    def drawn(self) -> tuple[Numbers, Numbers]:
        """The points to join: of a stepped line, two for each value."""
        if not self.is_stepped or not len(self.x):
            return self.x, self.y
        return np.repeat(self.x, 2)[:-1], np.repeat(self.y, 2)[1:]


@dataclass(frozen=True, slots=True)
class PlotTable:
    """The numbers of a plot, to copy and to save.

    Attributes:
        header: names of the columns.
        rows: cells; ``None`` is empty.
    """

    header: tuple[str, ...]
    rows: Sequence[Sequence[str | int | float | None]]

    def as_csv(self) -> str:
        """Comma-separated values with a header, ready for a file."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(map(_cell, self.header))
        writer.writerows([_cell(value) for value in row] for row in self.rows)
        return text.getvalue()


def _cell(value: str | int | float | None) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, str):
        # A spreadsheet would take a name that begins so for a formula.
        return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
    return f"{value:.6g}" if isinstance(value, float) else str(value)
