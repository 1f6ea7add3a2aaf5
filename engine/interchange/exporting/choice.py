"""From the library to exported images, a piece at a time, so that memory stays small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.api.facts import Fact, names_of
from engine.api.values import DEFAULT_THRESHOLD, FloatArray
from engine.interchange.exporting.values import (
    ExportedImage,
    ExportedLabel,
    WhichLabels,
)
from engine.library.columns import (
    NOT_TAKEN,
    VERDICT_CODES,
    BoolArray,
    Columns,
    IntArray,
    attribute_columns,
    facts_column,
)
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse
from engine.library.filters.tree import FilterError, asks_for_similar, asks_the_camera
from engine.library.store import Library
from engine.library.values import ImageFile, LibraryModel, Verdict
from engine.metadata.camera_reading import keep_missing

#: So many images are in memory at a time.
PIECE = 1000
_REJECTED = VERDICT_CODES[Verdict.REJECTED]
_SOURCES = {
    VERDICT_CODES[Verdict.ACCEPTED]: "person",
    VERDICT_CODES[Verdict.ADDED]: "person",
    VERDICT_CODES[Verdict.IMPORTED]: "file",
}
_UNKNOWN, _PRESENT, _ABSENT = 0, 1, 2


@dataclass(frozen=True, eq=False)
class ExportChoice:
    """Which images are exported, and which of their labels.

    Attributes:
        image_ids: (N,) int64, in the order wanted.
        which: whose labels.
        model: whose scores count; ``None`` for none.
        thresholds: (C,) of that model, in [0, 1]; ``None`` for the usual one.
        filter_text: which of the images; empty for all.
        suggestions: places of the model's categories that are mere suggestions, as nobody measured
            how well it knows them: the machine's word alone puts none of them into a file, and
            its silence does not say that they are absent.
    """

    image_ids: IntArray
    which: WhichLabels = WhichLabels.ACCEPTED
    model: LibraryModel | None = None
    thresholds: FloatArray | None = None
    filter_text: str = ""
    suggestions: tuple[int, ...] = ()


class ChosenImages:
    """The images of a choice as the library knows them now.

    Args:
        library: is asked piece by piece.
        choice: which images and labels.
        all_scores: whether images tell of the labels, too, that they have not.

    Attributes:
        categories: those that an image of this export may have, in order.

    Raises:
        FilterError: the filter is none.
    """

    def __init__(self, library: Library, choice: ExportChoice, *, all_scores: bool = False) -> None:
        self._library, self._choice, self._all_scores = library, choice, all_scores
        self._names = library.label_names()
        self._filter = parse(choice.filter_text)
        if asks_for_similar(self._filter):
            raise FilterError("An export cannot ask for “similar:”.", 0, len(choice.filter_text))
        own = () if choice.model is None else tuple(choice.model.categories)
        decided = library.decided_labels()
        self._labels = self._names.labels(own)
        others = tuple(name for name in decided if name not in self._labels)
        self._all = (*self._labels, *others)
        hidden = self._names.hidden(own)
        only_said = choice.which is WhichLabels.ACCEPTED
        said = frozenset(decided)
        self._columns = np.array(
            [
                place
                for place, name in enumerate(self._all)
                if place not in hidden and (name in said or not only_said)
            ],
            dtype=np.int64,
        )
        self.categories = tuple(self._all[place] for place in self._columns)
        count = len(own)
        usual = np.full(count, DEFAULT_THRESHOLD, dtype=np.float32)
        self._thresholds = usual if choice.thresholds is None else choice.thresholds

    def pieces(self) -> Iterator[list[ExportedImage]]:
        """The images that the filter wants, some at a time; an empty piece counts as progress."""
        ids = self._choice.image_ids
        for start in range(0, len(ids), PIECE):
            piece = ids[start : start + PIECE]
            if asks_the_camera(self._filter):
                for _ in keep_missing(self._library, piece.tolist()):
                    pass  # a moment: each piece is small
            yield self._piece(piece)

    def _piece(self, ids: IntArray) -> list[ExportedImage]:
        files = self._library.files_of(ids.tolist())
        there = [int(image_id) for image_id in ids if int(image_id) in files]
        columns = self._read(there, [files[image_id] for image_id in there])
        wanted = LibraryView(columns, self._thresholds).rows(self._filter)
        states = _states(columns, self._thresholds, self._choice)[:, self._columns]
        held_back = _held_back(columns, self._thresholds, self._choice)
        return [
            replace(
                self._image(columns, states, row, files[there[row]].path),
                held_back=int(held_back[row]),
            )
            for row in np.flatnonzero(wanted).tolist()
        ]

    def _read(self, ids: list[int], files: list[ImageFile]) -> Columns:
        choice = self._choice
        stored = self._library.stored(
            ids, None if choice.model is None else choice.model.fingerprint
        )
        row_of = {image_id: row for row, image_id in enumerate(ids)}
        scores = np.full((len(ids), len(self._labels)), np.nan, dtype=np.float16)
        scored = [row_of[image_id] for image_id in stored.scored.tolist()]
        if scored:
            scores[scored] = stored.scores
        verdicts = np.zeros((len(ids), len(self._all)), dtype=np.uint8)
        place_of = {name: place for place, name in enumerate(self._all)}
        for image_id, label, verdict in stored.verdicts:
            place = place_of.get(label)
            if place is not None:  # else said a moment ago
                verdicts[row_of[image_id], place] = VERDICT_CODES[verdict]
        folders = {file.path.parent: place for place, file in enumerate(files)}
        numbers = {folder: number for number, folder in enumerate(folders)}
        others = self._library.other_files(ids)
        taken, cameras, camera_of = self._taken(row_of)
        return Columns(
            image_ids=np.array(ids, dtype=np.int64),
            names=tuple(file.path.name for file in files),
            folders=tuple(str(folder) for folder in folders),
            folder_of=np.array([numbers[file.path.parent] for file in files], dtype=np.int64),
            mtimes_ns=np.array([file.mtime_ns for file in files], dtype=np.int64),
            reviewed=np.array([image_id in stored.reviewed for image_id in ids], dtype=np.bool_),
            failed=np.array([image_id in stored.errors for image_id in ids], dtype=np.bool_),
            categories=self._all,
            model_categories=len(self._labels),
            scores=scores,
            verdicts=verdicts,
            label_names=self._names,
            other_names={row_of[image_id]: names for image_id, names in others.items()},
            attributes=attribute_columns(
                len(ids), ((row_of[image], name, value) for image, name, value in stored.attributes)
            ),
            taken_ns=taken,
            cameras=cameras,
            camera_of=camera_of,
            facts=facts_column(len(ids), ((row_of[image], bits) for image, bits in stored.facts)),
        )

    def _taken(self, row_of: dict[int, int]) -> tuple[IntArray, tuple[str, ...], IntArray]:
        """When images were taken, all cameras, and with which of them."""
        known = self._library.dates_and_cameras(row_of)
        cameras = {name: place for place, name in enumerate(dict.fromkeys(("", *known.cameras)))}
        rows = [row_of[image_id] for image_id in known.image_ids.tolist()]
        taken = np.full(len(row_of), NOT_TAKEN, dtype=np.int64)
        camera_of = np.zeros(len(row_of), dtype=np.int64)
        taken[rows] = known.taken_ns
        camera_of[rows] = [cameras[name] for name in known.cameras]
        return taken, tuple(cameras), camera_of

    def _image(
        self, columns: Columns, states: NDArray[np.uint8], row: int, path: Path
    ) -> ExportedImage:
        state, said = states[row], columns.verdicts[row, self._columns]
        names = self.categories
        unknown = np.flatnonzero(state == _UNKNOWN).tolist()
        absent = np.flatnonzero(state == _ABSENT).tolist()
        is_complete = len(unknown) <= len(absent)
        others = np.flatnonzero(state != _PRESENT).tolist() if self._all_scores else []
        return ExportedImage(
            path,
            present=tuple(
                self._label(columns, row, place, int(said[place]))
                for place in np.flatnonzero(state == _PRESENT).tolist()
            ),
            rejected=tuple(names[i] for i in np.flatnonzero(said == _REJECTED).tolist()),
            absent=() if is_complete else tuple(names[i] for i in absent),
            unknown=tuple(names[i] for i in unknown) if is_complete else (),
            is_complete=is_complete,
            image_id=int(columns.image_ids[row]),
            rating=int(columns.ratings[row]),
            color=columns.colors[int(columns.color_of[row])],
            title=columns.titles.get(row, ""),
            measured=names_of(Fact(max(int(columns.facts[row]), 0))),
            others=tuple(
                (names[i], bool(state[i] == _ABSENT), self._score(columns, row, i)) for i in others
            ),
        )

    def _label(self, columns: Columns, row: int, place: int, verdict: int) -> ExportedLabel:
        source = _SOURCES.get(verdict, "machine")
        return ExportedLabel(self.categories[place], source, self._score(columns, row, place))

    def _score(self, columns: Columns, row: int, place: int) -> float | None:
        """What the model gave a label of this export; ``None`` if nothing."""
        column = int(self._columns[place])
        if column >= columns.model_categories or np.isnan(columns.scores[row, column]):
            return None
        return round(float(columns.scores[row, column]), 4)


def _held_back(columns: Columns, thresholds: FloatArray, choice: ExportChoice) -> IntArray:
    """(N,): how many labels the machine found that are suggestions and that nobody accepted."""
    if choice.which is WhichLabels.ACCEPTED:
        return np.zeros(len(columns.image_ids), dtype=np.int64)
    places = list(choice.suggestions)
    found = columns.machine_labels(thresholds)[:, places] & (columns.verdicts[:, places] == 0)
    counts: IntArray = np.count_nonzero(found, axis=1)
    return counts


def _states(columns: Columns, thresholds: FloatArray, choice: ExportChoice) -> NDArray[np.uint8]:
    """(N, K): what is known of each label.

    What nobody said of a photo is absent if the photo was reviewed and the machine does not see
    it either, or if the machine's word counts and is no.
    """
    which, suggestions = choice.which, list(choice.suggestions)
    machine = columns.machine_labels(thresholds)
    machine[:, suggestions] = False
    rejected = columns.verdicts == _REJECTED
    given = (columns.verdicts > 0) & ~rejected
    looked_at: BoolArray = np.zeros_like(machine)
    looked_at[:, : columns.model_categories] = ~np.isnan(columns.scores)
    looked_at[:, suggestions] = False
    present = given if which is not WhichLabels.MACHINE else machine & ~rejected
    if which is WhichLabels.BOTH:
        present = present | (machine & ~rejected)
    absent = rejected | (columns.reviewed[:, None] & ~machine & ~given)
    if which is not WhichLabels.ACCEPTED:
        absent |= looked_at & ~machine & ~given
    states = np.full(machine.shape, _UNKNOWN, dtype=np.uint8)
    states[absent] = _ABSENT
    states[present] = _PRESENT
    return states
