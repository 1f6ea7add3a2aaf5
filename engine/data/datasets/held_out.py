"""Images kept apart to judge by, the same ones as the collection grows."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import DataError
from engine.data.datasets.labelled import LabelledImages

_Rows = NDArray[np.intp]


def held_out_split(images: LabelledImages, val_fraction: float) -> tuple[_Rows, _Rows]:
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
