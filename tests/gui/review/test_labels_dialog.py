from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.review.labels_dialog import LabelsDialog
from engine.library.values import Verdict
from tests.gui.driver import Start, labels, names, row, wait_until_tagged

ADDED, REJECTED = Verdict.ADDED, Verdict.REJECTED
#: A label of the fake model that does not ship: as if it had been taught.
TAUGHT = "<b>bold</b> & co"


@pytest.fixture
def labelled(qtbot: QtBot, start: Start, photos: Path) -> Application:
    """A window on tagged photos; cat.jpg has two labels by hand, dog.jpg one of them."""
    application = start([photos])
    wait_until_tagged(qtbot, application)
    qtbot.waitUntil(lambda: application.session.library.is_open)
    say(application, "cat.jpg", Granma=ADDED, railway=ADDED)
    say(application, "dog.jpg", Granma=ADDED)
    qtbot.waitUntil(lambda: not application.session.decisions.is_writing)
    return application


def say(application: Application, name: str, **words: Verdict) -> None:
    application.session.decisions.decide([row(application, name)], words, caption="x")


def said(application: Application, name: str) -> dict[str, Verdict]:
    return dict(application.session.photos.verdicts(row(application, name)))


def opened(qtbot: QtBot, application: Application) -> LabelsDialog:
    application.window.actions_table["edit_labels"].trigger()
    dialog = application.window.findChild(LabelsDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.table.rowCount() > 0)
    return dialog


def rows(dialog: LabelsDialog) -> list[tuple[str, ...]]:
    table = dialog.table
    shown = [place for place in range(table.rowCount()) if not table.isRowHidden(place)]
    return [
        tuple(item.text() for column in range(4) if (item := table.item(place, column)))
        for place in shown
    ]


def choose(dialog: LabelsDialog, *wanted: str) -> None:
    dialog._choose(wanted)
    assert dialog.chosen == wanted


def answer(dialog: LabelsDialog, caption: str) -> str:
    """Press a button of the question, and give its text."""
    box = dialog.findChild(QMessageBox)
    assert box is not None
    next(button for button in box.findChildren(QPushButton) if button.text() == caption).click()
    return box.text()


def test_typed_and_taught_labels_are_listed_with_counts_and_found(
    labelled: Application, qtbot: QtBot
) -> None:
    dialog = opened(qtbot, labelled)
    model = labelled.session.models.model
    assert model is not None
    assert rows(dialog) == [
        (TAUGHT, "0", "0", model.name),
        ("Granma", "2", "0", "only typed"),
        ("railway", "1", "0", "only typed"),
    ]
    dialog.search.setText("RAN")
    assert [cells[0] for cells in rows(dialog)] == ["Granma"]
    dialog.search.setText("zzz")
    assert not rows(dialog)
    assert dialog.hint.isVisible()
    assert not dialog.rename.isEnabled()
    dialog.close()


def test_a_label_is_found_by_what_else_it_is_called(labelled: Application, qtbot: QtBot) -> None:
    say(labelled, "dog.jpg", sofa=ADDED)
    qtbot.waitUntil(lambda: not labelled.session.decisions.is_writing)
    dialog = opened(qtbot, labelled)
    dialog.search.setText("Couch")
    assert [cells[0] for cells in rows(dialog)] == ["sofa"]
    dialog.close()


def test_a_label_gets_another_name_on_all_photos_and_back(
    labelled: Application, qtbot: QtBot
) -> None:
    labelled.window.review.used_labels.set_favourites(["Granma"])
    dialog = opened(qtbot, labelled)
    choose(dialog, "Granma")
    assert not dialog.rename.isEnabled(), "it has this name"
    dialog.name.setText("Grandma, really")
    assert not dialog.rename.isEnabled(), "two labels"
    dialog.name.setText("Grandma")
    qtbot.waitUntil(
        lambda: dialog.preview.text() == "“Granma” becomes “Grandma” on 2 photos. You can undo it."
    )
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: said(labelled, "dog.jpg") == {"Grandma": ADDED})
    assert dialog.isVisible()
    qtbot.waitUntil(lambda: dialog.chosen == ("Grandma",))
    assert said(labelled, "cat.jpg") == {"Grandma": ADDED, "railway": ADDED}
    assert "Granma" not in labelled.window.review.controller.known_labels
    assert labelled.window.review.used_labels.favourites()[0] == "Grandma"
    current = labelled.session.focus.current
    dialog.undo.click()
    qtbot.waitUntil(lambda: said(labelled, "dog.jpg") == {"Granma": ADDED})
    qtbot.waitUntil(lambda: "Granma" in [cells[0] for cells in rows(dialog)])
    assert labelled.session.focus.current in (current, *map(int, labelled.session.shown.rows))
    dialog.close()


