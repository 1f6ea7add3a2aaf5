"""The photos that something is taught with: from what the person said, and what was drawn before.

Plain values, no Qt.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from csra_gui.session.decided_labels import decided_labels
from csra_gui.session.photo_files import PhotoFiles
from engine.api.categories import Categories
from engine.api.label_names import LabelNames
from engine.api.teaching import TeachRequest
from engine.library.columns import VERDICT_CODES, BoolArray, Columns, IntArray
from engine.library.store import Library
from engine.library.values import Example, Verdict


@dataclass(frozen=True, eq=False)
class Taught:
    """What labels have learned from before.

    Attributes:
        examples: all of them.
        overruled: those drawn ones on which the person said something meanwhile.
    """

    examples: tuple[Example, ...] = ()
    overruled: frozenset[Example] = frozenset()


def taught_before(library: Library, names: LabelNames) -> Taught:
    """What the library knows of it, in a worker; files that are not there are left out."""
    examples = tuple(one for one in library.examples() if one.path.exists())
    verdicts = library.stored({one.image_id for one in examples}).verdicts
    said = {(image, label) for image, label, _ in verdicts}
    overruled = (
        one for one in examples if one.drawn and (one.image_id, names.label(one.category)) in said
    )
    return Taught(examples, frozenset(overruled))


@dataclass(frozen=True, eq=False)
class TeachPhotos:
    """Photos (N) and what is known of categories (C); see ``TeachRequest``.

    Attributes:
        categories: those of the model, then new ones.
        paths: N photos.
        image_ids: (N,) in the library; 0 for none.
        targets: (N, C) bool.
        known: (N, C) bool.
        drawn: (N, C) bool.
        learned: (N, C) bool.
        files: of the photo table.
        other_rows: of the photo table: photos that nobody has said anything of.
    """

    categories: Categories
    paths: tuple[Path, ...]
    image_ids: IntArray
    targets: BoolArray
    known: BoolArray
    drawn: BoolArray
    learned: BoolArray
    files: PhotoFiles
    other_rows: IntArray

    def request(
        self, source: str, name: str, file: Path, thresholds: Sequence[float]
    ) -> TeachRequest:
        """To be asked of the engine; makes many paths, so in a worker.

        Args:
            source: name or file of the model to start from.
            name: of the new one.
            file: of the new one.
            thresholds: (C,) from which score on each category is a label.
        """
        return TeachRequest(
            source=source,
            name=name,
            file=file,
            categories=self.categories,
            paths=self.paths,
            targets=self.targets,
            known=self.known,
            drawn=self.drawn,
            learned=self.learned,
            others=self.files.paths(self.other_rows.tolist()),
            thresholds=tuple(thresholds),
        )

    def readiness(self) -> list[tuple[str, int, int]]:
        """Labels of which something was said, with photos with and without them to judge by."""
        fresh = self.known & ~self.learned
        yes, no = ((fresh & side).sum(axis=0) for side in (self.targets, ~self.targets))
        return [
            (self.categories[column], int(yes[column]), int(no[column]))
            for column in np.flatnonzero(fresh.any(axis=0)).tolist()
        ]

    def showing(self) -> list[Path]:
        """The photos with the last category."""
        return [self.paths[row] for row in np.flatnonzero(self.targets[:, -1])]

    def examples(self, learned: Sequence[str]) -> list[Example]:
        """What these categories will have learned from."""
        return [
            Example(int(self.image_ids[row]), category, bool(self.drawn[row, column]))
            for column, category in enumerate(self.categories)
            if category in learned
            for row in np.flatnonzero(self.known[:, column] & (self.image_ids > 0))
        ]


@dataclass(frozen=True)
class LabelRows:
    """Rows of the photo table by whether they show a label.

    Attributes:
        showing: the selected ones, and those that the person gave it.
        rejected: the person said that they do not.
        others: nothing is known of it.
    """

    showing: tuple[int, ...]
    rejected: tuple[int, ...]
    others: tuple[int, ...]


def rows_of_label(
    columns: Columns, names: LabelNames, label: str, selection: Sequence[int]
) -> LabelRows:
    """The photos that can be read, by whether they show a label.

    Args:
        columns: of the photos.
        names: which names are one label's.
        label: any of its names.
        selection: rows that are said to show it.
    """
    showing = np.zeros(len(columns), dtype=np.bool_)
    showing[list(selection)] = True
    said = np.zeros(len(columns), dtype=np.uint8)
    name = names.find(label, columns.categories)
    if name is not None:
        said = columns.verdicts[:, columns.categories.index(name)]
    rejected = (said == VERDICT_CODES[Verdict.REJECTED]) & ~showing
    showing |= (said > 0) & ~rejected
    parts = (showing, rejected, ~showing & ~rejected)
    return LabelRows(*(tuple(np.flatnonzero(part & ~columns.failed).tolist()) for part in parts))


def photos_of_label(
    columns: Columns,
    files: PhotoFiles,
    new: tuple[Categories, str],
    rows: LabelRows,
    count: int,
) -> TeachPhotos:
    """What a new label is taught with: photos with it, without it, and others drawn as without.

    Args:
        columns: of the photos.
        files: of the photos.
        new: the model's categories, and the label that it does not know.
        rows: by whether they show it.
        count: of photos without it; as many are drawn as were not rejected.
    """
    missing = min(max(0, count - len(rows.rejected)), len(rows.others))
    drawn = random.Random(0).sample(rows.others, missing)  # noqa: S311  # no secret
    chosen = [*rows.showing, *rows.rejected, *drawn]
    shape = (len(chosen), len(new[0]) + 1)
    known, targets, is_drawn = (np.zeros(shape, dtype=np.bool_) for _ in range(3))
    known[:, -1] = True
    targets[: len(rows.showing), -1] = True
    is_drawn[len(chosen) - len(drawn) :, -1] = True
    rest = np.array(sorted(set(rows.others) - set(drawn)), dtype=np.int64)
    rest = rest[~columns.reviewed[rest]]
    return TeachPhotos(
        Categories((*new[0], new[1])),
        files.paths(chosen),
        columns.image_ids[chosen],
        targets,
        known,
        is_drawn,
        np.zeros(shape, dtype=np.bool_),
        files,
        rest,
    )


def photos_of_corrections(
    columns: Columns, files: PhotoFiles, categories: Categories, before: Taught
) -> TeachPhotos:
    """What a model's labels are corrected with: decisions, and what they were taught with before.

    Args:
        columns: of the photos, with the model's scores.
        files: of the photos.
        categories: of the model.
        before: what was learned from, also from photos that are not open.
    """
    said = decided_labels(columns, categories)
    rows = {int(row): place for place, row in enumerate(said.rows)}
    wanted = [one.image_id for one in before.examples]
    open_rows = {
        int(columns.image_ids[row]): row
        for row in np.flatnonzero(np.isin(columns.image_ids, wanted)).tolist()
    }
    places: dict[tuple[int, Path], int] = {}

    def place_of(example: Example) -> int | None:
        """Among all photos; ``None`` for one that nothing is known of."""
        row = open_rows.get(example.image_id)
        if row is not None and row in rows:
            return rows[row]
        is_failed = row is not None and bool(columns.failed[row])
        if not example.drawn or example in before.overruled or is_failed:
            return None
        path = example.path if row is None else files.path(row)
        return places.setdefault((example.image_id, path), len(rows) + len(places))

    known_examples = [one for one in before.examples if one.category in categories]
    found = [(one, place) for one in known_examples if (place := place_of(one)) is not None]
    more = len(places)
    known, targets = (np.pad(array, ((0, more), (0, 0))) for array in (said.known, said.targets))
    drawn, learned = np.zeros_like(known), np.zeros_like(known)
    for example, place in found:
        column = categories.index_of(example.category)
        if example.drawn and not known[place, column] and example not in before.overruled:
            known[place, column] = drawn[place, column] = True
        learned[place, column] = known[place, column]
    quiet = ~columns.reviewed & ~columns.failed & ~columns.verdicts.any(axis=1)
    quiet &= ~np.isin(columns.image_ids, [image for image, _ in places])
    return TeachPhotos(
        categories,
        (*files.paths(said.rows.tolist()), *(path for _, path in places)),
        np.array([*columns.image_ids[said.rows], *(image for image, _ in places)], dtype=np.int64),
        targets,
        known,
        drawn,
        learned,
        files,
        np.flatnonzero(quiet),
    )
