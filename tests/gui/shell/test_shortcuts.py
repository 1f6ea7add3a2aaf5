from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QAbstractItemModelTester, QTest
from pytestqt.qtbot import QtBot

from csra_gui.base.actions import ActionSpec
from csra_gui.base.paths import log_file
from csra_gui.base.settings import SHORTCUTS, Settings
from csra_gui.base.shortcuts import Shortcuts, key_problem
from csra_gui.shell.log_dialog import MAX_BYTES, LogDialog, last_lines
from csra_gui.shell.menus import OTHER_KEYS
from csra_gui.shell.shortcut_model import ShortcutModel, ShortcutRow
from csra_gui.shell.shortcuts_dialog import ShortcutsDialog
from csra_gui.widgets.text_dialogs import BugDialog
from tests.gui.driver import Start

SPECS = (
    ActionSpec("find", "&Find photos…", ("Ctrl+F", "F3")),
    ActionSpec("tag", "&Tag now", ("Ctrl+T",)),
    ActionSpec("about", "&About"),
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "settings.ini")


@pytest.fixture
def shortcuts(settings: Settings) -> Shortcuts:
    return Shortcuts(settings, SPECS)


def test_no_two_commands_have_the_same_key(start: Start) -> None:
    shortcuts = start().window.actions_table.shortcuts
    used = Counter(key for spec in shortcuts.specs for key in shortcuts.declared(spec.id))
    assert len(used) > 50
    assert [key for key, count in used.items() if count > 1] == []
    assert [key for key in used if key_problem(key)] == []


def test_a_key_goes_from_one_command_to_another_and_back(shortcuts: Shortcuts) -> None:
    assert shortcuts.keys("find") == ("Ctrl+F", "F3")
    shortcuts.assign("tag", "Ctrl+F")
    assert shortcuts.keys("tag") == ("Ctrl+F",)
    assert shortcuts.keys("find") == ("F3",)
    assert shortcuts.users("Ctrl+F") == ["tag"]
    shortcuts.reset("find")
    assert shortcuts.keys("find") == ("Ctrl+F", "F3")
    assert shortcuts.keys("tag") == ()
    shortcuts.reset_all()
    assert not any(shortcuts.is_changed(spec.id) for spec in SPECS)


def test_chosen_keys_are_there_at_the_next_start(settings: Settings, tmp_path: Path) -> None:
    Shortcuts(settings, SPECS).assign("about", "Ctrl+Shift+A")
    settings.save()
    again = Shortcuts(Settings(tmp_path / "settings.ini"), SPECS)
    assert again.keys("about") == ("Ctrl+Shift+A",)
    assert again.keys("tag") == ("Ctrl+T",)


@pytest.mark.parametrize(
    "stored", ["{", "[]", '{"gone": ["X"]}', '{"tag": "X"}', '{"tag": [3, "", "Tab"], "find": 2}']
)
def test_damaged_keys_are_left_out(settings: Settings, stored: str) -> None:
    settings.set_value(SHORTCUTS, stored)
    shortcuts = Shortcuts(settings, SPECS)
    assert shortcuts.keys("find") == ("Ctrl+F", "F3")
    assert shortcuts.keys("tag") in (("Ctrl+T",), ())


@pytest.mark.parametrize("key", ["", "Tab", "Shift+Up", "Space", "Escape", "Ctrl+K, Ctrl+X"])
def test_keys_that_move_and_choose_run_nothing(key: str, qapp: object) -> None:
    assert key_problem(key)
    assert not key_problem("Ctrl+Up")


@pytest.fixture
def dialog(qtbot: QtBot, shortcuts: Shortcuts) -> ShortcutsDialog:
    widget = ShortcutsDialog(shortcuts, [("Tab", "Go on")], {"tag": "Tags"})
    widget.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(widget)
    widget.show()
    return widget


def shown(dialog: ShortcutsDialog) -> list[tuple[str, str]]:
    model = dialog.table.model()
    return [
        (model.index(row, 0).data(), model.index(row, 1).data()) for row in range(model.rowCount())
    ]


def test_all_keys_are_listed_and_searched(dialog: ShortcutsDialog) -> None:
    assert shown(dialog) == [
        ("Find photos", "Ctrl+F, F3"),
        ("Tag now", "Ctrl+T"),
        ("About", ""),
        ("Go on", "Tab"),
    ]
    dialog.search.setText("ctrl+t")
    assert shown(dialog) == [("Tag now", "Ctrl+T")]
    dialog.search.setText("tags")
    assert shown(dialog) == [("Tag now", "Ctrl+T")], "by its menu"
    dialog.search.setText("phot")
    assert shown(dialog) == [("Find photos", "Ctrl+F, F3")]


