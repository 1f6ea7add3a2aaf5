"""The photos that are open, what models and people said of each: plain values, no Qt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from csra_gui.session.camera_columns import CameraColumns
from csra_gui.session.decision_columns import PhotoDecisions
from csra_gui.session.growing_array import GrowingArray
from csra_gui.session.photo_attributes import PhotoAttributes
from csra_gui.session.photo_files import UNKNOWN_SIZE
from csra_gui.session.photo_rows import PhotoRows
from csra_gui.session.scored_label import ScoredLabel
from engine.api.categories import Categories
from engine.api.label_names import SHIPPED_NAMES, LabelNames
from engine.api.values import FloatArray
from engine.library.columns import BoolArray, Columns, IntArray
from engine.library.predictions import HalfArray, carried_scores
from engine.library.ratings import Said
from engine.library.values import Attribute, ImageFile, Verdict

#: Models whose scores are kept, while they take less than this; the one in use always is.
KEPT_MODELS = 4
KEPT_BYTES = 400 * 2**20
UNKNOWN_CATEGORY = -1
#: Of a half float; only NaN has greater ones, but for the sign.
_INFINITE_BITS = 0x7C00


@dataclass(slots=True)
class _Results:
    """What one model said: (N, C) scores, NaN where it has not yet, and errors by row.

    Attributes:
        categories: as the model calls them.
        labels: the same as they are shown.
        twins: those of them that mean another one: what is said of that goes for both.
        hidden: the places of those that the person does not want to see.
        provisional: (N,) where the scores are those of the model that it was taught from.
    """

    categories: Categories | tuple[()]
    labels: Categories | tuple[()]
    twins: Mapping[str, str]
    hidden: frozenset[int]
    scores: GrowingArray
    provisional: GrowingArray = field(default_factory=lambda: GrowingArray(False, np.bool_))
    errors: dict[int, str] = field(default_factory=dict)


class PhotoTable(PhotoRows):
    """What is known of each photo: its file, the scores of models, what the person said.

    Scores are one (N, C) float16 array per model. Those of the models used last are kept, so
    that going back to one costs nothing.

    Attributes:
        names: what labels are called; what the person says is kept under those names.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names = SHIPPED_NAMES
        self._decisions = PhotoDecisions()
        self._cameras = CameraColumns()
        self._attributes = PhotoAttributes()
        self._kept: OrderedDict[str, _Results] = OrderedDict()
        self._now = _Results((), (), {}, frozenset(), _no_scores(0))
        self._columns: Columns | None = None
        self._columns_version = -1

    @override
    def clear(self) -> None:
        """Forget every photo; the categories stay."""
        super().clear()
        self._decisions.clear()
        self._cameras.clear()
        self._attributes.clear()
        for results in (self._now, *self._kept.values()):
            results.errors.clear()
            results.scores.clear()
            results.provisional.clear()
        self._columns = None

    # What cameras say.

    @property
    def cameras(self) -> CameraColumns:
        """To read; what changes it goes through ``set_cameras`` and ``set_file``."""
        return self._cameras

    def set_cameras(
        self, rows: Sequence[int] | IntArray, taken_ns: IntArray, cameras: Sequence[str]
    ) -> None:
        """Note when and with what photos were taken, as their files say.

        Args:
            rows: M photos.
            taken_ns: (M,) since 1970, or ``NOT_TAKEN``.
            cameras: M names; empty for none.
        """
        self._cameras.take(rows, taken_ns, cameras)
        self._touch()

    def unread_rows(self) -> IntArray:
        """Photos that are there and whose files nobody has read for what cameras say."""
        known = self._cameras.is_read | self.gone | (self._sizes.values == UNKNOWN_SIZE)
        return np.flatnonzero(~known)

    @override
    def set_file(self, row: int, file: ImageFile | None) -> None:
        if file != self.file(row):
            self._cameras.forget([row])
        super().set_file(row, file)

    # What the person said.

    @property
    def decisions(self) -> PhotoDecisions:
        """To read; what changes it goes through ``decide`` and ``set_decisions``."""
        return self._decisions

    @property
    def attributes(self) -> PhotoAttributes:
        """To read; what changes it goes through ``set_attribute`` and ``set_decisions``."""
        return self._attributes

    def set_attribute(
        self, rows: Sequence[int] | IntArray, attribute: Attribute, value: str
    ) -> None:
        """Give photos the same rating, colour label or title; empty takes it away."""
        self._attributes.set(rows, attribute, value)
        self._touch()

    def verdicts(self, row: int) -> Mapping[str, Verdict]:
        """What the person said of a photo's labels, by name."""
        said = self._decisions.verdicts(row)
        return said | {
            twin: said[label] for twin, label in self._now.twins.items() if label in said
        }

    def verdict_codes(self, rows: Sequence[int] | IntArray) -> dict[str, NDArray[np.uint8]]:
        """What the person said of each of some photos, (len(rows),) ``VERDICT_CODES`` by name."""
        said, places = self._decisions, np.asarray(rows, dtype=np.int64)
        codes = {name: said.codes(name)[places] for name in said.categories}
        return codes | {
            twin: codes[name] for twin, name in self._now.twins.items() if name in codes
        }

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

    def forget_unused_labels(self) -> None:
        """Labels that nothing is said of any more are none."""
        self._decisions.drop_unused()
        self._touch()

    def set_decisions(
        self,
        rows: Sequence[int] | IntArray,
        verdicts: Iterable[tuple[int, str, Verdict]],
        reviewed: Sequence[int],
        attributes: Iterable[Said] = (),
    ) -> None:
        """Replace all that is known of photos' decisions.

        Args:
            rows: the photos.
            verdicts: row, category and verdict of each.
            reviewed: which of the rows are reviewed.
            attributes: row, attribute and value of each.
        """
        self._decisions.forget(rows)
        self._attributes.forget(rows)
        equal: dict[tuple[Attribute, str], list[int]] = {}
        for row, attribute, value in attributes:
            equal.setdefault((attribute, value), []).append(row)
        for (attribute, value), same in equal.items():
            self._attributes.set(same, attribute, value)
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
        """What went wrong with photos that are there, by row."""
        return {row: text for row, text in self._now.errors.items() if not self.gone[row]}

    @property
    def scores(self) -> HalfArray:
        """(N, C) float16; a row of NaN is a photo that is not tagged yet."""
        return self._now.scores.values

    @property
    def categories(self) -> Categories | tuple[()]:
        """The labels of the model whose scores are shown, which may not be loaded yet."""
        return self._now.labels

    def index_of(self, category: str) -> int:
        """The place of a label's name; −1 if the model does not know it."""
        names = self._now.labels
        return (
            names.index_of(category)
            if isinstance(names, Categories) and category in names
            else UNKNOWN_CATEGORY
        )

    def use_model(self, model_id: str, categories: Categories, taught_from: str = "") -> None:
        """Show what another model said; nothing yet if it was not used lately.

        Args:
            model_id: of the model.
            categories: as the model calls them.
            taught_from: the model whose scores stand in for those that there are not yet.
        """
        if model_id not in self._kept:
            called = _called(self.names, categories)
            self._kept[model_id] = _Results(categories, *called, _no_scores(len(categories)))
            self._take_over(self._kept[model_id], self._kept.get(taught_from))
        self._kept.move_to_end(model_id)
        self._now = self._kept[model_id]
        self._resize()
        while len(self._kept) > 1 and self._keeps_too_much():
            self._kept.popitem(last=False)
        self._touch()

    def use_names(self, names: LabelNames) -> None:
        """Call labels otherwise."""
        self.names = names
        for results in (self._now, *self._kept.values()):
            if isinstance(results.categories, Categories):
                results.labels, results.twins, results.hidden = _called(names, results.categories)
        self._touch()

    @property
    def hidden(self) -> frozenset[int]:
        """The places of labels that the model knows and the person does not want to see."""
        return self._now.hidden

    @property
    def known_labels(self) -> tuple[str, ...]:
        """All labels that the model and the person have a word for, but the hidden ones."""
        listed = [name for i, name in enumerate(self._now.labels) if i not in self._now.hidden]
        return tuple(dict.fromkeys((*listed, *self._decisions.categories)))

    def _take_over(self, results: _Results, origin: _Results | None) -> None:
        if origin is None or not len(origin.scores.values):
            return
        for array in (results.scores, results.provisional):
            array.resize(len(self))
        known = origin.scores.values
        results.scores.values[: len(known)] = carried_scores(
            known, origin.categories, results.categories
        )
        results.provisional.values[: len(known)] = ~np.isnan(known[:, 0])

    def set_scores(self, row: int, scores: FloatArray | HalfArray) -> None:
        """Store one photo's scores, (C,), and forget its error."""
        self.scores[row] = scores
        self._now.provisional.values[row] = False
        self._now.errors.pop(row, None)
        self._touch()

    def set_many_scores(
        self,
        rows: Sequence[int] | IntArray,
        scores: HalfArray,
        provisional: BoolArray | bool = False,
    ) -> None:
        """Store the scores of photos.

        Args:
            rows: the photos.
            scores: (len(rows), C).
            provisional: (len(rows),) where they are another model's, until this one is asked.
        """
        places = np.asarray(rows, dtype=np.int64)
        self.scores[places] = scores
        self._now.provisional.values[places] = provisional
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
        """How many photos that are there have scores."""
        if not self.scores.shape[1]:
            return 0
        # Asked for whenever some rows change: the first score of each, and nothing is gathered.
        return int(np.count_nonzero(_is_known(self.scores[:, 0]) & ~self.gone))

    def untagged_rows(self) -> list[int]:
        """Photos that are there and have neither scores of the model nor an error, in order."""
        rows: list[int] = np.flatnonzero(self._waits()).tolist()
        return rows

    @property
    def has_untagged(self) -> bool:
        """Whether there are such photos: asked far more often than which."""
        return bool(self._waits().any())

    def _waits(self) -> BoolArray:
        waits: BoolArray = ~self.gone
        if self.scores.shape[1]:
            waits &= ~_is_known(self.scores[:, 0]) | self._now.provisional.values
        if self._now.errors:
            waits[list(self._now.errors)] = False
        return waits

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
        scores, said = self.row_scores(row), self.verdicts(row)
        names = self._now.labels
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
        index = self.index_of(category)
        score = np.nan if scores is None or index == UNKNOWN_CATEGORY else float(scores[index])
        return ScoredLabel(index, category, score, verdict)

    def columns(self) -> Columns:
        """All photos as columns, in the order of the rows, for filters, facets and sorting.

        Kept until something changes. Scores are a view: they may change under it.
        """
        last = self._columns
        if last is not None and self._columns_version == self.version:
            return last
        columns = self._made_columns()
        if last is not None:
            columns.take_names_from(last)
        self._columns, self._columns_version = columns, self.version
        return columns

    def _made_columns(self) -> Columns:
        every = dict.fromkeys((*self._now.labels, *self._decisions.categories))
        names = {name: place for place, name in enumerate(every)}
        verdicts = self._decisions.matrix(names)
        for twin, label in self._now.twins.items():
            verdicts[:, names[twin]] = verdicts[:, names[label]]
        failed = self.gone.copy()
        failed[list(self._now.errors)] = True
        return Columns(
            image_ids=self.image_ids,
            names=self._paths.names,
            folders=tuple(self._paths.folders),
            folder_of=self._paths.folder_of.astype(np.int64),
            mtimes_ns=self._mtimes_ns.values,
            reviewed=self._decisions.reviewed.copy(),
            failed=failed,
            categories=tuple(names),
            model_categories=len(self._now.labels),
            scores=self.scores,
            verdicts=verdicts,
            label_names=self.names,
            other_names=dict(self._other_files),
            taken_ns=self._cameras.taken_ns.copy(),
            cameras=self._cameras.names,
            camera_of=self._cameras.camera_of.copy(),
            attributes=self._attributes.columns(),
            facts=self.facts_column(),
        )

    @override
    def _resize(self) -> None:
        super()._resize()
        self._now.scores.resize(len(self))
        self._now.provisional.resize(len(self))
        self._decisions.resize(len(self))
        self._cameras.resize(len(self))
        self._attributes.resize(len(self))

    def _keeps_too_much(self) -> bool:
        size = sum(results.scores.nbytes for results in self._kept.values())
        return len(self._kept) > KEPT_MODELS or size > KEPT_BYTES


def _called(
    names: LabelNames, categories: Categories
) -> tuple[Categories, dict[str, str], frozenset[int]]:
    """What a model's categories are called; which mean another of them; and which are hidden."""
    labels, hidden = Categories(names.labels(categories)), names.hidden(categories)
    seen = (name for place, name in enumerate(labels) if place not in hidden)
    twins = {name: label for name in seen if (label := names.label(name)) != name}
    return labels, twins, hidden


def _is_known(scores: HalfArray) -> BoolArray:
    """(M,): which are not NaN, by their bits: half floats are slow to look at one by one."""
    known: BoolArray = (scores.view(np.uint16) & 0x7FFF) <= _INFINITE_BITS
    return known


def _no_scores(columns: int) -> GrowingArray:
    return GrowingArray(np.nan, np.float16, columns)
