"""What got better and what got worse between two evaluation runs, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.data.datasets.category_reader import label_key
from engine.metrics.bootstrap import DEFAULT_BOOTSTRAP, BootstrapSettings, Interval
from engine.metrics.checks import defined_mean, finished
from engine.metrics.paired import (
    PairedDifferences,
    SeedSpread,
    paired_differences,
    seed_spread,
    welch_interval,
)
from engine.metrics.ranking import average_precision
from engine.records.evaluations import EvaluationRun
from engine.texts import display_text

ImageLabel = tuple[str, str]

# Below this share of true labels in common the same names are names of other photos.
_LEAST_AGREEMENT = 0.5
_MOST_NAMED = 5


@dataclass(frozen=True, eq=False)
class RunComparison:
    """Two runs, or two recipes of several runs each, on the images and categories that all have.

    Attributes:
        names: of the two models, of several the first.
        num_images: in all runs.
        categories: in all runs.
        before: (C,) average precision, the mean of several runs; NaN without positives.
        after: (C,) likewise.
        better: sample id and category of each label that was wrong and is right now, the largest
            change first; empty where a side is several runs.
        worse: the other way round.
        notes: what was left out because the runs differ, one sentence each.
        difference: after minus before with its uncertainty; ``None`` if nobody asked.
        spreads: mean average precision of each side over its runs.
        more: how many runs each side has beyond the named one; 0 where all have its name.
    """

    names: tuple[str, str]
    num_images: int
    categories: Categories
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    better: tuple[ImageLabel, ...]
    worse: tuple[ImageLabel, ...]
    notes: tuple[str, ...]
    difference: PairedDifferences | None
    spreads: tuple[SeedSpread, SeedSpread]
    more: tuple[int, int] = (0, 0)

    @property
    def over_seeds(self) -> Interval | None:
        """The difference with how far other seeds would move it; ``None`` for single runs."""
        old, new = self.spreads
        return welch_interval(old, new) if min(old.count, new.count) > 1 else None

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        pairs = zip(self.categories, self.before.tolist(), self.after.tolist(), strict=True)
        seeds = self.over_seeds
        return {
            "models": list(self.names),
            "more_runs": list(self.more),
            "num_images": self.num_images,
            "categories": list(self.categories),
            "mAP": [defined_mean(self.before), defined_mean(self.after)],
            "AP": {name: [old, new] for name, old, new in pairs if old == old},  # noqa: PLR0124
            "difference": None if self.difference is None else self.difference.as_dict(),
            "runs": [spread.as_dict() for spread in self.spreads],
            "difference_over_seeds": None if seeds is None else seeds.as_dict(),
            "better": [list(label) for label in self.better],
            "worse": [list(label) for label in self.worse],
            "notes": list(self.notes),
        }


def compare_runs(
    before: EvaluationRun, after: EvaluationRun, bootstrap: BootstrapSettings = DEFAULT_BOOTSTRAP
) -> RunComparison:
    """Compare two runs, for example of two models on one data set.

    Only images and categories that both have count. The true labels are those of the second run;
    where either ignores one, so does the comparison.

    Args:
        before: one run.
        after: the other.
        bootstrap: how the uncertainty of the difference is found.

    Returns:
        After minus before, with intervals.

    Raises:
        DataError: they share no image or no category, no category has a positive, or images of the
            same names have other labels.
    """
    return finished(comparison_steps([before], [after], bootstrap))


def comparison_steps(
    before: Sequence[EvaluationRun],
    after: Sequence[EvaluationRun],
    bootstrap: BootstrapSettings | None = DEFAULT_BOOTSTRAP,
) -> Generator[None, None, RunComparison]:
    """Compare two runs, or two recipes trained several times, in steps that can be given up.

    Only images and categories that all runs have count. The true labels are those of the last
    run; where any run ignores one, so does the comparison. A label is right if the score is on the
    right side of one half.

    Args:
        before: one run, or several of one recipe with different seeds.
        after: likewise.
        bootstrap: how to resample; ``None`` leaves the uncertainty out.

    Raises:
        DataError: they share no image or no category, no category has a positive, images of the
            same names have other labels, or two runs of one recipe have the same scores.
    """
    runs = [*before, *after]
    last = runs[-1]
    ids = _shared([run.ids for run in runs])
    spelled = [_spelled(run.categories, last.categories) for run in runs]
    names = _shared(spelled)
    if not names or not ids:
        raise DataError("The two runs share no image or no category; there is nothing to compare.")
    places = [
        np.ix_(_places(run.ids, ids), _places(own, names))
        for run, own in zip(runs, spelled, strict=True)
    ]
    targets = last.targets[places[-1]]
    ignored = np.any([run.ignored[at] for run, at in zip(runs, places, strict=True)], axis=0)
    notes = [
        *_left_out("images", ids, [run.ids for run in runs]),
        *_left_out("categories", names, spelled),
    ]
    notes += _other_labels(runs, places, targets, ignored)
    logits = [run.logits[at] for run, at in zip(runs, places, strict=True)]
    old, new = logits[: len(before)], logits[len(before) :]
    _refuse_equal(before, old)
    _refuse_equal(after, new)
    precisions = [average_precision(one, targets, ignored) for one in logits]
    if np.isnan(precisions[-1]).all():
        raise DataError("None of the shared images has any of the shared categories.")
    difference = None
    if bootstrap is not None:
        difference = yield from paired_differences(old, new, targets, ignored, bootstrap)
    means = [defined_mean(one) for one in precisions]
    better: tuple[ImageLabel, ...] = ()
    worse: tuple[ImageLabel, ...] = ()
    if len(runs) == 2:
        better, worse = _changed_labels(old[0], new[0], targets, ignored, (ids, names))
    return RunComparison(
        names=(_name(before[0]), _name(after[0])),
        num_images=len(ids),
        categories=Categories(names),
        before=np.mean(precisions[: len(before)], axis=0),
        after=np.mean(precisions[len(before) :], axis=0),
        better=better,
        worse=worse,
        notes=tuple(notes),
        difference=difference,
        spreads=(seed_spread(means[: len(before)]), seed_spread(means[len(before) :])),
        more=(_more_names(before), _more_names(after)),
    )


def _refuse_equal(runs: Sequence[EvaluationRun], logits: Sequence[NDArray[np.floating]]) -> None:
    """Of two runs that are one no deviation can be told, and it would come out too small."""
    for (one, own), (other, others) in combinations(zip(runs, logits, strict=True), 2):
        if not np.array_equal(own, others):
            continue
        if one.id == other.id:
            raise DataError(f"Run {one.id} is named twice on one side. Name each run once.")
        raise DataError(
            f"The runs {one.id} and {other.id} have the same scores to the bit, so they are not "
            "two seeds. Leave one of them out."
        )


def _name(run: EvaluationRun) -> str:
    return run.model.get("name", "")


def _more_names(runs: Sequence[EvaluationRun]) -> int:
    return len(runs) - 1 if len({_name(run) for run in runs}) > 1 else 0


def _changed_labels(
    old: NDArray[np.floating],
    new: NDArray[np.floating],
    targets: NDArray[np.bool_],
    ignored: NDArray[np.bool_],
    axes: tuple[tuple[str, ...], tuple[str, ...]],
) -> tuple[tuple[ImageLabel, ...], tuple[ImageLabel, ...]]:
    """Labels that became right, and that became wrong, the largest change first."""
    was_right, is_right = (old >= 0) == targets, (new >= 0) == targets
    change = np.abs(new - old)
    ids, names = axes

    def labels(which: NDArray[np.bool_]) -> tuple[ImageLabel, ...]:
        rows, columns = np.nonzero(which & ~ignored)
        order = np.argsort(-change[rows, columns], kind="stable")
        return tuple((ids[rows[i]], names[columns[i]]) for i in order.tolist())

    return labels(~was_right & is_right), labels(was_right & ~is_right)


def _shared(lists: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What all have, in the order of the last."""
    common = set(lists[0]).intersection(*lists[1:])
    return tuple(name for name in lists[-1] if name in common)