def test_a_key_is_pressed_and_a_clash_is_said_before(
    dialog: ShortcutsDialog, shortcuts: Shortcuts
) -> None:
    assert not dialog.key.isEnabled()
    dialog.choose("about")
    QTest.keyClick(dialog.key, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert dialog.note.text() == "Ctrl+T runs “Tag now” now, and would not any more."
    assert shortcuts.keys("tag") == ("Ctrl+T",)
    dialog.assign.click()
    assert shown(dialog)[1:3] == [("Tag now", ""), ("About", "Ctrl+T")]
    assert dialog.reset.isEnabled()
    dialog.reset.click()
    assert shortcuts.keys("about") == ()
    dialog.choose("find")
    dialog.clear.click()
    assert shortcuts.keys("find") == ()


def test_a_key_that_cannot_be_taken_is_refused(dialog: ShortcutsDialog) -> None:
    dialog.choose("about")
    dialog.key.setKeySequence(QKeySequence("Space"))
    assert not dialog.assign.isEnabled()
    assert "cannot" in dialog.note.text()


def test_what_belongs_to_a_part_of_the_window_cannot_be_changed(dialog: ShortcutsDialog) -> None:
    dialog.table.selectRow(3)
    assert dialog.note.text() == "This cannot be changed."
    assert not dialog.key.isEnabled()


def test_the_model_keeps_qts_rules() -> None:
    model = ShortcutModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    model.set_rows([ShortcutRow("a", "A", "Ctrl+A"), ShortcutRow("b", "B", "", True)])
    model.set_rows([ShortcutRow("a", "A", "", True), ShortcutRow("b", "B", "")])
    model.set_rows(())
    assert tester.model() is model


def test_a_changed_key_runs_the_command_in_the_window(qtbot: QtBot, start: Start) -> None:
    application = start()
    window = application.window
    action = window.actions_table["open_samples"]
    action.setEnabled(True)
    shortcuts = window.actions_table.shortcuts
    shortcuts.assign("open_samples", "Ctrl+Shift+F9")
    assert action.shortcut() == QKeySequence("Ctrl+Shift+F9")
    assert "F9" in action.toolTip()
    window.actions_table["shortcuts"].trigger()
    dialog = window.findChild(ShortcutsDialog)
    assert dialog is not None
    assert len(shown(dialog)) == len(shortcuts.specs) + len(OTHER_KEYS)
    dialog.search.setText("View ▸ Theme")
    assert [text for text, _ in shown(dialog)] == ["Like the desktop", "Light", "Dark"]
    dialog.close()


# The log.


def test_the_log_is_shown_and_copied(qtbot: QtBot, start: Start) -> None:
    application = start()
    log_file().parent.mkdir(parents=True, exist_ok=True)
    log_file().write_text("one\ntwo\x1b[31m\n", encoding="utf-8")
    application.window.actions_table["show_log"].trigger()
    dialog = application.window.findChild(LogDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.text.toPlainText().startswith("one"))
    assert "\x1b" not in dialog.text.toPlainText()
    assert str(log_file()) in dialog.place.text()
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == dialog.text.toPlainText()
    log_file().write_text("three\n", encoding="utf-8")
    qtbot.waitUntil(lambda: not dialog._reading.is_running)
    dialog.again.click()
    qtbot.waitUntil(lambda: dialog.text.toPlainText() == "three")
    dialog.close()


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "long.log"
    log.write_bytes(b"".join(b"line %06d\n" % i for i in range(40_000)))
    text = last_lines(log)
    assert len(text) < MAX_BYTES
    assert text.endswith("line 039999")
    assert all(len(line) == 11 for line in text.splitlines())


def test_a_log_that_is_not_there_or_not_readable_is_said(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none") == "Nothing has been written yet."
    assert last_lines(tmp_path).startswith("The log cannot be read")


def test_a_fault_says_where_the_log_is_and_can_be_copied(qtbot: QtBot) -> None:
    dialog = BugDialog("ValueError: x")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    assert str(log_file()) in dialog.log.text()
    dialog.add("KeyError: y")
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == "ValueError: x\n\nKeyError: y"
