from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from csra_gui.review.label_list_model import LabelRow, Share
from csra_gui.review.label_rows import (
    Codes,
    LabelContext,
    next_in_turn,
    rows_of_photo,
    rows_of_photos,
    toggled,
)
from engine.api.categories import Categories
from engine.api.label_measures import LabelMeasure
from engine.api.label_parents import NO_PARENTS, CategoryParents
from engine.api.values import FloatArray
from engine.library.columns import VERDICT_CODES
from engine.library.predictions import HalfArray
from engine.library.values import Verdict

ACCEPTED, REJECTED, ADDED = Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ADDED
CATEGORIES = Categories(("cat", "dog", "car"))
CONTEXT = LabelContext(CATEGORIES, 0.5)


def scores(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float32)


def names(rows: list[LabelRow]) -> list[str]:
    return [row.category for row in rows]


def test_labels_that_count_come_first_and_rejected_ones_last() -> None:
    said = {"cat": REJECTED, "Grandma": ADDED, "car": ACCEPTED}
    rows = rows_of_photo(CONTEXT, scores(0.9, 0.6, 0.2), said)
    assert names(rows) == ["dog", "car", "Grandma", "cat"]
    assert [row.index for row in rows] == [1, 2, -1, 0]
    assert [row.counts for row in rows] == [True, True, True, False]


def test_below_the_threshold_stands_what_is_asked_for() -> None:
    values = scores(0.9, 0.1, 0.2)
    assert names(rows_of_photo(CONTEXT, values, {})) == ["cat"]
    everything = LabelContext(CATEGORIES, 0.5, show_all=True)
    assert names(rows_of_photo(everything, values, {})) == ["cat", "car", "dog"]
    guessing = LabelContext(CATEGORIES, 0.95, guesses=2)
    assert names(rows_of_photo(guessing, values, {})) == ["cat", "car"]


def test_a_detail_is_said_to_be_possible_and_leaves_its_parent_in_the_list() -> None:
    names_ = Categories(("cat", "dog", "husky"))
    measures = (LabelMeasure(30), LabelMeasure(30), LabelMeasure())
    parents = CategoryParents(details={2: (1,)})
    context = LabelContext(names_, 0.5, parents=parents, measures=measures)
    rows = rows_of_photo(context, scores(0.1, 0.9, 0.7), {})
    assert names(rows) == ["dog", "husky"]
    assert [row.mark for row in rows] == ["", "?"]
    assert rows[1].mark_text.startswith("? A possible detail")
    unknown = replace(rows[1], is_detail=False)
    assert unknown.mark_text.startswith("? A suggestion")
    assert rows_of_photo(context, scores(0.1, 0.9, 0.7), {"husky": ACCEPTED})[1].mark_text == ""


def test_each_category_has_its_own_threshold() -> None:
    context = LabelContext(CATEGORIES, scores(0.95, 0.05, 0.5))
    assert names(rows_of_photo(context, scores(0.9, 0.1, 0.2), {})) == ["dog"]


def test_without_scores_there_is_what_the_person_said() -> None:
    rows = rows_of_photo(CONTEXT, None, {"cat": ADDED})
    assert [(row.category, row.index, row.percent) for row in rows] == [("cat", 0, "")]


NESTED = LabelContext(
    Categories(("animal", "golden retriever", "dog", "car", "cat")),
    0.5,
    parents=CategoryParents({1: (2,), 2: (0,), 4: (0,)}),
)


def test_what_follows_from_a_label_stands_beneath_it() -> None:
    rows = rows_of_photo(NESTED, scores(0.9, 0.9, 0.9, 0.7, 0.1), {})
    assert [(row.category, row.beneath) for row in rows] == [
        ("golden retriever", ("dog", "animal")),
        ("car", ()),
    ]
    rows = rows_of_photo(NESTED, scores(0.9, 0.6, 0.6, 0.1, 0.9), {})
    assert [(row.category, row.beneath) for row in rows] == [
        ("cat", ("animal",)),
        ("golden retriever", ("dog",)),
    ]


def test_a_parent_that_a_person_spoke_of_keeps_its_line() -> None:
    rows = rows_of_photo(NESTED, scores(0.9, 0.9, 0.9, 0.1, 0.1), {"dog": ACCEPTED})
    assert {row.category: row.beneath for row in rows} == {
        "golden retriever": ("animal",),
        "dog": (),
    }
    rows = rows_of_photo(NESTED, scores(0.9, 0.9, 0.9, 0.1, 0.1), {"golden retriever": REJECTED})
    assert names(rows) == ["dog", "golden retriever"]
    assert rows[0].beneath == ("animal",)
    everything = replace(NESTED, show_all=True)
    assert len(rows_of_photo(everything, scores(0.9, 0.9, 0.9, 0.1, 0.1), {})) == 5


