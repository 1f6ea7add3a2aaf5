from __future__ import annotations

import re
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base import settings as keys
from csra_gui.models.download_dialog import DownloadDialog
from csra_gui.models.entries import Place
from csra_gui.models.import_dialog import FactsDialog
from csra_gui.models.models_dialog import ModelsDialog
from csra_gui.session.active_model import ModelState
from engine.api.categories import Categories
from engine.api.errors import (
    CheckpointError,
    EngineStoppedError,
    FileChangedError,
    MissingFactsError,
    ModelError,
)
from engine.api.values import ModelInfo
from engine.downloads.download import DownloadProgress, DownloadSettings, DownloadSource
from engine.records.models import default_store
from tests.fakes import CATEGORIES, MODEL_ID, SHIPPED, FakeEngine, fake_model, write_model_file
from tests.gui.driver import (
    Start,
    drop,
    labels,
    press,
    select,
    tagged,
    wait_for_model,
    wait_until_tagged,
)

ANIMALS = Categories(("fox", "cat", "owl"))
OFFICIAL = "voc07-resnet101"


@dataclass
class FakeDownloader:
    """Downloads nothing, in three steps; keeps a part when it is closed early.

    Attributes:
        gate: each step after the first waits for it.
        error: is raised after the first step while it is set.
        calls: the settings of each call.
        closed: set when a download has come to its end, whichever.
    """

    gate: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    note: str = ""
    calls: list[DownloadSettings] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def __call__(
        self, source: DownloadSource, folder: Path, settings: DownloadSettings
    ) -> Generator[DownloadProgress, None, Path]:
        self.calls.append(settings)
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{source.file_name}.part"
        try:
            part.write_bytes(b"half")
            yield DownloadProgress("downloading", 50_000_000, 100_000_000, self.note)
            if self.error is not None and not settings.accept_change:
                raise self.error
            while not self.gate.wait(0.01):
                yield DownloadProgress("downloading", 50_000_000, 100_000_000)
            return part.rename(folder / source.file_name)
        finally:
            self.closed.set()


@pytest.fixture
def downloader() -> FakeDownloader:
    return FakeDownloader()


def own_model(
    engine: FakeEngine, name: str, categories: Categories = ANIMALS, **facts: object
) -> ModelInfo:
    """A model in the person's folder that the engine can open."""
    path = default_store().folder / f"{name}.safetensors"
    info = fake_model(name, write_model_file(path, name, categories).resolve(), categories, **facts)
    engine.models[name] = info
    return info


def open_dialog(qtbot: QtBot, application: Application, name: str) -> ModelsDialog:
    """The Models dialog on one model."""
    application.window.actions_table["models"].trigger()
    dialog = application.window.controller.dialog
    assert dialog is not None
    manager = application.manager
    qtbot.waitUntil(lambda: name in [model.name for model in manager.manager.models])
    dialog.tree.set_current_name(name)
    assert dialog.tree.current_name == name
    return dialog


def place(application: Application, name: str) -> Place:
    return next(m.place for m in application.manager.manager.models if m.name == name)


def choose(dialog: ModelsDialog, caption: str) -> None:
    """The button of a message in the dialog."""
    buttons = dialog.message_bar.findChildren(QPushButton)
    next(button for button in buttons if button.text() == caption).click()


def agree(qtbot: QtBot, dialog: ModelsDialog) -> None:
    """Ask for the download and agree to the terms."""
    dialog.download.click()
    [question] = dialog.findChildren(DownloadDialog)
    assert "AGPL-3.0" in question.sheet.toPlainText()
    assert not question.start.isEnabled()
    question.agreed.click()
    question.start.click()


def test_the_list_says_what_is_known_of_each_model_and_what_is_in_use(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    own_model(engine, "mine")
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, SHIPPED)
    sections = [dialog.tree.topLevelItem(i) for i in range(dialog.tree.topLevelItemCount())]
    here, away, backbones = sections
    assert [here.child(i).text(0) for i in range(here.childCount())] == [SHIPPED, "mine"]
    assert [here.child(i).text(1) for i in range(here.childCount())] == ["in use", "here"]
    official = {away.child(i).text(0): away.child(i) for i in range(away.childCount())}
    assert official[OFFICIAL].text(6) == "94.7 %"
    assert official["coco-vit-l16-star"].text(5) == "–"
    assert not backbones.isExpanded()
    text = dialog.sheet.toPlainText()
    assert re.search(r"val mAP 9\d\.\d%, on VOC2007 val, 1508 images", text)
    assert "Categories (20)" in text
    assert "diningtable" in text
    dialog.tree.set_current_name(OFFICIAL)
    assert "not measured here" in dialog.sheet.toPlainText()


