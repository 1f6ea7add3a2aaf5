"""What came of a teaching, in words and as a table; plain values, no Qt."""

from __future__ import annotations

from collections.abc import Sequence

from csra_gui.widgets.table import Cell
from engine.api.teaching import TaughtCategory, TeachProgress, TeachReport
from engine.texts import display_text

_STAGES = {
    "looking": "Looking at the photos",
    "learning": "Learning from most of them, to see what it brings",
    "learning from all": "Learning from all of them",
    "saving": "Saving",
}


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
    if any(before is None for before in befores):
        return f"{text}. The new model has learned from all of them."
    before = sum(before for before in befores if before is not None)
    text += f"; {before:,} were right before. The new model has learned from all of them."
    if after <= before:
        text += (
            " These corrections brought nothing for other photos. More of them help, of what is "
            "right as well as of what is wrong."
        )
    return text


def table_rows(categories: Sequence[TaughtCategory]) -> list[tuple[Cell, ...]]:
    """Label, yes, no, right before, right after; those that changed most first."""
    ranked = sorted(categories, key=lambda c: -abs(c.right_after - (c.right_before or 0)))
    return [
        (
            Cell(display_text(category.name)),
            Cell(f"{category.positives:,}", category.positives),
            Cell(f"{category.negatives:,}", category.negatives),
            Cell(_share(category.right_before, category.judged), category.right_before),
            Cell(_share(category.right_after, category.judged), category.right_after),
        )
        for category in ranked
    ]


def _share(right: int | None, judged: int) -> str:
    if right is None:
        return "not known"
    return f"{right:,} of {judged:,}" if judged else "–"
