"""Which photos a filter wants, and in which order: arithmetic on columns, for a worker."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from engine.api.values import FloatArray
from engine.library.columns import VERDICT_CODES, IntArray
from engine.library.filters.counting import blocks, found, nearest
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.tree import (
    Everything,
    FilterError,
    Node,
    WordInNames,
    asks_the_camera,
)
from engine.library.ratings import COLORS
from engine.library.values import Verdict
from engine.texts import fold

FOUND = "found"
NAME = "name"
FOLDER = "folder"
#: By when a photo was taken; by the file's time where no camera says it.
DATE = "date"
#: By the file's time.
CHANGED = "changed"
CAMERA = "camera"
UNCERTAINTY = "uncertainty"
MISTAKES = "mistakes"
#: By how many labels a photo has.
LABELS = "labels"
REVIEWED = "reviewed"
RATING = "rating"
COLOR = "color"
TITLE = "title"
#: In front of a category's name.
SCORE = "score:"

#: What an order's name does not say, for a tool tip.
HINTS = {DATE: "The file's date, where the camera did not say when."}

_DIGITS = re.compile(r"([0-9]+)")
#: So many are no number, but text.
_MANY_DIGITS = 100
#: How names are compared first: so many bytes of them.
_BEGINNING = np.dtype("S48")
#: How much a doubtful label counts beside one that model and person disagree on.
_OWN_SCORE_WEIGHT = 0.5


@dataclass(frozen=True)
class Order:
    """What is wanted.

    Attributes:
        node: the filter.
        sort_key: ``FOUND``, ``NAME``, ``FOLDER``, ``DATE``, ``CHANGED``, ``CAMERA``,
            ``UNCERTAINTY``, ``MISTAKES``, ``LABELS``, ``REVIEWED``, ``RATING``, ``COLOR``,
            ``TITLE``, or ``SCORE`` and a category.
        descending: the greatest first: the latest, surest, most doubtful.
        fixed: only these rows, in this order unless another is asked for.
    """

    node: Node = field(default_factory=Everything)
    sort_key: str = FOUND
    descending: bool = False
    fixed: IntArray | None = None

    @property
    def is_plain(self) -> bool:
        """Whether all photos are wanted as they were found."""
        everything = isinstance(self.node, Everything)
        return everything and self.sort_key == FOUND and not self.descending and self.fixed is None

    @property
    def asks_the_camera(self) -> bool:
        """Whether it goes by what cameras wrote into files."""
        return self.sort_key in (DATE, CAMERA) or asks_the_camera(self.node)


def rows_in_order(view: LibraryView, order: Order) -> IntArray:
    """The rows that are wanted, in order; what cannot be ranked comes last, either way.

    Raises:
        FilterError: the filter asks for a category that there is not.
    """
    count = len(view.columns)
    rows = np.arange(count) if order.fixed is None else order.fixed[order.fixed < count]
    if not isinstance(order.node, Everything):
        rows = rows[view.rows(order.node)[rows]]
    alike = view.likeness.best(order.node) if order.sort_key == FOUND else None
    if alike is not None:  # the most alike first
        keys = -alike.astype(np.float64)[rows]
    elif order.sort_key == FOUND:
        return rows[::-1] if order.descending else rows
    else:
        keys = _keys(view, order.sort_key)[rows]
    known = ~np.isnan(keys)
    ranked, rest = rows[known], rows[~known]
    keys = -keys[known] if order.descending else keys[known]
    return np.concatenate([ranked[np.argsort(keys, kind="stable")], rest])


@dataclass(frozen=True, eq=False)
class Found:
    """What came of an order.

    Attributes:
        rows: that are wanted, in order.
        words: of the filter that are no labels: they were looked for in the files' names.
        error: why the filter does not hold, and the one before it does.
        alike: (N,) how much each photo is alike to what the filter names; NaN where that is not
            known. ``None``: it names none.
    """

    rows: IntArray
    words: tuple[WordInNames, ...] = ()
    error: FilterError | None = None
    alike: FloatArray | None = None


def found_rows(view: LibraryView, order: Order, before: Node) -> Found:
    """What an order wants, or the same order of what the filter before wanted.

    Args:
        view: of all photos.
        order: wanted; its filter may ask for a label that there is not.
        before: the last filter that did not, or nothing more is left out.
    """
    try:
        return _found(view, order)
    except FilterError as error:
        wrong = error
    try:
        return replace(_found(view, replace(order, node=before)), words=(), error=wrong)
    except FilterError:
        return Found(rows_in_order(view, replace(order, node=Everything())), error=wrong)


def _found(view: LibraryView, order: Order) -> Found:
    rows, words = rows_in_order(view, order), view.words_in_names(order.node)
    return Found(rows, words, alike=view.likeness.best(order.node))


def _keys(view: LibraryView, sort_key: str) -> NDArray[np.float64]:
    """(N,): what photos are sorted by; NaN where it is not known."""
    if sort_key.startswith(SCORE):
        return _score(view, sort_key.removeprefix(SCORE))
    keys: dict[str, Callable[[LibraryView], NDArray[np.float64]]] = {
        NAME: _name_ranks,
        FOLDER: _folder_ranks,
        DATE: lambda view: view.columns.dates_ns.astype(np.float64),
        CHANGED: lambda view: view.columns.mtimes_ns.astype(np.float64),
        CAMERA: _camera_ranks,
        UNCERTAINTY: _uncertainty,
        MISTAKES: _suspicion,
        LABELS: lambda view: view.counts.astype(np.float64),
        REVIEWED: lambda view: view.columns.reviewed.astype(np.float64),
        RATING: lambda view: view.columns.ratings.astype(np.float64),
        COLOR: _color_ranks,
        TITLE: _title_ranks,
    }
    if sort_key not in keys:
        raise ValueError(f"Photos cannot be sorted by {sort_key!r}.")
    return keys[sort_key](view)


def _score(view: LibraryView, category: str) -> NDArray[np.float64]:
    columns = view.columns
    names = columns.categories[: columns.model_categories]
    meant = columns.label_names.find(category, names)
    if meant is None:
        return np.full(len(columns), np.nan)
    return columns.scores[:, names.index(meant)].astype(np.float64)


def _name_ranks(view: LibraryView) -> NDArray[np.float64]:
    """Natural order: "2" before "10", upper and lower case alike."""
    names = view.columns.folded_names
    ranks = np.empty(len(names))
    ranks[natural_order(names)] = np.arange(len(names))
    return ranks


def _folder_ranks(view: LibraryView) -> NDArray[np.float64]:
    """Paths part by part, so that a folder comes right before those inside it."""
    paths = [fold(folder) for folder in view.columns.folders]
    keys = [[natural_key(part) for part in PurePath(path).parts] for path in paths]
    ranks = np.empty(len(paths))
    ranks[sorted(range(len(paths)), key=keys.__getitem__)] = np.arange(len(paths))
    return ranks[view.columns.folder_of]


def _camera_ranks(view: LibraryView) -> NDArray[np.float64]:
    """By name; the first one, which is none, is not known."""
    columns = view.columns
    if not len(columns.camera_of):
        return np.full(len(columns), np.nan)
    keys = [natural_key(fold(name)) for name in columns.cameras]
    ranks = np.empty(len(keys))
    ranks[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    ranks[0] = np.nan
    found: NDArray[np.float64] = ranks[columns.camera_of]
    return found


def _color_ranks(view: LibraryView) -> NDArray[np.float64]:
    """The five colours in their order, then other programs' words; what has none comes last."""
    columns = view.columns
    known = [str(COLORS.index(text)) if text in COLORS else f"~{text}" for text in columns.colors]
    order = sorted(set(known))
    ranks = np.array([order.index(key) for key in known], dtype=np.float64)
    ranks[0] = np.nan
    keys: NDArray[np.float64] = ranks[columns.color_of]
    return keys


