"""How many of the photos shown have what: counts to click on, worked out in a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from csra_gui.search.facet import Facet, FacetGroup
from csra_gui.search.label_tree import MAX_LABELS, label_facets
from csra_gui.session.folder_tree import FolderNode, FolderTree
from engine.api.facts import FACT_NAMES, FACT_WORDS
from engine.api.label_names import LabelNames
from engine.library.columns import NOT_MEASURED, VERDICT_CODES, BoolArray, IntArray
from engine.library.filters.completion import quoted
from engine.library.filters.counting import any_uncertain
from engine.library.filters.evaluation import LibraryView
from engine.library.ratings import COLORS, MOST_STARS, REJECTED, colors_in
from engine.library.values import Verdict
from engine.texts import fold

#: The heading of labels.
LABELS = "Labels"
MAX_FOLDERS = 5000


def facet_groups(
    view: LibraryView, rows: IntArray, roots: Sequence[str] = ()
) -> tuple[FacetGroup, ...]:
    """All counts; what no photo has is left out.

    Args:
        view: of the whole table.
        rows: of the photos that are shown.
        roots: folders that were opened: trees of folders begin there.
    """
    rows = rows[rows < len(view.columns)]
    groups = (
        FacetGroup(LABELS, tuple(label_facets(view, rows))),
        FacetGroup("Review", tuple(_review(view, rows))),
        FacetGroup("Rating", tuple(_ratings(view, rows))),
        FacetGroup("Colour label", tuple(_colors(view, rows))),
        FacetGroup("Measured", tuple(_measured(view, rows))),
        FacetGroup("Tagging", tuple(_tagging(view, rows))),
        FacetGroup("Folders", tuple(_folders(view, rows, roots))),
    )
    return tuple(group for group in groups if group.facets)


def _review(view: LibraryView, rows: IntArray) -> Iterator[Facet]:
    columns = view.columns
    reviewed = columns.reviewed[rows]
    yield from _counted("reviewed:no", "Not reviewed", ~reviewed)
    yield from _counted("reviewed:yes", "Reviewed", reviewed)
    imported, others = (Verdict.IMPORTED,), (Verdict.ACCEPTED, Verdict.ADDED)
    yield from _counted("source:person", "With labels of yours", _said(view, others)[rows])
    yield from _counted("source:file", "With imported labels", _said(view, imported)[rows])
    rejected = _said(view, (Verdict.REJECTED,))
    yield from _counted("rejected:*", "With rejected labels", rejected[rows])


def _said(view: LibraryView, words: Sequence[Verdict]) -> BoolArray:
    """(N,): of which photos any of these was said; few were said at all."""
    rows, places = view.columns.decided
    codes = [VERDICT_CODES[word] for word in words]
    found = np.zeros(len(view.columns), dtype=bool)
    found[rows[np.isin(view.columns.verdicts[rows, places], codes)]] = True
    return found


def _ratings(view: LibraryView, rows: IntArray) -> Iterator[Facet]:
    ratings = view.columns.ratings[rows]
    if not ratings.any():
        return
    for stars in range(MOST_STARS, 0, -1):
        yield from _counted(f"rating:{stars}", "★" * stars, ratings == stars)
    yield from _counted("rating:none", "No rating", ratings == 0)
    yield from _counted("rating:rejected", "Rejected photos", ratings == REJECTED)


def _colors(view: LibraryView, rows: IntArray) -> Iterator[Facet]:
    columns = view.columns
    counts = np.bincount(columns.color_of[rows], minlength=len(columns.colors)).tolist()
    found: dict[str, int] = dict.fromkeys(COLORS, 0)
    for text, count in zip(columns.colors, counts, strict=True):
        for color in colors_in(text):
            found[color] = found.get(color, 0) + count
    for color, count in list(found.items())[:MAX_LABELS]:
        if count:
            caption = color.capitalize() if color in COLORS else color  # else a word of others
            yield Facet(f"color:{quoted(color)}", caption, count)


def _measured(view: LibraryView, rows: IntArray) -> Iterator[Facet]:
    if not len(view.columns.facts):
        return
    facts = view.columns.facts[rows]
    facts = facts[facts != NOT_MEASURED]
    for fact, name in FACT_NAMES.items():
        caption = name.capitalize()
        yield from _counted(f"measured:{FACT_WORDS[fact]}", caption, (facts & int(fact)) != 0)


def _tagging(view: LibraryView, rows: IntArray) -> Iterator[Facet]:
    columns = view.columns
    uncertain = any_uncertain(columns, view.thresholds, rows)
    yield from _counted("tagged:no", "Not tagged yet", view.waiting[rows])
    yield from _counted("tags:=0", "Without labels", view.unlabelled[rows])
    yield from _counted("uncertain:*", "With uncertain labels", uncertain)
    yield from _counted("error:yes", "Unreadable", columns.failed[rows])


def found_facets(
    groups: Sequence[FacetGroup], wanted: str, names: LabelNames
) -> tuple[FacetGroup, ...]:
    """The facets with a text in any of their names, what they are parts of, and their parts."""
    text = fold(wanted)
    found = []
    for group in groups:
        kept: dict[str, Facet] = {}
        above: list[Facet] = []
        found_at: int | None = None
        for facet in group.facets:
            depth = facet.depth or 0
            above = [*above[:depth], facet]
            if found_at is not None and depth <= found_at:
                found_at = None
            spelled = (facet.caption, *names.others(facet.caption))
            if found_at is None and any(text in fold(name) for name in spelled):
                found_at = depth
            if found_at is not None:
                kept |= {one.term: one for one in above}
        if kept:
            found.append(FacetGroup(group.caption, tuple(kept.values())))
    return tuple(found)


def unfolded(facets: Sequence[Facet], is_open: Callable[[Facet], bool]) -> tuple[Facet, ...]:
    """The facets of a tree that are seen: all parts of those that are open."""
    seen: list[Facet] = []
    closed_at: int | None = None
    for facet in facets:
        depth = facet.depth or 0
        if closed_at is not None and depth > closed_at:
            continue
        seen.append(facet)
        closed_at = None if is_open(facet) else depth
    return tuple(seen)


def _folders(view: LibraryView, rows: IntArray, roots: Sequence[str]) -> Iterator[Facet]:
    folders = view.columns.folders
    if len(folders) < 2:
        return
    counts = np.bincount(view.columns.folder_of[rows], minlength=len(folders))
    tree = FolderTree()
    for place in np.argsort(-counts, kind="stable")[:MAX_FOLDERS].tolist():
        if counts[place]:
            for path in tree.missing(folders[place], roots):
                tree.insert(path)
            tree.count(folders[place], int(counts[place]))
    is_only = len(tree.roots) == 1 and not tree.roots[0].own  # it says nothing
    yield from _tree(tree.roots[0].children if is_only else tree.roots, 0)


def _tree(nodes: Sequence[FolderNode], depth: int) -> Iterator[Facet]:
    for node in nodes:
        term = f"folder:{quoted(node.path)}"
        yield Facet(term, node.name, node.total, depth, bool(node.children))
        yield from _tree(node.children, depth + 1)


def _counted(term: str, caption: str, fits: BoolArray) -> Iterator[Facet]:
    count = int(np.count_nonzero(fits))
    if count:
        yield Facet(term, caption, count)
