from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.settings import OPEN_LABEL_GROUPS, Settings
from csra_gui.search.facet import FacetGroup
from csra_gui.search.facets import found_facets
from csra_gui.search.label_tree import label_facets
from csra_gui.session.typed_labels import FEW_LABELS
from engine.api.categories import Categories
from engine.api.label_names import SHIPPED_NAMES, LabelNames
from engine.api.vocabulary import everyday
from engine.library.columns import VERDICT_CODES, Columns
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse
from engine.library.values import Verdict
from tests.fakes import FakeEngine
from tests.gui.driver import Start, wait_until_tagged

#: Enough for a tree; none of them has a parent, or is one.
OTHERS = [f"thing {number}" for number in range(FEW_LABELS)]
SEEN = ("dog", "golden retriever", "cat", "owl", "car", "Grandma")


def view_of(
    photos: Sequence[Sequence[str]],
    names: LabelNames = SHIPPED_NAMES,
    categories: Sequence[str] = (*SEEN, *OTHERS),
    rejected: Mapping[int, str] | None = None,
) -> LibraryView:
    """A table of photos that a model has found these labels in."""
    count, width = len(photos), len(categories)
    scores = np.full((count, width), 0.1, dtype=np.float16)
    for row, labels in enumerate(photos):
        scores[row, [categories.index(label) for label in labels]] = 0.9
    verdicts = np.zeros((count, width), dtype=np.uint8)
    for row, label in (rejected or {}).items():
        verdicts[row, categories.index(label)] = VERDICT_CODES[Verdict.REJECTED]
    columns = Columns(
        image_ids=np.arange(count),
        names=("x.jpg",) * count,
        folders=("/photos",),
        folder_of=np.zeros(count, dtype=np.int64),
        mtimes_ns=np.zeros(count, dtype=np.int64),
        reviewed=np.zeros(count, dtype=bool),
        failed=np.zeros(count, dtype=bool),
        categories=tuple(categories),
        model_categories=width,
        scores=scores,
        verdicts=verdicts,
        label_names=names,
    )
    return LibraryView(columns, np.full(width, 0.5, dtype=np.float32))


PHOTOS = (
    ("dog", "golden retriever"),
    ("golden retriever",),
    ("dog", "car"),
    ("cat", "dog"),
    ("cat",),
    ("owl",),
    ("thing 3",),
    ("thing 3",),
    ("thing 3",),
)


def tree(view: LibraryView, rows: Sequence[int] | None = None) -> list[tuple[int | None, str, int]]:
    shown = np.arange(len(view.columns)) if rows is None else np.array(rows)
    return [(f.depth, f.caption, f.count) for f in label_facets(view, shown)]


def test_many_labels_are_a_tree_whose_counts_include_kinds() -> None:
    assert tree(view_of(PHOTOS)) == [
        (0, "animal", 6),
        (1, "dog", 4),
        (2, "golden retriever", 2),
        (1, "cat", 2),
        (1, "owl", 1),
        (0, "thing 3", 3),
        (0, "car", 1),
    ]


def test_only_photos_that_are_shown_count() -> None:
    assert tree(view_of(PHOTOS), [4, 5, 8]) == [
        (0, "animal", 2),
        (1, "cat", 1),
        (1, "owl", 1),
        (0, "thing 3", 1),
    ]


def test_a_parent_that_is_no_category_and_has_one_kind_is_left_out() -> None:
    assert tree(view_of(PHOTOS), [5, 6]) == [(0, "owl", 1), (0, "thing 3", 1)]


@pytest.mark.parametrize("rejected", [{}, {1: "dog", 3: "cat", 0: "golden retriever"}])
def test_a_click_finds_as_many_photos_as_a_count_says(rejected: dict[int, str]) -> None:
    view = view_of(PHOTOS, rejected=rejected)
    for facet in label_facets(view, np.arange(len(PHOTOS))):
        found = np.count_nonzero(view.rows(parse(facet.term)))
        assert found == facet.count, facet.caption


def test_own_labels_lie_where_the_person_placed_them() -> None:
    names = LabelNames(placed={"grandma": ("person", "family")})
    photos = (*PHOTOS, ("Grandma",))
    listed = tree(view_of(photos, names))
    assert (0, "Grandma", 1) in listed, "parents that say no more are left out"
    categories = (*SEEN, "person", *OTHERS)
    listed = tree(view_of((*photos, ("person",)), names, categories))
    assert listed[listed.index((0, "person", 2)) + 1] == (1, "Grandma", 1)
    assert "family" not in [caption for _, caption, _ in listed]


