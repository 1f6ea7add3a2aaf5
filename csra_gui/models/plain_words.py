"""What a model is, for people who only want to tag photos."""

from __future__ import annotations

from engine.api.categories import Categories, shipped_categories
from engine.texts import number

#: How many times as much work two models may be and still feel alike.
_ALIKE = 1.5
_MUCH = 4.0
_KINDS = {
    "voc": "everyday things",
    "coco": "everyday things",
    "wider": "attributes of people",
}
_IMAGENET = 1000


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
