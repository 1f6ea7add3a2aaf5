from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QLabel, QPushButton, QSlider, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from csra_gui.widgets.color_bar import ColorBar
from csra_gui.widgets.colormaps import ColorMapName
from csra_gui.widgets.empty_state import EmptyState
from csra_gui.widgets.labelled_slider import LabelledSlider
from csra_gui.widgets.message_bar import MAX_MESSAGES, MessageBar, MessageLevel
from csra_gui.widgets.overlay import OverlayStyle


def button(parent: QWidget, text: str) -> QPushButton:
    return next(b for b in parent.findChildren(QPushButton) if b.text() == text)


def shown_labels(parent: QWidget) -> list[QLabel]:
    return [w for w in parent.findChildren(QLabel) if w.text()]


# --- slider ---


@pytest.fixture
def slider(qtbot: QtBot) -> LabelledSlider:
    widget = LabelledSlider("&Threshold", 0.0, 1.0, 0.01, percent=True)
    qtbot.addWidget(widget)
    widget.show()
    return widget


def test_a_slider_moves_by_its_step_and_tells_so(slider: LabelledSlider, qtbot: QtBot) -> None:
    slider.set_value(0.5)
    with qtbot.waitSignal(slider.value_changed) as told:
        qtbot.keyClick(slider.findChild(QSlider), Qt.Key.Key_Right)
    assert told.args == [0.51]
    assert slider.value() == 0.51
    assert "51 %" in [label.text() for label in shown_labels(slider)]


def test_setting_a_slider_is_silent_and_stays_in_its_range(
    slider: LabelledSlider, qtbot: QtBot
) -> None:
    with qtbot.assertNotEmitted(slider.value_changed):
        slider.set_value(0.333)
        assert slider.value() == 0.33
        slider.set_value(7.0)
    assert slider.value() == 1.0
    assert "100 %" in [label.text() for label in shown_labels(slider)]


def test_a_double_click_on_the_caption_goes_back_to_the_default(
    slider: LabelledSlider, qtbot: QtBot
) -> None:
    slider.set_default(0.5)
    slider.set_value(0.9)
    caption = next(w for w in shown_labels(slider) if w.buddy() is not None)
    with qtbot.waitSignal(slider.value_changed) as told:
        qtbot.mouseDClick(caption, Qt.MouseButton.LeftButton)
    assert told.args == [0.5]


def test_a_slider_shows_decimals_where_there_is_no_percentage(qtbot: QtBot) -> None:
    widget = LabelledSlider("λ", 0.0, 2.0, 0.1, decimals=1)
    qtbot.addWidget(widget)
    widget.set_value(1.3)
    assert widget.value() == 1.3
    assert "1.3" in [label.text() for label in shown_labels(widget)]


# --- colour bar ---


def bar_shot(bar: ColorBar) -> QImage:
    return bar.grab().toImage()


def test_a_colour_bar_fades_below_the_threshold(qtbot: QtBot) -> None:
    bar = ColorBar()
    qtbot.addWidget(bar)
    bar.resize(200, bar.sizeHint().height())
    bar.set_style(OverlayStyle(ColorMapName.VIRIDIS, threshold=0.5))
    y = 10
    assert bar_shot(bar).pixelColor(20, y).lightnessF() < 0.2
    assert bar_shot(bar).pixelColor(190, y).lightnessF() > 0.4
    bar.set_style(OverlayStyle(ColorMapName.VIRIDIS, threshold=0.05))
    assert bar_shot(bar).pixelColor(20, y).lightnessF() > 0.2
    assert bar.accessibleDescription() == "0 – 1, threshold 0.05"


# --- messages ---


@pytest.fixture
def bar(qtbot: QtBot) -> MessageBar:
    widget = MessageBar()
    qtbot.addWidget(widget)
    return widget


def test_messages_stack_and_the_oldest_makes_room(bar: MessageBar) -> None:
    assert not bar.isVisible()
    for number in range(MAX_MESSAGES + 1):
        bar.show_message(f"message {number}", MessageLevel.WARNING)
    assert bar.isVisible()
    assert bar.texts() == ("message 1", "message 2", "message 3")


def test_the_same_message_is_not_shown_twice(bar: MessageBar) -> None:
    for text in ("one", "two", "one"):
        bar.show_message(text)
    assert bar.texts() == ("two", "one")


def test_closing_the_last_message_hides_the_bar(bar: MessageBar, qtbot: QtBot) -> None:
    bar.show_message("12 photos could not be read.", MessageLevel.WARNING)
    close = bar.findChild(QToolButton)
    assert close.accessibleName() == "Close this message"
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert bar.texts() == ()
    assert not bar.isVisible()


def test_an_action_is_told_and_closes_its_message(bar: MessageBar, qtbot: QtBot) -> None:
    bar.show_message("12 photos could not be read.", MessageLevel.WARNING, "Show these")
    with qtbot.waitSignal(bar.action_triggered) as told:
        qtbot.mouseClick(button(bar, "Show these"), Qt.MouseButton.LeftButton)
    assert told.args == ["Show these"]
    assert bar.texts() == ()


def test_a_given_action_is_triggered(bar: MessageBar, qtbot: QtBot) -> None:
    action = QAction("Try again", bar)
    bar.show_message("No model.", MessageLevel.ERROR, action)
    with qtbot.waitSignal(action.triggered):
        qtbot.mouseClick(button(bar, "Try again"), Qt.MouseButton.LeftButton)
    assert bar.texts() == ()


def test_an_action_may_show_another_message(bar: MessageBar, qtbot: QtBot) -> None:
    bar.action_triggered.connect(lambda: bar.show_message("Still no model."))
    bar.show_message("No model.", MessageLevel.ERROR, "Try again")
    qtbot.mouseClick(button(bar, "Try again"), Qt.MouseButton.LeftButton)
    assert bar.texts() == ("Still no model.",)
    assert bar.isVisible()


def test_tags_in_texts_are_shown_literally(bar: MessageBar, qtbot: QtBot) -> None:
    empty = EmptyState()
    qtbot.addWidget(empty)
    bar.show_message("<b>x</b>")
    empty.set_texts("<h1>x</h1>", "<img src='x'>")
    for label in (*shown_labels(bar), *shown_labels(empty)):
        assert label.textFormat() == Qt.TextFormat.PlainText


# --- empty state ---


def test_an_empty_place_can_offer_actions(qtbot: QtBot) -> None:
    empty = EmptyState()
    qtbot.addWidget(empty)
    action = QAction("Open…", empty)
    empty.set_actions([action])
    empty.show()
    with qtbot.waitSignal(action.triggered):
        qtbot.mouseClick(button(empty, "Open…"), Qt.MouseButton.LeftButton)
