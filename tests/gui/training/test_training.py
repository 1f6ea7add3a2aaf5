"""Training, improving and teaching in the window, from the wish to the model in use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.training.new_dialog import NewTrainingDialog
from csra_gui.training.progress_view import result_text
from csra_gui.training.record import TrainingRecord
from csra_gui.training.runner import Phase
from csra_gui.training.training_dialog import TrainingDialog, preflight_facts
from engine.api.errors import DataError
from engine.api.training import PRESET_STARTS, LabelSource
from engine.api.training_control import Wish
from engine.api.training_reports import (
    Ending,
    EpochReport,
    Preflight,
    TrainingEnded,
    TrainingStarted,
)
from engine.library.values import Verdict
from engine.records.models import default_store
from engine.records.training_lock import running
from engine.records.trainings import TrainingStore
from tests.engine.data.datasets.devkits import voc_object, write_voc
from tests.fakes import FakeEngine
from tests.gui.driver import Start, press, wait_for_model

#: The first plot takes a moment on a busy machine.
WAIT_MS = 20_000


@pytest.fixture
def trainer(engine: FakeEngine) -> FakeEngine:
    """The engine of trainings; what it makes can be opened by the first one too."""
    trainer = FakeEngine()
    trainer.models = engine.models
    return trainer


@pytest.fixture
def application(qtbot: QtBot, start: Start, trainer: FakeEngine, photos: Path) -> Application:
    """Open on five photos, some labels accepted and one rejected."""
    application = start([photos], trainer=lambda: trainer)
    session = application.session
    wait_for_model(qtbot, application)
    qtbot.waitUntil(lambda: session.photos.tagged_count() == 4 and not session.tagger.is_running)
    correct(application)
    return application


def correct(application: Application) -> None:
    session = application.session
    rows = {path.name: row for row, path in enumerate(session.photos.paths)}
    for name in ("cat.jpg", "cat-and-dog.jpg"):
        session.decisions.decide([rows[name]], {"cat": Verdict.ACCEPTED}, caption="accept")
    session.decisions.decide([rows["dog.jpg"]], {"cat": Verdict.REJECTED}, caption="reject")


def new_training(qtbot: QtBot, application: Application, epochs: int = 2) -> TrainingDialog:
    """Ask for a training on the person's labels and wait for the pre-flight."""
    controller = application.window.training.controller
    application.window.actions_table["new_training"].trigger()
    dialog = controller.new_dialog
    assert isinstance(dialog, NewTrainingDialog)
    assert dialog.from_labels.isEnabled()
    dialog.form.editor("epochs").setValue(epochs)  # type: ignore[attr-defined]
    dialog.start.click()
    qtbot.waitUntil(lambda: controller.runner.phase is Phase.ASKING, timeout=WAIT_MS)
    assert controller.dialog is not None
    return controller.dialog


