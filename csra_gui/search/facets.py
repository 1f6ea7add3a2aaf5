"""How many of the photos shown have what: counts to click on, worked out in a worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from engine.library.columns import VERDICT_CODES, BoolArray, IntArray
from engine.library.filters.completion import quoted
from engine.library.filters.evaluation import UNCERTAIN_WITHIN, LibraryView
from engine.library.values import Verdict

MAX_FOLDERS = 200
MAX_LABELS = 1000
#: Photos whose scores are looked at together: small enough for a processor's cache.
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Facet:
    """Something that photos can be asked for.

    Attributes:
        term: of a filter.
        caption: for a person.
        count: how many of the photos shown fit.
    """

    term: str
    caption: str
    count: int


@dataclass(frozen=True, slots=True)
class FacetGroup:
    """Facets of one kind, under a heading."""

    caption: str
    facets: tuple[Facet, ...]


def facet_groups(view: LibraryView, rows: IntArray) -> tuple[FacetGroup, ...]:
    """All counts; what no photo has is left out.

    Args:
        view: of the whole table.
        rows: of the photos that are shown.
    """
    rows = rows[rows < len(view.columns)]
    groups = (
        FacetGroup("Labels", tuple(_labels(view, rows))),
        FacetGroup("Review", tuple(_review(view, rows))),
        FacetGroup("Tagging", tuple(_tagging(view, rows))),
        FacetGroup("Folders", tuple(_folders(view, rows))),
    )
    return tuple(group for group in groups if group.facets)


def _labels(view: LibraryView, rows: IntArray) -> Iterator[Facet]:
    counts = np.count_nonzero(view.labels[rows], axis=0)
    ranked = np.argsort(-counts, kind="stable")[:MAX_LABELS]
    for place in ranked.tolist():
        if counts[place]:
            name = view.columns.categories[place]
            yield Facet(quoted(name), name, int(counts[place]))


def _review(view: LibraryView, rows: IntArray) -> Iterator[Facet]:
    columns = view.columns
    reviewed = columns.reviewed[rows]
    yield from _counted("reviewed:no", "Not reviewed", ~reviewed)
    yield from _counted("reviewed:yes", "Reviewed", reviewed)
    verdicts = columns.verdicts[rows]
    rejected = VERDICT_CODES[Verdict.REJECTED]
    said = ((verdicts > 0) & (verdicts != rejected)).any(axis=1)
    yield from _counted("source:person", "With labels of yours", said)
    yield from _counted("rejected:*", "With rejected labels", (verdicts == rejected).any(axis=1))


def _tagging(view: LibraryView, rows: IntArray) -> Iterator[Facet]:
    columns = view.columns
    yield from _counted("tagged:no", "Not tagged yet", view.waiting[rows])
    yield from _counted("tags:=0", "Without labels", view.unlabelled[rows])
    yield from _counted("uncertain:*", "With uncertain labels", _uncertain(view, rows))
    yield from _counted("error:yes", "Unreadable", columns.failed[rows])


def _uncertain(view: LibraryView, rows: IntArray) -> BoolArray:
    """What ``uncertain:*`` finds, all categories at once and a block of photos at a time."""
    columns, width = view.columns, view.columns.model_categories
    found = np.zeros(len(rows), dtype=bool)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        distance = columns.scores[block].astype(np.float32)
        distance -= view.thresholds
        near = np.abs(distance, out=distance) < UNCERTAIN_WITHIN
        near &= columns.verdicts[block, :width] == 0
        found[start : start + _BLOCK] = near.any(axis=1)
    return found


def _folders(view: LibraryView, rows: IntArray) -> Iterator[Facet]:
    folders = view.columns.folders
    if len(folders) < 2:
        return
    counts = np.bincount(view.columns.folder_of[rows], minlength=len(folders))
    for place in np.argsort(-counts, kind="stable")[:MAX_FOLDERS].tolist():
        if counts[place]:
            path = PurePath(folders[place])
            caption = "/".join(path.parts[-2:]).lstrip("/")
            yield Facet(f"folder:{quoted(folders[place])}", caption, int(counts[place]))


def _counted(term: str, caption: str, fits: BoolArray) -> Iterator[Facet]:
    count = int(np.count_nonzero(fits))
    if count:
        yield Facet(term, caption, count)
