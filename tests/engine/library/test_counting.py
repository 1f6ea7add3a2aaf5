"""Counts over many categories, beside the plain arithmetic that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from engine.api.label_names import SHIPPED_NAMES, LabelNames
from engine.library.columns import VERDICT_CODES, Columns
from engine.library.filters.completion import quoted
from engine.library.filters.counting import (
    UNCERTAIN_WITHIN,
    any_uncertain,
    nearest,
    per_image,
    per_label,
    with_kinds,
)
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse
from engine.library.values import Verdict

KNOWN = ("animal", "dog", "golden retriever", "cat", "owl", "car", "sofa")
OWN = ("Grandma", "kitten of ours")
PLACED = LabelNames(placed={"kittenofours": ("animal", "cat")})


def view_of(photos: int, seed: int, thresholds: float | None = None) -> LibraryView:
    """Random scores and words; some photos are not tagged."""
    random = np.random.default_rng(seed)
    scores = random.random((photos, len(KNOWN))).astype(np.float16)
    scores[random.random(photos) < 0.1] = np.nan
    categories = (*KNOWN, *OWN)
    words = random.integers(0, max(VERDICT_CODES.values()) + 1, (photos, len(categories)))
    words[random.random(words.shape) < 0.8] = 0
    columns = Columns(
        image_ids=np.arange(1, photos + 1),
        names=("x.jpg",) * photos,
        folders=("/p",),
        folder_of=np.zeros(photos, dtype=np.int64),
        mtimes_ns=np.zeros(photos, dtype=np.int64),
        reviewed=np.zeros(photos, dtype=bool),
        failed=np.zeros(photos, dtype=bool),
        categories=categories,
        model_categories=len(KNOWN),
        scores=scores,
        verdicts=np.asfortranarray(words.astype(np.uint8)),
        label_names=PLACED,
    )
    each = random.random(len(KNOWN)) if thresholds is None else np.full(len(KNOWN), thresholds)
    each[5] = 2.0  # a label that nobody wants to see
    return LibraryView(columns, each.astype(np.float32))


@pytest.mark.parametrize("photos", [0, 1, 300, 9000])
def test_counts_are_those_of_every_single_place(photos: int) -> None:
    labels = view_of(photos, 1).labels
    assert per_image(labels).tolist() == labels.sum(axis=1).tolist()
    assert per_label(labels).tolist() == labels.sum(axis=0).tolist()
    assert per_image(labels[:, :0]).tolist() == [0] * photos
    assert per_label(labels[:, :0]).tolist() == []


@pytest.mark.parametrize("seed", range(5))
def test_labels_with_their_kinds_count_what_filters_find(seed: int) -> None:
    view = view_of(5000, seed)
    rows = np.flatnonzero(np.random.default_rng(seed).random(5000) < (0.5 if seed else 1.0))
    counts = with_kinds(view.columns, view.labels, rows)
    assert "kitten of ours" in counts
    assert counts["animal"] > counts["dog"]
    for name, count in counts.items():
        found = view.rows(parse(quoted(name)))
        assert np.count_nonzero(found[rows]) == count, name
    unseen = set(view.columns.implied) - set(counts)
    assert not any(view.rows(parse(quoted(name)))[rows].any() for name in unseen)


def test_nothing_is_counted_where_there_is_nothing() -> None:
    view = view_of(10, 0)
    assert with_kinds(view.columns, view.labels, np.arange(0)) == {}


def test_a_rejected_kind_of_nothing_else_changes_no_other_count() -> None:
    view = view_of(1, 0, 0.5)
    view.columns.scores[0] = 0.1
    view.columns.scores[0, KNOWN.index("golden retriever")] = 0.9
    view.columns.verdicts[:] = 0
    view.columns.verdicts[0, KNOWN.index("dog")] = VERDICT_CODES[Verdict.REJECTED]
    counts = with_kinds(view.columns, view.labels, np.arange(1))
    assert counts["golden retriever"] == counts["animal"] == 1
    assert "dog" not in counts, "the person said that there is none"


@pytest.mark.parametrize("thresholds", [None, 0.0, 0.5, 1.0])
def test_what_is_uncertain_is_near_its_threshold_and_not_decided_on(
    thresholds: float | None,
) -> None:
    view = view_of(5000, 2, thresholds)
    columns, width = view.columns, len(KNOWN)
    distance = np.abs(columns.scores.astype(np.float32) - view.thresholds)
    is_open = columns.verdicts[:, :width] == 0
    expected = ((distance < UNCERTAIN_WITHIN) & is_open).any(axis=1)
    assert any_uncertain(columns, view.thresholds, None).tolist() == expected.tolist()
    some = np.arange(4999, 0, -3)
    assert any_uncertain(columns, view.thresholds, some).tolist() == expected[some].tolist()
    assert view.rows(parse("uncertain:*")).tolist() == expected.tolist()
    distance[~is_open] = 1.0
    np.testing.assert_array_equal(nearest(columns, view.thresholds), distance.min(axis=1))


def test_without_a_model_nothing_is_uncertain() -> None:
    view = view_of(3, 0)
    bare = LibraryView(
        Columns(
            image_ids=view.columns.image_ids,
            names=view.columns.names,
            folders=view.columns.folders,
            folder_of=view.columns.folder_of,
            mtimes_ns=view.columns.mtimes_ns,
            reviewed=view.columns.reviewed,
            failed=view.columns.failed,
            categories=(),
            model_categories=0,
            scores=np.zeros((3, 0), dtype=np.float16),
            verdicts=np.zeros((3, 0), dtype=np.uint8),
            label_names=SHIPPED_NAMES,
        ),
        np.zeros(0, dtype=np.float32),
    )
    assert not any_uncertain(bare.columns, bare.thresholds, None).any()
    assert np.isnan(nearest(bare.columns, bare.thresholds)).all()
    assert with_kinds(bare.columns, bare.labels, np.arange(3)) == {}
