from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.api.categories import Categories
from engine.api.errors import ConfigError
from engine.api.label_names import LabelNames
from engine.library.labels import LabelUse
from engine.library.opening import open_library
from engine.library.repairing import rebuild_library
from engine.library.store import Library
from engine.library.values import LibraryModel, Verdict, Wish
from tests.engine.library.parts import ME, files

ACCEPTED, REJECTED, ADDED = Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ADDED
#: As the model that ships, with a label that it was taught.
TAUGHT = LibraryModel("7a06", "Mine", Categories(("dog", "diningtable", "railway")))


@pytest.fixture
def ids(library: Library) -> list[int]:
    """Images of a library that knows a taught model."""
    library.add_model(TAUGHT)
    return library.add_images(files(4))


def say(library: Library, image: int, **words: Verdict) -> None:
    wishes = [Wish(image, label.replace("_", " "), word) for label, word in words.items()]
    library.decide(wishes, who=ME, caption="Review")


def said(library: Library, image: int) -> dict[str, Verdict]:
    return {label: word for _, label, word in library.stored([image]).verdicts}


def test_a_label_is_stored_under_one_name_whoever_spells_it(
    library: Library, ids: list[int]
) -> None:
    say(library, ids[0], diningtable=ACCEPTED, tvmonitor=ADDED, Grandma=ADDED)
    assert said(library, ids[0]) == {"dining table": ACCEPTED, "TV": ADDED, "Grandma": ADDED}
    say(library, ids[0], dining_table=REJECTED)
    assert said(library, ids[0])["dining table"] is REJECTED
    library.undo()
    assert said(library, ids[0])["dining table"] is ACCEPTED


def test_a_library_of_before_is_read_by_the_names_of_today(
    tmp_path: Path, library: Library, ids: list[int]
) -> None:
    say(library, ids[0], dog=ACCEPTED)
    say(library, ids[0], couch=REJECTED)
    say(library, ids[1], couch=ADDED, sofa=ADDED)
    path = library.path
    library.close()
    with sqlite3.connect(path) as connection:
        for table in ("decisions", "decision_changes"):
            connection.execute(f"UPDATE {table} SET category = 'tvmonitor' WHERE category = 'sofa'")
        connection.execute(
            "INSERT INTO decisions VALUES (?, 'Television', 'rejected', 'me', 9e12)", (ids[1],)
        )
    connection.close()
    with open_library(path) as again:
        assert said(again, ids[0]) == {"dog": ACCEPTED, "TV": REJECTED}
        assert said(again, ids[1]) == {"TV": REJECTED}, "what was said last"
        again.undo()
        again.undo()
        assert said(again, ids[0]) == {"dog": ACCEPTED}


def test_labels_that_were_typed_or_taught_are_listed_and_no_others(
    library: Library, ids: list[int]
) -> None:
    say(library, ids[0], dog=ACCEPTED, Grandma=ADDED, railway=ACCEPTED, elephant=ADDED)
    say(library, ids[1], Grandma=ADDED, railway=REJECTED, dining_table=ADDED)
    assert library.label_uses() == [
        LabelUse("elephant", 1, 0, (), False),
        LabelUse("Grandma", 2, 0, (), False),
        LabelUse("railway", 1, 1, ("Mine",), False),
    ]


def test_a_renamed_label_has_its_new_name_on_all_images_and_in_models(
    library: Library, ids: list[int]
) -> None:
    say(library, ids[0], railway=ACCEPTED)
    say(library, ids[3], railway=REJECTED)
    edit = library.rename_labels(["railway"], " Train tracks ")
    assert edit is not None
    assert edit.caption == "Rename “railway” to “Train tracks”"
    assert set(edit.image_ids) == {ids[0], ids[3]}
    assert said(library, ids[0]) == {"Train tracks": ACCEPTED}
    assert said(library, ids[3]) == {"Train tracks": REJECTED}
    names = library.label_names()
    assert names.labels(TAUGHT.categories) == ("dog", "dining table", "Train tracks")
    assert not names.hidden(TAUGHT.categories)
    say(library, ids[1], railway=ADDED)
    assert said(library, ids[1]) == {"Train tracks": ADDED}, "what the model calls so is meant"
    library.undo()
    library.undo()
    assert said(library, ids[0]) == {"railway": ACCEPTED}
    assert library.label_names() == LabelNames()
    library.redo()
    assert library.label_names().label("railway") == "Train tracks"


def test_a_label_can_be_renamed_again_and_back(library: Library, ids: list[int]) -> None:
    say(library, ids[0], railway=ADDED)
    for new in ("tracks", "rails", "railway"):
        (use,) = library.label_uses()
        library.rename_labels([use.name], new)
        assert said(library, ids[0]) == {new: ADDED}
        assert library.label_names().label("railway") == new
    assert library.label_names() == LabelNames()
    assert library.rename_labels(["railway"], "railway") is None


