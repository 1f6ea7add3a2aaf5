"""Comparing images by their descriptors: kept, found, grouped, whatever is damaged or missing."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.api.values import Descriptor
from engine.library import neighbours
from engine.library.descriptors import DescriptorPage
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse
from engine.library.filters.tree import FilterError
from engine.library.neighbours import DescriptorIndex, GroupingProgress, Groups, near_duplicates
from engine.library.store import Library
from engine.library.values import ImageFile
from tests.engine.library.parts import MODEL, columns_of, files, filled, prediction

KIND, LENGTH = "lite", 32
THRESHOLDS = np.full(3, 0.5, dtype=np.float32)


def drawn(count: int, seed: int = 0) -> NDArray[np.int8]:
    return np.random.default_rng(seed).integers(-127, 128, (count, LENGTH)).astype(np.int8)


def describe(
    library: Library, found: list[ImageFile], values: NDArray[np.int8], kind: str = KIND
) -> None:
    batch = [
        replace(prediction(file.path, 0.9, 0.1, 0.1), descriptor=Descriptor(kind, row))
        for file, row in zip(found, values, strict=True)
    ]
    library.record_predictions(MODEL.fingerprint, batch)


def with_descriptors(library: Library, values: NDArray[np.int8]) -> list[int]:
    ids = filled(library, len(values))
    describe(library, files(len(values)), values)
    return ids


def groups_of(work: Generator[GroupingProgress, None, Groups]) -> Groups:
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: Groups = end.value
            return found


def cosines(values: NDArray[np.int8], row: int) -> NDArray[np.float64]:
    wide = values.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    found: NDArray[np.float64] = wide @ wide[row]
    return found


def test_similarities_are_the_cosines_of_all_descriptors(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "PAGE", 7)
    values = drawn(40)
    ids = with_descriptors(library, values)
    index = DescriptorIndex(library, KIND)
    for _ in range(2):  # read, then kept
        found = index.similarities([ids[3]], np.array(ids))
        assert found is not None
        np.testing.assert_allclose(found, cosines(values, 3), atol=1e-5)


def test_little_memory_gives_the_same_answers(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "PAGE", 5)
    ids = with_descriptors(library, drawn(23))
    all_kept, few_kept = (DescriptorIndex(library, KIND, size) for size in (1 << 20, 6 * LENGTH))
    for _ in range(2):
        found = few_kept.similarities([ids[0]], np.array(ids))
        np.testing.assert_array_equal(found, all_kept.similarities([ids[0]], np.array(ids)))


def pages_asked_for(library: Library, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """After which number each page was read that is read from now on."""
    asked, read = [], library.descriptor_page

    def noted(kind: str, after: int, limit: int) -> DescriptorPage:
        asked.append(after)
        return read(kind, after, limit)

    monkeypatch.setattr(library, "descriptor_page", noted)
    return asked


def test_a_question_reads_nothing_again_that_was_read_ahead(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "PAGE", 5)
    values = drawn(23)
    ids = with_descriptors(library, values)
    index = DescriptorIndex(library, KIND)
    asked = pages_asked_for(library, monkeypatch)
    assert len(list(index.read_ahead())) == 5
    assert len(asked) == 6  # the last one found nothing more
    found = index.similarities([ids[3]], np.array(ids))
    assert asked[6:] == asked[5:6]
    assert found is not None
    np.testing.assert_allclose(found, cosines(values, 3), atol=1e-5)
    describe(library, files(23)[2:3], values[:1])  # what was read is not what there is now
    assert len(list(index.read_ahead())) == 5
    assert asked[7] == 0


def test_reading_ahead_ends_where_no_more_is_kept(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "PAGE", 5)
    with_descriptors(library, drawn(40))
    index = DescriptorIndex(library, KIND, 11 * LENGTH)
    asked = pages_asked_for(library, monkeypatch)
    for _ in range(2):
        assert len(list(index.read_ahead())) == 2
    assert len(asked) == 4  # twice the page that did not fit


def test_descriptors_of_any_bytes_are_read_as_they_are(library: Library) -> None:
    """Also those that end texts, or are none in any encoding."""
    values = np.arange(-128, 128, dtype=np.int16).astype(np.int8).reshape(8, LENGTH)
    ids = with_descriptors(library, values)
    page = library.descriptor_page(KIND, 0, 100)
    np.testing.assert_array_equal(page.values, values)
    assert page.image_ids.tolist() == ids
    lengths = np.linalg.norm(values.astype(np.float64), axis=1)
    np.testing.assert_allclose(page.lengths, lengths, rtol=1e-6)
    assert page.read == len(values)
    rest = library.descriptor_page(KIND, page.last, 100)
    assert (rest.read, rest.last, rest.values.shape) == (0, page.last, (0, LENGTH))


def test_descriptors_that_change_or_come_later_are_seen(library: Library) -> None:
    values = drawn(6)
    ids = with_descriptors(library, values)
    index = DescriptorIndex(library, KIND)
    index.similarities([ids[0]], np.array(ids))
    describe(library, files(6)[2:3], values[:1])
    found = index.similarities([ids[0]], np.array(ids))
    assert found is not None
    assert found[2] == pytest.approx(1.0)
    changed = replace(files(6)[4], size=5)
    library.add_images([changed])  # another picture now: nothing is known of it
    found = index.similarities([ids[0]], np.array(ids))
    assert found is not None
    assert np.flatnonzero(np.isnan(found)).tolist() == [4]


def test_descriptors_of_other_features_are_never_compared(library: Library) -> None:
    ids = with_descriptors(library, drawn(4))
    describe(library, files(4)[:2], drawn(2), kind="other")
    found = DescriptorIndex(library, "other").similarities([ids[0]], np.array(ids))
    assert found is not None
    assert np.isnan(found).tolist() == [False, False, True, True]
    assert DescriptorIndex(library, "nobody's").similarities([ids[0]], np.array(ids)) is None


def test_damaged_descriptors_are_as_if_they_were_not_there(library: Library) -> None:
    ids = with_descriptors(library, drawn(5))
    with sqlite3.connect(library.path) as connection:
        damage = "UPDATE descriptors SET descriptor = ? WHERE image_id = ?"
        connection.execute(damage, (b"abc", ids[1]))
        connection.execute(damage, (bytes(LENGTH), ids[2]))
    connection.close()
    found = DescriptorIndex(library, KIND).similarities([ids[0]], np.array(ids))
    assert found is not None
    assert np.isnan(found).tolist() == [False, True, True, False, False]


def test_a_photo_that_moves_takes_its_descriptor_along(library: Library) -> None:
    values = drawn(3)
    ids = with_descriptors(library, values)
    library.set_hashes([(ids[1], b"x" * 16)])
    library.mark_missing([ids[1]])
    elsewhere = ImageFile(Path("/photos/new.jpg"), 7, 7)
    new = library.add_images([elsewhere])
    assert library.set_hashes([(new[0], b"x" * 16)])
    found = DescriptorIndex(library, KIND).similarities([ids[1]], np.array(ids))
    assert found is not None
    np.testing.assert_allclose(found, cosines(values, 1), atol=1e-5)


@pytest.mark.parametrize("at_once", [4, 2048])
def test_near_duplicates_are_grouped_and_nothing_else_is(
    library: Library, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Also where not each can be compared with each."""
    monkeypatch.setattr(neighbours, "_AT_ONCE", at_once)
    monkeypatch.setattr(neighbours, "_NEIGHBOURHOOD", 5)
    values = drawn(40)
    values[[7, 19]] = values[3]  # copies
    values[30] = np.clip(values[12].astype(int) + drawn(1, 1)[0] // 10, -127, 127)
    ids = with_descriptors(library, values)
    index = DescriptorIndex(library, KIND)
    groups = groups_of(near_duplicates(index, np.array(ids)))
    wanted = {frozenset(ids[i] for i in rows) for rows in ((3, 7, 19), (12, 30))}
    assert {frozenset(group) for group in groups} == wanted
    assert len(groups[0]) == 3
    fewer = groups_of(near_duplicates(index, np.array(ids[:15])))
    assert {frozenset(group) for group in fewer} == {frozenset((ids[3], ids[7]))}


def test_a_chain_of_photos_that_change_by_and_by_is_no_group(library: Library) -> None:
    angles = np.radians(np.arange(0, 90, 15))  # neighbours are alike, others are not
    values = np.zeros((len(angles), LENGTH), dtype=np.int8)
    values[:, 0], values[:, 1] = 127 * np.cos(angles), 127 * np.sin(angles)
    ids = with_descriptors(library, values)
    groups = groups_of(near_duplicates(DescriptorIndex(library, KIND), np.array(ids)))
    assert len(groups[0]) == 3
    alike = cosines(values, ids.index(groups[0][0]))
    assert all(alike[ids.index(image)] >= neighbours.DUPLICATES_FROM for image in groups[0])


def test_no_photos_have_no_near_duplicates(library: Library) -> None:
    assert groups_of(near_duplicates(DescriptorIndex(library, KIND), np.array([], int))) == ()


def view_of(library: Library, kind: str = KIND) -> LibraryView:
    return LibraryView(columns_of(library), THRESHOLDS, DescriptorIndex(library, kind))


def test_a_filter_finds_what_is_similar_beside_what_else_it_asks(library: Library) -> None:
    values = drawn(4)
    values[2] = values[0]
    with_descriptors(library, values)
    view = view_of(library)
    assert view.rows(parse("similar:IMG_0000.jpg")).tolist() == [True, False, True, False]
    assert view.rows(parse("similar:img_0000.JPG NOT name:0000")).nonzero()[0].tolist() == [2]
    assert view.rows(parse('similar:"/photos/trip/IMG_0000.jpg" dog')).sum() == 2
    assert view.rows(parse("similar:IMG_0000.jpg>0")).sum() >= 2
    best = view.likeness.best(parse("similar:IMG_0001.jpg dog"))
    assert best is not None
    np.testing.assert_allclose(best, cosines(values, 1), atol=1e-5)
    assert view.likeness.best(parse("dog NOT similar:IMG_0001.jpg")) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("similar:nothing.jpg", "There is no photo “nothing.jpg” here."),
        ("similar:IMG_0003.jpg", "“IMG_0003.jpg” is not known yet: tag it first."),
        ("similar:IMG_0000.jpg<0.3", "“similar:” takes >0 to >1, such as >0.6."),
        ("similar:IMG_0000.jpg>7", "“similar:” takes >0 to >1, such as >0.6."),
    ],
)
def test_a_photo_that_nothing_can_be_compared_with_is_said(
    library: Library, text: str, said: str
) -> None:
    filled(library, 4)
    describe(library, files(4)[:3], drawn(3))
    with pytest.raises(FilterError, match=said.replace(".", r"\.")):
        view_of(library).rows(parse(text))


def test_without_descriptors_a_filter_says_that_photos_cannot_be_compared(
    library: Library,
) -> None:
    filled(library, 2)
    view = LibraryView(columns_of(library), THRESHOLDS)
    with pytest.raises(FilterError, match="cannot be compared here"):
        view.rows(parse("similar:IMG_0000.jpg"))
