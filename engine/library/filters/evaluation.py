"""Which images a filter wants: arithmetic on the library's columns."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import PurePath
from typing import Any

import numpy as np

from engine.api.values import FloatArray
from engine.library.columns import (
    NOT_MEASURED,
    VERDICT_CODES,
    BoolArray,
    Columns,
    IntArray,
)
from engine.library.filters.completion import quoted
from engine.library.filters.counting import (
    GIVEN,
    UNCERTAIN_WITHIN,
    any_uncertain,
    per_image,
    per_label,
)
from engine.library.filters.likeness import Comparing, Likeness
from engine.library.filters.meant import (
    Meant,
    any_of,
    as_one,
    contained,
    glob,
    highest,
    joined_words,
    meant_labels,
    run_of_words,
)
from engine.library.filters.tree import (
    AllOf,
    AnyOf,
    CameraIs,
    ColorIs,
    Comparison,
    DateIn,
    FilterError,
    FlagIs,
    FolderIs,
    LabelIs,
    MeasuredIs,
    NameIs,
    Node,
    Not,
    RatingIs,
    ScoreIs,
    SimilarTo,
    Source,
    SourceIs,
    TagCountIs,
    TitleIs,
    WordInNames,
)
from engine.library.ratings import colors_in
from engine.library.values import Verdict
from engine.texts import fold

_COMPARE: dict[Comparison, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_SAID_BY: dict[Source, tuple[Verdict, ...]] = {
    "person": (Verdict.ACCEPTED, Verdict.ADDED),
    "file": (Verdict.IMPORTED,),
}
_VERDICTS = {verdict.value: VERDICT_CODES[verdict] for verdict in Verdict}


class LibraryView:
    """The columns at certain thresholds: what counts now, ready for many filters.

    Args:
        columns: of one model.
        thresholds: of that model, (C,) in [0, 1].
        comparing: answers what images are alike to; ``None``: nobody can say.

    Attributes:
        likeness: of images to others; whoever asks again later gives it anew.
    """

    def __init__(
        self, columns: Columns, thresholds: FloatArray, comparing: Comparing | None = None
    ) -> None:
        self.columns = columns
        self.likeness = Likeness(columns, comparing)
        self.thresholds = np.asarray(thresholds, dtype=np.float32)

    @cached_property
    def labels(self) -> BoolArray:
        """(N, K): the labels that count."""
        return self.columns.labels(self.thresholds)

    @cached_property
    def counts(self) -> IntArray:
        """(N,): how many labels count of each image."""
        return per_image(self.labels)

    @cached_property
    def waiting(self) -> BoolArray:
        """(N,): the images that the model has yet to look at."""
        return ~self.columns.tagged & ~self.columns.failed

    @cached_property
    def unlabelled(self) -> BoolArray:
        """(N,): the images that the model has looked at, and that have no label."""
        found: BoolArray = self.columns.tagged & (self.counts == 0)
        return found

    @cached_property
    def facets(self) -> IntArray:
        """(K,): how many images have each label."""
        return per_label(self.labels)

    def rows(self, node: Node) -> BoolArray:
        """(N,): the images that a filter wants.

        Raises:
            FilterError: it asks for a label that there is not, or for what nobody wants to know.
        """
        match node:
            case Not(inner):
                return np.logical_not(self.rows(inner))
            case AllOf() | AnyOf():
                return self._joined(node)
            case LabelIs() | ScoreIs() | TagCountIs() | SourceIs():
                return self._by_label(node)
            case RatingIs() | ColorIs() | TitleIs():
                return self._by_attribute(node)
            case SimilarTo():
                return self.likeness.rows(node)
        return self._by_file(node)

    def _joined(self, node: AllOf | AnyOf) -> BoolArray:
        if isinstance(node, AnyOf):
            return np.array(np.logical_or.reduce([self.rows(inner) for inner in node.nodes]))
        return np.array(np.logical_and.reduce(self._all_of(node.nodes)))

    def _all_of(self, nodes: Sequence[Node]) -> list[BoolArray]:
        nodes = joined_words(self.columns, nodes)
        found = []
        for at, node in enumerate(nodes):
            try:
                found.append(self.rows(node))
            except FilterError as error:
                runs = (run_of_words(nodes, start) for start in range(at + 1))
                run = next((run for run in runs if node in run), [])
                raise self._with_quotes(error, run) from error
        return found

    def _with_quotes(self, error: FilterError, words: Sequence[LabelIs]) -> FilterError:
        """The same, or how a name is written that has blanks, if one may have been meant."""
        if not error.unknown or len(words) < 2:
            return error
        whole = as_one(words)
        close = self._close(whole.category)
        if not close:
            return error
        said = f"There is no label “{whole.category}”. A name with blanks stands in quotes: "
        said += f"{quoted(close[0])}."
        return FilterError(said, whole.span.start, whole.span.end, close, whole.category)

    def _by_label(self, node: LabelIs | ScoreIs | TagCountIs | SourceIs) -> BoolArray:
        match node:
            case LabelIs():
                return self._label_is(node)
            case ScoreIs():
                return self._score_is(node)
            case TagCountIs(comparison, value):
                found: BoolArray = _COMPARE[comparison](self.counts, value)
                found &= (self.counts > 0) | self.unlabelled  # else nobody can say how many
                return found
            case SourceIs(source):
                return self._by_machine if source == "machine" else self._said_by(source)

    def _by_file(self, node: Node) -> BoolArray:
        columns = self.columns
        match node:
            case FlagIs(flag, value):
                if flag == "tagged":
                    return columns.tagged if value else self.waiting
                return np.equal(columns.reviewed if flag == "reviewed" else columns.failed, value)
            case NameIs(pattern):
                return self._by_name(pattern)
            case FolderIs(pattern):
                wanted = list(map(folder_test(pattern), columns.folders))
                return np.array(wanted, dtype=bool)[columns.folder_of]
            case DateIn() | CameraIs() | MeasuredIs():
                return self._by_picture(node)
        return np.ones(len(columns), dtype=bool)

    def _by_facts(self, node: MeasuredIs) -> BoolArray:
        facts = self.columns.facts
        if len(facts) < len(self.columns):
            said = "What is measured of photos is turned off in the settings."
            raise FilterError(said, node.span.start, node.span.end)
        found: BoolArray = facts != NOT_MEASURED
        return found & ((facts & node.facts) != 0) if node.facts else found

    def _by_name(self, pattern: str) -> BoolArray:
        columns, matches = self.columns, glob(pattern, anywhere=True)
        text = contained(pattern)
        if text is None:
            found = (matches(name) is not None for name in columns.folded_names)
        else:
            found = (text in name for name in columns.folded_names)
        named = np.fromiter(found, dtype=bool, count=len(columns))
        for row, names in columns.other_names.items():
            named[row] |= any(matches(fold(name)) is not None for name in names)
        return named

    def _by_picture(self, node: DateIn | CameraIs | MeasuredIs) -> BoolArray:
        columns = self.columns
        if isinstance(node, MeasuredIs):
            return self._by_facts(node)
        if isinstance(node, DateIn):
            dates = columns.dates_ns
            return np.logical_and(dates >= node.start_ns, dates < node.end_ns)
        if not len(columns.camera_of):
            return np.zeros(len(columns), dtype=bool)
        matches = glob(node.pattern, anywhere=True)
        wanted = [bool(name) and matches(fold(name)) is not None for name in columns.cameras]
        found: BoolArray = np.array(wanted, dtype=bool)[columns.camera_of]
        return found

    def _by_attribute(self, node: RatingIs | ColorIs | TitleIs) -> BoolArray:
        columns = self.columns
        found: BoolArray = np.zeros(len(columns), dtype=bool)
        match node:
            case RatingIs(comparison, value):
                found = np.asarray(_COMPARE[comparison](columns.ratings, value), dtype=bool)
            case ColorIs(wanted):
                fits = list(map(_color_test(wanted), columns.colors))
                found = np.array(fits, dtype=bool)[columns.color_of]
            case TitleIs(pattern):
                matches = glob(pattern, anywhere=True)
                titles = columns.titles.items()
                found[[row for row, title in titles if matches(fold(title)) is not None]] = True
        return found

    def _said_by(self, source: Source) -> BoolArray:
        rows, places = self.columns.decided
        said = self.columns.verdicts[rows, places]
        found: BoolArray = np.zeros(len(self.columns), dtype=bool)
        found[rows[np.isin(said, [VERDICT_CODES[verdict] for verdict in _SAID_BY[source]])]] = True
        return found

    @cached_property
    def _by_machine(self) -> BoolArray:
        said = np.count_nonzero(self.columns.verdicts, axis=1)
        own: BoolArray = self.counts > 0
        rows = np.flatnonzero(said)  # only there a label may be the person's
        own[rows] = (self.labels[rows] & (self.columns.verdicts[rows] == 0)).any(axis=1)
        return own

    def words_in_names(self, node: Node) -> tuple[WordInNames, ...]:
        """The words of a filter that are no labels."""
        match node:
            case Not(inner):
                return self.words_in_names(inner)
            case AllOf(nodes):
                nodes = joined_words(self.columns, nodes)
                return tuple(word for inner in nodes for word in self.words_in_names(inner))
            case AnyOf(nodes):
                return tuple(word for inner in nodes for word in self.words_in_names(inner))
            case LabelIs(is_word=True) if not self._meant(node):
                return (WordInNames(node.category, node.span, self._close(node.category)),)
        return ()

    def _label_is(self, node: LabelIs) -> BoolArray:
        meant = self._meant(node)
        if not meant and node.is_word:
            found = self._by_file(NameIs(node.category))
            if found.any():
                return found
        if not meant:
            raise self._unknown(node)
        if node.question == "tag":
            return self._have(meant)
        found = np.zeros(len(self.columns), dtype=bool)
        if node.question == "uncertain":
            places = [p for p in _own_or_kinds(meant) if p < self.columns.model_categories]
            if len(places) == self.columns.model_categories:
                return any_uncertain(self.columns, self.thresholds, None)
            for place in places:
                found |= self._uncertain(place)
            return found
        # Who says that there is no dog does not say that there is no animal.
        is_no = node.question == "rejected"
        asked = (one.places[:1] if is_no and one.own is not None else one.places for one in meant)
        for place in sorted({place for places in asked for place in places}):
            found |= self.columns.verdicts[:, place] == _VERDICTS[node.question]
        return found

    def _have(self, meant: Sequence[Meant]) -> BoolArray:
        """(N,): the images that have any of these labels, be it that another one implies it.

        What a person rejected is not implied by the machine, only by what a person says.
        """
        rejected = self._rejected_places
        places = {place for one in meant if one.own not in rejected for place in one.places}
        found = any_of(self.labels, sorted(places))
        for one in meant:
            if one.own in rejected:
                found |= self._have_despite(one)
        return found

    def _have_despite(self, meant: Meant) -> BoolArray:
        """The same of one label that some images do not have, as a person said."""
        have, verdicts = any_of(self.labels, meant.places), self.columns.verdicts
        rows = np.flatnonzero(have & (verdicts[:, meant.own] == _VERDICTS["rejected"]))
        have[rows] = np.isin(
            verdicts[np.ix_(rows, np.array(meant.kinds, dtype=np.int64))], GIVEN
        ).any(axis=1)
        return have

    @cached_property
    def _rejected_places(self) -> frozenset[int]:
        rows, places = self.columns.decided
        said = self.columns.verdicts[rows, places] == _VERDICTS["rejected"]
        return frozenset(map(int, np.unique(places[said])))

    def _uncertain(self, place: int) -> BoolArray:
        distance = self.columns.scores[:, place].astype(np.float32) - self.thresholds[place]
        uncertain: BoolArray = np.abs(distance) < UNCERTAIN_WITHIN
        uncertain &= self.columns.verdicts[:, place] == 0
        return uncertain

    def _score_is(self, node: ScoreIs) -> BoolArray:
        found = np.zeros(len(self.columns), dtype=bool)
        meant = self._meant(node)
        if not meant:
            raise self._unknown(node)
        for one in meant:
            places = [place for place in one.places if place < self.columns.model_categories]
            scores = highest(self.columns.scores, places)  # a NaN compares false
            found |= _COMPARE[node.comparison](scores, np.float32(node.value))
        return found

    def _meant(self, node: LabelIs | ScoreIs) -> list[Meant]:
        return meant_labels(self.columns, node.category, is_exact=node.is_exact)

    def _close(self, wrong: str) -> tuple[str, ...]:
        return self.columns.label_names.suggestions(wrong, self.columns.categories)

    def _unknown(self, node: LabelIs | ScoreIs) -> FilterError:
        span, close = node.span, self._close(node.category)
        in_names = isinstance(node, LabelIs) and node.is_word
        nowhere = ", and no file name contains it" if in_names else ""
        said = f"There is no label “{node.category}”{nowhere}."
        return FilterError(said, span.start, span.end, close, unknown=node.category)


def _own_or_kinds(meant: Sequence[Meant]) -> list[int]:
    """Places of labels that are categories, and of the kinds of those that are none."""
    places = (one.kinds if one.own is None else (one.own,) for one in meant)
    return sorted({place for some in places for place in some})


def _color_test(pattern: str | None) -> Callable[[str], bool]:
    if pattern is None:
        return lambda text: not text
    matches = glob(pattern, anywhere=False)
    return lambda text: any(matches(fold(color)) is not None for color in colors_in(text))


def folder_test(pattern: str) -> Callable[[str], bool]:
    """A test of folders: whether the folder, or one that it is in, fits the pattern.

    Args:
        pattern: of one folder's name, or of a whole path if it has a separator.
    """
    by_path = "/" in pattern or os.sep in pattern
    matches = glob(os.fspath(PurePath(pattern)) if by_path else pattern, anywhere=False)

    def test(folder: str) -> bool:
        path = PurePath(fold(folder))
        candidates = map(os.fspath, (path, *path.parents)) if by_path else iter(path.parts)
        return any(matches(candidate) is not None for candidate in candidates)

    return test