def _title_ranks(view: LibraryView) -> NDArray[np.float64]:
    titles = view.columns.titles
    keys = np.full(len(view.columns), np.nan)
    rows = sorted(titles, key=lambda row: natural_key(fold(titles[row])))
    keys[rows] = np.arange(len(rows))
    return keys


def natural_order(names: Sequence[str]) -> IntArray:
    """(N,): places of folded names in the order of ``natural_key``; equal ones as they come.

    Python's own sorting of a million names would hold up the window, however far from it. What
    sorts here lets others go on; only names that begin alike for long are left to Python.
    """
    keys = np.fromiter((_natural_bytes(name) for name in names), _BEGINNING, len(names))
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    is_long = np.strings.str_len(sorted_keys) == _BEGINNING.itemsize
    for first, end in _runs(is_long & _like_a_neighbour(sorted_keys), sorted_keys):
        alike = order[first:end].tolist()
        order[first:end] = sorted(alike, key=lambda i: natural_key(names[i]))
    return order


def _like_a_neighbour(keys: NDArray[np.bytes_]) -> NDArray[np.bool_]:
    found = np.zeros(len(keys), dtype=np.bool_)
    same = keys[1:] == keys[:-1]
    found[1:] |= same
    found[:-1] |= same
    return found


def _runs(wanted: NDArray[np.bool_], keys: NDArray[np.bytes_]) -> Iterator[tuple[int, int]]:
    """Half-open ranges of equal keys, of those that are wanted."""
    places = np.flatnonzero(wanted)
    if not len(places):
        return
    is_first = np.ones(len(places), dtype=np.bool_)
    is_first[1:] = keys[places[1:]] != keys[places[:-1]]
    starts = np.flatnonzero(is_first)
    for start, stop in zip(starts, [*starts[1:], len(places)], strict=True):
        yield int(places[start]), int(places[stop - 1]) + 1


