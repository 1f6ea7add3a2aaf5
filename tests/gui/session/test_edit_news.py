from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from csra_gui.session.decision_columns import PhotoDecisions
from csra_gui.session.edit_news import EditNews
from csra_gui.session.growing_array import GrowingArray
from csra_gui.session.photo_table import PhotoTable
from engine.library.values import (
    Attribute,
    AttributeChange,
    Decision,
    DecisionChange,
    Edit,
    ReviewChange,
    Verdict,
)

YES = Decision(Verdict.ACCEPTED, "me", 1)
NO = Decision(Verdict.REJECTED, "me", 1)


def test_what_is_said_the_same_of_many_photos_is_one_piece_of_news() -> None:
    edit = Edit(
        1,
        "All sorts",
        (
            *(DecisionChange(image, "dog", None, YES) for image in range(10, 1010)),
            DecisionChange(10, "cat", NO, None),
            DecisionChange(5, "cat", None, NO),
        ),
        (ReviewChange(11, False, True), ReviewChange(2000, False, True)),
        (),
        (AttributeChange(5, Attribute.RATING, "2", None, "4"),),
    )
    news = EditNews.of(edit)
    found = {word: news.ids[places].tolist() for word, places in news.words.items()}
    assert found == {
        ("dog", Verdict.ACCEPTED): list(range(10, 1010)),
        ("cat", None): [10],
        ("cat", Verdict.REJECTED): [5],
    }
    assert {mark: news.ids[places].tolist() for mark, places in news.marks.items()} == {
        True: [11, 2000]
    }
    assert [news.ids[places].tolist() for places in news.attributes.values()] == [[5]]
    assert sorted(news.ids.tolist()) == sorted({*range(10, 1010), 5, 2000})


def test_images_are_found_in_their_rows_whatever_their_order() -> None:
    photos = PhotoTable()
    assert photos.find_images(np.array([1, 2])).tolist() == [-1, -1]
    photos.add([Path(f"{i}.jpg") for i in range(4)])
    photos.set_image_ids([0, 1, 3], [30, 10, 20])
    assert photos.find_images(np.array([20, 99, 10, 30, 5])).tolist() == [3, -1, 1, 0, -1]
    assert photos.rows_of_images([20, 99, 10]) == [3, 1]


def test_words_on_some_photos_are_read_without_making_a_table_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photos = PhotoTable()
    photos.add([Path(f"{i}.jpg") for i in range(4)])
    photos.decide([1, 2], {"dog": Verdict.ACCEPTED})
    photos.decide([2], {"cat": Verdict.REJECTED})
    columns = photos.columns()
    assert columns.verdicts.tolist() == [[0, 0], [1, 0], [1, 2], [0, 0]]
    assert sorted(zip(*(part.tolist() for part in columns.decided), strict=True)) == [
        (1, 0),
        (2, 0),
        (2, 1),
    ]
    monkeypatch.setattr(PhotoDecisions, "matrix", None)
    codes = photos.verdict_codes((2, 0))
    assert {name: said.tolist() for name, said in codes.items()} == {"dog": [1, 0], "cat": [2, 0]}


@pytest.mark.parametrize("width", [None, 0, 3])
def test_rows_that_come_after_others_went_hold_the_filling(width: int | None) -> None:
    array = GrowingArray(7, np.int64, width)
    array.resize(3)
    array.values[:] = 1
    array.resize(2)
    array.resize(5000)
    assert (array.values[:2] == 1).all()
    assert (array.values[2:] == 7).all()
    assert len(array.values) == 5000
    array.clear()
    array.resize(1)
    assert (array.values == 7).all()
