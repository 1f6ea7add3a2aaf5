"""What a person said of labels, as the truth that a model is measured by."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.api.values import ModelInfo
from engine.library.columns import VERDICT_CODES, Columns
from engine.library.values import Verdict
from engine.records.evaluations import EvaluationRun, EvaluationStore, now

KIND = "decisions"
_NOBODY_ASKED = (
    "Only labels that you accepted, rejected or added count; on all others nobody can say. You "
    "mostly decide on labels that the model gave, so it looks better here than on images that "
    "were labelled without it."
)
_HALF_PRECISION = "Scores are kept in half precision; very high ones are alike."


def decided_run(columns: Columns, model: ModelInfo) -> tuple[EvaluationRun, Path]:
    """The model's stored scores beside the person's decisions, and the folder that ids begin at.

    Args:
        columns: of the photos, with the scores of this model.
        model: whose scores they are.

    Raises:
        DataError: there is no decision on a photo that has scores.
    """
    num_known = columns.model_categories
    verdicts = columns.verdicts[:, :num_known]
    tagged = np.zeros(len(columns), dtype=bool) if not num_known else columns.tagged
    rows = np.flatnonzero(tagged & verdicts.any(axis=1))
    places = np.flatnonzero(verdicts[rows].any(axis=0))
    if not len(rows):
        raise DataError(
            "You have not accepted, rejected or added a label of a photo that is tagged yet. Do "
            "so with some photos; then the model can be measured by what you said."
        )
    said = verdicts[np.ix_(rows, places)]
    targets = (said == VERDICT_CODES[Verdict.ACCEPTED]) | (said == VERDICT_CODES[Verdict.ADDED])
    root, ids = _names(columns, rows)
    names = tuple(columns.categories[place] for place in places.tolist())
    run = EvaluationRun(
        model={"name": model.name, "id": model.id, "backbone": model.backbone},
        dataset={"name": f"My decisions, {len(rows):,} photos", "kind": KIND, "split": "all"},
        settings={},
        date=now(),
        categories=Categories(names),
        ids=ids,
        logits=_logits(columns.scores[np.ix_(rows, places)]),
        targets=targets,
        ignored=said == 0,
        problems=(_NOBODY_ASKED, _HALF_PRECISION),
    )
    return run, root


def keep_decided_run(columns: Columns, model: ModelInfo) -> str:
    """Make the run and keep it; its id.

    Raises:
        DataError: there is nothing to measure, or it cannot be written.
    """
    run, root = decided_run(columns, model)
    return EvaluationStore().save(run, root).name


def _names(columns: Columns, rows: NDArray[np.intp]) -> tuple[Path, tuple[str, ...]]:
    folders = [columns.folders[int(place)] for place in columns.folder_of[rows]]
    root = os.path.commonpath(folders) if _share_a_root(folders) else ""
    paths = [
        os.path.join(folder, columns.names[int(row)])  # noqa: PTH118  # texts, a hundred thousand
        for folder, row in zip(folders, rows, strict=True)
    ]
    return Path(root), tuple(os.path.relpath(path, root) if root else path for path in paths)


def _share_a_root(folders: list[str]) -> bool:
    return len({Path(folder).anchor for folder in folders}) == 1


def _logits(scores: NDArray[np.float16]) -> NDArray[np.float32]:
    # Half floats next to 0 and 1 would become infinite.
    values = np.clip(scores.astype(np.float64), 2.0**-24, 1.0 - 2.0**-11)
    return (np.log(values) - np.log1p(-values)).astype(np.float32)