def test_a_training_starts_from_a_file_of_weights_with_the_presets_network_and_heads(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    application.window.actions_table["new_training"].trigger()
    dialog = application.window.training.controller.new_dialog
    assert dialog is not None
    assert dialog.start_from.itemText(dialog.start_from.count() - 1) == "A file of weights…"
    for name in ("resnet50-cut.pth", "other.pth"):
        dialog.start_from_file(tmp_path / name)
    texts = [dialog.start_from.itemText(row) for row in range(dialog.start_from.count())]
    assert texts.count("other.pth") == 1 and "resnet50-cut.pth" not in texts
    dialog.preset.setCurrentIndex(dialog.preset.findData("paper-coco"))
    dialog.set_models(["Mine"], "Mine")  # as when one was added meanwhile
    assert dialog.wish().start == replace(
        PRESET_STARTS["paper-coco"], model=str(tmp_path / "other.pth")
    )
    dialog.preset.setCurrentIndex(dialog.preset.findData("quick"))
    assert dialog.wish().config.keep_start is False  # type: ignore[union-attr]
    new = dialog.start_from.findText("A new model (ImageNet weights)")
    dialog.start_from.setCurrentIndex(new)
    dialog.start_from.activated.emit(new)
    dialog.preset.setCurrentIndex(dialog.preset.findData("paper-wider"))
    assert dialog.wish().start == PRESET_STARTS["paper-wider"]
    assert not dialog.wish().config.augment.crops  # type: ignore[union-attr]


def wait_until_ended(qtbot: QtBot, application: Application) -> None:
    runner = application.window.training.controller.runner
    qtbot.waitUntil(lambda: runner.phase is Phase.ENDED and not runner.is_busy, timeout=WAIT_MS)


def session_model(application: Application) -> str:
    model = application.session.models.model
    return "" if model is None else model.name


def models(application: Application) -> list[str]:
    return sorted(default_store().models())


def test_a_training_is_checked_started_followed_and_its_model_used(
    qtbot: QtBot, application: Application, trainer: FakeEngine
) -> None:
    dialog = new_training(qtbot, application)
    text = dialog.preflight.toPlainText()
    assert "40 to learn from, 10 to validate on" in text
    assert "about 1.0 GB" in text
    dialog.begin.click()
    wait_until_ended(qtbot, application)
    view = dialog.view
    assert "The training is done." in view.status.text()
    assert "60.0 % mAP, after epoch 2; before the training 40.0 % (+20.0 points)" in (
        view.result.text()
    )
    assert view.table.item(0, 0).text() == "cat"  # type: ignore[union-attr]
    assert [view.table.item(0, c).text() for c in (2, 3, 4)] == ["40.0 %", "60.0 %", "+20.0"]  # type: ignore[union-attr]
    assert view.quality.series[0].y.tolist() == pytest.approx([40.0, 50.0, 60.0])
    dialog.use.click()
    session = application.session
    qtbot.waitUntil(
        lambda: session.models.model is not None and session.models.model.name == "My model"
    )
    assert models(application) == ["My model"]
    [request] = trainer.trainer.trained
    assert isinstance(request.source, LabelSource)
    assert request.source.targets.sum() == 2
    assert (~request.source.ignored).sum() == 3
    dialog.close()


@pytest.mark.slow
def test_the_samples_can_be_looked_at_after_each_epoch(
    qtbot: QtBot, application: Application
) -> None:
    dialog = new_training(qtbot, application)
    dialog.begin.click()
    wait_until_ended(qtbot, application)
    samples = dialog.view.samples
    assert samples.caption.text() == "After epoch 2"
    now = samples.cards[0].says
    samples.slider.setValue(0)
    assert samples.caption.text() == "Before the training"
    assert samples.cards[0].says != now
    assert samples.cards[0].truth == "It shows: cat (map: cat)"
    dialog.close()


@pytest.mark.slow
def test_pause_waits_and_go_on_goes_on(
    qtbot: QtBot, application: Application, trainer: FakeEngine
) -> None:
    dialog = new_training(qtbot, application)
    trainer.trainer.gate.clear()
    runner = application.window.training.controller.runner
    dialog.begin.click()
    qtbot.waitUntil(lambda: runner.phase is Phase.RUNNING)
    dialog.pause.click()
    qtbot.waitUntil(lambda: trainer.trainer.wishes == [Wish.PAUSE])
    trainer.trainer.gate.set()
    qtbot.waitUntil(lambda: runner.phase is Phase.PAUSED)
    assert dialog.pause.text() == "&Continue"
    assert not trainer.trainer.closed.is_set()
    dialog.pause.click()
    wait_until_ended(qtbot, application)
    assert runner.record.ended is not None
    assert runner.record.ended.ending is Ending.DONE
    dialog.close()


@pytest.mark.slow
def test_stop_after_the_epoch_keeps_the_model_and_can_be_gone_on_with(
    qtbot: QtBot, application: Application, trainer: FakeEngine
) -> None:
    dialog = new_training(qtbot, application, epochs=5)
    trainer.trainer.gate.clear()
    dialog.begin.click()
    qtbot.waitUntil(lambda: application.window.training.controller.runner.phase is Phase.RUNNING)
    dialog.after_epoch.click()
    qtbot.waitUntil(lambda: trainer.trainer.wishes == [Wish.STOP_AFTER_EPOCH])
    trainer.trainer.gate.set()
    wait_until_ended(qtbot, application)
    [run] = TrainingStore().values()
    assert run.ending is Ending.STOPPED
    assert run.best_file is not None
    assert [report.epoch for report in run.epochs] == [0, 1]
    dialog.runs.click()
    runs = application.window.training.controller.runs_dialog
    assert runs is not None
    qtbot.waitUntil(runs.resume.isEnabled)
    runs.resume.click()
    wait_until_ended(qtbot, application)
    [run] = TrainingStore().values()
    assert (run.ending, len(run.epochs)) == (Ending.DONE, 6)
    runs.close()
    dialog.close()


@pytest.mark.slow
def test_a_training_that_is_refused_before_it_starts_leaves_nothing(
    qtbot: QtBot, application: Application
) -> None:
    dialog = new_training(qtbot, application)
    dialog.stop.click()
    wait_until_ended(qtbot, application)
    qtbot.waitUntil(lambda: list(TrainingStore().root.iterdir()) == [])
    dialog.close()


def test_a_training_that_fails_says_why(
    qtbot: QtBot, application: Application, trainer: FakeEngine
) -> None:
    trainer.trainer.error = DataError("The images are gone.")
    controller = application.window.training.controller
    application.window.actions_table["new_training"].trigger()
    assert controller.new_dialog is not None
    controller.new_dialog.start.click()
    qtbot.waitUntil(
        lambda: controller.dialog is not None and bool(controller.dialog.message_bar.texts())
    )
    assert controller.dialog is not None
    assert controller.dialog.message_bar.texts() == ("The images are gone.",)
    wait_until_ended(qtbot, application)
    controller.dialog.close()


def test_a_training_that_gets_no_further_is_told_ended_and_can_be_gone_on_with(
    qtbot: QtBot, application: Application, trainer: FakeEngine
) -> None:
    controller = application.window.training.controller
    told = application.window.message_bar.texts
    dialog = new_training(qtbot, application)
    timer = controller._stall._timer
    assert not timer.isActive()  # it waits for the person
    trainer.trainer.gate.clear()
    dialog.begin.click()
    qtbot.waitUntil(timer.isActive, timeout=WAIT_MS)
    timer.timeout.emit()
    assert any("has said nothing for 20 minutes" in text for text in told())
    trainer.trainer.hold_after = 1
    trainer.trainer.gate.set()  # it was only slow
    qtbot.waitUntil(lambda: 1 in controller.runner.record.epochs, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not any("has said nothing" in text for text in told()))
    dialog.close()
    timer.timeout.emit()
    assert any("has said nothing for" in text for text in told())
    # The message of before is gone, and its button with it.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    press(application.window, "End it")
    wait_until_ended(qtbot, application)
    assert any("got no further and was ended" in text for text in told())
    [run] = TrainingStore().values()
    assert run.can_resume


@pytest.mark.slow
@pytest.mark.parametrize("engine_notes_a_stop", [False, True])
def test_closing_the_window_asks_and_the_next_start_offers_to_go_on(
    qtbot: QtBot,
    start: Start,
    application: Application,
    trainer: FakeEngine,
    photos: Path,
    engine_notes_a_stop: bool,
) -> None:
    trainer.trainer.hold_after = 1

    def close() -> None:
        if engine_notes_a_stop:  # it hears of its end as of a wish to stop
            TrainingStore().set_ending(TrainingStore().values()[0].folder, Ending.STOPPED)
        trainer.closed.set()

    trainer.close = close  # type: ignore[method-assign]  # of this one trainer alone
    dialog = new_training(qtbot, application, epochs=4)
    dialog.begin.click()
    runner = application.window.training.controller.runner
    qtbot.waitUntil(lambda: 1 in runner.record.epochs, timeout=WAIT_MS)
    dialog.close()
    application.window.close()
    [box] = application.window.findChildren(QMessageBox)
    assert "A training goes on." in box.text()
    next(b for b in box.findChildren(QPushButton) if "Stop and close" in b.text()).click()
    assert application.shut_down()
    assert trainer.trainer.closed.is_set()
    [run] = TrainingStore().values()
    assert run.ending is None

    again = FakeEngine()
    second = start([photos], trainer=lambda: again)
    bar = second.window.message_bar
    qtbot.waitUntil(lambda: any("was interrupted after" in text for text in bar.texts()))
    next(b for b in bar.findChildren(QPushButton) if b.text() == "Continue").click()
    wait_until_ended(qtbot, second)
    [run] = TrainingStore().values()
    assert run.ending is Ending.DONE
    assert again.trainer.trained[0].resume


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [0, 1])
def test_a_training_that_another_window_runs_is_left_alone(
    qtbot: QtBot, application: Application, trainer: FakeEngine, epochs: int
) -> None:
    dialog = new_training(qtbot, application, epochs=4)
    trainer.trainer.gate.clear()
    dialog.begin.click()
    runner = application.window.training.controller.runner
    qtbot.waitUntil(lambda: runner.phase is Phase.RUNNING)
    dialog.after_epoch.click()
    trainer.trainer.gate.set()
    wait_until_ended(qtbot, application)
    [run] = TrainingStore().values()
    if not epochs:  # it has only begun there
        for file in run.folder.iterdir():
            if file.name not in ("run.json", "labels.npz"):
                file.unlink()
        run = TrainingStore().read(run.folder)
        assert not run.has_begun
    dialog.runs.click()
    controller = application.window.training.controller
    runs = controller.runs_dialog
    assert runs is not None
    qtbot.waitUntil(runs.resume.isEnabled)
    with running(run.folder):
        runs.resume.click()  # the list does not know yet
        wait_until_ended(qtbot, application)
        assert len(trainer.trainer.trained) == 1
        qtbot.waitUntil(lambda: not runs.resume.isEnabled())
        assert "goes on in another window" in runs.hint.text()
        texts = (*dialog.message_bar.texts(), *application.window.message_bar.texts())
        assert any("goes on in another window" in text for text in texts)
        with pytest.raises(DataError, match="goes on"):
            TrainingStore().delete(run.folder)
        assert TrainingStore().read(run.folder).is_running
    controller.show_runs()
    qtbot.waitUntil(runs.resume.isEnabled)
    runs.close()
    dialog.close()


