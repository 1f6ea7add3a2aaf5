"""Things that photos can be asked for, with how many fit: plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facet:
    """Something that photos can be asked for.

    Attributes:
        term: of a filter.
        caption: for a person.
        count: how many of the photos shown fit.
        depth: in a tree: a facet is a part of the last one before it that is less deep. ``None``
            if there is no tree.
        has_parts: whether the next one is deeper.
    """

    term: str
    caption: str
    count: int
    depth: int | None = None
    has_parts: bool = False


@dataclass(frozen=True, slots=True)
class FacetGroup:
    """Facets of one kind, under a heading; those of a filter that is not in force count nothing."""

    caption: str
    facets: tuple[Facet, ...]
    is_applied: bool = True
