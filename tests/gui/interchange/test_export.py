from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.interchange.export_dialog import ExportDialog
from engine.data.datasets.registry import load_dataset
from engine.interchange.exporting.formats import FORMATS
from engine.interchange.exporting.values import ExportReport
from engine.library.values import Verdict
from tests.fakes import CATEGORIES, FakeEngine
from tests.gui.driver import Start, filter_to, row, trigger, wait_until_tagged


@pytest.fixture
def application(qtbot: QtBot, start: Start, photos: Path) -> Application:
    opened = start([photos])
    wait_until_tagged(qtbot, opened)
    return opened


def decide(application: Application, name: str, label: str, verdict: Verdict) -> None:
    rows = [row(application, name)]
    application.session.decisions.decide(rows, {label: verdict}, caption="Test")


def asked(application: Application, name: str) -> ExportDialog:
    trigger(application, "export_labels")
    [dialog] = application.window.findChildren(ExportDialog)
    dialog.formats.setCurrentRow(list(FORMATS).index(name))
    return dialog


def exported(qtbot: QtBot, application: Application, dialog: ExportDialog, target: Path) -> str:
    """Choose a place and wait; what was said."""
    exports = application.window.interchange.exports
    dialog.accept()
    [where] = application.window.findChildren(QFileDialog)
    with qtbot.waitSignal(exports.written) as written:
        where.fileSelected.emit(str(target))
        where.done(QFileDialog.DialogCode.Rejected)
    qtbot.waitUntil(lambda: not exports.is_busy)
    assert isinstance(written.args, list) and isinstance(written.args[0], ExportReport)
    return " ".join(application.window.message_bar.texts())


@pytest.mark.slow
def test_what_was_said_just_now_is_in_the_table(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    decide(application, "cat.jpg", "cat", Verdict.ACCEPTED)
    decide(application, "dog.jpg", "Rex", Verdict.ADDED)
    decide(application, "dog.jpg", "dog", Verdict.REJECTED)
    told = exported(qtbot, application, asked(application, "csv"), photos / "labels.csv")
    with (photos / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"]]

    assert [(row["path"], row["label"], row["state"], row["source"]) for row in rows] == [
        ("cat.jpg", "cat", "present", "person"),
        ("dog.jpg", "Rex", "present", "person"),
        ("dog.jpg", "dog", "absent", "person"),
    ]
    assert "2 photos exported" in told
    assert "nobody has said anything" in told


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_from_the_window_and_read_back(
    qtbot: QtBot, application: Application, tmp_path: Path, name: str
) -> None:
    dialog = asked(application, name)
    dialog.which.setCurrentIndex(dialog.which.findData("both"))
    target = tmp_path / f"out{FORMATS[name].suffix}"
    exported(qtbot, application, dialog, target)
    kinds = {"coco": "cocojson", "voc": "vocxml", "official": "json", "fiftyone": "fiftyone"}
    split = "trainval" if name in ("voc", "official") else "all"
    images = load_dataset(kinds.get(name, "folder"), target, split, follow_links=True)
    place = images.categories.index_of("cat")
    found = {path.name for i, path in enumerate(images.paths) if images.targets[i, place]}

    assert found == {"cat.jpg", "cat-and-dog.jpg"}
    assert len(images.categories) == len(CATEGORIES)


def test_the_photos_shown_or_selected_are_exported(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    filter_to(qtbot, application, "name:*dog*", 2)
    dialog = asked(application, "jsonl")
    dialog.which.setCurrentIndex(dialog.which.findData("both"))
    scopes = [dialog.scope.itemText(i) for i in range(dialog.scope.count())]
    exported(qtbot, application, dialog, photos / "labels.jsonl")
    lines = (photos / "labels.jsonl").read_text().splitlines()

    assert scopes == ["All 2 photos shown", "All 5 photos that are open", "The photo selected"]
    assert {json.loads(line)["path"] for line in lines} == {"dog.jpg", "cat-and-dog.jpg"}


def test_what_cannot_be_written_is_said(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    decide(application, "cat.jpg", "cat", Verdict.ACCEPTED)
    dialog = asked(application, "voc")
    dialog.accept()
    [where] = application.window.findChildren(QFileDialog)
    where.fileSelected.emit(str(photos))
    where.done(QFileDialog.DialogCode.Rejected)
    told = application.window.message_bar.texts
    qtbot.waitUntil(lambda: any("there already" in text for text in told()))

    assert sorted(path.name for path in photos.iterdir())[0] == "bad.jpg"


def test_the_dialog_offers_what_was_chosen_last_and_hides_what_does_not_matter(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    decide(application, "cat.jpg", "cat", Verdict.ACCEPTED)
    dialog = asked(application, "folders")
    assert dialog.bom.isHidden() and not dialog.copies.isHidden()
    exported(qtbot, application, dialog, photos.parent / "out")
    trigger(application, "export_labels")
    dialogs = application.window.findChildren(ExportDialog)
    again = next(dialog for dialog in dialogs if dialog.isVisible())

    assert again.format.name == "folders"
    again.reject()


def test_nothing_can_be_exported_without_photos(start: Start, engine: FakeEngine) -> None:
    application = start()
    assert not application.window.actions_table["export_labels"].isEnabled()


def test_one_photo_that_is_selected_can_be_meant_alone(
    qtbot: QtBot, application: Application, photos: Path
) -> None:
    application.session.set_selection([row(application, "dog.jpg")])
    dialog = asked(application, "jsonl")
    dialog.which.setCurrentIndex(dialog.which.findData("both"))
    dialog.scope.setCurrentIndex(dialog.scope.findText("The photo selected"))
    told = exported(qtbot, application, dialog, photos / "labels.jsonl")

    assert "1 photo exported" in told
    assert "dog.jpg" in (photos / "labels.jsonl").read_text()