def test_labels_become_one(labelled: Application, qtbot: QtBot) -> None:
    dialog = opened(qtbot, labelled)
    choose(dialog, "Granma", "railway")
    assert not dialog.rename.isEnabled()
    dialog.name.setText("person")
    assert dialog.rename.text() == "&Merge"
    qtbot.waitUntil(lambda: "on 2 photos" in dialog.preview.text())
    assert "A photo that has either has “person” then." in dialog.preview.text()
    dialog.rename.click()
    qtbot.waitUntil(lambda: said(labelled, "cat.jpg") == {"person": ADDED})
    assert said(labelled, "dog.jpg") == {"person": ADDED}
    dialog.close()


def test_a_label_that_a_model_knows_is_shown_by_its_new_name_also_after_a_restart(
    labelled: Application, qtbot: QtBot, start: Start, photos: Path
) -> None:
    having = [name for name in names(labelled) if TAUGHT in labels(labelled, name)]
    assert having
    dialog = opened(qtbot, labelled)
    choose(dialog, TAUGHT)
    dialog.name.setText("slogan")
    assert "What models find by the old name is shown as “slogan”." in dialog.preview.text()
    dialog.rename.click()
    qtbot.waitUntil(lambda: all("slogan" in labels(labelled, name) for name in having))
    sort = labelled.window.search.panel.bar.sort
    qtbot.waitUntil(lambda: sort.categories.findText("slogan") >= 0)
    labelled.session.shown.set_filter(f'"{TAUGHT}"')
    qtbot.waitUntil(lambda: len(labelled.session.shown) == len(having))
    dialog.close()
    labelled.window.close()
    assert labelled.shut_down()
    again = start([photos])
    wait_until_tagged(qtbot, again)
    qtbot.waitUntil(lambda: all("slogan" in labels(again, name) for name in having))


def test_a_deleted_label_is_gone_from_all_photos_until_it_is_shown_again(
    labelled: Application, qtbot: QtBot
) -> None:
    having = [name for name in names(labelled) if TAUGHT in labels(labelled, name)]
    say(labelled, having[0], **{TAUGHT: ADDED})
    dialog = opened(qtbot, labelled)
    qtbot.waitUntil(lambda: rows(dialog)[0][1] == "1")
    choose(dialog, TAUGHT)
    qtbot.waitUntil(lambda: dialog._photos == 1)
    dialog.delete.click()
    text = answer(dialog, "&Delete")
    assert "1 photo loses it. What models find is not shown any more" in text
    qtbot.waitUntil(lambda: not any(TAUGHT in labels(labelled, name) for name in having))
    assert TAUGHT not in labelled.window.review.controller.known_labels
    labelled.window.review.labels._show_all.setChecked(True)
    labelled.session.focus.set_current(row(labelled, having[0]))
    listed = labelled.window.review.labels.labels.model().rows()
    assert TAUGHT not in [r.category for r in listed]
    qtbot.waitUntil(lambda: rows(dialog)[0][3].endswith(", not shown"))
    choose(dialog, TAUGHT)
    assert dialog.delete.text() == "&Show again"
    dialog.delete.click()
    qtbot.waitUntil(lambda: all(TAUGHT in labels(labelled, name) for name in having[1:]))
    dialog.close()


def test_giving_a_deleted_label_shows_it_again(labelled: Application, qtbot: QtBot) -> None:
    having = [name for name in names(labelled) if TAUGHT in labels(labelled, name)]
    labelled.session.decisions.delete([TAUGHT])
    qtbot.waitUntil(lambda: not any(TAUGHT in labels(labelled, name) for name in having))
    say(labelled, "bad.jpg", **{TAUGHT: ADDED})
    qtbot.waitUntil(lambda: all(TAUGHT in labels(labelled, name) for name in having))