def test_a_label_that_was_only_typed_leaves_its_name_free(library: Library, ids: list[int]) -> None:
    say(library, ids[0], tree=ADDED)
    library.rename_labels(["tree"], "oak")
    say(library, ids[0], tree=ADDED)
    assert said(library, ids[0]) == {"oak": ADDED, "tree": ADDED}


def test_two_labels_become_one_and_an_image_that_has_either_has_it(
    library: Library, ids: list[int]
) -> None:
    say(library, ids[0], railwya=ADDED)
    say(library, ids[1], railwya=ADDED, railway=REJECTED)
    say(library, ids[2], railwya=REJECTED, railway=ACCEPTED)
    say(library, ids[3], railway=REJECTED)
    before = [said(library, image) for image in ids]
    edit = library.rename_labels(["railwya"], "Railway")
    assert edit is not None
    assert edit.caption == "Merge “railwya” into “railway”"
    words = (ADDED, ADDED, ACCEPTED, REJECTED)
    assert [said(library, image) for image in ids] == [{"railway": word} for word in words]
    library.undo()
    assert [said(library, image) for image in ids] == before


def test_of_two_labels_of_a_model_that_become_one_only_the_other_is_shown(
    library: Library, ids: list[int]
) -> None:
    say(library, ids[0], railway=ACCEPTED)
    library.rename_labels(["railway"], "dog")
    names = library.label_names()
    assert said(library, ids[0]) == {"dog": ACCEPTED}
    assert names.labels(TAUGHT.categories)[0] == "dog"
    assert names.hidden(TAUGHT.categories) == {2}


def test_a_deleted_label_is_gone_until_it_is_given_again(library: Library, ids: list[int]) -> None:
    say(library, ids[0], railway=ACCEPTED, dog=ACCEPTED)
    edit = library.delete_labels(["railway"])
    assert edit is not None
    assert edit.caption == "Delete “railway”"
    assert said(library, ids[0]) == {"dog": ACCEPTED}
    assert library.label_names().hidden(TAUGHT.categories) == {2}
    assert library.label_uses() == [LabelUse("railway", 0, 0, ("Mine",), True)]
    say(library, ids[1], railway=REJECTED)
    assert library.label_names().hidden(TAUGHT.categories) == {2}
    say(library, ids[1], railway=ADDED)
    assert not library.label_names().hidden(TAUGHT.categories)
    library.undo()
    assert library.label_names().hidden(TAUGHT.categories) == {2}
    library.undo()
    library.undo()
    assert said(library, ids[0]) == {"dog": ACCEPTED, "railway": ACCEPTED}
    assert library.label_names() == LabelNames()


def test_a_name_that_cannot_be_is_refused_and_nothing_changes(
    library: Library, ids: list[int]
) -> None:
    say(library, ids[0], Grandma=ADDED)
    for name in ("", "  ", "a\nb", "x" * 201):
        with pytest.raises(ConfigError):
            library.rename_labels(["Grandma"], name)
    assert said(library, ids[0]) == {"Grandma": ADDED}


def test_names_survive_a_restart_and_a_rebuild(library: Library, ids: list[int]) -> None:
    say(library, ids[0], railway=ACCEPTED)
    library.rename_labels(["railway"], "tracks")
    path = library.path
    library.close()
    with open_library(path) as again:
        assert again.label_names().label("railway") == "tracks"
        assert again.next_captions()[0] == "Rename “railway” to “tracks”"
        again.undo()
        assert said(again, ids[0]) == {"railway": ACCEPTED}
        again.redo()
    rebuild_library(path)
    with open_library(path) as rebuilt:
        assert rebuilt.label_names().label("railway") == "tracks"
        rebuilt.undo()
        assert rebuilt.label_names() == LabelNames()


def test_several_labels_are_merged_or_deleted_as_one_edit(library: Library, ids: list[int]) -> None:
    say(library, ids[0], rail=ADDED, track=REJECTED)
    say(library, ids[1], track=REJECTED)
    say(library, ids[2], railway=REJECTED, track=ADDED, Grandma=ADDED)
    before = [said(library, image) for image in ids]
    assert library.count_images(["rail", "track"]) == 3
    edit = library.rename_labels(["rail", "track", "railway"], "railway")
    assert edit is not None
    assert edit.caption == "Merge 2 labels into “railway”"
    assert [said(library, image) for image in ids] == [
        {"railway": ADDED},
        {"railway": REJECTED},
        {"railway": ADDED, "Grandma": ADDED},
        {},
    ]
    edit = library.delete_labels(["railway", "Grandma"])
    assert edit is not None
    assert edit.caption == "Delete 2 labels"
    assert not any(said(library, image) for image in ids)
    library.undo()
    library.undo()
    assert [said(library, image) for image in ids] == before
