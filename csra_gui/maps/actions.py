"""What the commands about maps do: they change settings, and show which are in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint

from csra_gui.base.actions import ActionSpec, Slots
from csra_gui.base.settings import (
    COLOR_MAP,
    JET_MISLEADS,
    MAP_CLEAR_BELOW,
    MAP_CONTOUR,
    MAP_EVEN,
    MAP_KIND,
    OVERLAY_OPACITY,
    SHOW_OVERLAY,
    SMOOTH_MAPS,
    Setting,
    Settings,
)
from csra_gui.maps.source import MapSource
from csra_gui.maps.why_dialog import WhyDialog
from csra_gui.session.session import Session
from csra_gui.widgets.photo_view import PhotoView

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions

_OPACITY_STEP = 0.1
_BESIDE_THE_PHOTO = QPoint(8, 190)
#: Commands that are one of a few, by what their ids start with.
_CHOICES = {"map": MAP_KIND, "colors": COLOR_MAP}
_SWITCHES = {
    "show_overlay": SHOW_OVERLAY,
    "smooth_maps": SMOOTH_MAPS,
    "map_contour": MAP_CONTOUR,
    "map_clear_below": MAP_CLEAR_BELOW,
    "map_even": MAP_EVEN,
}


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "show_overlay",
        "Show &maps over the photo",
        ("Ctrl+M",),
        "layers",
        "Show where the model sees the label pointed at or pinned.",
        checkable=True,
    ),
    ActionSpec("map_probability", "Local &probability", ("Alt+1",), "", "", True, "map"),
    ActionSpec("map_evidence", "Exact &evidence", ("Alt+2",), "", "", True, "map"),
    ActionSpec("map_score", "&Score map", ("Alt+3",), "", "", True, "map"),
    ActionSpec("map_attention", "&Attention", ("Alt+4",), "", "", True, "map"),
    ActionSpec("colors_inferno", "&Inferno", checkable=True, group="colors"),
    ActionSpec("colors_magma", "&Magma", checkable=True, group="colors"),
    ActionSpec("colors_viridis", "&Viridis", checkable=True, group="colors"),
    ActionSpec("colors_cividis", "&Cividis", checkable=True, group="colors"),
    ActionSpec("colors_turbo", "&Turbo", checkable=True, group="colors"),
    ActionSpec("colors_jet", "&Jet", tip=JET_MISLEADS, checkable=True, group="colors"),
    ActionSpec(
        "smooth_maps",
        "Smoot&h maps",
        ("Ctrl+Shift+H",),
        tip="Otherwise the true cells that the model sees are drawn.",
        checkable=True,
    ),
    ActionSpec(
        "map_contour",
        "Li&ne at the threshold",
        ("Ctrl+Shift+L",),
        tip="Draw a line on the map where the threshold is reached.",
        checkable=True,
    ),
    ActionSpec(
        "map_clear_below",
        "Photo &untouched below the threshold",
        tip=MAP_CLEAR_BELOW.help,
        checkable=True,
    ),
    ActionSpec("map_even", "Same &opacity for all values", tip=MAP_EVEN.help, checkable=True),
    ActionSpec(
        "mark_region",
        "Re&gion",
        ("Ctrl+Shift+R",),
        "region",
        "Drag a rectangle on the photo to read how much of each label comes from it.",
        checkable=True,
    ),
    ActionSpec("stronger_overlay", "S&tronger overlay", ("]", "Alt+Up")),
    ActionSpec("weaker_overlay", "&Weaker overlay", ("[", "Alt+Down")),
    ActionSpec(
        "why",
        "Wh&y this label?…",
        ("Ctrl+I",),
        "help",
        "Say in words and numbers how the score of the label comes about.",
    ),
    ActionSpec("unpin", "&Unpin the label", ("Ctrl+U",), "pin"),
)


class MapCommands:
    """The slots of the commands about maps."""

    def __init__(
        self, session: Session, settings: Settings, view: PhotoView, source: MapSource
    ) -> None:
        self._session = session
        self._settings = settings
        self._view = view
        self._source = source

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        slots: Slots = {
            "stronger_overlay": lambda: self._change_opacity(_OPACITY_STEP),
            "weaker_overlay": lambda: self._change_opacity(-_OPACITY_STEP),
            "mark_region": self._view.set_marks_regions,
            "unpin": lambda: self._session.focus.set_pinned(None),
            "why": self._show_why,
        }
        for name, setting in _SWITCHES.items():
            slots[name] = self._switch(setting)
        for prefix, setting in _CHOICES.items():
            for stored, _caption in setting.choices:
                slots[f"{prefix}_{stored}"] = self._choice(setting, stored)
        return slots

    def update(self, actions: Actions) -> None:
        """Check what is in force."""
        actions["colors_jet"].setToolTip(JET_MISLEADS)
        actions["unpin"].setEnabled(self._session.focus.pinned is not None)
        for name in ("mark_region", "why"):
            actions[name].setEnabled(self._session.focus.current is not None)
        for name, setting in _SWITCHES.items():
            actions[name].setChecked(bool(self._settings.value(setting)))
        for prefix, setting in _CHOICES.items():
            actions[f"{prefix}_{self._settings.value(setting)}"].setChecked(True)

    def _show_why(self) -> None:
        """How the score of the label pointed at or pinned comes about; one window at a time."""
        window = self._view.window()
        there = window.findChild(WhyDialog)
        dialog = WhyDialog(self._session, self._source, window) if there is None else there
        if there is None:  # over the thumbnails: the photo and the labels are what it is about
            dialog.move(window.mapToGlobal(_BESIDE_THE_PHOTO))
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    # Functions of their own: Qt looks at a slot to know whether to pass the state of a switch.

    def _switch(self, setting: Setting) -> Callable[[bool], None]:
        return lambda on: self._settings.set_value(setting, on)

    def _choice(self, setting: Setting, stored: str) -> Callable[[], None]:
        return lambda: self._settings.set_value(setting, stored)

    def _change_opacity(self, step: float) -> None:
        opacity = float(self._settings.value(OVERLAY_OPACITY)) + step
        self._settings.set_value(OVERLAY_OPACITY, round(opacity, 2))
