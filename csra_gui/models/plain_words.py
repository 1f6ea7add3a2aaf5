"""What a model is, for people who only want to tag photos."""

from __future__ import annotations

from collections import Counter

from csra_gui.session.typed_labels import FEW_LABELS
from engine.api.categories import Categories, shipped_categories
from engine.api.label_names import SHIPPED_NAMES
from engine.texts import fold, number

#: How many times as much work two models may be and still feel alike.
_ALIKE = 1.5
_MUCH = 4.0
_KINDS = {
    "voc": "everyday things",
    "coco": "everyday things",
    "wider": "attributes of people",
}
_IMAGENET = 1000
_KINDS_NAMED = 6


def what_it_names(categories: Categories | None) -> str:
    """How many labels a model has, and of what kind; empty if nobody knows yet.

    Categories that were added to a known list are counted apart.
    """
    if categories is None:
        return ""
    for name, kind in _KINDS.items():
        known = shipped_categories(name)
        if tuple(categories)[: len(known)] == tuple(known):
            more = len(categories) - len(known)
            return f"{len(known)} {kind}" + (f" and {more} more" if more else "")
    if len(categories) == _IMAGENET:
        return f"{_IMAGENET:,} kinds of animals, plants and things"
    return "1 label" if len(categories) == 1 else f"{len(categories):,} labels"


def kinds_in_short(categories: Categories | None, *, can_learn: bool) -> str:
    """What kinds of things a model names, the most frequent first, and what becomes of others.

    Args:
        categories: ``None`` if nobody knows yet: nothing is said.
        can_learn: whether it can be taught what it does not name.
    """
    if categories is None:
        return ""
    tops = [above[0] for label in categories if (above := SHIPPED_NAMES.path_to(label))]
    often = [(top, count) for top, count in Counter(tops).most_common(_KINDS_NAMED) if count > 1]
    parts = [f"{top} ({count:,})" for top, count in often]
    parts += ["others"] if len(categories) > sum(count for _, count in often) else []
    said = f"Kinds of {_listed(parts)}" if often else ""
    lacks = "What it lacks can be taught: Train ▸ Teach a new label"
    if not can_learn:
        lacks = "It cannot be taught others"
    return ". ".join(part for part in (said, lacks) if part) + "."


def _listed(parts: list[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def names_by_kind(categories: Categories) -> list[tuple[str, str]]:
    """What a model names, under captions: all at once, or where there are many by their kinds."""
    labels, said = SHIPPED_NAMES.labels(categories), f"It names {what_it_names(categories)}"
    if len(labels) <= FEW_LABELS:
        return [(said, ", ".join(labels))]
    tops: list[str] = []
    kinds: dict[str, list[str]] = {}
    for label in labels:
        above = SHIPPED_NAMES.path_to(label)
        (kinds.setdefault(above[0], []) if above else tops).append(label)
    order = sorted(kinds, key=lambda top: (-len(kinds[top]), fold(top)))
    names = [(said, tops)] if tops else []
    names += [(f"Kinds of {top} ({len(kinds[top]):,})", kinds[top]) for top in order]
    return [(caption, ", ".join(sorted(listed, key=fold))) for caption, listed in names]


def speed_beside(work: float | None, used: float | None) -> str:
    """How quick a model is beside the one in use; empty where nobody knows.

    Args:
        work: for one photo, in any unit.
        used: the same of the model in use.
    """
    if not work or not used:
        return ""
    ratio = work / used
    if 1 / _ALIKE < ratio < _ALIKE:
        return "as quick as the one in use"
    word = "slower" if ratio > 1 else "quicker"
    much = "much " if max(ratio, 1 / ratio) >= _MUCH else ""
    return f"{much}{word} than the one in use"


def size_text(size: int | None, *, is_guess: bool) -> str:
    """The size of a file; empty if nobody knows."""
    if size is None:
        return ""
    return f"{'about ' if is_guess else ''}{number(size / 1e6, 0)} MB"