def test_only_the_best_labels_of_the_machine_are_listed() -> None:
    few = replace(NESTED, most=1, parents=NO_PARENTS)
    values = scores(0.9, 0.8, 0.7, 0.6, 0.1)
    assert names(rows_of_photo(few, values, {})) == ["animal"]
    assert names(rows_of_photo(few, values, {"car": ACCEPTED, "cat": ADDED})) == [
        "animal",
        "car",
        "cat",
    ]
    assert len(rows_of_photo(replace(few, show_all=True), values, {})) == 5
    nested = replace(NESTED, most=1)
    assert names(rows_of_photo(nested, scores(0.9, 0.9, 0.9, 0.7, 0.1), {})) == ["golden retriever"]


def test_of_several_photos_a_parent_that_more_have_keeps_its_line() -> None:
    both = halves((0.9, 0.9, 0.9, 0.1, 0.1), (0.9, 0.1, 0.9, 0.1, 0.1))
    rows = rows_of_photos(NESTED, both, {})
    assert {row.category: row.beneath for row in rows} == {
        "dog": ("animal",),
        "golden retriever": (),
    }


def test_a_label_that_is_not_known_to_be_known_has_a_mark() -> None:
    measures = tuple(LabelMeasure(count) for count in (30, 7, 0))
    rows = rows_of_photo(replace(CONTEXT, measures=measures), scores(0.9, 0.8, 0.7), {})
    assert [(row.category, row.mark) for row in rows] == [("cat", ""), ("dog", "~"), ("car", "?")]
    rows = rows_of_photo(replace(CONTEXT, measures=measures), scores(0.9, 0.8, 0.7), {"car": ADDED})
    assert {row.category: row.mark for row in rows}["car"] == "", "the person knows it"
    assert all(row.mark == "" for row in rows_of_photo(CONTEXT, scores(0.9, 0.8, 0.7), {}))


def halves(*rows: tuple[float, ...]) -> HalfArray:
    return np.array(rows, dtype=np.float16)


def codes(*verdicts: Verdict | None) -> Codes:
    return np.array([VERDICT_CODES[v] if v else 0 for v in verdicts], dtype=np.uint8)


def test_of_several_photos_all_some_or_none_have_a_label() -> None:
    values = halves((0.9, 0.8, 0.1), (0.7, 0.1, 0.1), (0.9, 0.1, 0.1))
    rows = rows_of_photos(CONTEXT, values, {})
    assert [(r.category, r.share, r.figure) for r in rows] == [
        ("cat", Share.ALL, "3 of 3"),
        ("dog", Share.SOME, "1 of 3"),
    ]
    everything = LabelContext(CATEGORIES, 0.5, show_all=True)
    assert rows_of_photos(everything, values, {})[-1].share is Share.NONE


def test_of_several_photos_what_was_said_of_each_counts() -> None:
    values = halves((0.9, 0.8, 0.1), (0.7, 0.1, 0.1))
    said = {
        "cat": codes(REJECTED, REJECTED),
        "dog": codes(None, ADDED),
        "Grandma": codes(ADDED, None),
        "car": codes(None, REJECTED),
        "forgotten": codes(None, None),
    }
    rows = {row.category: row for row in rows_of_photos(CONTEXT, values, said)}
    assert {name: row.having for name, row in rows.items()} == {"cat": 0, "dog": 2, "Grandma": 1}
    assert rows["cat"].verdict is REJECTED, "all said so alike"
    assert rows["dog"].verdict is None, "said of one, found in the other"


def test_photos_that_are_not_tagged_yet_do_not_spoil_the_mean() -> None:
    [row] = rows_of_photos(CONTEXT, halves((0.8, 0.1, 0.1), (np.nan,) * 3), {})
    assert row.score == pytest.approx(0.8, abs=1e-3)
    assert row.figure == "1 of 2"


@pytest.mark.parametrize(
    ("score", "verdict", "accepting", "rejecting"),
    [
        (0.9, None, ACCEPTED, REJECTED),
        (0.1, None, ADDED, REJECTED),
        (0.9, ACCEPTED, None, REJECTED),
        (0.9, REJECTED, ACCEPTED, None),
        (0.1, ADDED, None, None),
    ],
)
def test_saying_the_same_again_takes_it_back(
    score: float, verdict: Verdict | None, accepting: Verdict | None, rejecting: Verdict | None
) -> None:
    row = LabelRow(0, "cat", score, 0.5, verdict)
    assert toggled(row, ACCEPTED) is accepting
    assert toggled(row, REJECTED) is rejecting


def test_a_number_key_goes_through_right_wrong_and_nothing() -> None:
    seen: list[Verdict | None] = [None]
    for _ in range(3):
        seen.append(next_in_turn(LabelRow(0, "cat", 0.9, 0.5, seen[-1])))
    assert seen == [None, ACCEPTED, REJECTED, None]
