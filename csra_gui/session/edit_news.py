"""What an edit of the library changed, as the table takes it in: arrays, made in a worker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self, TypeVar

import numpy as np

from engine.library.columns import IntArray
from engine.library.values import Attribute, Edit, Verdict

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, eq=False)
class EditNews:
    """Images of which something is said now, those of which the same is said together.

    An edit may be of a million photos: the window goes through kinds of changes, not through them.

    Attributes:
        ids: (N,) of the images, each once.
        words: by label and what is said of it, places in ``ids``.
        marks: by whether they are reviewed.
        attributes: by attribute and value.
    """

    ids: IntArray
    words: Mapping[tuple[str, Verdict | None], IntArray] = field(default_factory=dict)
    marks: Mapping[bool, IntArray] = field(default_factory=dict)
    attributes: Mapping[tuple[Attribute, str], IntArray] = field(default_factory=dict)

    @classmethod
    def of(cls, edit: Edit) -> Self:
        """What an edit leads to."""
        ids = edit.image_ids
        place = {image: i for i, image in enumerate(ids)}
        return cls(
            np.array(ids, dtype=np.int64),
            _alike(
                ((c.category, None if c.new is None else c.new.verdict), place[c.image_id])
                for c in edit.decisions
            ),
            _alike((mark.new, place[mark.image_id]) for mark in edit.reviews),
            _alike(((c.attribute, c.value), place[c.image_id]) for c in edit.attributes),
        )


def _alike(said: Iterable[tuple[K, int]]) -> dict[K, IntArray]:
    places: dict[K, list[int]] = defaultdict(list)
    for word, place in said:
        places[word].append(place)
    return {word: np.array(same, dtype=np.int64) for word, same in places.items()}
