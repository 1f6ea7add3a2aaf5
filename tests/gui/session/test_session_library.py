from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from csra_gui.base.paths import library_file
from csra_gui.session import library_sync, tag_job
from csra_gui.session.session import Session
from engine.library.errors import LibraryError
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import Verdict
from tests.fakes import MODEL_ID, SHIPPED, FakeEngine, fake_model
from tests.gui.driver import labels_in, row_in
from tests.gui.session.restarts import Restarts

ACCEPTED, REJECTED, ADDED = Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ADDED


@pytest.fixture
def restarts(qtbot: QtBot, settings_file: Path) -> Iterator[Restarts]:
    made = Restarts(qtbot, settings_file)
    yield made
    made.end_all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files named like photos, each with a content of its own."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("cat.jpg", "dog.jpg", "bad.jpg", "cat-and-dog.jpg", "person.jpg"):
        (folder / name).write_text(name)
    return folder


def test_what_was_tagged_and_decided_is_there_after_a_restart_and_the_model_is_not_asked(
    restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    first = restarts.start(engine, [folder])
    restarts.wait_until_tagged(first, 5)
    before = {name: labels_in(first, name) for name in first.photos.columns().names}
    first.decisions.decide(
        [row_in(first, "cat.jpg")], {"cat": REJECTED, "zebra": ADDED}, caption="Say"
    )
    first.decisions.decide(
        [row_in(first, "dog.jpg")], {"dog": ACCEPTED}, caption="Accept dog", reviewed=True
    )
    assert labels_in(first, "cat.jpg") == (before["cat.jpg"] - {"cat"}) | {"zebra"}
    restarts.wait_until_written(first)
    restarts.end(first)
    again = FakeEngine()
    second = restarts.start(again, [folder])
    restarts.wait_until_tagged(second, 5)
    assert again.predict_calls == []
    assert labels_in(second, "person.jpg") == before["person.jpg"]
    assert labels_in(second, "cat.jpg") == (before["cat.jpg"] - {"cat"}) | {"zebra"}
    assert second.photos.error(row_in(second, "bad.jpg")) == "The file ends too early."
    assert second.photos.is_reviewed(row_in(second, "dog.jpg"))
    assert second.decisions.undo_caption == "Accept dog"


def test_labels_are_there_before_the_model_is_loaded(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    first = restarts.start(engine, [folder])
    restarts.wait_until_tagged(first, 5)
    before = labels_in(first, "cat.jpg")
    restarts.end(first)
    again = FakeEngine()
    again.open_gate.clear()
    second = restarts.start(again, [folder])
    qtbot.waitUntil(lambda: second.photos.tagged_count() == 4)
    assert second.models.model is None
    assert labels_in(second, "cat.jpg") == before
    again.open_gate.set()
    qtbot.waitUntil(lambda: second.models.model is not None)
    restarts.wait_until_tagged(second, 5)
    assert labels_in(second, "cat.jpg") == before
    assert again.predict_calls == []


def test_thresholds_of_single_categories_are_kept(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    first = restarts.start(engine, [folder])
    restarts.wait_until_tagged(first, 5)
    assert "cat" in labels_in(first, "cat.jpg")
    with qtbot.waitSignal(first.thresholds.changed):
        first.thresholds.set_mine(0, 0.99)
    assert "cat" not in labels_in(first, "cat.jpg")
    assert first.thresholds.of(1) == 0.5
    restarts.end(first)
    second = restarts.start(FakeEngine(), [folder])
    restarts.wait_until_tagged(second, 5)
    qtbot.waitUntil(lambda: second.thresholds.mine == {0: pytest.approx(0.99)})
    assert "cat" not in labels_in(second, "cat.jpg")
    second.thresholds.set_mine(0, None)
    assert "cat" in labels_in(second, "cat.jpg")


def test_a_model_and_its_int8_network_share_thresholds_and_not_scores(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    session = restarts.start(engine, [folder])
    restarts.wait_until_tagged(session, 5)
    plain = session.models.model
    assert plain is not None
    int8 = replace(plain, id="5a5a", int8_of=plain.id)
    asked = len(engine.predict_calls)
    session.thresholds.set_mine(0, 0.99)
    for model, mine, chosen in ((int8, 0.99, 0.6), (plain, 0.6, 0.7), (int8, 0.7, 0.8)):
        engine.models["again"] = model
        with qtbot.waitSignal(session.models.switched):
            session.models.use("again")
        restarts.wait_until_tagged(session, 5)
        qtbot.waitUntil(lambda mine=mine: session.thresholds.mine == {0: pytest.approx(mine)})
        session.thresholds.set_mine(0, chosen)
    restarts.wait_until_written(session)
    assert sum(map(len, engine.predict_calls[asked:])) == 5  # in int8, once; else found again
    restarts.end(session)
    with open_library(library_file()) as library:
        names = [model.name for model in library.models()]
    assert names == [plain.name, f"{plain.name} (int8)"]


def test_undo_and_redo_go_across_photos_and_a_restart(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    first = restarts.start(engine, [folder])
    restarts.wait_until_tagged(first, 5)
    everywhere = range(5)
    first.decisions.decide([row_in(first, "cat.jpg")], {"cat": ACCEPTED}, caption="Accept cat")
    first.decisions.decide(everywhere, {"boat": ADDED}, caption="Add boat")
    restarts.wait_until_written(first)
    restarts.end(first)
    second = restarts.start(FakeEngine(), [folder])
    restarts.wait_until_tagged(second, 5)
    second.decisions.undo()
    qtbot.waitUntil(lambda: second.decisions.undo_caption == "Accept cat")
    assert second.photos.verdicts(row_in(second, "cat.jpg")) == {"cat": ACCEPTED}
    second.decisions.undo()
    qtbot.waitUntil(lambda: second.decisions.redo_caption == "Accept cat")
    assert all(second.photos.verdicts(photo) == {} for photo in everywhere)
    assert second.decisions.undo_caption == ""
    second.decisions.redo()
    second.decisions.redo()
    qtbot.waitUntil(lambda: second.decisions.undo_caption == "Add boat")
    restarts.wait_until_written(second)
    assert second.photos.verdicts(row_in(second, "cat.jpg")) == {"cat": ACCEPTED, "boat": ADDED}
    assert second.photos.verdicts(row_in(second, "dog.jpg")) == {"boat": ADDED}


def test_a_run_that_was_killed_goes_on_where_it_stopped(
    qtbot: QtBot,
    restarts: Restarts,
    engine: FakeEngine,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tag_job, "BATCH", 1)
    holding = engine._wait

    def wait_at_the_third(gate: object) -> None:
        if gate is engine.predict_gate and len(engine.predicted) == 2:
            engine.predict_gate.clear()
        holding(engine.predict_gate)

    monkeypatch.setattr(engine, "_wait", wait_at_the_third)
    first = restarts.start(engine, [folder])
    library = library_file()
    copy = library.with_name("as-a-kill-would-leave-it.db")
    qtbot.waitUntil(lambda: not first.photos.untagged_rows() or len(engine.predicted) == 2)
    qtbot.waitUntil(lambda: len(stored(first)) == 2)
    for ending in ("", "-wal"):
        shutil.copy(f"{library}{ending}", f"{copy}{ending}")
    restarts.end(first)
    for ending in ("", "-wal"):
        Path(f"{copy}{ending}").replace(f"{library}{ending}")
    again = FakeEngine()
    second = restarts.start(again, [folder])
    restarts.wait_until_tagged(second, 5)
    assert len(again.predicted) == 3
    assert not {path.name for path in again.predicted} & {p.name for p in engine.predicted}


def stored(session: Session) -> list[int]:
    """Rows that the library has an answer of the model for."""
    library, photos = session.library.library, session.photos
    if library is None or not all(photos.image_ids):
        return []
    found = library.stored(photos.image_ids.tolist(), MODEL_ID)
    return [*found.scored.tolist(), *found.errors]


def test_a_paused_run_goes_on_and_counts_on(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    engine.predict_gate.clear()
    session = restarts.start(engine, [folder])
    qtbot.waitUntil(lambda: session.tagger.is_running)
    session.tagger.pause()
    engine.predict_gate.set()
    qtbot.waitUntil(lambda: not session.tagger.is_running)
    assert session.tagger.is_paused
    totals: list[int] = []
    session.tagger.started.connect(totals.append)
    session.pipeline.tag()
    restarts.wait_until_tagged(session, 5)
    assert totals == [5]
    assert not session.tagger.is_paused


def test_a_changed_file_is_tagged_again_and_keeps_what_the_person_said(
    restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    first = restarts.start(engine, [folder])
    restarts.wait_until_tagged(first, 5)
    first.decisions.decide([row_in(first, "dog.jpg")], {"dog": REJECTED}, caption="Reject dog")
    restarts.wait_until_written(first)
    restarts.end(first)
    (folder / "dog.jpg").write_text("another picture")
    again = FakeEngine()
    second = restarts.start(again, [folder])
    restarts.wait_until_tagged(second, 5)
    assert [path.name for path in again.predicted] == ["dog.jpg"]
    assert "dog" not in labels_in(second, "dog.jpg")


def test_a_file_that_changes_while_it_is_tagged_is_not_stored_wrongly(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    engine.predict_gate.clear()
    session = restarts.start(engine, [folder])
    qtbot.waitUntil(lambda: session.tagger.is_running)
    (folder / "cat.jpg").write_text("changed meanwhile")
    engine.predict_gate.set()
    restarts.wait_until_tagged(session, 5)
    assert [path.name for path in engine.predicted].count("cat.jpg") == 2
    file = session.photos.file(row_in(session, "cat.jpg"))
    assert file is not None
    assert file.size == len("changed meanwhile")


def test_a_moved_photo_keeps_what_was_said_of_it(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path, tmp_path: Path
) -> None:
    first = restarts.start(engine, [folder])
    restarts.wait_until_tagged(first, 5)
    first.decisions.decide([row_in(first, "cat.jpg")], {"cat": REJECTED}, caption="Reject cat")
    library = first.library.library
    assert library is not None
    qtbot.waitUntil(lambda: library.images_without_hash() == [])
    restarts.end(first)
    other = tmp_path / "other"
    other.mkdir()
    (folder / "cat.jpg").rename(other / "renamed.jpg")
    again = FakeEngine()
    second = restarts.start(again, [other])
    restarts.wait_until_tagged(second, 1)
    qtbot.waitUntil(lambda: second.photos.verdicts(0) == {"cat": REJECTED})
    assert again.predicted == []


def test_another_model_brings_its_stored_scores(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    mine = fake_model("mine", folder / "mine.safetensors")
    engine.models["mine"] = mine
    first = restarts.start(engine, [folder])
    restarts.wait_until_tagged(first, 5)
    first.models.use("mine")
    qtbot.waitUntil(lambda: first.models.model == mine)
    restarts.wait_until_tagged(first, 5)
    restarts.end(first)
    again = FakeEngine(models={"mine": mine})
    second = restarts.start(again, [folder])
    restarts.wait_until_tagged(second, 5)
    assert second.models.model == mine
    second.models.use(SHIPPED)
    qtbot.waitUntil(lambda: second.models.model != mine)
    restarts.wait_until_tagged(second, 5)
    assert again.predict_calls == []


def test_what_a_person_says_while_the_library_is_still_opening_is_kept(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    first = restarts.start(engine)
    first.open([folder])
    qtbot.waitUntil(lambda: len(first.photos) == 5)
    first.decisions.decide([0], {"boat": ADDED}, caption="Add boat")
    restarts.wait_until_tagged(first, 5)
    restarts.wait_until_written(first)
    name = first.photos.paths[0].name
    restarts.end(first)
    second = restarts.start(FakeEngine(), [folder])
    restarts.wait_until_tagged(second, 5)
    assert second.photos.verdicts(row_in(second, name)) == {"boat": ADDED}


def test_scores_come_back_as_they_were(
    restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    first = restarts.start(engine, [folder])
    restarts.wait_until_tagged(first, 5)
    scores = first.photos.scores.copy()
    restarts.end(first)
    second = restarts.start(FakeEngine(), [folder])
    restarts.wait_until_tagged(second, 5)
    np.testing.assert_array_equal(second.photos.scores, scores)


def test_a_decision_that_cannot_be_written_is_taken_back_and_said(
    qtbot: QtBot,
    restarts: Restarts,
    engine: FakeEngine,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = restarts.start(engine, [folder])
    restarts.wait_until_tagged(session, 5)
    cat = row_in(session, "cat.jpg")
    session.decisions.decide([cat], {"boat": ADDED}, caption="Add boat")
    restarts.wait_until_written(session)
    qtbot.waitUntil(lambda: session.decisions.undo_caption == "Add boat")

    def full(*_arguments: object, **_options: object) -> None:
        raise LibraryError("The disk is full; make room and try again.")

    monkeypatch.setattr(Library, "decide", full)
    said: list[str] = []
    session.library.storing_failed.connect(said.append)
    session.decisions.decide(
        [cat], {"boat": None, "cat": REJECTED}, caption="Reject cat", reviewed=True
    )
    assert session.photos.verdicts(cat) == {"cat": REJECTED}
    qtbot.waitUntil(lambda: session.photos.verdicts(cat) == {"boat": ADDED})
    assert said == ["The disk is full; make room and try again."]
    assert not session.photos.is_reviewed(cat)
    qtbot.waitUntil(lambda: session.decisions.undo_caption == "Add boat")


def test_tagging_goes_on_when_its_results_cannot_be_stored_and_stores_them_later(
    restarts: Restarts,
    engine: FakeEngine,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tag_job, "BATCH", 1)
    record, tries = Library.record_predictions, []

    def full_at_first(library: Library, *arguments: object) -> int:
        tries.append(arguments)
        if len(tries) == 1:
            raise LibraryError("The disk is full; make room and try again.")
        return record(library, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Library, "record_predictions", full_at_first)
    session = restarts.start(engine)
    said: list[str] = []
    session.library.storing_failed.connect(said.append)
    session.open([folder])
    restarts.wait_until_tagged(session, 5)
    assert len(said) == 1
    assert len(stored(session)) == 5


def test_a_photo_that_has_vanished_is_missing_until_it_is_back(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path, tmp_path: Path
) -> None:
    first = restarts.start(engine, [folder])
    restarts.wait_until_tagged(first, 5)
    first.decisions.decide([row_in(first, "cat.jpg")], {"cat": REJECTED}, caption="Reject cat")
    restarts.wait_until_written(first)
    restarts.end(first)
    shutil.copy2(folder / "cat.jpg", tmp_path / "kept")
    (folder / "cat.jpg").unlink()
    second = restarts.start(FakeEngine(), [folder])
    restarts.wait_until_tagged(second, 4)
    library = second.library.library
    assert library is not None
    assert folder / "cat.jpg" not in {file.path for file in library.files().values()}
    restarts.end(second)
    shutil.copy2(tmp_path / "kept", folder / "cat.jpg")
    third = restarts.start(FakeEngine(), [folder])
    restarts.wait_until_tagged(third, 5)
    assert third.photos.verdicts(row_in(third, "cat.jpg")) == {"cat": REJECTED}


def test_undo_reaches_photos_that_are_not_open(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path, tmp_path: Path
) -> None:
    session = restarts.start(engine, [folder])
    restarts.wait_until_tagged(session, 5)
    session.decisions.decide([0], {"boat": ADDED}, caption="Add boat")
    other = tmp_path / "other"
    other.mkdir()
    (other / "dog.jpg").write_text("dog")
    session.open([other])
    restarts.wait_until_tagged(session, 1)
    with qtbot.waitSignal(session.decisions.taken_back) as taken_back:
        session.decisions.undo()
    assert taken_back.args == [()]
    session.open([folder])
    restarts.wait_until_tagged(session, 5)
    assert session.photos.verdicts(0) == {}
    assert session.decisions.redo_caption == "Add boat"


def test_what_is_said_quickly_after_an_undo_holds(
    qtbot: QtBot, restarts: Restarts, engine: FakeEngine, folder: Path
) -> None:
    session = restarts.start(engine, [folder])
    restarts.wait_until_tagged(session, 5)
    session.decisions.decide([0], {"boat": ADDED}, caption="Add boat")
    session.decisions.undo()
    session.decisions.decide([0], {"boat": REJECTED}, caption="Reject boat")
    restarts.wait_until_written(session)
    assert session.photos.verdicts(0) == {"boat": REJECTED}
    library, image = session.library.library, session.photos.image_id(0)
    assert library is not None and image is not None
    qtbot.waitUntil(lambda: session.decisions.undo_caption == "Reject boat")
    assert library.stored([image]).verdicts == ((image, "boat", REJECTED),)


def test_what_the_library_knows_of_many_photos_is_told_once(
    restarts: Restarts, engine: FakeEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = restarts.start(engine, [folder])
    restarts.wait_until_tagged(session, 5)
    restarts.wait_until_written(session)
    library = session.library.library
    assert library is not None
    monkeypatch.setattr(library_sync, "CHUNK", 2)
    parts = tuple(library_sync.sync_rows(library, session.photos.files(), range(5), None))
    assert len(parts) == 3
    told: list[tuple[int, ...]] = []
    session.pipeline.predictions_changed.connect(told.append)
    session.pipeline._sync._take_all(parts)
    assert told == [(0, 1, 2, 3, 4)]
