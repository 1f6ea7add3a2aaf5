"""The photos that are open, what models and people said of each: plain values, no Qt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from csra_gui.growing_array import GrowingArray
from csra_gui.photo_decisions import PhotoDecisions
from csra_gui.photo_files import UNKNOWN_SIZE, PhotoFiles
from csra_gui.photo_paths import PhotoPaths
from engine.library.columns import Columns, IntArray
from engine.library.predictions import HalfArray
from engine.library.values import ImageFile, Verdict
from engine.values import FloatArray

#: Models whose scores are kept, while they take less than this; the one in use always is.
KEPT_MODELS = 4
KEPT_BYTES = 400 * 2**20
_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class ScoredLabel:
    """A label to show.

    Attributes:
        index: of the category in the model; -1 for one that it does not know.
        category: its name.
        score: in [0, 1]; NaN if the model has said nothing of it.
        verdict: what the person said of it, if anything.
    """

    index: int
    category: str
    score: float
    verdict: Verdict | None = None

    @property
    def score_text(self) -> str:
        """The score in percent; empty if there is none."""
        return "" if np.isnan(self.score) else f"{self.score:.0%}"


@dataclass(slots=True)
class _Results:
    """What one model said: (N, C) scores, NaN where it has not yet, and errors by row."""

    categories: Sequence[str]
    scores: GrowingArray
    errors: dict[int, str] = field(default_factory=dict)


class PhotoTable:
    """Photos in the order they were found: files, scores, decisions; a row each.

    Scores are one (N, C) float16 array per model. Those of the models used last are kept, so
    that going back to one costs nothing.

    Attributes:
        generation: counts how often the table was emptied: rows then mean other photos.
    """

    def __init__(self) -> None:
        self.generation = 0
        self._paths = PhotoPaths()
        self._sizes = GrowingArray(UNKNOWN_SIZE, np.int64)
        self._mtimes_ns = GrowingArray(0, np.int64)
        self._image_ids = GrowingArray(0, np.int64)
        self._gone = GrowingArray(False, np.bool_)
        self._rows_of_images: tuple[IntArray, IntArray] | None = None
        self._decisions = PhotoDecisions()
        self._kept: OrderedDict[str, _Results] = OrderedDict()
        self._now = _Results((), _no_scores(0))
        self._columns: Columns | None = None
        self._last_columns: Columns | None = None

    def __len__(self) -> int:
        return len(self._paths)

    # Files.

    @property
    def paths(self) -> Sequence[Path]:
        """All photos, in order; each ``Path`` is made when it is asked for."""
        return self._paths

    def clear(self) -> None:
        """Forget every photo; the categories stay."""
        self._paths.clear()
        for column in (self._sizes, self._mtimes_ns, self._image_ids, self._gone):
            column.clear()
        self._decisions.clear()
        for results in (self._now, *self._kept.values()):
            results.errors.clear()
            results.scores.clear()
        self._rows_of_images = self._last_columns = None
        self.generation += 1
        self._touch()

    def add(
        self, paths: Iterable[Path], files: Sequence[ImageFile | None] | None = None
    ) -> tuple[int, int]:
        """Append the photos that are not there yet; the half-open range of their rows.

        Args:
            paths: of the photos.
            files: their sizes and times, as many, as far as they are known.
        """
        first = len(self._paths)
        new = self._paths.add(paths)
        self._resize()
        if files is not None:
            found = [files[place] for place in new]
            self._sizes.values[first:] = [UNKNOWN_SIZE if f is None else f.size for f in found]
            self._mtimes_ns.values[first:] = [0 if f is None else f.mtime_ns for f in found]
        self._touch()
        return first, len(self._paths)

    def row_of(self, path: Path) -> int | None:
        """Where a photo is, or ``None``."""
        return self._paths.row_of(path)

    def file(self, row: int) -> ImageFile | None:
        """The photo's file as it was last looked at; ``None`` if it never was."""
        size = int(self._sizes.values[row])
        if size == UNKNOWN_SIZE:
            return None
        return ImageFile(self._paths[row], size, int(self._mtimes_ns.values[row]))

    @property
    def gone(self) -> NDArray[np.bool_]:
        """(N,): which photos' files have vanished; they keep their rows and are not shown."""
        return self._gone.values

    def set_gone(self, rows: Sequence[int], gone: bool) -> None:
        """Note that files have vanished, or are back."""
        self._gone.values[np.asarray(rows, dtype=np.int64)] = gone
        self._touch()

    def files(self) -> PhotoFiles:
        """All files as they are now, for a worker."""
        return PhotoFiles(
            self._paths.names,
            self._paths.folders,
            self._paths.folder_of,
            self._sizes.values,
            self._mtimes_ns.values,
            self._image_ids.values,
        )

    def set_file(self, row: int, file: ImageFile | None) -> None:
        """Note what the photo's file is like now."""
        self._sizes.values[row] = UNKNOWN_SIZE if file is None else file.size
        self._mtimes_ns.values[row] = 0 if file is None else file.mtime_ns
        self._touch()

    # In the library.

    def image_id(self, row: int) -> int | None:
        """The photo's number in the library, if it is there."""
        return int(self._image_ids.values[row]) or None

    @property
    def image_ids(self) -> IntArray:
        """(N,): the photos' numbers in the library, 0 for none; a view."""
        return self._image_ids.values

    def set_image_ids(self, rows: Sequence[int] | IntArray, ids: Sequence[int] | IntArray) -> None:
        """Note which images of the library photos are."""
        self._image_ids.values[np.asarray(rows, dtype=np.int64)] = ids
        self._rows_of_images = None
        self._touch()

    def forget_image_ids(self) -> None:
        """The library is another one: its numbers mean nothing."""
        self._image_ids.values[:] = 0
        self._rows_of_images = None
        self._touch()

    def rows_of_images(self, ids: Iterable[int]) -> list[int]:
        """The rows of those images of the library that are open."""
        if self._rows_of_images is None:
            order = np.argsort(self.image_ids, kind="stable")
            self._rows_of_images = self.image_ids[order], order
        known, rows = self._rows_of_images
        wanted = np.fromiter(ids, dtype=np.int64)
        places = np.searchsorted(known, wanted)
        inside = places < len(known)
        there = places[inside][known[places[inside]] == wanted[inside]]
        return [int(row) for row in rows[there]]

    # What the person said.

    @property
    def decisions(self) -> PhotoDecisions:
        """To read; what changes it goes through ``decide`` and ``set_decisions``."""
        return self._decisions

    def verdicts(self, row: int) -> Mapping[str, Verdict]:
        """What the person said of a photo's labels, by category."""
        return self._decisions.verdicts(row)

    def is_reviewed(self, row: int) -> bool:
        """Whether the person has marked the photo as reviewed."""
        return bool(self._decisions.reviewed[row])

    def decide(
        self,
        rows: Sequence[int] | IntArray,
        verdicts: Mapping[str, Verdict | None],
        reviewed: bool | None = None,
    ) -> None:
        """Note the same decisions on photos; ``None`` takes one back."""
        for category, verdict in verdicts.items():
            self._decisions.say(rows, category, verdict)
        if reviewed is not None:
            self._decisions.mark(rows, reviewed)
        self._touch()

    def set_decisions(
        self,
        rows: Sequence[int] | IntArray,
        verdicts: Iterable[tuple[int, str, Verdict]],
        reviewed: Sequence[int],
    ) -> None:
        """Replace all that is known of photos' decisions.

        Args:
            rows: the photos.
            verdicts: row, category and verdict of each.
            reviewed: which of the rows are reviewed.
        """
        self._decisions.forget(rows)
        alike: dict[tuple[str, Verdict], list[int]] = {}
        for row, category, verdict in verdicts:
            alike.setdefault((category, verdict), []).append(row)
        for (category, verdict), same in alike.items():
            self._decisions.say(same, category, verdict)
        if reviewed:
            self._decisions.mark(reviewed, True)
        self._touch()

    # What the model in use said.

    @property
    def errors(self) -> Mapping[int, str]:
        """What went wrong, by row; a view that changes with the table."""
        return MappingProxyType(self._now.errors)

    @property
    def scores(self) -> HalfArray:
        """(N, C) float16; a row of NaN is a photo that is not tagged yet."""
        return self._now.scores.values

    @property
    def categories(self) -> Sequence[str]:
        """Those of the model in use; none before there is one."""
        return self._now.categories

    def use_model(self, model_id: str, categories: Sequence[str]) -> None:
        """Show what another model said; nothing yet if it was not used lately."""
        if model_id not in self._kept:
            self._kept[model_id] = _Results(categories, _no_scores(len(categories)))
        self._kept.move_to_end(model_id)
        self._now = self._kept[model_id]
        self._resize()
        while len(self._kept) > 1 and self._keeps_too_much():
            self._kept.popitem(last=False)
        self._touch()

    def set_scores(self, row: int, scores: FloatArray | HalfArray) -> None:
        """Store one photo's scores, (C,), and forget its error."""
        self.scores[row] = scores
        self._now.errors.pop(row, None)
        self._touch()

    def set_many_scores(self, rows: Sequence[int] | IntArray, scores: HalfArray) -> None:
        """Store the scores of photos, (len(rows), C)."""
        self.scores[np.asarray(rows, dtype=np.int64)] = scores
        if self._now.errors:
            for row in rows:
                self._now.errors.pop(int(row), None)
        self._touch()

    def set_error(self, row: int, message: str) -> None:
        """Mark a photo as one that cannot be read."""
        self._now.errors[row] = message
        self._touch()

    def error(self, row: int) -> str | None:
        """What went wrong with a photo, or ``None``."""
        return self._now.errors.get(row)

    def is_tagged(self, row: int) -> bool:
        """Whether the photo has scores."""
        return bool(self.scores.shape[1]) and not bool(np.isnan(self.scores[row, 0]))

    def tagged_count(self) -> int:
        """How many photos have scores."""
        scores = self.scores
        return int(np.count_nonzero(~np.isnan(scores[:, 0]))) if scores.shape[1] else 0

    def untagged_rows(self) -> list[int]:
        """Photos that are there and have neither scores nor an error, in order."""
        scores = self.scores
        missing = np.flatnonzero(np.isnan(scores[:, 0])) if scores.shape[1] else range(len(self))
        errors = self._now.errors
        return [row for row in map(int, missing) if row not in errors and not self.gone[row]]

    def forget_results(self, rows: Sequence[int] | None = None) -> None:
        """Make photos untagged again, of every model; all of them without ``rows``."""
        for results in {id(r): r for r in (self._now, *self._kept.values())}.values():
            results.scores.resize(len(self))
            if rows is None:
                results.scores.values[:] = np.nan
                results.errors.clear()
                continue
            results.scores.values[np.asarray(rows, dtype=np.int64)] = np.nan
            for row in rows:
                results.errors.pop(row, None)
        self._touch()

    def forget_errors(self, rows: Iterable[int]) -> None:
        """Let photos be tried again that could not be read."""
        for row in rows:
            self._now.errors.pop(row, None)
        self._touch()

    def row_scores(self, row: int) -> FloatArray | None:
        """(C,) scores of one photo, or ``None`` while it has none."""
        return self.scores[row].astype(np.float32) if self.is_tagged(row) else None

    # Both.

    def labels(self, row: int, threshold: float | FloatArray) -> list[ScoredLabel]:
        """The labels of a photo that count, best first.

        They are the machine's without the rejected ones, and the person's.

        Args:
            row: of the photo.
            threshold: one for all, or (C,).
        """
        scores, said = self.row_scores(row), self._decisions.verdicts(row)
        names = self._now.categories
        found: list[ScoredLabel] = []
        if scores is not None:
            reached = np.flatnonzero(scores >= np.asarray(threshold, dtype=np.float32))
            above = [int(i) for i in reached]
            found = [ScoredLabel(i, names[i], float(scores[i]), said.get(names[i])) for i in above]
        if said:
            listed = {label.category for label in found}
            more = (self._said_label(c, v, scores) for c, v in said.items() if c not in listed)
            found = [x for x in (*found, *more) if x.verdict is not Verdict.REJECTED]
        return sorted(found, key=lambda x: -1.0 if np.isnan(x.score) else x.score, reverse=True)

    def _said_label(
        self, category: str, verdict: Verdict, scores: FloatArray | None
    ) -> ScoredLabel:
        names = self._now.categories
        index = list(names).index(category) if category in names else _UNKNOWN
        score = np.nan if scores is None or index == _UNKNOWN else float(scores[index])
        return ScoredLabel(index, category, score, verdict)

    def columns(self) -> Columns:
        """All photos as columns, in the order of the rows, for filters, facets and sorting.

        Kept until something changes. Scores are a view: they may change under it.
        """
        if self._columns is None:
            self._columns = columns = self._made_columns()
            if self._last_columns is not None:
                columns.take_names_from(self._last_columns)
            self._last_columns = columns
        return self._columns

    def _made_columns(self) -> Columns:
        names = dict.fromkeys((*self._now.categories, *self._decisions.categories))
        failed = np.zeros(len(self), dtype=bool)
        failed[list(self._now.errors)] = True
        return Columns(
            image_ids=self.image_ids,
            names=self._paths.names,
            folders=self._paths.folders,
            folder_of=self._paths.folder_of.astype(np.int64),
            mtimes_ns=self._mtimes_ns.values,
            reviewed=self._decisions.reviewed.copy(),
            failed=failed,
            categories=tuple(names),
            model_categories=len(self._now.categories),
            scores=self.scores,
            verdicts=self._decisions.matrix({name: i for i, name in enumerate(names)}),
        )

    def _resize(self) -> None:
        rows = len(self._paths)
        files = (self._sizes, self._mtimes_ns, self._image_ids, self._gone)
        for column in (*files, self._now.scores):
            column.resize(rows)
        self._decisions.resize(rows)
        self._rows_of_images = None

    def _keeps_too_much(self) -> bool:
        size = sum(results.scores.nbytes for results in self._kept.values())
        return len(self._kept) > KEPT_MODELS or size > KEPT_BYTES

    def _touch(self) -> None:
        self._columns = None


def _no_scores(columns: int) -> GrowingArray:
    return GrowingArray(np.nan, np.float16, columns)