@pytest.mark.slow
def test_deleting_a_training_asks_first(qtbot: QtBot, application: Application) -> None:
    dialog = new_training(qtbot, application)
    dialog.begin.click()
    wait_until_ended(qtbot, application)
    dialog.runs.click()
    runs = application.window.training.controller.runs_dialog
    assert runs is not None
    qtbot.waitUntil(runs.list.delete.isEnabled)
    runs.list.tree.topLevelItem(0).setText(6, "try 1")  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: TrainingStore().values()[0].note == "try 1")
    runs.list.delete.click()
    [box] = runs.findChildren(QMessageBox)
    next(b for b in box.findChildren(QPushButton) if b.text() == "Delete").click()
    qtbot.waitUntil(lambda: runs.list.tree.topLevelItemCount() == 0)
    assert TrainingStore().paths() == []
    runs.close()
    dialog.close()


def test_a_training_that_cannot_be_read_says_why_and_can_be_deleted(
    qtbot: QtBot, application: Application
) -> None:
    folder = TrainingStore().root / "2026-01-01 broken"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{")
    application.window.actions_table["trainings"].trigger()
    runs = application.window.training.controller.runs_dialog
    assert runs is not None
    qtbot.waitUntil(runs.list.delete.isEnabled)
    item = runs.list.tree.topLevelItem(0)
    assert item is not None
    assert item.text(1) == "cannot be read"
    assert "damaged" in item.text(2)
    assert not runs.use.isEnabled()
    runs.list.delete.click()
    [box] = runs.findChildren(QMessageBox)
    next(b for b in box.findChildren(QPushButton) if b.text() == "Delete").click()
    qtbot.waitUntil(lambda: not folder.exists())
    runs.close()


@pytest.mark.slow
def test_a_second_training_waits_for_the_first(qtbot: QtBot, application: Application) -> None:
    dialog = new_training(qtbot, application)
    application.window.training.controller.teaching.show_improve()
    improving = application.window.training.controller.teaching.improve_dialog
    assert improving is not None
    improving.start_requested.emit()  # the button waits for more corrections
    assert "Something else is being trained" in improving.problem.text()
    improving.close()
    dialog.stop.click()
    wait_until_ended(qtbot, application)
    dialog.close()


def record_of(before: float, after: float, counts: tuple[int, int]) -> TrainingRecord:
    """A training of two labels and one epoch, with so many validation images of each."""
    record = TrainingRecord("x")
    record.add(TrainingStarted(("cat", "dog"), "CPU", 1, 3, 0, 1, Path()))
    for epoch, value in enumerate((before, after)):
        aps, seen = (value, value), (counts, counts)
        record.add(EpochReport(epoch, 0.5, value, epoch > 0, aps, 1.0, seen))
    record.add(TrainingEnded(Ending.DONE, Path("best"), None, after, 1, can_resume=False))
    return record


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (
            record_of(1.0, 1.0, (4, 9)),
            "How good it is cannot be judged: there are too few validation images. A label needs 5 "
            "with it and 5 without it. The model of the latest epoch is kept.",
        ),
        (
            record_of(0.6, 0.7, (10, 10)),
            "Kept: 70.0 % mAP (95 % sure: 48.6 to 83.6 %), after epoch 1; before the training "
            "60.0 % (+10.0 points). So small a difference may be chance.",
        ),
        (
            record_of(0.6, 0.7, (900, 900)),
            "Kept: 70.0 % mAP (95 % sure: 67.8 to 72.1 %), after epoch 1; before the training "
            "60.0 % (+10.0 points).",
        ),
    ],
)
def test_nothing_is_better_than_the_validation_images_say(
    record: TrainingRecord, says: str
) -> None:
    assert result_text(record) == says


