from __future__ import annotations

import math
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QCursor, QImage
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.base.theme import Theme, apply_theme
from csra_gui.review.label_delegate import pin_area
from csra_gui.review.label_list import LabelList
from csra_gui.review.label_list_model import LabelListModel, LabelRole, LabelRow
from engine.library.values import Verdict

ROWS = (
    LabelRow(11, "dog", 0.97, 0.5),
    LabelRow(14, "person", 0.62, 0.5),
    LabelRow(7, "cat", 0.12, 0.5),
)


@pytest.fixture
def labels(qtbot: QtBot) -> LabelList:
    QCursor.setPos(QPoint(700, 550))  # not over the list that is about to appear
    widget = LabelList()
    qtbot.addWidget(widget)
    widget.resize(260, 300)
    widget.set_rows(ROWS)
    widget.show()
    return widget


def middle(labels: LabelList, row: int) -> QPoint:
    return labels.visualRect(labels.model().index(row, 0)).center()


def point_at(labels: LabelList, qtbot: QtBot, row: int) -> None:
    qtbot.mouseMove(labels.viewport(), middle(labels, row))


def leave(labels: LabelList) -> None:
    QApplication.sendEvent(labels.viewport(), QEvent(QEvent.Type.Leave))
    QApplication.sendEvent(labels, QEvent(QEvent.Type.Leave))


def test_pointing_tells_the_category_once_and_leaving_tells_none(
    labels: LabelList, qtbot: QtBot
) -> None:
    told: list[int] = []
    labels.category_hovered.connect(told.append)
    point_at(labels, qtbot, 0)
    qtbot.mouseMove(labels.viewport(), middle(labels, 0) + QPoint(5, 2))
    point_at(labels, qtbot, 2)
    qtbot.mouseMove(labels.viewport(), QPoint(20, 290))  # below the last row
    point_at(labels, qtbot, 1)
    leave(labels)
    assert told == [11, 7, -1, 14, -1]


