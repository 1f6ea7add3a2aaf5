from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.engine.data.datasets.devkits import voc_object, write_voc
from tests.gui.driver import Start, trigger


@pytest.mark.slow
def test_links_out_of_the_folder_are_asked_about_once_and_followed_if_wanted(
    qtbot: QtBot, start: Start, tmp_path: Path
) -> None:
    names = [f"{number:06}" for number in range(40)]
    devkit = write_voc(tmp_path / "set", {"val": names}, dict.fromkeys(names, voc_object("cat")))
    application = start()
    qtbot.waitUntil(lambda: application.session.models.model is not None)
    trigger(application, "evaluate_voc")
    dialog = application.window.evaluation.controller.dialog
    assert dialog is not None
    dialog.data.set_folder(devkit)
    qtbot.waitUntil(dialog.start.isEnabled)
    assert dialog.data.links.isHidden()
    for name in ("000001", "000002"):
        picture = next(devkit.rglob(f"{name}.jpg"))
        picture.symlink_to(picture.rename(tmp_path / picture.name))

    dialog.data.set_folder(devkit)
    qtbot.waitUntil(lambda: not dialog.data.links.isHidden() and dialog.start.isEnabled())
    assert "2 links that lead out" in dialog.data.links.text.text()
    assert "lead out" in dialog.sheet.toPlainText() and "38" in dialog.sheet.toPlainText()

    dialog.data.links.follow.click()
    qtbot.waitUntil(dialog.start.isEnabled)
    assert "40" in dialog.sheet.toPlainText() and "lead out" not in dialog.sheet.toPlainText()
    with qtbot.waitSignal(dialog.start_requested) as requested:
        dialog.start.click()
    assert requested.args is not None and requested.args[0][0].follow_links
    assert application.session.followed_links.answer(devkit)
    assert application.session.followed_links.answer(tmp_path) is None
    assert "They are followed" in dialog.data.links.text.text()
    assert dialog.data.links.follow.isHidden() and not dialog.data.links.leave_out.isHidden()
