"""Dividing labelled images into a part to learn from and a part to judge by."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import DataError
from engine.data.datasets.labelled import LabelledImages

Rows = NDArray[np.intp]


def stratified_split(
    images: LabelledImages, val_fraction: float, seed: int = 0
) -> tuple[Rows, Rows]:
    """Divide so that each category is as frequent in both parts as can be.

    Iterative stratification (Sechidis et al., ECML 2011): the rarest category first. Samples of one
    picture stay together. Which part a picture falls into depends on the ids and the seed, not on
    the order of the images or where they lie.

    Args:
        images: to divide.
        val_fraction: wanted share of the second part, between 0 and 1.
        seed: another seed, another division.

    Returns:
        The rows of the first part and those of the second, each ascending, neither empty.

    Raises:
        DataError: there are fewer than two pictures.
    """
    if not 0.0 < val_fraction < 1.0:
        raise ValueError(f"The fraction must lie between 0 and 1, not {val_fraction}.")
    groups = _groups(images)
    if len(groups) < 2:
        raise DataError(f"{images.name} has too few images to be divided.")
    groups.sort(key=lambda rows: _digest(min(images.ids[row] for row in rows), seed))
    counts = np.array([images.targets[rows].sum(axis=0) for rows in groups], dtype=np.int64)
    sizes = np.array([len(rows) for rows in groups])
    is_val = _assign(counts, sizes, val_fraction)
    _fill_empty_part(is_val)
    parts = (
        np.array(sorted(r for i in np.flatnonzero(chosen) for r in groups[i]), dtype=np.intp)
        for chosen in (~is_val, is_val)
    )
    train, val = parts
    return train, val


def held_out_split(images: LabelledImages, val_fraction: float) -> tuple[Rows, Rows]:
    """Divide by the images' ids alone, so that an image added later moves no other.

    That matters where a model learns again and again from a growing collection: what it once
    learned from must never judge it. Equal ids (copies of a file) stay together. A category with
    positives in one part alone gets its one nearest to the border into the other part, if it has
    two at all; to learn from goes first.

    Args:
        images: whose ids are fingerprints of their content.
        val_fraction: wanted share of the second part, between 0 and 1; small collections may be
            far from it.

    Returns:
        The rows of the first part and those of the second, each ascending, neither empty.

    Raises:
        DataError: there are fewer than two different images.
    """
    names, groups = np.unique(np.array(images.ids), return_inverse=True)
    if len(names) < 2:
        raise DataError(f"{images.name} has too few images: one is needed to judge by.")
    places = np.array([_place(str(name)) for name in names])
    has = np.zeros((len(names), len(images.categories)), dtype=np.bool_)
    np.logical_or.at(has, groups, images.targets)
    is_val = places < val_fraction
    _fill(is_val, places, has)
    rows = is_val[groups]
    return np.flatnonzero(~rows), np.flatnonzero(rows)


def _groups(images: LabelledImages) -> list[list[int]]:
    """The rows of each picture."""
    rows: dict[object, list[int]] = {}
    for row, path in enumerate(images.paths):
        rows.setdefault(path, []).append(row)
    return list(rows.values())


def _digest(identity: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{identity}".encode(errors="surrogatepass")).digest()


def _assign(
    counts: NDArray[np.int64], sizes: NDArray[np.int64], val_fraction: float
) -> NDArray[np.bool_]:
    """For each group whether it falls into the second part.

    Args:
        counts: (G, C) how often each group has each category.
        sizes: (G,) samples in each group.
        val_fraction: wanted share of the second part.
    """
    shares = np.array([1.0 - val_fraction, val_fraction])
    wanted = shares[:, None] * counts.sum(axis=0)  # (2, C), what each part still lacks
    wanted_samples = shares * sizes.sum()
    remaining = counts.sum(axis=0)
    is_open = np.ones(len(counts), dtype=np.bool_)
    is_val = np.zeros(len(counts), dtype=np.bool_)

    def put(group: int, part: int) -> None:
        nonlocal remaining
        is_val[group] = part == 1
        is_open[group] = False
        wanted[part] -= counts[group]
        wanted_samples[part] -= sizes[group]
        remaining = remaining - counts[group]

    while (left := np.flatnonzero(remaining)).size:
        rarest = left[np.argmin(remaining[left])]
        for group in np.flatnonzero(is_open & (counts[:, rarest] > 0)):
            put(int(group), _needier(wanted[:, rarest], wanted_samples))
    for group in np.flatnonzero(is_open):
        put(int(group), _needier(wanted_samples, wanted_samples))
    return is_val


def _needier(wanted: NDArray[np.float64], wanted_samples: NDArray[np.float64]) -> int:
    """The part that lacks more of a category; of samples if it is a draw."""
    first, second = wanted
    if abs(first - second) > 1e-9:
        return int(second > first)
    return int(wanted_samples[1] > wanted_samples[0])


def _fill_empty_part(is_val: NDArray[np.bool_]) -> None:
    """Give a part that got nothing the last group of the other."""
    if is_val.all() or not is_val.any():
        is_val[-1] = not is_val[-1]


def _place(identity: str) -> float:
    """From 0 to 1, as if drawn."""
    digest = hashlib.sha256(identity.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _fill(is_val: NDArray[np.bool_], places: NDArray[np.float64], has: NDArray[np.bool_]) -> None:
    """Give each part, and each category in it, at least one image.

    Args:
        is_val: (G,) changed in place.
        places: (G,) of each image from 0 to 1.
        has: (G, C).
    """
    nearest_to_val = np.argsort(places)
    if is_val.all():
        is_val[nearest_to_val[-1]] = False
    if not is_val.any():
        is_val[nearest_to_val[0]] = True
    for column in has.T:
        if column.sum() >= 2 and not (column & ~is_val).any():
            is_val[next(g for g in nearest_to_val[::-1] if column[g])] = False
    for column in has.T:
        if (column & is_val).any():
            continue
        for group in (g for g in nearest_to_val if column[g]):
            left = has[~is_val].sum(axis=0) - has[group]
            if (left[has[group]] > 0).all():
                is_val[group] = True
                break
