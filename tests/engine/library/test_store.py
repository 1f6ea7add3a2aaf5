from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.api.categories import Categories
from engine.api.errors import ConfigError
from engine.api.passing import PASSING
from engine.api.values import Prediction
from engine.library.errors import LibraryError
from engine.library.images import content_hash
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import Example, ImageFile, LibraryModel, Moved, Verdict, Wish
from tests.engine.library.parts import (
    CATEGORIES,
    ME,
    MODEL,
    categories_of,
    columns_of,
    files,
    filled,
    prediction,
    untagged,
)


def test_an_image_added_twice_is_one_image(library: Library) -> None:
    assert library.add_images(files(3)) == library.add_images(files(3))


def test_scores_of_a_model_under_its_former_id_are_found_under_its_own(library: Library) -> None:
    old = LibraryModel("old", MODEL.name, MODEL.categories)
    path = files(1)[0].path
    library.add_images(files(1))
    library.add_model(old)
    library.record_predictions("old", [prediction(path, 0.9, 0, 0)])
    for _ in range(2):
        now = LibraryModel(MODEL.fingerprint, MODEL.name, MODEL.categories, former="old")
        library.add_model(now)
    assert library.models() == [MODEL]
    assert untagged(library) == {}


def test_a_name_that_is_not_utf8_comes_back_as_it_was(library: Library) -> None:
    path = Path(os.fsdecode(b"/photos/caf\xe9/\xff\xfe.jpg"))
    image = library.add_images([ImageFile(path, 1, 2)])[0]
    library.add_model(MODEL)
    assert untagged(library) == {image: path}
    library.record_predictions(MODEL.fingerprint, [prediction(path, 0.9, 0, 0)])
    assert library.files() == {image: ImageFile(path, 1, 2)}
    assert categories_of(library, image) == {"dog"}


def test_a_changed_file_loses_what_the_machine_said_and_keeps_the_persons_word(
    library: Library,
) -> None:
    image = filled(library, 1)[0]
    library.decide([Wish(image, "cat", Verdict.ADDED)], who=ME, caption="Add cat")
    old = files(1)[0]
    assert library.add_images([ImageFile(old.path, old.size + 1, old.mtime_ns)]) == [image]
    assert categories_of(library, image) == {"cat"}
    assert list(untagged(library)) == [image]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_file_that_we_changed_beside_its_picture_keeps_all(
    library: Library, is_known: bool
) -> None:
    (image,) = filled(library, 1)
    (old,) = files(1)
    new = ImageFile(old.path, old.size + 9, old.mtime_ns + 9)
    known = old if is_known else ImageFile(old.path, old.size, old.mtime_ns - 1)
    assert library.note_rewritten(known, new, b"h" * 16) == is_known
    assert library.add_images([new]) == [image]
    assert bool(len(library.stored([image], MODEL.fingerprint).scored)) == is_known
    assert bool(library.same_content(b"h" * 16)) == is_known


def test_a_run_goes_on_with_images_that_are_neither_scored_nor_failed(library: Library) -> None:
    ids = library.add_images(files(3))
    library.add_model(MODEL)
    paths = [f.path for f in files(3)]
    none = np.zeros(0, dtype=np.float32)
    failed = Prediction(paths[1], MODEL.fingerprint, none, error="It is cut off.")
    library.record_predictions(MODEL.fingerprint, [prediction(paths[0], 1, 0, 0), failed])
    assert list(untagged(library)) == [ids[2]]
    assert library.stored(ids, MODEL.fingerprint).errors == {ids[1]: "It is cut off."}


def test_images_can_be_asked_for_in_a_folder_and_what_is_below_it(library: Library) -> None:
    library.add_model(MODEL)
    names = ["/a/x.jpg", "/a/b/x.jpg", "/ab/x.jpg", "/c/x.jpg"]
    library.add_images([ImageFile(Path(name), 1, 1) for name in names])
    for recursive, count in ((True, 2), (False, 1)):
        found = library.images_below(Path("/a"), recursive=recursive)
        assert [str(i.path) for i in found] == names[:count]


