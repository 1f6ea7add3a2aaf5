from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from engine.api.label_names import LabelNames
from engine.library.columns import VERDICT_CODES, Columns
from engine.library.filters.completion import complete
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.meant import any_of, highest
from engine.library.filters.parser import parse
from engine.library.filters.tree import FilterError
from engine.library.values import Verdict

#: The model's, then those of a person.
LABELS = ("pug", "dog", "bus", "animal", "mouse", "Rex")
SCORES = (
    (0.9, 0.2, 0.1, 0.1),  # 0: a pug
    (0.1, 0.8, 0.1, 0.1),  # 1: a dog
    (0.1, 0.1, 0.9, 0.1),  # 2: a bus
    (0.1, 0.1, 0.1, 0.7),  # 3: an animal of no kind
    (0.45, 0.1, 0.1, 0.1),  # 4: nothing, but nearly a pug
)


def columns(
    said: Mapping[tuple[int, str], Verdict] | None = None,
    names: LabelNames | None = None,
    labels: Sequence[str] = LABELS,
) -> Columns:
    count = len(SCORES)
    verdicts = np.zeros((count, len(labels)), dtype=np.uint8)
    for (row, label), verdict in (said or {}).items():
        verdicts[row, labels.index(label)] = VERDICT_CODES[verdict]
    return Columns(
        image_ids=np.arange(count),
        names=tuple(f"{row}.jpg" for row in range(count)),
        folders=("/photos",),
        folder_of=np.zeros(count, dtype=np.int64),
        mtimes_ns=np.zeros(count, dtype=np.int64),
        reviewed=np.zeros(count, dtype=bool),
        failed=np.zeros(count, dtype=bool),
        categories=labels,
        model_categories=4,
        scores=np.array(SCORES, dtype=np.float16),
        verdicts=verdicts,
        label_names=names or LabelNames(),
    )


def rows(text: str, of: Columns) -> list[int]:
    view = LibraryView(of, np.full(4, 0.5, dtype=np.float32))
    return [int(row) for row in np.flatnonzero(view.rows(parse(text)))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("animal", [0, 1, 3]),
        ("=animal", [3]),
        ("tag:animal", [0, 1, 3]),
        ("tag:=animal", [3]),
        ("dog", [0, 1]),
        ("=dog", [1]),
        ("puppy", [0, 1]),
        ("vehicle", [2]),
        ("NOT animal", [2, 4]),
        ("vehicle OR =dog", [1, 2]),
        ("anim*", [0, 1, 3]),
        ("score:animal>0.65", [0, 1, 3]),
        ("score:=animal>0.65", [3]),
        ("score:vehicle>0.8", [2]),
        ("score:animal<0.5", [2, 4]),
        ("uncertain:dog", []),
        ("uncertain:pug", [4]),
    ],
)
def test_labels_imply_what_they_are_a_kind_of_unless_the_very_label_is_asked_for(
    text: str, found: list[int]
) -> None:
    assert rows(text, columns()) == found


def test_what_a_person_says_of_a_kind_holds_for_its_parents_and_a_no_does_not() -> None:
    said = {
        (2, "dog"): Verdict.ADDED,
        (1, "dog"): Verdict.REJECTED,
        (0, "pug"): Verdict.ACCEPTED,
    }
    of = columns(said)
    assert rows("animal", of) == [0, 2, 3]
    assert rows("added:animal", of) == [2]
    assert rows("accepted:animal", of) == [0]
    assert rows("accepted:=animal", of) == []
    assert rows("rejected:animal", of) == []
    assert rows("rejected:dog", of) == [1]


def test_a_rejected_parent_is_implied_by_a_person_alone() -> None:
    said = {
        (0, "animal"): Verdict.REJECTED,
        (1, "animal"): Verdict.REJECTED,
        (1, "dog"): Verdict.ACCEPTED,
    }
    assert rows("animal", columns(said)) == [1, 3]
    assert rows("animal OR bus", columns(said)) == [1, 2, 3]


def test_a_persons_mouse_is_no_computer_mouse() -> None:
    of = columns({(2, "mouse"): Verdict.ADDED})
    assert rows("mouse", of) == [2]
    with pytest.raises(FilterError):
        rows("electronics", of)


def test_what_the_person_renamed_keeps_its_kind() -> None:
    renamed = LabelNames({"pug": "Mops", "animal": "Tier"})
    of = columns(names=renamed, labels=("Mops", "dog", "bus", "Tier", "mouse", "Rex"))
    assert rows("Tier", of) == [0, 1, 3]
    assert rows("animal", of) == [0, 1, 3]
    assert rows("=Tier", of) == [3]


def test_what_a_person_placed_below_a_label_implies_it_and_all_above() -> None:
    said = {(2, "Rex"): Verdict.ADDED}
    assert rows("dog", columns(said)) == [0, 1]
    placed = LabelNames(placed={"rex": ("family", "dog")})
    assert placed.above("Rex") == ("dog", "family", "animal")
    of = columns(said, placed)
    assert rows("dog", of) == [0, 1, 2]
    assert rows("animal", of) == [0, 1, 2, 3]
    assert rows("family", of) == [2]
    assert complete("fam", 3, LABELS, placed).suggestions == ("family",)


def test_labels_that_a_person_placed_in_a_circle_imply_each_other() -> None:
    circle = LabelNames(placed={"a": ("b",), "b": ("a",)})
    assert circle.above("a") == ("b",)
    assert circle.implied(("a", "b")) == {"b": ("a",), "a": ("b",)}


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_that_have_any_of_several_columns_are_those_of_the_plain_way(order: str) -> None:
    random = np.random.default_rng(3)
    table = np.asarray(random.random((20_000, 9)) < 0.1, order=order)
    places = (1, 4, 8)
    assert np.array_equal(any_of(table, places), table[:, places].any(axis=1))
    scores = np.asarray(random.random((20_000, 9)), dtype=np.float16, order=order)
    scores[::7, 1] = np.nan
    expected = np.fmax.reduce(scores[:, places].astype(np.float32), axis=1)
    assert np.array_equal(highest(scores, places), expected)
    assert np.isnan(highest(scores, ())).all()


def test_an_unknown_label_after_the_sign_is_said_and_nothing_else_may_stand_there() -> None:
    with pytest.raises(FilterError, match="no label “zebra”"):
        rows("=zebra", columns())
    with pytest.raises(FilterError):
        parse("=")
    with pytest.raises(FilterError):
        parse(">dog")
    assert replace(columns(), categories=LABELS).implied["animal"] == (0, 1)
