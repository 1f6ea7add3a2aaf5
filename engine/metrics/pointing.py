"""Both pointing games over a data set, image by image, mergeable across processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import ConfigError
from engine.api.geometry import Box
from engine.api.values import FloatArray
from engine.explain.evidence import on_photo
from engine.metrics.checks import defined_mean, plain, ratio
from engine.metrics.localisation import (
    Frame,
    Located,
    box_mask,
    energy_inside,
    highest_point,
    is_hit,
)


@dataclass(frozen=True, slots=True)
class GameResult:
    """One pointing game on one set of pairs of image and category.

    Attributes:
        accuracy: the mean over categories of the share of hits, 0 to 1; NaN without pairs.
        by_category: the share of hits of each; NaN for a category without pairs.
        pairs: how many were played.
    """

    accuracy: float
    by_category: tuple[float, ...]
    pairs: int

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "accuracy": plain(self.accuracy),
            "per_category": [plain(value) for value in self.by_category],
            "pairs": self.pairs,
        }


@dataclass(frozen=True, slots=True)
class EnergyResult:
    """The energy pointing game on boxes of one range of sizes.

    Attributes:
        energy: mean share of the positive values inside the boxes, over pairs, 0 to 1.
        box_area: mean share of the photo inside the boxes: what a map of one value would get.
        pairs: how many.
    """

    energy: float
    box_area: float
    pairs: int

    def as_dict(self) -> dict[str, float | int | None]:
        """For JSON."""
        return {
            "energy": plain(self.energy),
            "box_area": plain(self.box_area),
            "pairs": self.pairs,
        }


@dataclass(frozen=True)
class LocalisationReport:
    """What the maps of a model are worth as pointers.

    Attributes:
        pointing: by frame and subset, for example ``"photo, all"`` or ``"photo, difficult"``.
        centre: the same for a map that always points at the centre of the photo.
        energy: by size of the boxes: all, small (under 5 % of the photo), medium, large (25 % and
            more).
        skipped: pairs that were not played, since all their boxes are marked difficult.
    """

    pointing: Mapping[str, GameResult]
    centre: Mapping[str, GameResult]
    energy: Mapping[str, EnergyResult]
    skipped: int

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "pointing": {key: value.as_dict() for key, value in self.pointing.items()},
            "centre_baseline": {key: value.as_dict() for key, value in self.centre.items()},
            "energy": {key: value.as_dict() for key, value in self.energy.items()},
            "skipped": self.skipped,
        }


_FRAMES = tuple(Frame)
_SUBSETS = ("all", "difficult")
_POINTERS = ("map", "centre")
_SIZES = ("small", "medium", "large")
_SIZE_LIMITS = np.array([0.05, 0.25])


# Shares are added up as whole multiples of 2^-40, so that the sum does not depend on the order, and
# several processes come to the same bits as one. There is room for eight million pairs.
_SHARE_UNIT = 2.0**40


class MeterState(TypedDict):
    """What a meter has seen, as plain lists for another process or a file."""

    hits: list[list[list[list[int]]]]
    played: list[list[int]]
    energy: list[list[int]]
    skipped: int


class LocalisationMeter:
    """Takes one map after the other; several meters can be merged, in any order.

    Args:
        num_categories: of the data set.
    """

    def __init__(self, num_categories: int) -> None:
        shape = (len(_POINTERS), len(_FRAMES), len(_SUBSETS), num_categories)
        self._hits: NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
        self._played: NDArray[np.int64] = np.zeros(shape[2:], dtype=np.int64)
        # Per size of the boxes: sums of the energy inside and of the boxes' area, and pairs.
        self._energy: NDArray[np.int64] = np.zeros((len(_SIZES), 3), dtype=np.int64)
        self._skipped = 0

    def add(self, grid_map: FloatArray, place: Located, content: Box = Box.UNIT) -> None:
        """Play both games with the map of one category in one photo.

        Args:
            grid_map: (h, w) on the model's grid.
            place: where the category is.
            content: the part of the grid that the photo covers.
        """
        if place.all_marked_difficult:
            self._skipped += 1
            return
        width, height = place.width, place.height
        subsets = slice(0, 2 if place.is_difficult else 1)
        self._played[subsets, place.category] += 1
        photo_map = on_photo(grid_map, width, height, content)
        points = (highest_point(photo_map), (width / 2, height / 2))
        for pointer, point in enumerate(points):
            for number, frame in enumerate(_FRAMES):
                hit = is_hit(point, place.boxes, frame.tolerance(width, height))
                self._hits[pointer, number, subsets, place.category] += hit
        mask = box_mask(place.boxes, width, height)
        area = float(mask.mean())
        size = int(np.searchsorted(_SIZE_LIMITS, area, side="right"))
        energy = energy_inside(photo_map, mask)
        self._energy[size] += (round(energy * _SHARE_UNIT), round(area * _SHARE_UNIT), 1)

    def merge(self, other: LocalisationMeter) -> None:
        """Add what another meter has seen, for example in another process.

        Raises:
            ConfigError: the other one has another number of categories.
        """
        self.restore(other.state())

    def state(self) -> MeterState:
        """What has been seen so far."""
        return {
            "hits": self._hits.tolist(),
            "played": self._played.tolist(),
            "energy": self._energy.tolist(),
            "skipped": self._skipped,
        }

    def restore(self, state: MeterState) -> None:
        """Add the ``state`` of another meter.

        Raises:
            ConfigError: that meter has another number of categories.
        """
        hits = np.asarray(state["hits"], dtype=np.int64)
        if hits.shape != self._hits.shape:
            raise ConfigError(
                f"Results for {hits.shape[-1]} categories cannot be added to those for "
                f"{self._hits.shape[-1]}."
            )
        self._hits += hits
        self._played += np.asarray(state["played"], dtype=np.int64)
        self._energy += np.asarray(state["energy"], dtype=np.int64)
        self._skipped += state["skipped"]

    def report(self) -> LocalisationReport:
        """The results so far."""
        return LocalisationReport(
            pointing=self._games(_POINTERS.index("map")),
            centre=self._games(_POINTERS.index("centre")),
            energy={
                "all": _energy_result(self._energy.sum(axis=0)),
                **{size: _energy_result(self._energy[i]) for i, size in enumerate(_SIZES)},
            },
            skipped=self._skipped,
        )

    def _games(self, pointer: int) -> dict[str, GameResult]:
        results = {}
        for number, frame in enumerate(_FRAMES):
            for s, subset in enumerate(_SUBSETS):
                shares = ratio(self._hits[pointer, number, s], self._played[s], np.nan)
                results[f"{frame}, {subset}"] = GameResult(
                    accuracy=defined_mean(shares),
                    by_category=tuple(shares.tolist()),
                    pairs=int(self._played[s].sum()),
                )
        return results


def _energy_result(sums: NDArray[np.int64]) -> EnergyResult:
    energy, area = ratio(sums[:2], sums[2:], np.nan) / _SHARE_UNIT
    return EnergyResult(float(energy), float(area), int(sums[2]))
