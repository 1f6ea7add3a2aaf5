"""From a table of labels and the pictures that were found to labelled images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.api.categories import Categories
from engine.data.datasets.category_reader import CategoryReader, ignore_untold
from engine.data.datasets.label_files import TWICE, LabelRow, LabelTable
from engine.data.datasets.labelled import LabelledImages, empty_targets
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.reading import FaultLog

#: Id → the picture and what is known of it.
Found = Mapping[str, tuple[Path, LabelRow]]


def find_pictures(table: LabelTable, folder: Path, pictures: PictureFolder, log: FaultLog) -> Found:
    """The pictures of a table by their names below a folder; what is listed twice counts once."""
    there = pictures.find_all(table.rows)
    found: dict[str, tuple[Path, LabelRow]] = {}
    base = Path(os.path.abspath(folder))  # noqa: PTH100 - must not follow links
    for name, labels in table.rows.items():
        if (path := there.get(name)) is not None:
            is_inside = path.is_relative_to(base)
            inside = (path.relative_to(base) if is_inside else path).as_posix()
            if inside in found:
                log.add(TWICE, name)
                found[inside][1].leave_open(labels)
            else:
                found[inside] = (path, labels)
    return found


def table_images(
    name: str, categories: Categories, found: Found, where: str, log: FaultLog
) -> LabelledImages:
    """The labels of pictures in terms of categories.

    Args:
        name: of the result, for people.
        categories: in the order of the columns.
        found: in the order of the rows.
        where: what the labels were read from, for a message.
        log: is told what is not understood.

    Raises:
        DataError: there are no pictures, or the log is strict and has faults.
    """
    reader = CategoryReader(categories)
    targets = empty_targets(len(found), len(categories))
    ignored = empty_targets(len(found), len(categories))
    rejected = empty_targets(len(found), len(categories))
    is_unclear = np.zeros(len(found), dtype=np.bool_)
    for row, (inside, (_, labels)) in enumerate(found.items()):
        for label in labels.present:
            place = reader.read(label, inside, log)
            if place is not None:
                targets[row, place] = True
            else:
                is_unclear[row] |= not reader.is_something_else(label)
        ignored[row] = labels.is_partial
        said = (reader.place(label) for label in labels.rejected)
        rejected[row, [place for place in said if place is not None]] = True
        for names, is_unknown in ((labels.absent, False), (labels.unknown, True)):
            places = (reader.place(label) for label in names)
            ignored[row, [place for place in places if place is not None]] = is_unknown
    log.check()
    log.check_any_left(len(found), where)
    ignored |= ignore_untold(targets, is_unclear)
    ignored &= ~targets
    return LabelledImages(
        name=name,
        categories=categories,
        paths=tuple(path for path, _ in found.values()),
        targets=targets,
        ignored=ignored,
        ids=tuple(found),
        problems=log.problems(),
        unclear=np.any(ignored, axis=1),  # also where the table says that nobody knows
        rejected=rejected & ~targets,
    )
