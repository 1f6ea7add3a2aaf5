"""A comparison in plain words: which model is better, or that nobody can tell."""

from __future__ import annotations

import numpy as np

from engine.api.label_names import shown_label
from engine.metrics.bootstrap import Interval
from engine.metrics.checks import defined_mean
from engine.metrics.paired import FEWEST_POSITIVES, SIGNIFICANCE, SeedSpread
from engine.records.run_comparison import RunComparison
from engine.texts import change, display_text, number, percent

_MOST_NAMED = 12
#: What the interval is silent about.
CAVEAT = (
    "The interval says how far the difference would move with other photos of the same kind, not "
    "with another training run."
)


def verdict(found: RunComparison) -> str:
    """Which is better and by how much, or that nobody can tell, in one sentence.

    For example "B is better than A by 0.8 mAP (95% interval 0.1 to 1.5) on the same 1,508 photos."
    Without uncertainty it says the two numbers only.
    """
    where = f"on the same {found.num_images:,} photos"
    if found.difference is None:
        old, new = (percent(defined_mean(side)) for side in (found.before, found.after))
        return f"mAP {old} before, {new} now {where}."
    mean = found.difference.mean
    if not found.difference.is_told:
        return f"No difference can be told: {change(0.0, mean.value)} mAP {_range(mean)} {where}."
    titles, better = _titles(found), int(mean.low > 0)
    low, high = sorted((abs(mean.low), abs(mean.high)))
    size = Interval(abs(mean.value), low, high, mean.level)
    by = f"{number(100 * size.value, 1)} mAP {_range(size)}"
    is_better = f"{titles[better]} {_verbs(found)[better]} better than {titles[1 - better]}"
    return f"{is_better} by {by} {where}."


def seeds_text(found: RunComparison) -> str:
    """What several runs of one recipe say, in a sentence or two; empty for single runs."""
    if max(spread.count for spread in found.spreads) < 2:
        return ""
    titles = _titles(found)
    sides = [f"{t}: mAP {_spread(s)}" for t, s in zip(titles, found.spreads, strict=True)]
    text = f"{'; '.join(sides)}."
    seeds = found.over_seeds
    if seeds is None:
        return f"{text} What another seed would change takes two runs or more on both sides."
    told = "" if seeds.low > 0 or seeds.high < 0 else " No difference can be told."
    return f"{text} With other seeds: {change(0.0, seeds.value)} mAP {_range(seeds)} (Welch).{told}"


def categories_text(found: RunComparison) -> str:
    """Which categories differ once it is taken into account that many were looked at."""
    difference = found.difference
    if difference is None:
        return ""
    tested = int(np.count_nonzero(~np.isnan(difference.adjusted)))
    names = [
        f"{shown_label(found.categories[place])} {change(0.0, difference.by_category[place].value)}"
        for place in difference.differs.nonzero()[0].tolist()
    ]
    few = len(difference.by_category) - tested
    rest = f" {few} with fewer than {FEWEST_POSITIVES} positives were not tested." if few else ""
    if not tested:
        return f"No category has the {FEWEST_POSITIVES} positives that a test takes."
    noun = "category" if tested == 1 else "categories"
    how = f"Holm's correction for {tested} {noun} at {SIGNIFICANCE:.0%}, bootstrap p values"
    if not names:
        return f"No single category differs for certain ({how}).{rest}"
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"For certain differ: {', '.join(names[:_MOST_NAMED])}{more} ({how}).{rest}"


def sides(found: RunComparison) -> tuple[str, str]:
    """What was compared with what: "A", or "A0 and 2 more"."""
    before, after = (
        f"{display_text(name)} and {more} more" if more else display_text(name)
        for name, more in zip(found.names, found.more, strict=True)
    )
    return before, after


def _titles(found: RunComparison) -> tuple[str, str]:
    before, after = sides(found)
    if before != after:
        return before, after
    old, new = ("run" if spread.count < 2 else "runs" for spread in found.spreads)
    return f"the {old} before", f"the {new} now"


def _verbs(found: RunComparison) -> tuple[str, str]:
    before, after = sides(found)
    counts = found.more if before != after else [spread.count - 1 for spread in found.spreads]
    old, new = ("are" if count else "is" for count in counts)
    return old, new


def _spread(spread: SeedSpread) -> str:
    if spread.count < 2:
        return percent(spread.mean)
    return f"{percent(spread.mean)} ± {100 * spread.deviation:.1f} (sd of {spread.count} runs)"


def _range(interval: Interval) -> str:
    low, high = (number(100 * end, 1) for end in (interval.low, interval.high))
    return f"({interval.level:.0%} interval {low} to {high})"