def test_the_filter_hides_what_does_not_match(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    application = start()
    dialog = open_dialog(qtbot, application, OFFICIAL)
    QTest.keyClicks(dialog.filter, "resnet18")
    shown = [item.text(0) for item in dialog.tree._lines() if not item.isHidden()]
    assert shown == ["resnet18-imagenet"]


def test_another_model_tags_anew_and_going_back_asks_nobody(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    mine = own_model(engine, "mine")
    application = start([photos])
    wait_until_tagged(qtbot, application)
    before = labels(application, "cat-and-dog.jpg")
    dialog = open_dialog(qtbot, application, "mine")
    dialog.use.click()
    wait_for_model(qtbot, application, mine.id)
    wait_until_tagged(qtbot, application)
    assert labels(application, "cat-and-dog.jpg") <= set(ANIMALS)
    assert len(engine.predict_calls) == 2
    qtbot.waitUntil(lambda: list(engine.opened) == [mine.id])
    dialog.tree.set_current_name(SHIPPED)
    dialog.use.click()
    wait_for_model(qtbot, application)
    assert labels(application, "cat-and-dog.jpg") == before
    assert tagged(application) == 4
    assert not application.session.pipeline.is_tagging
    assert len(engine.predict_calls) == 2


def test_tagging_waits_for_its_command_after_a_switch_if_so_set(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    mine = own_model(engine, "mine")
    application = start([photos])
    wait_until_tagged(qtbot, application)
    application.settings.set_value(keys.TAG_ON_OPENING, False)
    application.session.models.use("mine")
    wait_for_model(qtbot, application, mine.id)
    assert tagged(application) == 0
    assert not application.session.pipeline.is_tagging
    application.window.actions_table["tag"].trigger()
    wait_until_tagged(qtbot, application)


def test_a_switch_in_the_middle_of_tagging_keeps_what_the_old_model_said(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    mine = own_model(engine, "mine")
    engine.predict_gate.clear()
    application = start([photos])
    qtbot.waitUntil(lambda: application.session.pipeline.is_tagging)
    application.session.models.use("mine")
    wait_for_model(qtbot, application, mine.id)
    engine.predict_gate.set()
    wait_until_tagged(qtbot, application)
    assert application.session.photos.scores.shape == (5, len(ANIMALS))


def test_the_pinned_label_stays_if_the_new_model_knows_it(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    animals = own_model(engine, "animals")
    things = own_model(engine, "things", Categories(("cup", "spoon")))
    application = start([photos])
    wait_until_tagged(qtbot, application)
    select(qtbot, application, "cat.jpg")
    session, view = application.session, application.window.viewer.view
    session.focus.set_pinned(CATEGORIES.index_of("cat"))
    qtbot.waitUntil(view.overlay_visible)
    session.models.use("animals")
    wait_for_model(qtbot, application, animals.id)
    assert session.focus.pinned == ANIMALS.index_of("cat")
    qtbot.waitUntil(lambda: session.focus.evidence is not None)
    assert session.focus.evidence.model_id == animals.id
    qtbot.waitUntil(view.overlay_visible)
    session.models.use("things")
    wait_for_model(qtbot, application, things.id)
    assert session.focus.pinned is None
    assert not view.overlay_visible()


def test_a_model_that_cannot_be_opened_leaves_the_old_one_in_use(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    own_model(engine, "mine")
    application = start([photos])
    wait_until_tagged(qtbot, application)
    dialog = open_dialog(qtbot, application, "mine")
    engine.model_error = CheckpointError("'mine.safetensors' is damaged.")
    dialog.use.click()
    qtbot.waitUntil(lambda: bool(dialog.message_bar.texts()))
    assert dialog.message_bar.texts() == (
        "'mine.safetensors' is damaged. Fake model stays in use.",
    )
    assert application.session.models.state is ModelState.READY
    assert tagged(application) == 4


def test_the_model_in_use_is_opened_at_the_next_start(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    mine = own_model(engine, "mine")
    first = start()
    wait_for_model(qtbot, first)
    first.session.models.use("mine")
    wait_for_model(qtbot, first, mine.id)
    first.window.close()
    assert first.shut_down()
    engine.closed.clear()
    second = start()
    wait_for_model(qtbot, second, mine.id)


def test_a_remembered_model_that_is_gone_gives_way_to_the_one_that_ships(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    application.settings.set_model("gone")
    application.window.close()
    assert application.shut_down()
    engine.closed.clear()
    second = start()
    wait_for_model(qtbot, second)
    assert second.window.message_bar.texts() == (
        "There is no model 'gone'. The model that ships with the program is used instead.",
    )
    assert second.settings.model == ""


def test_the_model_chosen_last_wins(qtbot: QtBot, start: Start, engine: FakeEngine) -> None:
    one, two = own_model(engine, "one"), own_model(engine, "two")
    application = start()
    wait_for_model(qtbot, application)
    seen: list[str] = []
    application.session.models.switched.connect(
        lambda: seen.append(application.session.models.model.name)  # type: ignore[union-attr]
    )
    engine.open_gate.clear()
    application.session.models.use("one")
    application.session.models.use("two")
    engine.open_gate.set()
    wait_for_model(qtbot, application, two.id)
    qtbot.waitUntil(lambda: list(engine.opened) == [two.id])
    assert seen == ["two"]
    assert one.id not in engine.opened


def test_a_download_is_agreed_to_imported_and_used(
    qtbot: QtBot, start: Start, engine: FakeEngine, downloader: FakeDownloader, photos: Path
) -> None:
    downloader.note = "Nobody published a checksum for this file."
    application = start([photos], downloader=downloader)
    wait_until_tagged(qtbot, application)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    agree(qtbot, dialog)
    qtbot.waitUntil(lambda: "50.0 of 100.0 MB" in dialog.activity_row.text())
    assert not dialog.download.isEnabled()
    downloader.gate.set()
    qtbot.waitUntil(lambda: application.manager.work is None, timeout=10_000)
    [request] = engine.imported
    assert (request.name, request.lam, request.input_size) == (OFFICIAL, 0.1, 448)
    assert request.categories is not None
    assert len(request.categories) == 20
    assert request.provenance["published mAP"].startswith("94.7")
    assert dialog.message_bar.texts() == (
        downloader.note,
        f"The model {OFFICIAL} is ready. Use it now?",
    )
    qtbot.waitUntil(lambda: place(application, OFFICIAL) is Place.HERE)
    choose(dialog, "Use it now")
    wait_for_model(qtbot, application, engine.models[OFFICIAL].id)


def test_nothing_is_downloaded_without_agreement(
    qtbot: QtBot, start: Start, downloader: FakeDownloader
) -> None:
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    dialog.download.click()
    [question] = dialog.findChildren(DownloadDialog)
    QTest.keyClick(question, Qt.Key.Key_Return)
    question.reject()
    assert application.manager.work is None
    assert downloader.calls == []


def test_a_model_without_a_published_lam_asks_for_one_first(
    qtbot: QtBot, start: Start, engine: FakeEngine, downloader: FakeDownloader
) -> None:
    downloader.gate.set()
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, "coco-vit-l16-star")
    dialog.download.click()
    [question] = dialog.findChildren(DownloadDialog)
    assert question.lam.isVisible()
    question.lam.setValue(0.7)
    question.agreed.click()
    question.start.click()
    qtbot.waitUntil(lambda: bool(engine.imported))
    assert engine.imported[0].lam == 0.7


def test_a_download_is_cancelled_and_gone_on_with(
    qtbot: QtBot, start: Start, engine: FakeEngine, downloader: FakeDownloader
) -> None:
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    agree(qtbot, dialog)
    qtbot.waitUntil(lambda: "50.0 of 100.0 MB" in dialog.activity_row.text())
    dialog.activity_row._cancel.click()
    qtbot.waitUntil(lambda: application.manager.work is None)
    assert downloader.closed.is_set()
    assert "What has arrived is kept." in dialog.message_bar.texts()[-1]
    qtbot.waitUntil(lambda: place(application, OFFICIAL) is Place.PARTLY)
    assert dialog.download.text() == "&Go on downloading…"
    downloader.gate.set()
    choose(dialog, "Go on")
    qtbot.waitUntil(lambda: place(application, OFFICIAL) is Place.HERE)


def test_a_download_goes_on_when_the_dialog_is_closed(
    qtbot: QtBot, start: Start, engine: FakeEngine, downloader: FakeDownloader
) -> None:
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    agree(qtbot, dialog)
    dialog.close_button.click()
    running = application.window.activity_bar.texts
    qtbot.waitUntil(lambda: any("50.0 of 100.0 MB" in text for text in running()))
    downloader.gate.set()
    told = application.window.message_bar.texts
    qtbot.waitUntil(lambda: f"The model {OFFICIAL} is ready. Use it now?" in told())
    assert running() == ()
    press(application, "Use it now")
    wait_for_model(qtbot, application, engine.models[OFFICIAL].id)


def test_closing_the_window_ends_a_download_and_keeps_what_has_arrived(
    qtbot: QtBot, start: Start, downloader: FakeDownloader
) -> None:
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    agree(qtbot, dialog)
    qtbot.waitUntil(lambda: bool(downloader.calls))
    application.window.close()
    assert application.shut_down()
    assert downloader.closed.is_set()
    assert (default_store().downloads / f"{OFFICIAL}.pth.part").is_file()
    dialog.close()


def test_a_download_that_fails_says_so_in_the_dialog(
    qtbot: QtBot, start: Start, engine: FakeEngine, downloader: FakeDownloader
) -> None:
    downloader.error = ModelError("There is no connection to drive.google.com.")
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    agree(qtbot, dialog)
    qtbot.waitUntil(lambda: dialog.message_bar.texts() == (str(downloader.error),))
    assert application.window.message_bar.texts() == ()
    assert engine.imported == []


def test_a_file_that_has_changed_is_taken_only_when_the_person_says_so(
    qtbot: QtBot, start: Start, engine: FakeEngine, downloader: FakeDownloader
) -> None:
    downloader.error = FileChangedError("It has changed. Allow it with --accept-change.")
    downloader.gate.set()
    application = start(downloader=downloader)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    agree(qtbot, dialog)
    qtbot.waitUntil(lambda: len(dialog.message_bar.texts()) == 1)
    assert "--" not in dialog.message_bar.texts()[0]
    assert engine.imported == []
    choose(dialog, "Take the new file")
    qtbot.waitUntil(lambda: bool(engine.imported))
    assert [settings.accept_change for settings in downloader.calls] == [False, True]


def test_a_dropped_model_is_imported_and_offered(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path, tmp_path: Path
) -> None:
    file = tmp_path / "My model, 2nd try.PTH"
    file.touch()
    application = start([photos])
    wait_until_tagged(qtbot, application)
    assert drop(application, [file])
    told = application.window.message_bar.texts
    qtbot.waitUntil(lambda: "The model My model_ 2nd try is ready. Use it now?" in told())
    assert [request.path for request in engine.imported] == [file]
    assert application.session.pipeline.roots == [photos]
    assert application.session.models.model is not None
    assert application.session.models.model.id == MODEL_ID
    press(application, "Use it now")
    wait_for_model(qtbot, application, engine.models["My model_ 2nd try"].id)


def test_photos_and_models_dropped_together_each_go_where_they_belong(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path, tmp_path: Path
) -> None:
    files = [tmp_path / "a.pth", tmp_path / "b.safetensors"]
    application = start()
    wait_for_model(qtbot, application)
    assert drop(application, [*files, photos])
    qtbot.waitUntil(lambda: [request.path for request in engine.imported] == files)
    wait_until_tagged(qtbot, application)
    assert application.session.pipeline.roots == [photos]


def test_a_hostile_file_gives_one_message_and_changes_nothing(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path, tmp_path: Path
) -> None:
    application = start([photos])
    wait_until_tagged(qtbot, application)
    application.window.message_bar.clear()
    engine.import_errors = [CheckpointError("'<b>x</b>.pth' is damaged: it would run code.")]
    assert drop(application, [tmp_path / "x.pth"])
    told = application.window.message_bar.texts
    qtbot.waitUntil(lambda: bool(told()))
    assert told() == ("'<b>x</b>.pth' is damaged: it would run code.",)
    assert tagged(application) == 4
    assert application.session.models.model is not None
    assert application.session.models.model.id == MODEL_ID
    assert default_store().models() == {}
    assert QApplication.activeModalWidget() is None


def test_an_imported_model_is_the_one_shown_in_the_list(
    qtbot: QtBot, start: Start, engine: FakeEngine, tmp_path: Path
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, OFFICIAL)
    application.window.controller.import_files([tmp_path / "mine.pth"])
    qtbot.waitUntil(lambda: dialog.tree.current_name == "mine")
    assert dialog.sheet.toPlainText().startswith("mine")
    assert dialog.use.isEnabled()


def test_an_onnx_file_is_refused_with_a_reason(
    qtbot: QtBot, start: Start, engine: FakeEngine, tmp_path: Path
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    assert drop(application, [tmp_path / "net.onnx"])
    assert application.window.message_bar.texts()[0].startswith("net.onnx: models can be exported")
    assert application.manager.work is None


def test_what_a_file_does_not_say_is_asked_and_the_names_are_read(
    qtbot: QtBot, start: Start, engine: FakeEngine, tmp_path: Path
) -> None:
    names = tmp_path / "names.txt"
    names.write_text("fox\ncat\nowl\n", encoding="utf-8")
    application = start()
    wait_for_model(qtbot, application)
    engine.import_errors = [MissingFactsError("No λ (--lam).", ("lam", "categories"), 3)]
    assert drop(application, [tmp_path / "net.pth"])
    qtbot.waitUntil(lambda: bool(application.window.findChildren(FactsDialog)))
    [question] = application.window.findChildren(FactsDialog)
    assert "3 names" in " ".join(label.text() for label in question.findChildren(QLabel))
    assert not question.start.isEnabled()
    question.lam_editor.setValue(0.4)
    question.names_editor.setText(str(names))
    question.start.click()
    qtbot.waitUntil(lambda: bool(engine.imported))
    assert engine.imported[0].lam == 0.4
    assert engine.imported[0].categories == ANIMALS


def test_refusing_to_answer_imports_nothing_and_the_next_file_has_its_turn(
    qtbot: QtBot, start: Start, engine: FakeEngine, tmp_path: Path
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    engine.import_errors = [MissingFactsError("No λ.", ("lam",), 20)]
    assert drop(application, [tmp_path / "one.pth", tmp_path / "two.pth"])
    qtbot.waitUntil(lambda: bool(application.window.findChildren(FactsDialog)))
    application.window.findChildren(FactsDialog)[0].reject()
    qtbot.waitUntil(lambda: [r.path.name for r in engine.imported] == ["two.pth"])


def test_an_engine_that_dies_over_a_file_is_said(
    qtbot: QtBot, start: Start, engine: FakeEngine, tmp_path: Path
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    engine.import_errors = [EngineStoppedError("The engine stopped unexpectedly.")]
    assert drop(application, [tmp_path / "bomb.pth"])
    told = application.window.message_bar.texts
    qtbot.waitUntil(lambda: told() == ("The engine stopped unexpectedly.",))


def test_closing_in_the_middle_of_an_import_ends_it(
    qtbot: QtBot, start: Start, engine: FakeEngine, tmp_path: Path
) -> None:
    engine.import_gate.clear()
    application = start()
    wait_for_model(qtbot, application)
    assert drop(application, [tmp_path / "net.pth"])
    assert application.manager.work is not None
    application.window.close()
    assert application.shut_down()


def test_removing_asks_first_and_spares_what_ships_and_what_is_in_use(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    own_model(engine, "mine")
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, SHIPPED)
    assert not dialog.remove.isEnabled()
    dialog.tree.set_current_name("mine")
    dialog.remove.click()
    [box] = dialog.findChildren(QMessageBox)
    assert list(default_store().models()) == ["mine"]
    next(button for button in box.buttons() if button.text() == "Remove").click()
    qtbot.waitUntil(lambda: default_store().models() == {})
    qtbot.waitUntil(lambda: "mine was removed." in dialog.message_bar.texts())
    application.session.models.use("mine")


def test_export_offers_only_the_formats_that_are_possible(
    qtbot: QtBot, start: Start, engine: FakeEngine, tmp_path: Path
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, SHIPPED)
    dialog.export.click()
    qtbot.waitUntil(lambda: bool(dialog.findChildren(QFileDialog)))
    [chooser] = dialog.findChildren(QFileDialog)
    assert [text.partition("(")[2] for text in chooser.nameFilters()] == [
        "*.onnx)",
        "*.safetensors)",
    ]
    chooser.findChild(QWidget, "fileTypeCombo").setFocus()
    chooser.filterSelected.emit(chooser.nameFilters()[1])
    assert Path(chooser.selectedFiles()[0]).name == f"{SHIPPED}.safetensors"
    target = tmp_path / "out.onnx"
    chooser.fileSelected.emit(str(target))
    chooser.close()
    qtbot.waitUntil(lambda: engine.exported == [(SHIPPED, target)])
    qtbot.waitUntil(lambda: any("was exported to" in text for text in dialog.message_bar.texts()))


def test_hostile_names_are_shown_as_they_are(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    name = "<img src=x> & <b>bold"
    info = own_model(engine, name)
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, name)
    assert dialog.sheet.toPlainText().startswith(name)
    dialog.use.click()
    wait_for_model(qtbot, application, info.id)
    assert application.window.status.model.text() == "<img src=x> && <b>bold on CPU"


def test_a_damaged_file_in_the_folder_is_listed_with_what_is_wrong(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    folder = default_store().folder
    folder.mkdir(parents=True)
    (folder / "broken.safetensors").write_bytes(b"no model at all")
    application = start()
    dialog = open_dialog(qtbot, application, "broken")
    assert "What is wrong" in dialog.sheet.toPlainText()
    assert not dialog.use.isEnabled()
    assert dialog.remove.isEnabled()


def test_the_status_bar_leads_to_the_models(qtbot: QtBot, start: Start, engine: FakeEngine) -> None:
    application = start()
    wait_for_model(qtbot, application)
    application.window.status.model.click()
    dialog = application.window.controller.dialog
    assert dialog is not None
    assert dialog.isVisible()
    assert not dialog.isModal()


def test_the_models_own_thresholds_count_when_the_person_asks_for_them(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    mine = own_model(engine, "mine", thresholds=(1.0, 0.0, 1.0))
    application = start([photos])
    wait_until_tagged(qtbot, application)
    panel = application.window.labels
    assert not panel.own_thresholds.isVisible()
    application.session.models.use("mine")
    wait_for_model(qtbot, application, mine.id)
    wait_until_tagged(qtbot, application)
    assert panel.own_thresholds.isVisible()
    assert panel.threshold.isEnabled()
    application.session.thresholds.set_common(0.0)
    assert labels(application, "dog.jpg") == set(ANIMALS)
    panel.own_thresholds.click()
    assert labels(application, "dog.jpg") == {"cat"}
    assert not panel.threshold.isEnabled()


def test_a_model_of_a_thousand_categories_shows_its_best_guesses(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    many = Categories(("cat", *(f"thing {i}" for i in range(999))))
    info = own_model(engine, "imagenet", many, activation="softmax")
    application = start([photos])
    wait_until_tagged(qtbot, application)
    application.session.models.use("imagenet")
    wait_for_model(qtbot, application, info.id)
    wait_until_tagged(qtbot, application)
    select(qtbot, application, "cat.jpg")
    panel = application.window.labels
    assert panel.labels.model().rowCount() == 5
    assert panel.threshold.value() == keys.SHARE_THRESHOLD.default
    application.session.thresholds.set_common(0.0)
    assert len(labels(application, "cat.jpg")) == 1000
    assert application.settings.value(keys.THRESHOLD) == keys.THRESHOLD.default


def test_a_cancelled_run_stays_cancelled_when_a_model_is_refused(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    engine.predict_gate.clear()
    application = start([photos])
    qtbot.waitUntil(lambda: application.session.pipeline.is_tagging)
    application.window.actions_table["cancel"].trigger()
    engine.predict_gate.set()
    qtbot.waitUntil(lambda: not application.session.pipeline.is_tagging)
    application.session.models.use("nonsense")
    told = application.window.message_bar.texts
    qtbot.waitUntil(lambda: any("stays in use" in text for text in told()))
    assert not application.session.pipeline.is_tagging
    assert len(engine.predict_calls) == 1