def _spelled(categories: Categories, wanted: Categories) -> tuple[str, ...]:
    """Names in another run's words, where they mean the same: "tvmonitor" may be its "TV"."""
    by_key = {label_key(name): name for name in wanted}
    names = [name if name in wanted else by_key.get(label_key(name), name) for name in categories]
    # Of two that would become one, each keeps its own name.
    counts = Counter(names)
    return tuple(
        new if counts[new] == 1 else old for old, new in zip(categories, names, strict=True)
    )


def _left_out(what: str, kept: tuple[str, ...], lists: Sequence[tuple[str, ...]]) -> list[str]:
    everything = set().union(*lists)
    missing = sorted(everything.difference(kept))
    if not missing:
        return []
    counts = " and ".join(f"{len(one):,}" for one in lists)
    return [
        f"The runs have {counts} {what}; only the {len(kept):,} that all have are compared. "
        f"Left out are {len(missing):,}: {_named(missing)}."
    ]


def _named(items: Sequence[str]) -> str:
    shown = ", ".join(display_text(item) for item in items[:_MOST_NAMED])
    more = len(items) - _MOST_NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown


def _other_labels(
    runs: Sequence[EvaluationRun],
    places: Sequence[tuple[NDArray[np.intp], ...]],
    targets: NDArray[np.bool_],
    ignored: NDArray[np.bool_],
) -> list[str]:
    """A note if the runs disagree in what is true; an error if they cannot mean the same images."""
    odd = np.zeros(targets.shape, dtype=np.bool_)
    for run, at in zip(runs, places, strict=True):
        theirs = run.targets[at]
        both, either = theirs & targets & ~ignored, (theirs | targets) & ~ignored
        if both.sum() < _LEAST_AGREEMENT * either.sum():
            raise DataError(
                "Most true labels of the images that both runs name differ, so these are other "
                f"images of the same names: {run.dataset.get('name', '')} and "
                f"{runs[-1].dataset.get('name', '')}. Compare runs on one data set."
            )
        odd |= (theirs != targets) & ~ignored
    if not odd.any():
        return []
    number, images = int(odd.sum()), int(odd.any(axis=1).sum())
    return [
        f"{number:,} true labels of {images:,} images differ between the runs; those of the last "
        "run count."
    ]


def _places(have: Iterable[str], want: tuple[str, ...]) -> list[int]:
    index = {name: place for place, name in enumerate(have)}
    return [index[name] for name in want]