def test_scores_that_are_no_numbers_become_an_error_of_the_image(library: Library) -> None:
    image = library.add_images(files(1))[0]
    library.add_model(MODEL)
    library.record_predictions(
        MODEL.fingerprint, [prediction(files(1)[0].path, float("nan"), 0, 0)]
    )
    known = library.stored([image], MODEL.fingerprint)
    assert list(known.errors) == [image]
    assert len(known.scored) == 0


def test_what_is_no_fault_of_an_image_takes_none_of_its_scores(library: Library) -> None:
    image = library.add_images(files(1))[0]
    library.add_model(MODEL)
    said = prediction(files(1)[0].path, 0.5, 0, 0)
    library.record_predictions(MODEL.fingerprint, [said])

    failed = [replace(said, scores=np.zeros(0, np.float32), error=error) for error in PASSING]
    assert library.record_predictions(MODEL.fingerprint, failed) == 0

    known = library.stored([image], MODEL.fingerprint)
    assert (dict(known.errors), known.scores.tolist()) == ({}, [[0.5, 0.0, 0.0]])


def test_scores_just_outside_of_0_and_1_are_kept_as_0_and_1(library: Library) -> None:
    ids = library.add_images(files(1))
    library.add_model(MODEL)
    said = prediction(files(1)[0].path, 1.01, -0.01, 0.5)
    library.record_predictions(MODEL.fingerprint, [said])
    assert library.stored(ids, MODEL.fingerprint).scores.tolist() == [[1.0, 0.0, 0.5]]


def test_a_batch_with_one_wrong_prediction_is_not_stored_at_all(library: Library) -> None:
    library.add_images(files(2))
    library.add_model(MODEL)
    batch = [prediction(files(2)[0].path, 1, 0, 0), prediction(files(2)[1].path, 1, 0)]
    with pytest.raises(LibraryError, match="2 scores for 3"):
        library.record_predictions(MODEL.fingerprint, batch)
    assert len(untagged(library)) == 2


def test_a_model_does_not_change_its_categories(library: Library) -> None:
    library.add_model(MODEL)
    with pytest.raises(LibraryError, match="other categories"):
        library.add_model(LibraryModel(MODEL.fingerprint, "Small", Categories(("cat",))))
    assert library.models() == [MODEL]


def test_a_rejected_label_never_returns_and_an_accepted_one_never_vanishes(
    library: Library,
) -> None:
    image = filled(library, 1)[0]
    wishes = [Wish(image, "person", Verdict.REJECTED), Wish(image, "dog", Verdict.ACCEPTED)]
    library.decide(wishes, who=ME, caption="Review")
    for scores in ((0.0, 1.0, 0.0), (0.9, 0.9, 0.9), (0.0, 0.0, 0.0)):
        library.record_predictions(MODEL.fingerprint, [prediction(files(1)[0].path, *scores)])
        found = categories_of(library, image)
        assert "person" not in found
        assert "dog" in found
    other = LibraryModel("other", "Other", CATEGORIES)
    library.add_model(other)
    library.record_predictions("other", [prediction(files(1)[0].path, 0.0, 1.0, 0.0)])
    assert categories_of(library, image, "other") == {"dog"}


def test_the_labels_in_columns_are_those_of_each_image(library: Library) -> None:
    ids = filled(library, 5)
    wishes = [Wish(ids[0], "cat", Verdict.ADDED), Wish(ids[4], "dog", Verdict.REJECTED)]
    library.decide(wishes, who=ME, caption="Review", reviewed={ids[1]: True})
    columns = columns_of(library)
    labels = columns.labels(np.full(3, 0.5, dtype=np.float32))
    assert columns.reviewed.tolist() == [False, True, False, False, False]
    for row, image in enumerate(ids):
        named = {columns.categories[i] for i in np.flatnonzero(labels[row])}
        assert named == categories_of(library, image)


