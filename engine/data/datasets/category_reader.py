"""Which category a name in somebody's file means, and what follows if nobody can tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.errors import ConfigError
from engine.api.label_names import SHIPPED_NAMES, is_shipped
from engine.api.values import DEFAULT_THRESHOLD
from engine.api.vocabulary import name_key
from engine.data.datasets.reading import FaultLog

#: Begins the sentence about labels that may mean anything.
NOT_UNDERSTOOD = (
    "Labels that are not understood; of their images only what is understood counts, and nothing "
    "else as absent"
)
#: Begins the sentence about labels that a model was not sure of.
TOO_LOW = f"Labels with a score below {DEFAULT_THRESHOLD:g}, which do not count"
#: Begins the sentence about labels that mean something, but nothing that is asked for.
SOMETHING_ELSE = "Labels of other categories, which are left out"


class CategoryReader:
    """Reads names as one of a list of categories: by spelling, case, spaces or known synonym."""

    def __init__(self, categories: Categories) -> None:
        """Read names as one of ``categories``."""
        self._categories = categories
        self._places: dict[str, int | None] = {}
        for place, name in enumerate(categories):
            key = label_key(name)  # of two that differ in case alone, neither is meant by a third
            self._places[key] = None if key in self._places else place

    def place(self, name: str) -> int | None:
        """The index of the category that a name means; ``None`` if it means none of them."""
        name = name.strip()
        if name in self._categories:
            return self._categories.index_of(name)
        return self._places.get(label_key(name)) if name else None

    def read(self, name: str, where: str, log: FaultLog) -> int | None:
        """As ``place``; what means none is told to the log, by whether it is known what it is.

        Args:
            name: as the file has it.
            where: the file, line or image, for the message.
            log: is told.
        """
        place = self.place(name)
        if place is None:
            kind = SOMETHING_ELSE if self.is_something_else(name) else NOT_UNDERSTOOD
            log.add(kind, f"{name.strip() or 'without a name'} in {where}")
        return place

    def is_something_else(self, name: str) -> bool:
        """Whether a name that means no category is known to mean another thing.

        If not, it may be any of them in another language or spelling, and none of them can be
        taken for absent where it stands.
        """
        return (
            bool(name.strip()) and label_key(name) not in self._places and is_shipped(name.strip())
        )


def label_key(name: str) -> str:
    """The same for all spellings and synonyms of a thing."""
    return name_key(SHIPPED_NAMES.label(name.strip()))


def ignore_untold(targets: NDArray[np.bool_], is_unclear: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which categories nobody can tell of each image, because a label of it is not understood.

    Args:
        targets: (N, C) bool, what is understood.
        is_unclear: (N,) bool, true where something is not.

    Returns:
        (N, C) bool: true for all but the present categories of unclear images.
    """
    return is_unclear[:, None] & ~targets


def spelt_once(names: Iterable[str]) -> tuple[str, ...]:
    """All that can be names of categories, sorted; of several spellings the one used most."""
    counts = Counter(names)
    spellings: dict[str, str] = {}
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        if _is_usable(name):
            spellings.setdefault(label_key(name), name)
    return tuple(sorted(spellings.values()))


def _is_usable(name: str) -> bool:
    try:
        Categories((name,))
    except ConfigError:
        return False
    return True
