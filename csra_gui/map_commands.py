"""What the commands about maps do: they change settings, and show which are in force."""

from __future__ import annotations

from collections.abc import Callable

from csra_gui.actions import Actions
from csra_gui.settings import (
    COLOR_MAP,
    MAP_CONTOUR,
    MAP_KIND,
    OVERLAY_OPACITY,
    SHOW_OVERLAY,
    SMOOTH_MAPS,
    Setting,
    Settings,
)

_OPACITY_STEP = 0.1
#: Commands that are one of a few, by what their ids start with.
_CHOICES = {"map": MAP_KIND, "colors": COLOR_MAP}
_SWITCHES = {"show_overlay": SHOW_OVERLAY, "smooth_maps": SMOOTH_MAPS, "map_contour": MAP_CONTOUR}


class MapCommands:
    """The slots of the commands about maps."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def slots(self) -> dict[str, Callable[..., object]]:
        """Each command's slot by its id."""
        slots: dict[str, Callable[..., object]] = {
            "stronger_overlay": lambda: self._change_opacity(_OPACITY_STEP),
            "weaker_overlay": lambda: self._change_opacity(-_OPACITY_STEP),
        }
        for name, setting in _SWITCHES.items():
            slots[name] = self._switch(setting)
        for prefix, setting in _CHOICES.items():
            for stored, _caption in setting.choices:
                slots[f"{prefix}_{stored}"] = self._choice(setting, stored)
        return slots

    def update(self, actions: Actions) -> None:
        """Check what is in force."""
        for name, setting in _SWITCHES.items():
            actions[name].setChecked(bool(self._settings.value(setting)))
        for prefix, setting in _CHOICES.items():
            actions[f"{prefix}_{self._settings.value(setting)}"].setChecked(True)

    # Functions of their own: Qt looks at a slot to know whether to pass the state of a switch.

    def _switch(self, setting: Setting) -> Callable[[bool], None]:
        return lambda on: self._settings.set_value(setting, on)

    def _choice(self, setting: Setting, stored: str) -> Callable[[], None]:
        return lambda: self._settings.set_value(setting, stored)

    def _change_opacity(self, step: float) -> None:
        opacity = float(self._settings.value(OVERLAY_OPACITY)) + step
        self._settings.set_value(OVERLAY_OPACITY, round(opacity, 2))