def test_thresholds_are_kept_and_checked(library: Library) -> None:
    assert library.own_thresholds(MODEL.fingerprint) == {}
    library.add_model(MODEL)
    library.set_own_thresholds(MODEL.fingerprint, {0: 0.9, 1: 0.8})
    library.set_own_thresholds(MODEL.fingerprint, {0: 0.9, 2: 0.05})
    for wrong in (1.5, -0.1, float("nan")):
        with pytest.raises(ConfigError):
            library.set_own_thresholds(MODEL.fingerprint, {0: 0.5, 1: wrong})
    assert library.own_thresholds(MODEL.fingerprint) == {0: 0.9, 2: 0.05}


def test_half_floats_are_compared_as_numbers_are() -> None:
    from engine.library.columns import reach

    generator = np.random.default_rng(0)
    scores = generator.random((500, 7)).astype(np.float16)
    scores[3] = np.nan
    scores[4, :2] = 0.0, 1.0
    for _ in range(20):
        thresholds = generator.random(7).astype(np.float32)
        thresholds[:2] = scores[7, :2]
        expected = scores.astype(np.float32) >= thresholds
        assert np.array_equal(reach(scores, thresholds), expected)
    assert reach(scores, np.ones(7, dtype=np.float32))[4, 1]


def test_a_moved_file_keeps_its_labels(library: Library, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"pixels")
    old = library.add_images([ImageFile(photo, 6, 1)])[0]
    library.set_hashes([(old, content_hash(photo))])
    library.decide([Wish(old, "cat", Verdict.ADDED)], who=ME, caption="Add cat")
    library.mark_missing([old])
    moved = photo.rename(tmp_path / "moved.jpg")
    new = library.add_images([ImageFile(moved, 6, 2)])[0]
    moves = library.set_hashes([(new, content_hash(moved))])
    assert [(m.image_id, m.forgotten_id) for m in moves] == [(old, new)]
    assert library.files() == {old: ImageFile(moved, 6, 2)}
    library.add_model(MODEL)
    assert categories_of(library, old) == {"cat"}


def test_a_copy_of_a_file_that_is_still_there_has_not_moved(library: Library) -> None:
    first, second = library.add_images(files(2))
    assert library.set_hashes([(first, b"same"), (second, b"same")]) == ()
    assert library.images_without_hash() == []


def test_a_moved_file_that_a_person_has_spoken_of_stays_as_it_is(library: Library) -> None:
    old, new = library.add_images(files(2))
    library.set_hashes([(old, b"same")])
    library.decide([Wish(old, "owl", Verdict.ADDED)], who=ME, caption="Owl")
    library.mark_missing([old])
    library.decide([Wish(new, "cat", Verdict.ADDED)], who=ME, caption="Cat")
    assert library.set_hashes([(new, b"same")]) == ()
    library.add_model(MODEL)
    assert categories_of(library, new) == {"cat"}
    assert categories_of(library, old) == {"owl"}


@pytest.mark.parametrize(
    ("came", "is_found"),
    [
        (["there/a.jpg"], True),
        (["there/b.jpg"], False),  # another name
        (["there/a.jpg", "elsewhere/a.jpg"], False),  # which of them?
    ],
)
def test_a_vanished_image_that_was_never_hashed_is_found_again_if_one_alone_can_be_it(
    library: Library, came: list[str], is_found: bool
) -> None:
    [old, other] = library.add_images(
        [ImageFile(Path("/here/a.jpg"), 7, 11), ImageFile(Path("/here/c.jpg"), 7, 11)]
    )
    library.mark_missing([old])
    new = library.add_images([ImageFile(Path("/") / name, 7, 11) for name in came])
    moves = library.take_over_unhashed([*new, other])
    assert moves == ((Moved(old, new[0]),) if is_found else ())
    there = {file.path: image_id for image_id, file in library.files().items()}
    assert there[Path("/") / came[0]] == (old if is_found else new[0])


