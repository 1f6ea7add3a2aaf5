"""What categories of a model are kinds of: who sees a golden retriever has seen a dog."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from engine.api.errors import ConfigError

if TYPE_CHECKING:  # commands that are not run, and a second start, do without NumPy
    import numpy as np
    from numpy.typing import NDArray

_Number = TypeVar("_Number", bound="np.floating")
_Edges = tuple[tuple[int, int], ...]
#: A logit that says that there is nothing: the least that log-odds of a group can be.
NOTHING = -13.8
#: Places of what a category is a kind of, by its own place.
Relations = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class CategoryParents:
    """Of some categories, which others of the same model they are kinds of.

    Empty for most models: nothing follows from anything then. A detail is a kind that is only
    possible: nothing follows from it, it is never surer than what it is a kind of, and of several
    of one parent only the best is said.

    Args:
        of: places of the direct parents by the place of the category; those of parents follow.
        details: the same of categories that are details; none of them is in ``of``.

    Raises:
        ConfigError: a place is negative, a category would be a kind of itself, or a detail would
            lift what is above it.
    """

    of: Relations = field(default_factory=dict)
    details: Relations = field(default_factory=dict)
    _edges: _Edges = field(init=False, repr=False, compare=False)
    _rivals: tuple[tuple[int, tuple[int, ...]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        sound, details = _sound(self.of), _sound(self.details)
        if not sound.keys().isdisjoint(details):
            raise ConfigError("From a detail nothing follows; it cannot be a kind as well.")
        object.__setattr__(self, "of", sound)
        object.__setattr__(self, "details", details)
        object.__setattr__(self, "_edges", _children_first(sound))
        rivals: dict[int, list[int]] = {}
        for detail, parent in reversed(_children_first(details)):
            rivals.setdefault(parent, []).append(detail)
        object.__setattr__(self, "_rivals", tuple((p, tuple(sorted(d))) for p, d in rivals.items()))

    def __hash__(self) -> int:
        return hash((tuple(self.of.items()), tuple(self.details.items())))

    def __bool__(self) -> bool:
        return bool(self.of or self.details)

    @classmethod
    def among(
        cls, categories: Sequence[str], parents_of: Callable[[str], Iterable[str]]
    ) -> CategoryParents:
        """Those of a model's categories, as a vocabulary says.

        Args:
            categories: of the model; a parent that is none of them is passed over for its own
                parents.
            parents_of: names of the direct parents of any name.

        Raises:
            ConfigError: a name would be a kind of itself.
        """
        place_of = {name: place for place, name in enumerate(categories)}

        def nearest(name: str, above: tuple[str, ...]) -> Iterable[int]:
            for parent in parents_of(name):
                if parent in above:
                    raise ConfigError(f"{parent!r} would be a kind of itself.")
                if parent in place_of:
                    yield place_of[parent]
                else:
                    yield from nearest(parent, (*above, parent))

        return cls({p: tuple(dict.fromkeys(nearest(n, (n,)))) for n, p in place_of.items()})

    @property
    def highest(self) -> int:
        """The highest place that is named; −1 if none is."""
        known = (*self.of.items(), *self.details.items())
        return max((max(child, *parents) for child, parents in known), default=-1)

    def ancestors(self, place: int) -> tuple[int, ...]:
        """Places of all that follow from a category, the nearest first; none of a detail."""
        found: dict[int, None] = {}
        waiting = list(self.of.get(place, ()))
        while waiting:
            one = waiting.pop(0)
            if one not in found:
                found[one] = None
                waiting += self.of.get(one, ())
        return tuple(found)

    def implied(self, scores: NDArray[_Number], least: float = 0.0) -> NDArray[_Number]:
        """Scores, or logits, in which no parent is below any of its children.

        Details are then brought down to their parent, and all but the best of them to ``least``.

        Args:
            scores: (…, C); stays as it is. What is NaN stays so, and raises nothing.
            least: what says that there is nothing; of logits ``NOTHING``.

        Returns:
            The same array where nothing follows from anything, else another one.

        Raises:
            ConfigError: there are fewer categories than parents know.
        """
        if not self:
            return scores
        found = scores.copy()
        for _ in self._lifting(found):
            pass
        for parent, places in self._rivals:
            _leave_the_best(found, list(places), parent, least)
        return found

    def followed(self, scores: NDArray[_Number]) -> Mapping[int, int]:
        """Of which kind each category has its score, by the rule of ``implied``.

        Args:
            scores: (C,) of one image, or logits.

        Returns:
            By the place of a category that is lifted, the place of the kind whose own score it
            takes; what has its own score is not in here, nor is any detail.

        Raises:
            ConfigError: there are fewer categories than parents know.
        """
        found: dict[int, int] = {}
        for child, parent, is_higher in self._lifting(scores.copy()) if self else ():
            if is_higher:
                found[parent] = found.get(child, child)
        return found

    def outdone(self, scores: NDArray[_Number]) -> frozenset[int]:
        """Places that say no more than one of their kinds does.

        Args:
            scores: (C,) of one image, from ``implied``.
        """
        return frozenset(parent for child, parent in self._edges if scores[child] >= scores[parent])

    def _lifting(
        self, scores: NDArray[_Number]
    ) -> Iterator[tuple[int, int, NDArray[np.bool_] | np.bool_]]:
        """Lift parents in place; child, parent and where the child was higher, of each relation.

        Raises:
            ConfigError: there are fewer categories than parents know.
        """
        if self.highest >= scores.shape[-1]:
            raise ConfigError(
                f"These parents are for more than the {scores.shape[-1]} categories of the scores."
            )
        for child, parent in self._edges:
            below, above = scores[..., child], scores[..., parent]
            is_higher = below > above  # false for NaN
            scores[..., parent][is_higher] = below[is_higher]
            yield child, parent, is_higher


def _sound(relations: Relations) -> dict[int, tuple[int, ...]]:
    """In the order of the places, without those that are kinds of nothing.

    Raises:
        ConfigError: a place is negative.
    """
    sound = {child: tuple(parents) for child, parents in sorted(relations.items()) if parents}
    if any(min((child, *parents)) < 0 for child, parents in sound.items()):
        raise ConfigError("A category's place cannot be negative.")
    return sound


def _leave_the_best(
    scores: NDArray[_Number], details: list[int], parent: int, least: float
) -> None:
    """Bring down the details of one parent, in place: the best to the parent, others to the least.

    What is NaN stays so.
    """
    own = scores[..., details]
    is_best = own == own.max(axis=-1, keepdims=True)
    is_best &= is_best.cumsum(axis=-1) == 1  # the first of equals
    own[~is_best & (own > least)] = least
    scores[..., details] = own.clip(max=scores[..., [parent]])


def _children_first(parents: Mapping[int, tuple[int, ...]]) -> tuple[tuple[int, int], ...]:
    """Child and parent of each relation, in an order in which nothing has to be looked at twice.

    Raises:
        ConfigError: a category is a kind of itself.
    """
    waiting = {place: 0 for child, above in parents.items() for place in (child, *above)}
    for above in parents.values():
        for place in above:
            waiting[place] += 1
    free = [place for place, count in sorted(waiting.items()) if not count]
    edges = []
    for place in free:  # grows meanwhile
        for parent in parents.get(place, ()):
            edges.append((place, parent))
            waiting[parent] -= 1
            if not waiting[parent]:
                free.append(parent)
    if len(free) < len(waiting):
        raise ConfigError("A category would be a kind of itself.")
    return tuple(edges)


#: Nothing is a kind of anything.
NO_PARENTS = CategoryParents()
