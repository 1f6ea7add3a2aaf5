"""Light and dark: one palette each, calm greys around the photos and a single accent."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication


class Theme(StrEnum):
    """What the person chose; ``SYSTEM`` follows the desktop, also when it changes later."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Tone(StrEnum):
    """Colours that mean something; each has a contrast of at least 4.5 on windows and lists."""

    ACCENT = "accent"
    SUCCESS = "success"
    WARNING = "warning"
    DANGER = "danger"
    MUTED = "muted"


#: Around photos: neutral and dark in both themes, so that colours of a photo look as they are.
BACKDROP = QColor("#1c1c1d")
BACKDROP_TEXT = QColor("#e9e9ea")
BACKDROP_MUTED = QColor("#a3a3a6")

_Role = QPalette.ColorRole

_LIGHT_ROLES = MappingProxyType(
    {
        _Role.Window: "#f3f3f4",
        _Role.WindowText: "#1d1d1f",
        _Role.Base: "#ffffff",
        _Role.AlternateBase: "#f7f7f8",
        _Role.Text: "#1d1d1f",
        _Role.Button: "#fafafa",
        _Role.ButtonText: "#1d1d1f",
        _Role.BrightText: "#ffffff",
        _Role.ToolTipBase: "#2b2b2d",
        _Role.ToolTipText: "#f2f2f3",
        _Role.PlaceholderText: "#66666b",
        _Role.Highlight: "#2563b8",
        _Role.HighlightedText: "#ffffff",
        _Role.Accent: "#2563b8",
        _Role.Link: "#1f5cb0",
        _Role.LinkVisited: "#6a4aa8",
        _Role.Light: "#ffffff",
        _Role.Midlight: "#ececee",
        _Role.Mid: "#c9c9cd",
        _Role.Dark: "#a4a4a9",
        _Role.Shadow: "#6f6f74",
    }
)
_DARK_ROLES = MappingProxyType(
    {
        _Role.Window: "#2a2a2c",
        _Role.WindowText: "#e8e8ea",
        _Role.Base: "#1b1b1d",
        _Role.AlternateBase: "#202022",
        _Role.Text: "#e8e8ea",
        _Role.Button: "#3a3a3d",
        _Role.ButtonText: "#e8e8ea",
        _Role.BrightText: "#ffffff",
        _Role.ToolTipBase: "#3a3a3d",
        _Role.ToolTipText: "#f2f2f3",
        _Role.PlaceholderText: "#9a9a9f",
        _Role.Highlight: "#2f6cbf",
        _Role.HighlightedText: "#ffffff",
        _Role.Accent: "#2f6cbf",
        _Role.Link: "#77b2ff",
        _Role.LinkVisited: "#c0a5f2",
        _Role.Light: "#48484c",
        _Role.Midlight: "#3e3e41",
        _Role.Mid: "#4a4a4e",
        _Role.Dark: "#161617",
        _Role.Shadow: "#0d0d0e",
    }
)
_DISABLED_TEXT = MappingProxyType({False: "#9b9ba0", True: "#6d6d72"})
_BOX_FRAME = MappingProxyType({False: "#b0b0b5", True: "#b4b4b9"})
_WITH_BOXES = ("QCheckBox", "QRadioButton", "QListWidget", "QTreeWidget", "QTableView")
_TONES = MappingProxyType(
    {
        False: {
            Tone.ACCENT: "#1f5cb0",
            Tone.SUCCESS: "#1d6f3f",
            Tone.WARNING: "#8a5300",
            Tone.DANGER: "#b3261e",
            Tone.MUTED: "#64646a",
        },
        True: {
            Tone.ACCENT: "#77b2ff",
            Tone.SUCCESS: "#6fce94",
            Tone.WARNING: "#f0b752",
            Tone.DANGER: "#ff8a80",
            Tone.MUTED: "#a0a0a6",
        },
    }
)


def palette_for(*, dark: bool) -> QPalette:
    """The whole palette of the light or the dark theme."""
    palette = QPalette()
    for role, name in (_DARK_ROLES if dark else _LIGHT_ROLES).items():
        palette.setColor(role, QColor(name))
    disabled = QColor(_DISABLED_TEXT[dark])
    for role in (_Role.WindowText, _Role.Text, _Role.ButtonText, _Role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, disabled)
    grey = palette.color(_Role.Midlight)
    palette.setColor(QPalette.ColorGroup.Disabled, _Role.Highlight, grey)
    palette.setColor(QPalette.ColorGroup.Disabled, _Role.Accent, grey)
    return palette


def is_dark(palette: QPalette) -> bool:
    """Whether text is lighter than what it stands on; greyed text is like neither."""
    active = QPalette.ColorGroup.Active
    text, window = palette.color(active, _Role.WindowText), palette.color(active, _Role.Window)
    return text.lightnessF() > window.lightnessF()


def tone_color(tone: Tone, palette: QPalette) -> QColor:
    """A meaningful colour, in the shade that is legible on this palette."""
    return QColor(_TONES[is_dark(palette)][tone])


def blended(over: QColor, under: QColor, share: float) -> QColor:
    """``share`` of the first colour over the second, opaque; 0 is all ``under``."""
    return QColor.fromRgbF(
        under.redF() + (over.redF() - under.redF()) * share,
        under.greenF() + (over.greenF() - under.greenF()) * share,
        under.blueF() + (over.blueF() - under.blueF()) * share,
    )


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Give the whole application a theme; call it again to change it while it runs.

    Fusion looks alike everywhere and honours a palette. The palette is ours because a platform
    without a desktop (offscreen) ignores the colour scheme.
    """
    if app.style().name() != "fusion":
        app.setStyle("Fusion")
    scheme = {
        Theme.LIGHT: Qt.ColorScheme.Light,
        Theme.DARK: Qt.ColorScheme.Dark,
        Theme.SYSTEM: Qt.ColorScheme.Unknown,
    }[theme]
    follower = app.findChild(_SystemFollower) or _SystemFollower(app)
    follower.active = theme is Theme.SYSTEM
    app.styleHints().setColorScheme(scheme)
    if follower.active:
        scheme = app.styleHints().colorScheme()
    _set_palette(app, dark=scheme == Qt.ColorScheme.Dark)


def _set_palette(app: QApplication, *, dark: bool) -> None:
    palette = palette_for(dark=dark)
    if app.palette() != palette:
        app.setPalette(palette)
        # Fusion draws the frame of an empty box in a darker shade of the window's colour, which
        # nobody sees on a dark window. Neither boxes nor lists of them paint a window colour.
        palette.setColor(_Role.Window, QColor(_BOX_FRAME[dark]))
        for name in _WITH_BOXES:
            app.setPalette(palette, name)  # type: ignore[arg-type]  # the stub is wrong


class _SystemFollower(QObject):
    """Changes the palette when the desktop does, as long as that is what the person chose."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self.active = False
        app.styleHints().colorSchemeChanged.connect(self._on_hints_color_scheme_changed)

    @Slot(Qt.ColorScheme)
    def _on_hints_color_scheme_changed(self, scheme: Qt.ColorScheme) -> None:
        if self.active:
            _set_palette(self._app, dark=scheme == Qt.ColorScheme.Dark)
