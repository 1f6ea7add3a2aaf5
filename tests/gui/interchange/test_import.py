"""Labels are imported from the window: read, mapped in a table, taken over, undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.interchange.import_dialog import ImportDialog
from csra_gui.interchange.import_model import COUNT, LABEL, MEANS, NAME, NamesModel
from engine.api.label_names import SHIPPED_NAMES
from engine.interchange.importing.mapping import KnownLabels, propose
from engine.interchange.importing.values import ImportSource, NameUse
from engine.library.values import Verdict
from engine.metadata.values import Changes
from engine.metadata.xmp import merge
from tests.gui.driver import Start, filter_to, row, trigger, wait_until_tagged


def sidecar(photo: Path, *keywords: str) -> None:
    paths = tuple(tuple(word.split("|")) for word in keywords)
    photo.with_name(f"{photo.name}.xmp").write_bytes(merge(None, Changes(add=paths), "x").data)


@pytest.fixture
def application(qtbot: QtBot, start: Start, photos: Path) -> Application:
    sidecar(photos / "dog.jpg", "Hund", "animal|dog")
    sidecar(photos / "cat.jpg", "Hund")
    opened = start([photos])
    wait_until_tagged(qtbot, opened)
    return opened


def asked(qtbot: QtBot, application: Application) -> ImportDialog:
    trigger(application, "import_labels")
    [dialog] = application.window.findChildren(ImportDialog)
    qtbot.waitUntil(lambda: dialog.names.rowCount() > 0)
    return dialog


def place_of(model: NamesModel, name: str) -> int:
    names = [model.index(i, NAME).data() for i in range(model.rowCount())]
    return names.index(name)


def imported(qtbot: QtBot, application: Application, dialog: ImportDialog) -> None:
    imports = application.window.interchange.imports
    with qtbot.waitSignal(imports.ended):
        qtbot.mouseClick(dialog.import_button, Qt.MouseButton.LeftButton)
    decisions = application.session.decisions
    qtbot.waitUntil(lambda: not imports.is_busy and not decisions.is_writing)


def said(application: Application, name: str) -> dict[str, Verdict]:
    return dict(application.session.photos.verdicts(row(application, name)))


def test_names_are_mapped_imported_found_and_taken_back(
    qtbot: QtBot, application: Application
) -> None:
    dialog = asked(qtbot, application)
    model = dialog.names
    assert model.index(place_of(model, "animal|dog"), MEANS).data() == "this label"
    hund = place_of(model, "Hund")
    assert (model.index(hund, COUNT).data(), model.index(hund, MEANS).data()) == ("2", "new label")
    assert model.setData(model.index(hund, LABEL), "dog")
    assert model.index(hund, MEANS).data() == "this label"
    animal = [n for n in model.mapping if n == "animal"]
    model.give(dict.fromkeys(animal, ""))
    imported(qtbot, application, dialog)

    assert said(application, "dog.jpg") == {"dog": Verdict.IMPORTED}
    assert said(application, "cat.jpg") == {"dog": Verdict.IMPORTED}
    filter_to(qtbot, application, "source:file", 2)
    qtbot.waitUntil(lambda: application.session.decisions.undo_caption.startswith("Import"))
    trigger(application, "undo")
    qtbot.waitUntil(lambda: not said(application, "dog.jpg"))
    assert said(application, "cat.jpg") == {}


def test_undo_in_the_message_takes_back_the_import_and_nothing_since(
    qtbot: QtBot, application: Application
) -> None:
    dialog = asked(qtbot, application)
    imported(qtbot, application, dialog)
    decisions, bar = application.session.decisions, application.window.message_bar
    qtbot.waitUntil(lambda: decisions.undo_caption.startswith("Import"))
    [button] = [b for b in bar.findChildren(QPushButton) if b.text() == "Undo"]
    decisions.decide([row(application, "person.jpg")], {}, caption="Reviewed", reviewed=True)
    qtbot.waitUntil(lambda: decisions.undo_caption == "Reviewed")
    button.click()
    assert bar.texts()[-1].startswith("Other changes came after the import.")
    qtbot.waitUntil(lambda: not decisions.is_writing)
    assert decisions.undo_caption == "Reviewed"
    assert said(application, "dog.jpg")


def test_a_list_is_imported_for_photos_that_are_open_or_not(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    (photos / "labels.csv").write_text("path,label\ndog.jpg,my sofa\n")
    dialog = asked(qtbot, application)
    dialog.read_list([photos / "labels.csv"])
    qtbot.waitUntil(lambda: list(dialog.names.mapping) == ["my sofa"])
    assert not dialog.sources[ImportSource.SIDECAR].isEnabled()
    imported(qtbot, application, dialog)
    assert said(application, "dog.jpg") == {"my sofa": Verdict.IMPORTED}


def test_a_table_is_saved_and_loaded_again(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    dialog = asked(qtbot, application)
    model = dialog.names
    model.give({"Hund": "Rex"})
    dialog._save(tmp_path / "names.csv")
    qtbot.waitUntil((tmp_path / "names.csv").is_file)
    model.give({"Hund": ""})
    dialog._load([tmp_path / "names.csv"])
    qtbot.waitUntil(lambda: model.mapping["Hund"] == "Rex")
    (tmp_path / "bad.csv").write_text("a,b,c\n")
    dialog._load([tmp_path / "bad.csv"])
    qtbot.waitUntil(lambda: "bad.csv, line 1" in dialog.problems.text())


def test_what_a_name_means_is_chosen_in_the_table(qtbot: QtBot, application: Application) -> None:
    dialog = asked(qtbot, application)
    table, model = dialog.table, dialog.names
    index = model.index(place_of(model, "Hund"), MEANS)
    delegate = table.itemDelegate()
    for column, wanted in ((MEANS, "leave out"), (MEANS, "new label"), (LABEL, "cat")):
        index = model.index(place_of(model, "Hund"), column)
        table.edit(index)
        editor = table.findChild(QComboBox) if column == MEANS else table.findChild(QLineEdit)
        if isinstance(editor, QComboBox):
            editor.setCurrentText(wanted)
        else:
            assert isinstance(editor, QLineEdit)
            editor.setText(wanted)
        delegate.setModelData(editor, model, index)
        delegate.closeEditor.emit(editor)
        qtbot.waitUntil(lambda index=index, wanted=wanted: index.data() == wanted)
    table.selectRow(place_of(model, "Hund"))
    qtbot.mouseClick(dialog.out_button, Qt.MouseButton.LeftButton)
    assert model.mapping["Hund"] == ""
    assert "cat.jpg" in dialog.examples.text()
    assert not model.setData(model.index(place_of(model, "Hund"), LABEL), "evil\u202e")
    assert "control characters" in dialog.problems.text()


def test_ten_thousand_names_and_hostile_ones_are_plain_text(qtbot: QtBot) -> None:
    names = [f"name {i}" for i in range(10_000)] + ["<b>bold</b>", "evil\u202egnp.exe", "x" * 800]
    uses = [NameUse(name, 1, 0, (Path("/photos/<i>a.jpg"),)) for name in names]
    known = KnownLabels(["name 1"], SHIPPED_NAMES)
    model = NamesModel(None)  # type: ignore[arg-type]
    model.show_names(uses, propose(names, known), known)
    assert model.rowCount() == len(names)
    model.set_filter("<b>")
    assert model.rowCount() == 1
    assert model.index(0, NAME).data() == "<b>bold</b>"
    assert "&lt;b&gt;" in model.index(0, NAME).data(Qt.ItemDataRole.ToolTipRole)
    model.set_filter("gnp")
    assert "\u202e" not in model.index(0, NAME).data()
    model.set_filter("")
    model.leave_new_out()
    assert [name for name, label in model.mapping.items() if label] == ["name 1"]
    model.sort(NAME, Qt.SortOrder.AscendingOrder)
    assert model.index(0, NAME).data() == "<b>bold</b>"
