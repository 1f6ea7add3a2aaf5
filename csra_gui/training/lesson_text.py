"""What came of a lesson, in words and as a table; plain values, no Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.teach.values import TaughtCategory, TeachProgress, TeachReport
from engine.texts import display_text

_STAGES = {"looking": "Looking at the photos", "learning": "Learning", "saving": "Saving"}


@dataclass(frozen=True, slots=True)
class LabelChange:
    """What another model says of a photo that the one in use does not.

    Attributes:
        row: of the photo table.
        gained: categories.
        lost: categories.
    """

    row: int
    gained: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def text(self) -> str:
        """For people: "+ cat, − dog"."""
        parts = [f"+ {display_text(name)}" for name in self.gained]
        parts += [f"− {display_text(name)}" for name in self.lost]
        return ", ".join(parts)


def progress_text(progress: TeachProgress) -> str:
    """How far it is."""
    return f"{_STAGES[progress.stage]}: {progress.done:,} of {progress.total:,}"


def summary(report: TeachReport) -> str:
    """Before and after on photos kept apart, in one sentence or two."""
    judged = sum(category.judged for category in report.categories)
    if not judged:
        return (
            "There are too few corrections to keep some apart and judge by them. Look at what "
            "changes below."
        )
    after = sum(category.right_after for category in report.categories)
    text = f"Of {judged:,} labels kept apart, {after:,} are right after learning from the others"
    befores = [category.right_before for category in report.categories]
    if all(before is not None for before in befores):
        before = sum(before for before in befores if before is not None)
        text += f"; {before:,} were right before"
    return f"{text}. The new model has learned from all of them."


def table_rows(categories: Sequence[TaughtCategory]) -> list[tuple[str, ...]]:
    """Label, yes, no, right before, right after; those that changed most first."""
    ranked = sorted(categories, key=lambda c: -abs(c.right_after - (c.right_before or 0)))
    return [
        (
            display_text(category.name),
            f"{category.positives:,}",
            f"{category.negatives:,}",
            _share(category.right_before, category.judged),
            _share(category.right_after, category.judged),
        )
        for category in ranked
    ]


def label_changes(
    rows: Sequence[int],
    old: NDArray[np.bool_],
    new: NDArray[np.bool_],
    names: tuple[Sequence[str], Sequence[str]],
    decided: Mapping[int, Mapping[str, object]],
) -> tuple[LabelChange, ...]:
    """Where two models differ in labels that the person has not decided on.

    Args:
        rows: N of the photo table.
        old: (N, C) which labels the old model gives.
        new: (N, C or more) which labels the new one gives; its first C categories are the old's.
        names: the categories of each.
        decided: what was said of each row's labels.
    """
    before, after = names
    known = np.zeros_like(new)
    known[:, : len(before)] = old
    found = []
    for place in np.flatnonzero((known != new).any(axis=1)):
        row = int(rows[place])
        said = decided.get(row, {})
        changed = [
            (after[int(column)], bool(new[place, column]))
            for column in np.flatnonzero(known[place] != new[place])
            if after[int(column)] not in said
        ]
        if changed:
            gained = tuple(name for name, is_new in changed if is_new)
            lost = tuple(name for name, is_new in changed if not is_new)
            found.append(LabelChange(row, gained, lost))
    return tuple(found)


def _share(right: int | None, judged: int) -> str:
    if right is None:
        return "not known"
    return f"{right:,} of {judged:,}" if judged else "–"
