"""The scores and labels of a run, written so that any program, and ``score``, reads them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from engine.api.errors import DataError
from engine.records.evaluations import IGNORED_AS, EvaluationRun
from engine.records.litter import noted_path, write_noted
from engine.texts import display_name, display_path, reason_text

_BY_KIND = {"wider": "unspecified", "voc": "difficult"}


def write_scores(run: EvaluationRun, path: Path) -> None:
    """Write logits (the sigmoid of which is the score) of every image and category.

    Args:
        run: any.
        path: ``.npz`` for arrays ``logits``, ``targets``, ``ignored`` (N, C), ``ids``,
            ``categories`` and ``ignored_as``; ``.csv`` for a column ``id`` and one of logits per
            category, to the bit.

    Raises:
        DataError: it cannot be written, or has another ending.
    """
    try:
        if path.suffix.lower() == ".npz":
            with noted_path(path) as temporary, temporary.open("wb") as stream:
                np.savez_compressed(
                    stream,
                    logits=run.logits,
                    targets=run.targets,
                    ignored=run.ignored,
                    ids=np.array(run.ids, dtype=np.str_),
                    categories=np.array(list(run.categories), dtype=np.str_),
                    ignored_as=np.array(_ignored_as(run), dtype=np.str_),
                )
        elif path.suffix.lower() == ".csv":
            write_noted(path, _csv(run).encode())
        else:
            raise DataError(f"{display_name(path)} ends neither in .npz nor in .csv; choose one.")
    except OSError as error:
        raise DataError(
            f"{display_path(path)} could not be written: {reason_text(error)}."
        ) from error


def _ignored_as(run: EvaluationRun) -> str:
    """What the data set said of its ignored entries; runs of before have its kind alone."""
    kind = run.dataset.get("kind", "")
    by_kind = next((said for start, said in _BY_KIND.items() if kind.startswith(start)), "")
    return run.dataset.get(IGNORED_AS, by_kind)


def _csv(run: EvaluationRun) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id", *run.categories))
    # As float64, so that what is read is the very number and not one that prints alike.
    for name, row in zip(run.ids, run.logits.astype(np.float64).tolist(), strict=True):
        writer.writerow((name, *map(repr, row)))
    return text.getvalue()
