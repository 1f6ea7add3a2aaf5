from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.models.import_dialog import FactsDialog
from engine.api.config import ModelConfig
from engine.api.errors import (
    CheckpointError,
    EngineStoppedError,
    Fact,
    MissingFactsError,
)
from engine.api.onnx_network import PIXEL_SCALES, OnnxFacts, OnnxNetwork
from engine.inference.onnx_network import write_network
from engine.records.model_record import CheckpointRecord
from engine.records.models import default_store
from tests.fakes import MODEL_ID, SHIPPED, FakeEngine
from tests.gui.driver import (
    ANIMALS,
    OFFICIAL,
    Start,
    drop,
    open_dialog,
    own_model,
    press,
    tagged,
    wait_for_model,
    wait_until_tagged,
)


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
    press(application.window, "Use it now")
    wait_for_model(qtbot, application, engine.models["My model_ 2nd try"].id)


@pytest.mark.slow
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
    application.window.models.controller.import_files([tmp_path / "mine.pth"])
    qtbot.waitUntil(lambda: dialog.tree.current_name == "mine")
    assert dialog.sheet.toPlainText().startswith("mine")
    assert dialog.use.isEnabled()


def test_what_an_onnx_file_does_not_say_is_asked_in_one_dialog(
    qtbot: QtBot, start: Start, engine: FakeEngine, tmp_path: Path
) -> None:
    facts: tuple[Fact, ...] = ("pixels", "input size", "output", "categories")
    engine.import_errors = [MissingFactsError("Much.", facts, 4, ("scores", "others"))]
    application = start()
    wait_for_model(qtbot, application)
    assert drop(application, [tmp_path / "net.ONNX"])
    qtbot.waitUntil(lambda: bool(application.window.findChildren(FactsDialog)))
    [question] = application.window.findChildren(FactsDialog)
    assert "logit" not in " ".join(label.text() for label in question.findChildren(QLabel))
    assert not question.lam_editor.isVisible()
    pixels = question.pixels_chooser
    assert {pixels.itemData(at) for at in range(pixels.count())} == set(PIXEL_SCALES)
    pixels.setCurrentIndex(pixels.findData("clip"))
    question.size_editor.setValue(384)
    question.output_chooser.setCurrentText("others")
    question.scores_chooser.setCurrentIndex(question.scores_chooser.findData("softmax"))
    question.names_editor.setText(str(tmp_path / "tags.csv"))
    question.start.click()
    qtbot.waitUntil(lambda: bool(engine.imported))
    [request] = engine.imported
    assert request.onnx == OnnxFacts(PIXEL_SCALES["clip"], "softmax", "others")
    assert (request.input_size, request.names, request.categories) == (
        384, tmp_path / "tags.csv", None,
    )  # fmt: skip


def test_what_was_answered_stands_when_something_is_asked_again(
    qtbot: QtBot, start: Start, engine: FakeEngine, tmp_path: Path
) -> None:
    engine.import_errors = [
        MissingFactsError("Scale and names.", ("pixels", "categories"), 4),
        MissingFactsError("Other names.", ("categories",), 4),
    ]
    application = start()
    wait_for_model(qtbot, application)
    assert drop(application, [tmp_path / "net.onnx"])

    def visible() -> list[FactsDialog]:
        dialogs = application.window.findChildren(FactsDialog)
        return [dialog for dialog in dialogs if dialog.isVisible()]

    qtbot.waitUntil(lambda: bool(visible()))
    [first] = visible()
    first.scores_chooser.setCurrentIndex(first.scores_chooser.findData("softmax"))
    first.pixels_chooser.setCurrentIndex(first.pixels_chooser.findData("clip"))
    first.names_editor.setText(str(tmp_path / "few.txt"))
    first.start.click()
    qtbot.waitUntil(lambda: bool(visible()))
    [second] = visible()
    assert not second.pixels_chooser.isVisible()
    second.names_editor.setText(str(tmp_path / "all.txt"))
    second.start.click()
    qtbot.waitUntil(lambda: bool(engine.imported))
    assert engine.imported[0].onnx == OnnxFacts(PIXEL_SCALES["clip"], "softmax")
    assert engine.imported[0].names == tmp_path / "all.txt"


def test_an_onnx_model_in_the_list_only_tags(
    qtbot: QtBot, start: Start, engine: FakeEngine, tmp_path: Path
) -> None:
    config = ModelConfig("onnx", ANIMALS, network=OnnxNetwork("image", "scores"))
    path = default_store().new_path("tagger")
    write_network(path, b"not read for a list", CheckpointRecord(config, "tagger"))
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, "tagger")
    assert "none: it says what, not where" in dialog.sheet.toPlainText()
    assert dialog.use.isEnabled()
    for button in (dialog.faster, dialog.export, dialog.run_with):
        assert not button.isEnabled()
    assert "imported from ONNX" in dialog.export.toolTip()


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
        "*.onnx)",
        "*.safetensors)",
    ]
    chooser.findChild(QWidget, "fileTypeCombo").setFocus()
    chooser.filterSelected.emit(chooser.nameFilters()[2])
    assert Path(chooser.selectedFiles()[0]).name == f"{SHIPPED}.safetensors"
    target = tmp_path / "out.onnx"
    chooser.fileSelected.emit(str(target))
    chooser.close()
    qtbot.waitUntil(lambda: engine.exported == [(SHIPPED, target)])
    qtbot.waitUntil(lambda: any("was exported to" in text for text in dialog.message_bar.texts()))
    assert engine.exported_with_preprocessing == [False]


def test_onnx_that_takes_pixels_is_a_kind_of_its_own(
    qtbot: QtBot, start: Start, engine: FakeEngine, tmp_path: Path
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, SHIPPED)
    dialog.export.click()
    qtbot.waitUntil(lambda: bool(dialog.findChildren(QFileDialog)))
    [chooser] = dialog.findChildren(QFileDialog)
    [kind] = [text for text in chooser.nameFilters() if "photos of any size" in text]
    chooser.selectNameFilter(kind)
    chooser.fileSelected.emit(str(tmp_path / "out.onnx"))
    chooser.close()
    qtbot.waitUntil(lambda: engine.exported_with_preprocessing == [True])


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
