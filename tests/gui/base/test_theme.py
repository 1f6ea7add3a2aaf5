from __future__ import annotations

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import QApplication, QListWidget, QListWidgetItem
from pytestqt.qtbot import QtBot

from csra_gui.base import icons as resources
from csra_gui.base.icons import icon
from csra_gui.base.theme import (
    BACKDROP,
    BACKDROP_MUTED,
    BACKDROP_TEXT,
    Theme,
    Tone,
    apply_theme,
    is_dark,
    palette_for,
    tone_color,
)
from engine.resources import resource_path
from tests.gui.contrast import contrast

_Role = QPalette.ColorRole
ICONS = sorted(path.stem for path in resource_path("icons").glob("*.svg"))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        (_Role.WindowText, _Role.Window),
        (_Role.Text, _Role.Base),
        (_Role.Text, _Role.AlternateBase),
        (_Role.ButtonText, _Role.Button),
        (_Role.HighlightedText, _Role.Highlight),
        (_Role.ToolTipText, _Role.ToolTipBase),
        (_Role.PlaceholderText, _Role.Base),
        (_Role.Link, _Role.Base),
        (_Role.LinkVisited, _Role.Base),
    ],
)
def test_text_is_legible_in_both_themes(dark: bool, text: _Role, ground: _Role) -> None:
    palette = palette_for(dark=dark)
    assert contrast(palette.color(text), palette.color(ground)) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("ground", [_Role.Window, _Role.Base, _Role.AlternateBase])
@pytest.mark.parametrize("tone", Tone)
def test_meaningful_colours_are_legible_in_both_themes(
    dark: bool, ground: _Role, tone: Tone
) -> None:
    palette = palette_for(dark=dark)
    assert contrast(tone_color(tone, palette), palette.color(ground)) >= 4.5


@pytest.mark.parametrize("color", [BACKDROP_TEXT, BACKDROP_MUTED])
def test_messages_in_place_of_a_photo_are_legible(color: QColor) -> None:
    assert contrast(color, BACKDROP) >= 4.5


@pytest.mark.parametrize("theme", [Theme.LIGHT, Theme.DARK])
def test_an_empty_box_in_a_list_is_seen(qtbot: QtBot, qapp: QApplication, theme: Theme) -> None:
    apply_theme(qapp, theme)
    boxes = QListWidget()
    qtbot.addWidget(boxes)
    QListWidgetItem("", boxes).setCheckState(Qt.CheckState.Unchecked)
    image = boxes.viewport().grab(boxes.visualItemRect(boxes.item(0))).toImage()
    colors = [image.pixelColor(x, y) for x in range(24) for y in range(image.height())]
    base = qapp.palette().color(_Role.Base)
    assert max(contrast(color, base) for color in colors) >= 3


def test_light_and_dark_differ_and_changing_back_restores(qapp: QApplication) -> None:
    apply_theme(qapp, Theme.LIGHT)
    light = qapp.palette()
    apply_theme(qapp, Theme.DARK)
    assert is_dark(qapp.palette())
    assert qapp.palette() != light
    apply_theme(qapp, Theme.LIGHT)
    assert qapp.palette() == light
    assert not is_dark(light)


@pytest.mark.parametrize("dark", [False, True])
def test_what_cannot_be_used_yet_is_as_dark_as_all(dark: bool) -> None:
    palette = palette_for(dark=dark)
    palette.setColor(QPalette.ColorGroup.Disabled, _Role.Window, QColor("#b4b4b9"))
    palette.setCurrentColorGroup(QPalette.ColorGroup.Disabled)
    assert is_dark(palette) is dark
    active = palette_for(dark=dark)
    assert tone_color(Tone.ACCENT, palette) == tone_color(Tone.ACCENT, active)


def test_only_the_system_theme_follows_the_desktop(qapp: QApplication) -> None:
    apply_theme(qapp, Theme.SYSTEM)
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert is_dark(qapp.palette())
    apply_theme(qapp, Theme.LIGHT)
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert not is_dark(qapp.palette())


@pytest.mark.parametrize("name", ICONS)
def test_every_icon_draws_something_at_any_size(qapp: QApplication, name: str) -> None:
    for side in (16, 24, 48):
        image = icon(name).pixmap(QSize(side, side)).toImage()
        drawn = sum(image.pixelColor(x, y).alpha() > 0 for x in range(side) for y in range(side))
        assert drawn > side


def ink(of: QIcon, mode: QIcon.Mode = QIcon.Mode.Normal) -> QColor:
    """The colour of an icon's most opaque pixel."""
    image = of.pixmap(QSize(32, 32), mode).toImage()
    pixels = [image.pixelColor(x, y) for x in range(32) for y in range(32)]
    return QColor(max(pixels, key=lambda color: color.alpha()).rgb())


def test_an_icon_takes_the_colour_of_the_theme_also_when_it_was_made_before(
    qapp: QApplication,
) -> None:
    play = icon("stop")
    apply_theme(qapp, Theme.LIGHT)
    assert ink(play) == qapp.palette().color(_Role.ButtonText)
    apply_theme(qapp, Theme.DARK)
    assert ink(play) == qapp.palette().color(_Role.ButtonText)


def test_a_disabled_icon_is_fainter(qapp: QApplication) -> None:
    window = qapp.palette().color(_Role.Window)
    normal, disabled = ink(icon("stop")), ink(icon("stop"), QIcon.Mode.Disabled)
    assert contrast(disabled, window) < contrast(normal, window)


def test_an_icon_is_drawn_in_device_pixels(qapp: QApplication) -> None:
    pixmap = icon("tag").pixmap(QSize(24, 24), 2.0)
    assert pixmap.size() == QSize(48, 48)
    assert pixmap.deviceIndependentSize().toSize() == QSize(24, 24)


def test_a_copied_icon_survives_being_changed(qapp: QApplication) -> None:
    for _ in range(50):
        copy = QIcon(icon("pin"))
        copy.addPixmap(icon("tag").pixmap(QSize(8, 8)))
        assert not copy.pixmap(QSize(16, 16)).isNull()


def test_an_unknown_icon_is_an_error_at_once(qapp: QApplication) -> None:
    with pytest.raises(FileNotFoundError):
        icon("no-such-icon")


def test_resources_are_found_next_to_their_package() -> None:
    assert resources.resource_path("icons", "app.svg").is_file()
