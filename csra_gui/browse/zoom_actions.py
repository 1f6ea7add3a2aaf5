"""How the window looks, and going through the photos."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from csra_gui.base.actions import ActionSpec, Slots, Standard
from csra_gui.base.settings import THEME, THUMBNAIL_SIDE, Settings
from csra_gui.browse.navigation import PhotoSteps
from csra_gui.session.session import Session
from csra_gui.widgets.photo_view import PhotoView

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions

_THUMBNAIL_STEP = 32


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("theme_system", "Like the &desktop", checkable=True, group="theme"),
    ActionSpec("theme_light", "&Light", checkable=True, group="theme"),
    ActionSpec("theme_dark", "&Dark", checkable=True, group="theme"),
    ActionSpec("larger_thumbnails", "&Larger thumbnails", ("Ctrl+Shift+.", "Ctrl+>")),
    ActionSpec("smaller_thumbnails", "&Smaller thumbnails", ("Ctrl+Shift+,", "Ctrl+<")),
    ActionSpec("zoom_in", "Zoom &in", (Standard.ZoomIn, "Ctrl+="), "zoom-in"),
    ActionSpec("zoom_out", "Zoom &out", (Standard.ZoomOut,), "zoom-out"),
    ActionSpec("zoom_fit", "&Fit to window", ("Ctrl+0",), "zoom-fit"),
    ActionSpec("zoom_actual", "&Actual size", ("Ctrl+1",), "zoom-actual"),
    ActionSpec("previous_photo", "&Previous photo", ("Alt+Left",), "previous"),
    ActionSpec("next_photo", "&Next photo", ("Alt+Right",), "next"),
    ActionSpec("full_screen", "F&ull screen", ("F11",), checkable=True),
)


class ViewCommands:
    """Theme, sizes, zoom, and the next photo.

    Args:
        steps: through the photos.
        set_full_screen: shows the window so, or as before.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        view: PhotoView,
        steps: PhotoSteps,
        set_full_screen: Callable[[bool], None],
    ) -> None:
        self._session = session
        self._settings = settings
        self._view = view
        self._steps = steps
        self._set_full_screen = set_full_screen

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        return {
            "theme_system": lambda: self._settings.set_value(THEME, "system"),
            "theme_light": lambda: self._settings.set_value(THEME, "light"),
            "theme_dark": lambda: self._settings.set_value(THEME, "dark"),
            "larger_thumbnails": lambda: self._resize_thumbnails(_THUMBNAIL_STEP),
            "smaller_thumbnails": lambda: self._resize_thumbnails(-_THUMBNAIL_STEP),
            "zoom_in": self._view.zoom_in,
            "zoom_out": self._view.zoom_out,
            "zoom_fit": self._view.fit,
            "zoom_actual": self._view.actual_size,
            "previous_photo": lambda: self._steps.go(-1),
            "next_photo": lambda: self._steps.go(1),
            "full_screen": self._set_full_screen,
        }

    def update(self, actions: Actions) -> None:
        """Enable and check the group's actions as things are now."""
        for name in ("zoom_in", "zoom_out", "zoom_fit", "zoom_actual"):
            actions[name].setEnabled(self._session.focus.current is not None)
        for name in ("previous_photo", "next_photo"):
            actions[name].setEnabled(self._steps.is_possible)
        actions[f"theme_{self._settings.value(THEME)}"].setChecked(True)

    def _resize_thumbnails(self, step: int) -> None:
        side = int(self._settings.value(THUMBNAIL_SIDE)) + step
        self._settings.set_value(THUMBNAIL_SIDE, side)