def _natural_bytes(name: str) -> bytes:
    """Bytes that compare as ``natural_key`` does."""
    return _DIGITS.sub(_number, name).encode("utf-8", "surrogatepass")


def _number(digits: re.Match[str]) -> str:
    """A number before all texts, the one of fewer digits first."""
    number = digits[0].lstrip("0")
    return f"\1{chr(2 + len(number))}{number}" if len(digits[0]) < _MANY_DIGITS else digits[0]


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """A folded name for sorting, numbers in it by their value."""
    pieces = _DIGITS.split(name)
    return [
        (0, int(piece)) if place % 2 and len(piece) < _MANY_DIGITS else (1, piece)
        for place, piece in enumerate(pieces)
        if piece
    ]


def _uncertainty(view: LibraryView) -> NDArray[np.float64]:
    """How near the nearest score is to its threshold, of labels nobody has decided on: 1 at it."""
    near = 1.0 - nearest(view.columns, view.thresholds).astype(np.float64)
    return np.where(view.columns.tagged, near, np.nan)


def _suspicion(view: LibraryView) -> NDArray[np.float64]:
    """How much speaks for a mistake in the labels that count, 0 to 1.

    A decision that the model contradicts counts by how sure the model is of the contrary; a label
    that nobody has decided on by how unsure the model is of it, and half as much.
    """
    columns = view.columns
    known = columns.model_categories
    keys = np.full(len(columns), np.nan)
    if not known:
        return keys
    suspicion = np.zeros(len(columns))
    for part in blocks(len(columns)):
        rows, places = found(view.labels[part, :known])
        rows += part.start
        undecided = columns.verdicts[rows, places] == 0
        rows, places = rows[undecided], places[undecided]
        scores = columns.scores[rows, places].astype(np.float32)
        np.maximum.at(suspicion, rows, (1.0 - scores) * _OWN_SCORE_WEIGHT)
    rows, places = columns.decided
    rows, places = rows[places < known], places[places < known]
    rejected = columns.verdicts[rows, places] == VERDICT_CODES[Verdict.REJECTED]
    scores = columns.scores[rows, places].astype(np.float32)
    np.maximum.at(suspicion, rows, np.where(rejected, scores, 1.0 - scores))
    keys[columns.tagged] = suspicion[columns.tagged]
    return keys