def test_a_pipe_has_no_content_to_hash(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(OSError, match="regular"):
        content_hash(tmp_path / "pipe.jpg")


def test_undo_and_redo_go_across_images_and_survive_a_restart(tmp_path: Path) -> None:
    with open_library(tmp_path / "l.db") as library:
        ids = filled(library, 3)
        library.decide([Wish(i, "cat", Verdict.ADDED) for i in ids], who=ME, caption="Add cat to 3")
        library.decide(
            [Wish(ids[0], "cat", Verdict.REJECTED)],
            who="you",
            caption="Reject",
            reviewed={ids[0]: True},
        )
    with open_library(tmp_path / "l.db") as library:
        undone = library.undo()
        assert undone is not None and undone.caption == "Reject"
        assert undone.decisions[0].new is not None and undone.decisions[0].new.who == ME
        assert not library.stored(ids).reviewed
        assert all("cat" in categories_of(library, i) for i in ids)
        assert library.undo() is not None
        assert library.undo() is None
        assert not any("cat" in categories_of(library, i) for i in ids)
    with open_library(tmp_path / "l.db") as library:
        assert library.redo() is not None
        assert library.redo() is not None
        assert library.redo() is None
        assert ["cat" in categories_of(library, i) for i in ids] == [False, True, True]


def test_a_new_edit_ends_what_could_be_redone(library: Library) -> None:
    image = filled(library, 1)[0]
    library.decide([Wish(image, "cat", Verdict.ADDED)], who=ME, caption="Cat")
    library.undo()
    library.decide([Wish(image, "owl", Verdict.ADDED)], who=ME, caption="Owl")
    assert library.next_captions() == ("Owl", "")
    assert library.redo() is None


def test_saying_what_was_said_already_is_no_edit(library: Library) -> None:
    image = filled(library, 1)[0]
    wish = Wish(image, "cat", Verdict.ADDED)
    edit = library.decide([wish], who=ME, caption="Cat", reviewed={image: False})
    assert edit is not None and edit.reviews == () and edit.image_ids == (image,)
    assert edit.inverse().inverse() == edit
    assert library.decide([wish], who="you", caption="Again") is None


def test_wishes_for_unknown_images_or_impossible_names_change_nothing(library: Library) -> None:
    image = filled(library, 1)[0]
    good = Wish(image, "cat", Verdict.ADDED)
    with pytest.raises(LibraryError):
        library.decide([good, Wish(99, "cat", Verdict.ADDED)], who=ME, caption="x")
    with pytest.raises(ConfigError):
        library.decide([good, Wish(image, "a\nb", Verdict.ADDED)], who=ME, caption="x")
    assert "cat" not in categories_of(library, image)


def test_a_closed_library_says_so(tmp_path: Path) -> None:
    library = open_library(tmp_path / "l.db")
    library.close()
    library.close()
    with pytest.raises(LibraryError, match="closed"):
        library.models()
    with pytest.raises(LibraryError, match="closed"):
        library.add_images(files(1))


def test_threads_may_write_at_once(library: Library) -> None:
    folders = [Path(f"/photos/{number}") for number in range(8)]
    with ThreadPoolExecutor(len(folders)) as threads:
        for _ in range(10):
            found = list(threads.map(lambda folder: library.add_images(files(5, folder)), folders))
    assert len({number for ids in found for number in ids}) == len(library.files()) == 40


def test_a_model_takes_over_the_scores_of_the_one_that_it_was_taught_from(
    library: Library,
) -> None:
    """They count, but wait to be made anew; the new category has none yet."""
    ids = filled(library, 3)
    taught = LibraryModel("taught", "taught", Categories((*CATEGORIES, "rail")))
    library.add_model(taught)
    library.record_predictions(
        "taught", [Prediction(files(1)[0].path, "taught", np.full(4, 0.25, np.float32))]
    )
    assert library.take_over_scores("taught", MODEL.fingerprint) == 2
    assert library.take_over_scores("taught", MODEL.fingerprint) == 0
    before, after = (library.stored(ids, model) for model in (MODEL.fingerprint, "taught"))
    assert after.scored.tolist() == ids
    assert after.provisional.tolist() == [False, True, True]
    np.testing.assert_array_equal(after.scores[1:, :3], before.scores[1:])
    assert np.isnan(after.scores[1:, 3]).all()
    assert after.scores[0].tolist() == [0.25] * 4
    library.record_predictions(
        "taught", [Prediction(files(2)[1].path, "taught", np.full(4, 0.5, np.float32))]
    )
    assert library.stored(ids, "taught").provisional.tolist() == [False, False, True]


def test_nothing_is_taken_over_from_a_model_that_the_library_does_not_know(
    library: Library,
) -> None:
    ids = filled(library, 1)
    assert library.take_over_scores(MODEL.fingerprint, "nobody") == 0
    assert not library.stored(ids, MODEL.fingerprint).provisional.any()


def test_examples_are_no_decisions_and_go_with_the_content(library: Library) -> None:
    first, second = filled(library, 2)
    noted = [Example(first, "rail", drawn=True), Example(second, "rail", drawn=False)]
    library.note_examples([*noted, Example(first, "rail", drawn=False), Example(99, "x", True)])
    assert library.examples() == noted
    assert library.stored([first]).verdicts == ()
    old = files(1)[0]
    library.add_images([ImageFile(old.path, old.size + 1, old.mtime_ns)])
    assert library.examples() == noted[1:]


def test_the_second_files_of_an_image_are_replaced_as_a_whole(
    library: Library, tmp_path: Path
) -> None:
    odd = os.fsdecode(b"a\xff.cr2")
    first, second = library.add_images(
        [ImageFile(tmp_path / "a.jpg", 1, 1), ImageFile(tmp_path / "b.jpg", 1, 1)]
    )
    library.set_other_files({first: ("a.dng", odd), second: ("b.dng",)})
    assert library.other_files([first, second]) == {
        first: tuple(sorted(("a.dng", odd))),
        second: ("b.dng",),
    }

    library.set_other_files({first: (odd,), second: ()})
    assert library.other_files([first, second]) == {first: (odd,)}


def test_images_that_are_known_to_be_there_are_not_read(library: Library) -> None:
    ids = library.add_images(files(5))
    there = np.array([ids[0], ids[3], ids[4], 99])
    folder = files(1)[0].path.parent
    found = library.images_below(folder, recursive=True, besides=there)
    assert [image.id for image in found] == [ids[1], ids[2]]
    library.mark_missing([ids[1]])
    found = library.images_below(folder, recursive=True, besides=there)
    assert [image.id for image in found] == [ids[2]]


def test_hashed_images_are_looked_through_only_for_those_that_are_not(library: Library) -> None:
    ids = library.add_images(files(3))
    library.set_hashes([(image, b"%d" % image) for image in ids])
    asked: list[str] = []
    [reader] = library._readers or [library._take_reader()]
    reader.set_trace_callback(asked.append)
    library._readers = [reader]
    assert library.lookalikes(ids) == []
    assert not [query for query in asked if "hash IS NOT NULL" in query]


def test_what_is_said_the_same_of_many_images_is_one_word_in_an_edit(library: Library) -> None:
    ids = library.add_images(files(50))
    wishes = [Wish(image, "dog", Verdict.ACCEPTED) for image in ids]
    done = library.decide(wishes, who=ME, caption="Accept dog")
    back = library.undo()
    assert done is not None and back is not None
    assert len({id(change.new) for change in done.decisions}) == 1
    assert len({id(change.old) for change in back.decisions}) == 1
    assert [(c.image_id, c.old, c.new) for c in back.decisions] == [
        (c.image_id, c.new, c.old) for c in done.decisions
    ]
    assert library.stored(ids).verdicts == ()
