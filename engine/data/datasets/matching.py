"""Which row of saved scores belongs to which labelled image: by name, however it is spelled."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import DataError
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.reading import listed
from engine.data.datasets.score_files import SavedScores
from engine.data.kinds import IMAGE_SUFFIXES
from engine.texts import display_text

_NUMBER = re.compile(r"0*(\d+)")
_COCO_FILE = re.compile(r"COCO_[a-z]+20\d\d_(\d{12})")


@dataclass(frozen=True, eq=False)
class Matched:
    """Rows that belong together, in the order of the labels.

    Attributes:
        scores: (M,) rows of the scores.
        truth: (M,) rows of the labels.
        how: by what they were matched, for people.
        notes: what the person should know, one sentence each.
    """

    scores: NDArray[np.intp]
    truth: NDArray[np.intp]
    how: str
    notes: tuple[str, ...]


def in_order(
    found: SavedScores, truth: LabelledImages, known: Sequence[str], *, asked: bool
) -> Matched:
    """Row by row.

    Args:
        found: the scores.
        truth: the labels.
        known: the labels' names of the images; empty if they have none.
        asked: whether the person said so; without names in the file there is no other way.

    Raises:
        DataError: they are not as many, names contradict, or nobody said so.
    """
    if not asked:
        who = "The labels do" if found.names else f"{found.source} does"
        raise DataError(
            f"{who} not name the images, so which row is which cannot be told. Save their names "
            "too, or, if the rows are in the order of the labels, say so."
        ).with_options("--in-order")
    rows, images = len(found.values), len(truth)
    if rows != images:
        raise DataError(
            f"{found.source} has {rows:,} rows and the labels {images:,} images; in order they can "
            "only be taken if they are as many. Save the images' names with the scores."
        )
    for row, name in enumerate(found.names if known else ()):
        if not _keys_of(name) & _keys_of(truth.ids[row], str(truth.paths[row])):
            raise DataError(
                f"Row {row + 1} of {found.source} is {display_text(name)}, but that of the labels "
                f"is {display_text(truth.ids[row])}: they are not in the same order. They can "
                "be matched by name instead."
            ).with_options("without --in-order")
    every = np.arange(rows)
    return Matched(every, every, "by order, as asked", ())


def matched(found: SavedScores, truth: LabelledImages, *, allow_missing: bool) -> Matched:
    """By name: the strictest way to compare names that finds the most images.

    Args:
        found: the scores, with names.
        truth: the labels.
        allow_missing: leave out labelled images without scores.

    Raises:
        DataError: no name is known, or labelled images have no scores and may not be left out.
    """
    best: tuple[dict[int, int], str] = ({}, "")
    for how, key in _WAYS:
        pairs = _pairs(found.names, truth, key)
        if len(pairs) > len(best[0]):
            best = pairs, how
        if len(pairs) == len(truth):
            break
    pairs, how = best
    if not pairs:
        raise DataError(
            f"None of the {len(found.names):,} images of {found.source} (such as "
            f"{display_text(found.names[0])}) is one of the {len(truth):,} labelled ones (such as "
            f"{display_text(truth.ids[0])}). Save them under the names of the labels."
        )
    missing = [truth.ids[row] for row in range(len(truth)) if row not in pairs]
    if missing and not allow_missing:
        raise DataError(
            f"{len(missing):,} of the {len(truth):,} labelled images have no scores in "
            f"{found.source}: {listed(missing[:3], len(missing))}. Score them too, or leave them "
            "out."
        ).with_options("--allow-missing")
    rows = np.array(sorted(pairs), dtype=np.intp)
    scores = np.array([pairs[row] for row in rows.tolist()], dtype=np.intp)
    return Matched(scores, rows, how, tuple(_notes(found, truth, scores, missing, how)))


def _notes(
    found: SavedScores,
    truth: LabelledImages,
    scores: NDArray[np.intp],
    missing: Sequence[str],
    how: str,
) -> list[str]:
    notes = []
    if (np.diff(scores) < 0).any():
        notes.append(f"The scores are in another order than the labels; matched {how}.")
    if missing:
        names = listed(missing[:3], len(missing))
        notes.append(
            f"{len(missing):,} of the {len(truth):,} labelled images have no scores and are left "
            f"out: {names}."
        )
    used = set(scores.tolist())
    if more := [name for row, name in enumerate(found.names) if row not in used]:
        names = listed(more[:3], len(more))
        notes.append(f"{len(more):,} rows of scores have no labels and are left out: {names}.")
    return notes


def _pairs(
    names: Sequence[str], truth: LabelledImages, key: Callable[[str], str]
) -> dict[int, int]:
    """Row of the labels → row of the scores, where exactly one of each has the same key."""
    keys = [key(name) for name in names]
    counts = Counter(keys)
    rows = {one: row for row, one in enumerate(keys) if counts[one] == 1}
    best: dict[int, int] = {}
    for spellings in (truth.ids, tuple(str(path) for path in truth.paths)):
        wanted = [key(name) for name in spellings]
        often = Counter(wanted)
        found = {
            row: rows[one] for row, one in enumerate(wanted) if often[one] == 1 and one in rows
        }
        best = max(best, found, key=len)
    return best


def _keys_of(*names: str) -> set[str]:
    return {key(name) for name in names for _, key in _WAYS}


def _whole(name: str) -> str:
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def _end(count: int) -> Callable[[str], str]:
    return lambda name: "/".join(_whole(name).split("/")[-count:])


def _stem(name: str) -> str:
    path = PurePosixPath(_end(1)(name))
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name


def _number(name: str) -> str:
    stem = _stem(name)
    if official := _COCO_FILE.fullmatch(stem):
        stem = official[1]
    found = _NUMBER.fullmatch(stem)
    return found[1] if found else stem


_WAYS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("by name", lambda name: name),
    ("by path", _whole),
    ("by the ends of paths (three parts)", _end(3)),
    ("by the ends of paths (two parts)", _end(2)),
    ("by file name", _end(1)),
    ("by file name without its ending", _stem),
    ("by number", _number),
)
