"""The images that a run learns from and those that it is judged by."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from functools import partial

import numpy as np

from engine.api.errors import DataError
from engine.api.training import DatasetSource, LabelSource
from engine.api.training_reports import PreparationReport
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.registry import load_dataset
from engine.data.datasets.splits import held_out_split, stratified_split
from engine.library.images import content_hash
from engine.texts import display_path, reason_text

#: To learn from, and to be judged by.
Parts = tuple[LabelledImages, LabelledImages]


def load_parts(
    source: DatasetSource | LabelSource, seed: int, *, ignore_unclear: bool = True
) -> Generator[PreparationReport, None, Parts]:
    """Read the labels and divide them.

    Args:
        source: where they are.
        seed: of the division, where a data set is divided here.
        ignore_unclear: whether what nobody can tell is left out. If it counts as absent, images
            with labels that are not understood are not learned from at all.

    Raises:
        DataError: they cannot be read, or are too few.
    """
    if isinstance(source, LabelSource):
        return (yield from _own_labels(source))
    load = partial(load_dataset, source.kind, source.root, follow_links=source.follow_links)
    train = load(source.split)
    if not ignore_unclear:
        train = train.all_understood()
    fraction = source.val_fraction
    if fraction is None:
        # A folder's lists may name other categories in each split.
        return train, load(source.val_split).aligned(train.categories)
    rows, val_rows = stratified_split(train, fraction, seed)
    return train.subset(rows), _kept_apart(train.subset(val_rows), fraction)


def seen_images(parts: Parts) -> int:
    """How many of those to be judged by are images that are learned from, too."""
    learned = set(parts[0].paths)
    return sum(path in learned for path in parts[1].paths)


def _own_labels(source: LabelSource) -> Generator[PreparationReport, None, Parts]:
    ids = source.ids
    if not ids:
        ids = yield from _fingerprints(source)
    images = LabelledImages(
        source.name, source.categories, source.paths, source.targets, source.ignored, ids
    )
    # An image that nothing is known of teaches nothing.
    images = images.subset(np.flatnonzero(~source.ignored.all(axis=1)))
    rows, val_rows = held_out_split(images, source.val_fraction)
    return images.subset(rows), _kept_apart(images.subset(val_rows), source.val_fraction)


def _fingerprints(source: LabelSource) -> Generator[PreparationReport, None, tuple[str, ...]]:
    found = []
    for path in source.paths:
        try:
            found.append(content_hash(path).hex())
        except OSError as error:
            raise DataError(
                f"{display_path(path)} cannot be read: {reason_text(error)}."
            ) from error
        yield PreparationReport(f"reading {source.name}", len(found), len(source.paths))
    return tuple(found)


def _kept_apart(images: LabelledImages, fraction: float) -> LabelledImages:
    return dataclasses.replace(images, name=f"{images.name}, {fraction:.0%} of it")
