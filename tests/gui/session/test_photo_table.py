from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from csra_gui.base.activity import MovingRate
from csra_gui.session.photo_table import PhotoTable
from engine.api.categories import Categories
from engine.library.values import Verdict


def table(count: int) -> PhotoTable:
    photos = PhotoTable()
    photos.use_model("a", ("cat", "dog"))
    photos.add(Path(f"{i}.jpg") for i in range(count))
    return photos


def test_scores_survive_the_growth_of_the_table() -> None:
    photos = table(3)
    photos.set_scores(1, np.array([0.9, 0.2], dtype=np.float32))
    assert photos.add(Path(f"{i}.jpg") for i in range(5000)) == (3, 5000)
    assert photos.scores.shape == (5000, 2)
    assert [label.category for label in photos.labels(1, 0.5)] == ["cat"]
    assert photos.tagged_count() == 1


def test_a_score_equal_to_the_threshold_counts_and_the_best_comes_first() -> None:
    photos = table(1)
    photos.set_scores(0, np.array([0.3, 0.7], dtype=np.float32))
    assert [label.category for label in photos.labels(0, 0.3)] == ["dog", "cat"]
    assert photos.labels(0, 0.71) == []


def test_failed_and_tagged_photos_are_not_asked_again_until_all_is_forgotten() -> None:
    photos = table(3)
    photos.set_scores(0, np.array([0.0, 0.0], dtype=np.float32))
    photos.set_error(1, "The file ends too early.")
    assert photos.untagged_rows() == [2]
    photos.forget_results()
    assert photos.untagged_rows() == [0, 1, 2]


def test_the_same_photo_is_there_once() -> None:
    photos = table(2)
    assert photos.add([Path("0.jpg"), Path("new.jpg"), Path("new.jpg")]) == (2, 3)


def test_a_clock_that_stands_still_gives_no_rate() -> None:
    rate = MovingRate()
    assert rate.add(5.0, 0) is None
    assert rate.add(5.0, 10) is None
    assert rate.add(7.0, 10) == 5.0
    assert rate.add(30.0, 56) == 2.0


def test_labels_are_shown_in_words_and_decided_on_by_the_same() -> None:
    photos = PhotoTable()
    photos.add([Path("a.jpg"), Path("b.jpg")])
    photos.use_model("m", Categories(("diningtable", "tvmonitor", "dog")))
    assert list(photos.categories) == ["dining table", "TV", "dog"]
    photos.set_scores(0, np.array([0.9, 0.1, 0.1], dtype=np.float32))
    photos.decide([0], {"dining table": Verdict.REJECTED, "TV": Verdict.ADDED})
    assert [label.category for label in photos.labels(0, 0.5)] == ["TV"]
    columns = photos.columns()
    assert tuple(columns.categories) == ("dining table", "TV", "dog")
    photos.use_model("other", Categories(("tv", "couch")))
    assert [label.index for label in photos.labels(0, 0.5)] == [0], "the other model knows it, too"


def test_what_is_one_label_and_two_categories_is_decided_on_once() -> None:
    photos = PhotoTable()
    photos.add([Path("a.jpg")])
    photos.use_model("m", Categories(("sofa", "couch")))
    photos.set_scores(0, np.array([0.9, 0.8], dtype=np.float32))
    photos.decide([0], {"sofa": Verdict.REJECTED})
    assert not photos.labels(0, 0.5)
    assert set(photos.verdicts(0)) == {"sofa", "couch"}
    assert set(photos.verdict_codes([0])) == {"sofa", "couch"}
    assert photos.columns().verdicts.tolist() == [[2, 2]]


def test_a_label_that_nothing_is_said_of_any_more_can_be_forgotten() -> None:
    photos = PhotoTable()
    photos.add([Path("a.jpg"), Path("b.jpg")])
    photos.decide([0], {"x": Verdict.ADDED, "y": Verdict.ADDED})
    photos.decide([0], {"x": None})
    photos.forget_unused_labels()
    assert photos.known_labels == ("y",)
    assert photos.verdicts(0) == {"y": Verdict.ADDED}
    photos.decide([1], {"z": Verdict.REJECTED})
    assert photos.verdicts(1) == {"z": Verdict.REJECTED}
    assert photos.verdicts(0) == {"y": Verdict.ADDED}


@pytest.mark.parametrize("has_model", [True, False])
def test_whether_photos_are_untagged_is_what_the_list_of_them_says(has_model: bool) -> None:
    photos = table(4) if has_model else PhotoTable()
    if not has_model:
        photos.add(Path(f"{i}.jpg") for i in range(4))
    for row in range(4):
        assert photos.has_untagged == bool(photos.untagged_rows())
        assert photos.untagged_rows() == list(range(row, 4))
        if row == 1:
            photos.set_gone([1], True)
        elif row == 2 or not has_model:
            photos.set_error(row, "The file ends too early.")
        else:
            photos.set_many_scores([row], np.zeros((1, 2), dtype=np.float16))
    assert not photos.has_untagged
    assert photos.untagged_rows() == []
    assert photos.tagged_count() == (2 if has_model else 0)


def test_files_for_workers_are_not_copied_and_outlive_the_table() -> None:
    photos = table(3)
    files = photos.files()
    photos.add([Path("new.jpg")])
    assert photos.files().names is files.names
    assert len(files) == 3
    photos.clear()
    assert [files.path(row).name for row in range(3)] == ["0.jpg", "1.jpg", "2.jpg"]
    assert len(photos.files()) == 0