def test_labels_with_too_few_validation_images_have_no_number(
    qtbot: QtBot, application: Application
) -> None:
    dialog = new_training(qtbot, application)
    view = dialog.view
    view.set_record(record_of(0.9, 1.0, (4, 9)))
    assert [view.table.item(0, c).text() for c in (2, 3, 5)] == ["–"] * 3  # type: ignore[union-attr]
    assert view.quality.series == ()
    view.set_record(record_of(0.9, 1.0, (9, 9)))
    assert view.quality.series[0].y.tolist() == pytest.approx([90.0, 100.0])
    assert view.quality.shown_y()[1] == 100.0
    dialog.stop.click()
    wait_until_ended(qtbot, application)
    dialog.close()


def test_before_a_training_starts_it_says_which_labels_cannot_be_judged() -> None:
    report = Preflight((("tvmonitor", 12),), (), 1, 1, 2, 1.0, unjudged=("tvmonitor",))
    facts = dict(preflight_facts(report))
    about = "Cannot be judged: fewer than 5 photos with or without these to validate on"
    assert facts[about] == "TV"
    assert not any(
        name.startswith("Cannot") for name, _ in preflight_facts(replace(report, unjudged=()))
    )


def test_whoever_validates_on_the_test_split_is_told_what_that_means(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    images = {f"{number:06}": voc_object("cat") for number in range(3)}
    write_voc(tmp_path, {"train": list(images), "test": list(images)}, images)
    application.window.actions_table["new_training"].trigger()
    dialog = application.window.training.controller.new_dialog
    assert isinstance(dialog, NewTrainingDialog)
    dialog.from_folder.setChecked(True)
    dialog.data.set_folder(tmp_path / "VOCdevkit")
    qtbot.waitUntil(lambda: dialog.validate_on.findData("test") >= 0)
    assert not dialog.validation_text.isVisible()  # a fifth of the images is kept apart
    dialog.validate_on.setCurrentIndex(dialog.validate_on.findData("test"))
    assert "no test result" in dialog.validation_text.text()
    assert dialog.validation_text.isVisible()
    source = dialog.wish().source
    assert source is not None
    assert source.is_chosen_on_test
    dialog.from_labels.setChecked(True)
    assert not dialog.validation_text.isVisible()
    dialog.close()
