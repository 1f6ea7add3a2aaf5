"""Which images are alike, by their descriptors: the nearest ones of some, and near-duplicates."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.values import FloatArray
from engine.library.columns import IntArray
from engine.library.descriptors import BLOCK, DescriptorPage
from engine.library.store import Library

#: Images alike to this degree are "similar", and those so much alike are one picture twice:
#: measured in docs/adr/0022.
SIMILAR_FROM = 0.4
DUPLICATES_FROM = 0.9
#: Descriptors that are read at a time: 4 MB.
PAGE = 8_192
#: So much is kept between two questions: of 131,072 images. What is more is read each time.
KEPT_BYTES = 64 * 2**20
#: So many images that share a neighbourhood are compared each with each.
_NEIGHBOURHOOD = 500
#: Each image is in so many of them, so that two that are alike are together in one.
_SHARED = 3
_AT_ONCE = 2048


@dataclass(frozen=True, eq=False)
class Similarities:
    """How much images are alike to what was asked for.

    Attributes:
        image_ids: (M,) int64, rising: those that have a descriptor.
        values: (M,) float32, cosines in [-1, 1].
    """

    image_ids: IntArray
    values: FloatArray

    def of(self, image_ids: IntArray) -> FloatArray:
        """(N,) of images; NaN where it is not known."""
        found = np.full(len(image_ids), np.nan, dtype=np.float32)
        if len(self.image_ids):
            places = np.searchsorted(self.image_ids, image_ids)
            places = np.minimum(places, len(self.image_ids) - 1)
            known = self.image_ids[places] == image_ids
            found[known] = self.values[places[known]]
        return found


class DescriptorIndex:
    """The descriptors of one kind in a library; usable from several threads, which it blocks.

    What was read is kept for the next question, as far as it is not too much.

    Args:
        library: has them.
        kind: of descriptors.
        kept_bytes: how much of them stays in memory.
    """

    def __init__(self, library: Library, kind: str, kept_bytes: int = KEPT_BYTES) -> None:
        self.library = library
        self.kind = kind
        self._kept_bytes = kept_bytes
        self._lock = threading.Lock()
        self._kept: list[DescriptorPage] = []

    def pages(self) -> Iterator[DescriptorPage]:
        """All there are, some at a time.

        Raises:
            LibraryError: the file or the disk fails.
        """
        with self._lock:
            kept = self._up_to_date()
        yield from kept
        last = kept[-1].last if kept else 0
        while (page := self.library.descriptor_page(self.kind, last, PAGE)).read:
            last = page.last
            with self._lock:
                self._keep(page)
            yield page

    def read_ahead(self) -> Generator[None, None, None]:
        """Read what the next question would have to, as far as it is kept; a page at a time.

        Raises:
            LibraryError: the file or the disk fails.
        """
        for page in self.pages():
            with self._lock:
                is_kept = any(kept is page for kept in self._kept)
            if not is_kept:
                return
            yield

    def _up_to_date(self) -> list[DescriptorPage]:
        """What is kept, unless something of it was replaced or removed since."""
        if self._kept:
            have = sum(page.read for page in self._kept)
            if self.library.count_descriptors(self.kind, self._kept[-1].last) != have:
                self._kept = []
        return list(self._kept)

    def _keep(self, page: DescriptorPage) -> None:
        """Kept in the order they came, without a gap, while there is room."""
        last = self._kept[-1].last if self._kept else 0
        size = sum(kept.values.nbytes for kept in self._kept) + page.values.nbytes
        if page.after == last and size <= self._kept_bytes:
            self._kept.append(page)

    def compared(self, queries: NDArray[np.int8]) -> Similarities:
        """How much every image is alike to the most alike of some descriptors (Q, d)."""
        wide = queries.astype(np.float32)
        wide /= np.linalg.norm(wide, axis=1, keepdims=True)
        ids, values = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.float32)]
        for page in self.pages():
            if page.values.shape[1] != wide.shape[1]:
                continue
            for first in range(0, len(page.values), BLOCK):
                part = slice(first, first + BLOCK)
                products = page.values[part].astype(np.float32) @ wide.T
                values.append(products.max(axis=1) / page.lengths[part])
            ids.append(page.image_ids)
        image_ids, cosines = np.concatenate(ids), np.concatenate(values)
        order = np.argsort(image_ids, kind="stable")
        return Similarities(image_ids[order], cosines[order].clip(-1.0, 1.0))

    def similarities(self, asked: Sequence[int], image_ids: IntArray) -> FloatArray | None:
        """See ``engine.library.filters.likeness.Comparing``."""
        queries = self.library.descriptors_of(self.kind, asked)
        return self.compared(queries).of(image_ids) if len(queries) else None


@dataclass(frozen=True, slots=True)
class GroupingProgress:
    """How many of the images have been compared with those around them."""

    done: int
    total: int


Groups = tuple[tuple[int, ...], ...]


def near_duplicates(
    index: DescriptorIndex, among: IntArray, least: float = DUPLICATES_FROM
) -> Generator[GroupingProgress, None, Groups]:
    """Groups of images that are so much alike that they show one picture.

    In each group every image is alike to one of them, the first. So two that hardly differ from a
    third need not be together, and long chains of photos that change by and by do not form.
    Up to some thousands are compared each with each; of more, each with those of the same
    neighbourhoods, which are around some of them: memory is 600 bytes an image.

    Args:
        index: of descriptors.
        among: (N,) ids of the images that count.
        least: how much two must be alike, a cosine.

    Returns:
        Ids, those of the largest group first; none has fewer than two.
    """
    ids, vectors, of_vector = _distinct(*_read(index, among))
    yield GroupingProgress(0, len(ids))
    seeds = vectors[::_NEIGHBOURHOOD]  # sorted by their bytes, so in no order of the photos
    if len(vectors) <= 2 * _AT_ONCE:
        seeds = vectors[:1]
    nearest = yield from _neighbourhoods(vectors, seeds)
    pairs = []
    for number in range(len(seeds)):
        members = np.flatnonzero((nearest == number).any(axis=1))
        pairs += list(_pairs(vectors, members, least))
        yield GroupingProgress(len(ids) * (number + 1) // len(seeds), len(ids))
    found = np.concatenate(pairs) if pairs else np.empty((0, 2), dtype=np.int64)
    return _with_copies(_groups(len(vectors), found), ids, of_vector)


def _read(index: DescriptorIndex, among: IntArray) -> tuple[IntArray, NDArray[np.int8]]:
    ids, parts = [], []
    for page in index.pages():
        wanted = np.isin(page.image_ids, among)
        ids.append(page.image_ids[wanted])
        parts.append(page.values[wanted])
    if not ids:
        return np.empty(0, dtype=np.int64), np.empty((0, 1), dtype=np.int8)
    return np.concatenate(ids), np.concatenate(parts)


def _distinct(
    ids: IntArray, values: NDArray[np.int8]
) -> tuple[IntArray, NDArray[np.int8], IntArray]:
    """Ids (N,), descriptors that differ (M, d), and of each image which it has (N,).

    So that ten thousand copies of one photo make no fifty million pairs.
    """
    if not len(values):
        return ids, values, np.empty(0, dtype=np.int64)
    rows = np.ascontiguousarray(values).view(np.dtype((np.void, values.shape[1]))).ravel()
    _, first, of_vector = np.unique(rows, return_index=True, return_inverse=True)
    return ids, values[first], of_vector.astype(np.int64)


def _with_copies(groups: Groups, ids: IntArray, of_vector: IntArray) -> Groups:
    """Groups of distinct descriptors as groups of the images that have them."""
    order = np.argsort(of_vector, kind="stable")
    ends = np.cumsum(np.bincount(of_vector, minlength=1)).tolist()
    images = [part.tolist() for part in np.split(ids[order], ends[:-1])]
    grouped = {place for group in groups for place in group}
    copies = [(place,) for place, alike in enumerate(images) if len(alike) > 1]
    groups += tuple(alone for alone in copies if alone[0] not in grouped)
    found = [tuple(image for place in group for image in images[place]) for group in groups]
    return tuple(sorted(found, key=lambda group: (-len(group), group[0])))


def _neighbourhoods(
    vectors: NDArray[np.int8], seeds: NDArray[np.int8]
) -> Generator[GroupingProgress, None, NDArray[np.int32]]:
    """(N, up to _SHARED): the seeds that each is most alike to."""
    around, count = _unit(seeds), min(_SHARED, len(seeds))
    nearest = np.zeros((len(vectors), count), dtype=np.int32)
    for first in range(0, len(vectors) if len(seeds) > 1 else 0, _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        alike = _unit(vectors[part]) @ around.T
        nearest[part] = np.argpartition(-alike, count - 1, axis=1)[:, :count]
        yield GroupingProgress(0, len(vectors))
    return nearest


def _pairs(vectors: NDArray[np.int8], members: IntArray, least: float) -> Iterator[IntArray]:
    """(P, 2) places of members that are alike, the lower one first."""
    units = _unit(vectors[members])
    for first in range(0, len(members), _AT_ONCE):
        alike = units[first : first + _AT_ONCE] @ units[first:].T
        rows, columns = np.nonzero(np.triu(alike >= least, k=1))
        yield np.stack([members[first + rows], members[first + columns]], axis=1)


def _unit(vectors: NDArray[np.int8]) -> FloatArray:
    wide = vectors.astype(np.float32)
    found: FloatArray = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    return found


def _groups(count: int, pairs: IntArray) -> Groups:
    """The place with most others around it takes those that are left of them, and so on."""
    both = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    firsts, starts, counts = np.unique(both[:, 0], return_index=True, return_counts=True)
    is_free = np.ones(count, dtype=np.bool_)
    groups = []
    for which in np.lexsort((firsts, -counts)).tolist():
        first = int(firsts[which])
        if not is_free[first]:
            continue
        around = both[starts[which] : starts[which] + counts[which], 1]
        around = around[is_free[around]]
        if len(around):
            is_free[around] = is_free[first] = False
            groups.append((first, *around.tolist()))
    return tuple(groups)
