"""What the person said of photos, as something to learn from; plain values, no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.api.teaching import TeachRequest
from engine.api.training import LabelSource
from engine.library.columns import VERDICT_CODES, Columns
from engine.library.values import Verdict

_POSITIVE = (VERDICT_CODES[Verdict.ACCEPTED], VERDICT_CODES[Verdict.ADDED])
_NAME = "my labels"


@dataclass(frozen=True, eq=False)
class OwnLabels:
    """All photos of which something was said.

    Accepted and added labels are there, rejected ones are certainly not, and nothing is known of
    all others.

    Attributes:
        categories: the model's, then others that were said of photos.
        model_categories: how many are the model's.
        rows: (N,) of the photo table.
        targets: (N, K) bool.
        known: (N, K) bool.
    """

    categories: tuple[str, ...]
    model_categories: int
    rows: NDArray[np.intp]
    targets: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @property
    def yes(self) -> int:
        """How many labels are certainly there."""
        return int((self.targets & self.known).sum())

    @property
    def no(self) -> int:
        """How many certainly not."""
        return int((~self.targets & self.known).sum())

    def of_model(self) -> OwnLabels:
        """Only what is said of categories that the model knows."""
        known = self.known[:, : self.model_categories]
        rows = known.any(axis=1)
        return OwnLabels(
            self.categories[: self.model_categories],
            self.model_categories,
            self.rows[rows],
            self.targets[rows, : self.model_categories],
            known[rows],
        )

    def source(self, paths: Sequence[Path]) -> LabelSource:
        """As data for a training of its own.

        Args:
            paths: of the photo table.

        Raises:
            DataError: no label is certainly there.
        """
        used = np.flatnonzero((self.targets & self.known).any(axis=0))
        if not used.size:
            raise DataError("Accept or add some labels first; a model learns from them.")
        rows = self.known[:, used].any(axis=1)
        targets = self.targets[np.ix_(rows, used)]
        known = self.known[np.ix_(rows, used)]
        return LabelSource(
            name=_NAME,
            categories=Categories(tuple(self.categories[int(place)] for place in used)),
            paths=tuple(paths[int(row)] for row in self.rows[rows]),
            targets=targets & known,
            ignored=~known,
        )

    def teaching(self, source: str, name: str, file: Path, paths: Sequence[Path]) -> TeachRequest:
        """As corrections of the model's own categories.

        Args:
            source: name or file of the model.
            name: of the new one.
            file: of the new one.
            paths: of the photo table.
        """
        return TeachRequest(
            source=source,
            name=name,
            file=file,
            categories=Categories(self.categories),
            paths=tuple(paths[int(row)] for row in self.rows),
            targets=self.targets & self.known,
            known=self.known,
        )


def own_labels(columns: Columns) -> OwnLabels:
    """Everything that was said of the open photos that can be read."""
    verdicts = columns.verdicts
    rows = np.flatnonzero(verdicts.any(axis=1) & ~columns.failed)
    said = verdicts[rows]
    return OwnLabels(
        tuple(columns.categories),
        columns.model_categories,
        rows,
        np.isin(said, _POSITIVE),
        said != 0,
    )


def new_category_request(
    model_categories: Sequence[str],
    name: str,
    showing: Sequence[Path],
    others: Sequence[Path],
) -> tuple[Categories, tuple[Path, ...], NDArray[np.bool_], NDArray[np.bool_]]:
    """Categories, photos, targets and what is known, for teaching one new category."""
    categories = Categories((*model_categories, name))
    paths = (*showing, *others)
    targets = np.zeros((len(paths), len(categories)), dtype=np.bool_)
    targets[: len(showing), -1] = True
    known = np.zeros_like(targets)
    known[:, -1] = True
    return categories, paths, targets, known