def click(
    labels: LabelList,
    qtbot: QtBot,
    row: int,
    modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(labels.viewport(), left, modifier, pos=middle(labels, row))


def decisions(labels: LabelList) -> list[tuple[str, str]]:
    """What is asked for from now on."""
    told: list[tuple[str, str]] = []
    labels.accept_requested.connect(lambda name: told.append(("accept", name)))
    labels.reject_requested.connect(lambda name: told.append(("reject", name)))
    return told


def test_a_click_accepts_and_with_shift_it_rejects(labels: LabelList, qtbot: QtBot) -> None:
    told = decisions(labels)
    with qtbot.assertNotEmitted(labels.category_pinned):
        click(labels, qtbot, 1)
        click(labels, qtbot, 0, Qt.KeyboardModifier.ShiftModifier)
    assert told == [("accept", "person"), ("reject", "dog")]


def test_a_click_with_ctrl_or_on_the_pin_pins_and_another_one_takes_the_pin_away(
    labels: LabelList, qtbot: QtBot
) -> None:
    told: list[int] = []
    labels.category_pinned.connect(told.append)
    decided = decisions(labels)
    click(labels, qtbot, 1, Qt.KeyboardModifier.ControlModifier)
    pin = pin_area(labels.visualRect(labels.model().index(0, 0))).center()
    for _ in range(2):
        qtbot.mouseClick(labels.viewport(), Qt.MouseButton.LeftButton, pos=pin)
    assert told == [14, 11, -1]
    assert labels.pinned == -1
    assert not decided


def test_a_double_click_decides_once_as_a_click_does(labels: LabelList, qtbot: QtBot) -> None:
    told = decisions(labels)
    at = middle(labels, 0)
    qtbot.mouseClick(labels.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseDClick(labels.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseRelease(labels.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert told == [("accept", "dog")]


def test_letting_go_on_another_label_decides_nothing(labels: LabelList, qtbot: QtBot) -> None:
    told = decisions(labels)
    qtbot.mousePress(labels.viewport(), Qt.MouseButton.LeftButton, pos=middle(labels, 0))
    qtbot.mouseRelease(labels.viewport(), Qt.MouseButton.LeftButton, pos=middle(labels, 1))
    assert not told


def test_a_label_that_the_model_does_not_know_cannot_be_pinned(
    labels: LabelList, qtbot: QtBot
) -> None:
    labels.set_rows([*ROWS, LabelRow(-1, "Grandma", math.nan, 0.0, Verdict.ADDED)])
    with qtbot.assertNotEmitted(labels.category_pinned):
        click(labels, qtbot, 3, Qt.KeyboardModifier.ControlModifier)
    assert not labels.model().index(3, 0).data(LabelRole.PINNED)


def test_setting_the_pin_is_silent_and_marks_the_row(labels: LabelList, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(labels.category_pinned):
        labels.set_pinned(14)
    assert [labels.model().index(i, 0).data(LabelRole.PINNED) for i in range(3)] == [
        False,
        True,
        False,
    ]


def test_the_keyboard_points_decides_and_unpins(labels: LabelList, qtbot: QtBot) -> None:
    hovered: list[int] = []
    labels.category_hovered.connect(hovered.append)
    told = decisions(labels)
    labels.set_pinned(7)
    labels.activateWindow()
    labels.setFocus()
    qtbot.waitUntil(labels.hasFocus)
    qtbot.keyClick(labels, Qt.Key.Key_Down)
    qtbot.keyClick(labels, Qt.Key.Key_Space)
    qtbot.keyClick(labels, Qt.Key.Key_Down)
    qtbot.keyClick(labels, Qt.Key.Key_Delete)
    qtbot.keyClick(labels, Qt.Key.Key_Escape)
    assert hovered == [14, 7]
    assert told == [("accept", "person"), ("reject", "cat")]
    assert labels.pinned == -1


def test_a_list_that_wakes_up_with_the_window_points_at_nothing(
    labels: LabelList, qtbot: QtBot
) -> None:
    labels.activateWindow()
    labels.setFocus()
    qtbot.waitUntil(labels.hasFocus)
    assert labels.hovered == -1


def test_reaching_the_list_by_tab_points_at_its_row_until_tab_leaves(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    before, labels = QLineEdit(), LabelList()
    column = QVBoxLayout(window)
    column.addWidget(before)
    column.addWidget(labels)
    labels.set_rows(ROWS)
    window.show()
    window.activateWindow()
    before.setFocus()
    qtbot.waitUntil(before.hasFocus)
    qtbot.keyClick(before, Qt.Key.Key_Tab)
    assert labels.hovered == 11
    before.setFocus(Qt.FocusReason.TabFocusReason)
    assert labels.hovered == -1


def test_escape_without_a_pin_is_left_to_the_window(qtbot: QtBot) -> None:
    class Window(QWidget):
        heard = False

        def keyPressEvent(self, event: object) -> None:
            self.heard = True

    window = Window()
    qtbot.addWidget(window)
    labels = LabelList(window)
    labels.set_rows(ROWS)
    window.show()
    qtbot.keyClick(labels, Qt.Key.Key_Escape)
    assert window.heard


def test_other_rows_below_a_resting_pointer_are_not_the_old_category(
    labels: LabelList, qtbot: QtBot
) -> None:
    point_at(labels, qtbot, 0)
    labels.set_rows([LabelRow(3, "boat", 0.9, 0.5)])
    assert labels.hovered != 11


def test_new_scores_for_the_same_labels_keep_the_pointed_at_row(
    labels: LabelList, qtbot: QtBot
) -> None:
    point_at(labels, qtbot, 1)
    with (
        qtbot.assertNotEmitted(labels.category_hovered),
        qtbot.waitSignal(labels.model().dataChanged) as told,
    ):
        labels.set_rows([ROWS[0], replace(ROWS[1], score=0.4), ROWS[2]])
    assert [told.args[0].row(), told.args[1].row()] == [1, 1]


def test_a_changed_order_resets_and_keeps_the_pin(labels: LabelList, qtbot: QtBot) -> None:
    labels.set_pinned(7)
    with qtbot.waitSignal(labels.model().modelReset):
        labels.set_rows(ROWS[::-1])
    assert labels.model().index(0, 0).data(LabelRole.PINNED)


def test_the_model_keeps_qts_rules() -> None:
    model = LabelListModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    model.set_rows(ROWS)
    model.set_pinned(14)
    model.set_rows([replace(ROWS[0], verdict=Verdict.REJECTED), *ROWS[1:]])
    model.set_rows([LabelRow(-1, "Grandma", math.nan, 0.0, Verdict.ADDED), ROWS[0]])
    model.set_rows(())
    assert tester.model() is model
    assert model.row_of(14) == -1


def test_names_are_shown_literally_even_in_tips(qtbot: QtBot) -> None:
    model = LabelListModel()
    model.set_rows([LabelRow(0, "<b>bold</b> & <i>", 0.7, 0.5)])
    index = model.index(0)
    assert index.data() == "<b>bold</b> & <i>"
    assert "<b>" not in index.data(Qt.ItemDataRole.ToolTipRole)
    assert "&lt;b&gt;bold" in index.data(Qt.ItemDataRole.ToolTipRole)


def test_a_screen_reader_hears_the_score_the_threshold_and_the_pin() -> None:
    model = LabelListModel()
    model.set_rows(ROWS)
    model.set_pinned(11)
    spoken = [model.index(i).data(Qt.ItemDataRole.AccessibleTextRole) for i in range(3)]
    assert spoken == ["dog, 97 %, pinned", "person, 62 %", "cat, 12 %, below the threshold"]
    model.set_rows(
        [
            replace(ROWS[0], verdict=Verdict.ACCEPTED),
            replace(ROWS[2], verdict=Verdict.REJECTED),
            LabelRow(-1, "Grandma", math.nan, 0.0, Verdict.ADDED),
            LabelRow(4, "boat", 0.7, 0.5, having=2, of=3),
        ]
    )
    spoken = [model.index(i).data(Qt.ItemDataRole.AccessibleTextRole) for i in range(4)]
    assert spoken == [
        "dog, 97 %, accepted, pinned",
        "cat, 12 %, rejected",
        "Grandma, added by you",
        "boat, 2 of 3 photos",
    ]


@pytest.mark.parametrize(
    ("score", "shown"),
    [
        (0.0, "0 %"),
        (0.004, "< 1 %"),
        (0.126, "13 %"),
        (0.97, "97 %"),
        (0.9949, "99.5 %"),
        (0.99999, "99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_scores_are_percentages_that_claim_no_certainty(score: float, shown: str) -> None:
    assert LabelRow(0, "dog", score, 0.5).percent == shown


def shot(labels: LabelList, row: int) -> QImage:
    return labels.viewport().grab(labels.visualRect(labels.model().index(row, 0))).toImage()


def test_the_bar_is_as_long_as_the_score_and_muted_below_the_threshold(
    labels: LabelList,
) -> None:
    def blue(image: QImage) -> int:
        y = image.height() - 11
        colors = [image.pixelColor(x, y) for x in range(image.width())]
        return sum(c.blue() - c.red() > 60 for c in colors)

    high, low, muted = (blue(shot(labels, row)) for row in range(3))
    assert high > low > 0
    assert high / low == pytest.approx(0.97 / 0.62, rel=0.1)
    assert muted == 0


def test_pinned_and_hovered_rows_look_different(labels: LabelList, qtbot: QtBot) -> None:
    plain = shot(labels, 0)
    labels.set_pinned(11)
    assert shot(labels, 0) != plain
    labels.set_pinned(-1)
    assert shot(labels, 0) == plain


def test_each_thing_a_person_can_say_looks_different(labels: LabelList) -> None:
    looks = []
    for verdict in (None, *Verdict):
        labels.set_rows([replace(ROWS[0], verdict=verdict), *ROWS[1:]])
        looks.append(shot(labels, 0))
    for having in (0, 1, 3):
        labels.set_rows([replace(ROWS[0], having=having, of=3), *ROWS[1:]])
        looks.append(shot(labels, 0))
    assert all(one != other for i, one in enumerate(looks) for other in looks[:i])


def test_a_dark_list_is_dark(labels: LabelList, qapp: QApplication, qtbot: QtBot) -> None:
    light = shot(labels, 0).pixelColor(1, 1)
    apply_theme(qapp, Theme.DARK)
    assert light.lightnessF() > 0.9
    qtbot.waitUntil(lambda: shot(labels, 0).pixelColor(1, 1).lightnessF() < 0.3)


def test_only_a_label_model_is_accepted(labels: LabelList) -> None:
    other = LabelListModel(labels)
    other.set_rows(ROWS[:1])
    labels.setModel(other)
    labels.set_pinned(11)
    assert other.pinned == 11
    with pytest.raises(TypeError):
        labels.setModel(None)
