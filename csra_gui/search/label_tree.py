"""How many photos have each label; where labels are many, below what they are kinds of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from csra_gui.search.facet import Facet
from csra_gui.session.typed_labels import FEW_LABELS
from engine.library.columns import IntArray
from engine.library.filters.completion import quoted
from engine.library.filters.counting import with_kinds
from engine.library.filters.evaluation import LibraryView
from engine.texts import fold

MAX_LABELS = 5000


@dataclass(slots=True)
class _Node:
    """A label, how many photos have it or a kind of it, and those kinds."""

    name: str
    count: int
    is_category: bool
    kinds: list[_Node] = field(default_factory=list)


def label_facets(view: LibraryView, rows: IntArray) -> Iterator[Facet]:
    """The labels of photos, those that most have first, each level for itself.

    A label counts the photos that a filter for it finds: also those with a kind of it. Where the
    categories are few they are a plain list; else each is listed below the first of its parents,
    be these categories or not, if more than one kind of it was found.

    Args:
        view: of the whole table.
        rows: of the photos that are counted.
    """
    counts = with_kinds(view.columns, view.labels, rows)
    if len(view.columns.categories) <= FEW_LABELS:
        own = set(view.columns.categories)
        listed = sorted(counts.items(), key=lambda item: -item[1])
        for name, count in [one for one in listed if one[0] in own][:MAX_LABELS]:
            yield Facet(quoted(name), name, count)
        return
    yield from _facets(_tree(view, counts), 0)


def _tree(view: LibraryView, counts: dict[str, int]) -> list[_Node]:
    own = set(view.columns.categories)
    nodes = {name: _Node(name, count, name in own) for name, count in counts.items()}
    names = view.columns.label_names
    paths = [[*(one for one in names.path_to(name) if one in nodes), name] for name in nodes]
    # Where a label lies itself goes before where the path of another one says.
    steps = [step for path in paths for step in pairwise(path[-2:])]
    steps += [step for path in paths for step in pairwise(path[:-1])]
    parent_of: dict[str, str] = {}
    for parent, kind in steps:
        if kind not in parent_of and not _is_below(parent, kind, parent_of):  # people place circles
            parent_of[kind] = parent
            nodes[parent].kinds.append(nodes[kind])
    return _pruned([node for name, node in nodes.items() if name not in parent_of])


def _is_below(name: str, other: str, parent_of: dict[str, str]) -> bool:
    while name != other and name in parent_of:
        name = parent_of[name]
    return name == other


def _pruned(nodes: Sequence[_Node]) -> list[_Node]:
    """The nodes in their order, without parents that say no more than their only kind does."""
    kept = []
    for node in nodes:
        node.kinds = _pruned(node.kinds)
        says_more = node.is_category or len(node.kinds) > 1
        kept += [node] if says_more else node.kinds
    return sorted(kept, key=lambda node: (-node.count, fold(node.name)))


def _facets(nodes: Sequence[_Node], depth: int) -> Iterator[Facet]:
    for node in nodes:
        yield Facet(quoted(node.name), node.name, node.count, depth, bool(node.kinds))
        yield from _facets(node.kinds, depth + 1)