def test_labels_that_were_placed_in_a_circle_are_all_listed() -> None:
    names = LabelNames(placed={"grandma": ("car",), "car": ("Grandma",)})
    listed = tree(view_of((("Grandma",), ("car",)), names))
    assert {(caption, count) for _, caption, count in listed} == {("Grandma", 2), ("car", 2)}


def test_few_labels_are_a_plain_list() -> None:
    view = view_of(PHOTOS, categories=(*SEEN, "thing 3"))
    assert tree(view) == [
        (None, "dog", 4),
        (None, "thing 3", 3),
        (None, "golden retriever", 2),
        (None, "cat", 2),
        (None, "owl", 1),
        (None, "car", 1),
    ]


def test_a_search_finds_what_is_folded_and_lists_the_kinds_of_what_it_finds() -> None:
    facets = tuple(label_facets(view_of(PHOTOS), np.arange(len(PHOTOS))))

    def found(text: str) -> list[str]:
        groups = found_facets([FacetGroup("Labels", facets)], text, SHIPPED_NAMES)
        return [facet.caption for group in groups for facet in group.facets]

    assert found("retriever") == ["animal", "dog", "golden retriever"]
    assert found("puppy") == ["animal", "dog", "golden retriever"]
    assert found("OWL") == ["animal", "owl"]


def test_a_path_goes_by_the_first_parent_from_the_top() -> None:
    bird = everyday().path_to("owl")[:-1]
    assert SHIPPED_NAMES.path_to("owl") == bird
    assert SHIPPED_NAMES.path_to("animal") == ()
    assert SHIPPED_NAMES.path_to("Grandma") == ()
    placed = LabelNames(placed={"rex": ("dog", "pets of ours")})
    assert placed.path_to("Rex") == (*everyday().path_to("dog"), "pets of ours")
    renamed = LabelNames(own={"animal": "beast"})
    assert renamed.path_to("owl")[0] == "beast"


@pytest.fixture
def opened(
    qtbot: QtBot, start: Start, photos: Path, engine: FakeEngine
) -> Callable[[], Application]:
    """Opens a window on photos of cats and dogs, with 400 categories."""
    names = everyday().names
    engine.categories = Categories(dict.fromkeys(("cat", "dog", *names[-398:])))

    def run(**options: object) -> Application:
        application = start([photos], **options)
        wait_until_tagged(qtbot, application)
        application.window.search.facets.show()
        qtbot.waitUntil(lambda: "animal" in captions(application))
        return application

    return run


def captions(application: Application) -> list[str]:
    rows = application.window.search.facets.panel.list.counts.rows()
    return [row.caption for row in rows]


@pytest.mark.slow
def test_groups_are_folded_until_they_are_opened_and_so_at_the_next_start(
    opened: Callable[..., Application], qtbot: QtBot, settings_file: Path
) -> None:
    application = opened()
    panel = application.window.search.facets.panel
    assert "cat" not in captions(application)
    panel.list.fold_requested.emit("animal")
    shown = captions(application)
    assert shown.index("animal") < shown.index("cat")
    panel.search.setText("kitten")
    assert "cat" in captions(application)
    panel.list.fold_requested.emit("animal")
    panel.search.clear()
    assert "cat" in captions(application), "a search folds nothing"
    again = opened(settings=Settings(settings_file))
    assert "cat" in captions(again)
    again.window.search.facets.panel.list.fold_requested.emit("animal")
    assert "cat" not in captions(again)
    assert json.loads(str(Settings(settings_file).value(OPEN_LABEL_GROUPS))) == []


@pytest.mark.slow
@pytest.mark.parametrize("stored", ["{", "3", '{"a": 1}', '[1, null, "animal"]'])
def test_damaged_settings_open_what_is_sound(
    opened: Callable[..., Application], settings_file: Path, stored: str
) -> None:
    settings = Settings(settings_file)
    settings.set_value(OPEN_LABEL_GROUPS, stored)
    application = opened(settings=settings)
    assert ("cat" in captions(application)) is ("animal" in stored)
