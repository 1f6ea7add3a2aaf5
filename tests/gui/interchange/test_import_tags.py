"""Tags that were made elsewhere are previewed, imported and shown, and nothing is tagged again."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.interchange import import_tags_job
from csra_gui.interchange.import_tags_dialog import ImportTagsDialog
from csra_gui.interchange.import_tags_job import TagImports, TagRequest
from engine.interchange.importing.tag_paths import PathMap, PathRule
from engine.interchange.importing.tag_values import TagCheck, TagProgress, TagReport, TagWish
from engine.library.store import Library
from engine.library.values import LibraryModel, Verdict
from tests.fakes.engine import FakeEngine
from tests.gui.driver import Start, row, trigger, wait_until_tagged

THERE = "/cluster/in"


@pytest.fixture
def application(qtbot: QtBot, start: Start, photos: Path) -> Application:
    """The photos are open, and one was tagged and decided on here."""
    opened = start([photos / "cat.jpg"])
    wait_until_tagged(qtbot, opened)
    return opened


def results(application: Application, folder: Path, *names: str) -> Path:
    model = application.session.engine.model
    assert model is not None
    scores = [
        {"category": name, "score": round(0.5 + 0.001 * place, 6)}
        for place, name in enumerate(model.categories)
    ]
    path = folder / "results.jsonl"
    path.write_text(
        "".join(
            json.dumps({"path": f"{THERE}/{name}", "model": model.name, "labels": scores}) + "\n"
            for name in names
        )
    )
    return path


def asked(qtbot: QtBot, application: Application, path: Path) -> ImportTagsDialog:
    trigger(application, "import_results")
    [dialog] = application.window.findChildren(ImportTagsDialog)
    dialog.read([path])
    qtbot.waitUntil(lambda: "Not imported" in dialog.summary.text())
    return dialog


def imports_of(application: Application) -> TagImports:
    return application.window.interchange.tag_imports


def placed(qtbot: QtBot, dialog: ImportTagsDialog, photos: Path) -> None:
    """Say where the photos are, and that nothing is checked."""
    dialog.check.setCurrentIndex(dialog.check.findData(TagCheck.NONE.value))
    old, new = dialog.rules[0]
    old.setText(THERE)
    new.setText(str(photos))
    new.editingFinished.emit()
    qtbot.waitUntil(dialog.import_button.isEnabled)


def test_results_are_previewed_imported_and_shown_without_tagging(
    qtbot: QtBot, application: Application, photos: Path, tmp_path: Path
) -> None:
    session = application.session
    session.decisions.decide([row(application, "cat.jpg")], {"dog": Verdict.REJECTED}, caption="No")
    qtbot.waitUntil(lambda: not session.decisions.is_writing)
    before = session.photos.scores[row(application, "cat.jpg")].copy()
    dialog = asked(
        qtbot, application, results(application, tmp_path, "dog.jpg", "cat.jpg", "x.jpg")
    )
    assert "no such file here" in dialog.details.toPlainText()
    assert not dialog.import_button.isEnabled()
    placed(qtbot, dialog, photos)
    assert dialog.summary.text().startswith("1 photo of 3 would get its tags.")
    assert f"{THERE}/dog.jpg  →  {photos / 'dog.jpg'}" in dialog.details.toPlainText()
    with qtbot.waitSignal(imports_of(application).ended) as ended:
        qtbot.mouseClick(dialog.import_button, Qt.MouseButton.LeftButton)
    report: TagReport = ended.args[0]
    assert (report.imported, report.kept) == (1, 1)
    qtbot.waitUntil(lambda: not imports_of(application).is_busy)

    asked_before = list(application.session.photos.paths)
    session.pipeline.add([photos / "dog.jpg"])
    qtbot.waitUntil(lambda: len(session.photos) == 2 and not session.pipeline.is_searching)
    assert asked_before == [photos / "cat.jpg"]
    dog = row(application, "dog.jpg")
    qtbot.waitUntil(lambda: session.photos.is_tagged(dog))
    assert session.photos.scores[dog][:2].tolist() == pytest.approx([0.5, 0.501], abs=1e-3)
    cat = row(application, "cat.jpg")
    assert (session.photos.scores[cat] == before).all()
    assert dict(session.photos.verdicts(cat)) == {"dog": Verdict.REJECTED}


def test_open_photos_show_what_was_imported_for_them(
    qtbot: QtBot, application: Application, photos: Path, tmp_path: Path
) -> None:
    session, cat = application.session, row(application, "cat.jpg")
    dialog = asked(qtbot, application, results(application, tmp_path, "cat.jpg"))
    dialog.replace.setChecked(True)
    placed(qtbot, dialog, photos)
    with qtbot.waitSignal(imports_of(application).ended):
        dialog.import_button.click()
    qtbot.waitUntil(
        lambda: session.photos.scores[cat][:2].tolist() == pytest.approx([0.5, 0.501], abs=1e-3)
    )


def test_what_cannot_be_read_is_said_in_the_dialog(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    trigger(application, "import_results")
    [dialog] = application.window.findChildren(ImportTagsDialog)
    dialog.read([tmp_path / "gone.jsonl"])
    qtbot.waitUntil(lambda: "There is no file or folder" in dialog.summary.text())
    assert not dialog.import_button.isEnabled() and dialog.bar.isHidden()


def test_a_stopped_import_says_how_far_it_came_and_nothing_else(
    qtbot: QtBot,
    application: Application,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def endless(
        library: Library, files: Sequence[Path], wish: TagWish, models: Sequence[LibraryModel]
    ) -> Generator[TagProgress, None, TagReport]:
        while True:
            yield TagProgress(1, 2, 12, 12)

    dialog = asked(qtbot, application, results(application, tmp_path, "dog.jpg"))
    placed(qtbot, dialog, photos)
    monkeypatch.setattr(import_tags_job, "import_tags", endless)
    imports = imports_of(application)
    dialog.import_button.click()
    qtbot.waitUntil(
        lambda: (
            imports.activity.progress is not None and "12 rows" in imports.activity.progress.line
        )
    )
    imports.cancel()
    qtbot.waitUntil(lambda: not imports.is_busy)
    assert application.window.message_bar.texts()[-1].startswith(
        "Import stopped: 12 photos got their tags"
    )
    assert imports.activity.progress is None


def test_a_dialog_that_is_closed_while_it_looks_is_heard_of_no_more(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    trigger(application, "import_results")
    [dialog] = application.window.findChildren(ImportTagsDialog)
    dialog.read([results(application, tmp_path, "dog.jpg")])
    dialog.reject()
    qtbot.waitUntil(lambda: not application.window.findChildren(ImportTagsDialog))


def test_tagging_waits_for_an_import_and_leaves_out_what_came(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path, tmp_path: Path
) -> None:
    engine.predict_gate.clear()
    application = start([photos])
    session, imports = application.session, imports_of(application)
    qtbot.waitUntil(lambda: session.tagger.is_running)
    rules = (PathRule.of(THERE, str(photos)),)
    wish = TagWish(PathMap(rules), TagCheck.NONE)
    with qtbot.waitSignal(imports.ended):
        imports.start(TagRequest((results(application, tmp_path, "dog.jpg"),), wish))
    qtbot.waitUntil(lambda: not imports.is_busy)
    assert session.tagger.is_running, "it comes to its pause with the next photo only"
    engine.predict_gate.set()
    wait_until_tagged(qtbot, application)
    assert not session.tagger.is_paused
    assert "dog.jpg" not in {path.name for path in engine.predicted}
    dog = session.photos.scores[row(application, "dog.jpg")]
    assert dog[:2].tolist() == pytest.approx([0.5, 0.501], abs=1e-3)
