"""What the commands that write maps to files do: ask where, and let it be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions
from csra_gui.base.ask import ask_target
from csra_gui.browse.view_mode import Browsing
from csra_gui.maps.display import MapDisplay
from csra_gui.maps.exporter import MapExports
from csra_gui.maps.viewer_panel import ViewerPanel
from csra_gui.session.session import Session
from engine.explain.output_names import safe_name

_PNG, _NUMBERS, _HTML = (
    ("Pictures (*.png)",),
    ("All numbers (*.npz)", "Only this map (*.npy)"),
    ("Web pages (*.html)",),
)
_NAME_BYTES = 100

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "copy_picture",
        "&Copy the picture",
        ("Ctrl+Alt+C",),
        tip="Put the photo with its map on the clipboard, as it is seen.",
    ),
    ActionSpec("save_picture", "Save the &picture as seen…", (), "save"),
    ActionSpec(
        "save_full_picture",
        "Save the &whole photo with its map…",
        tip="With all the pixels that the photo has.",
    ),
    ActionSpec(
        "save_numbers",
        "Save the &numbers…",
        tip="NPZ: all that any map can be computed from. NPY: the map that is shown, on its grid.",
    ),
    ActionSpec(
        "save_sheet",
        "Save a &sheet of all labels…",
        tip="The photo beside the maps of all its labels, in one picture.",
    ),
    ActionSpec(
        "save_page",
        "Save a web pa&ge of the selection…",
        tip="The selected photos with their maps and the numbers behind each label.",
    ),
)


class MapExportActions(FeatureActions):
    """They ask where, and let it be written."""

    def __init__(
        self,
        session: Session,
        browsing: Browsing,
        display: MapDisplay,
        exports: MapExports,
        viewer: ViewerPanel,
    ) -> None:
        super().__init__(ACTIONS, viewer)
        self._session = session
        self._browsing = browsing
        self._exports = exports
        self._viewer = viewer
        self.connect_slots(
            {
                "copy_picture": exports.copy,
                "save_picture": self._ask("Save the picture", ".map.png", _PNG, exports.save_seen),
                "save_full_picture": self._ask(
                    "Save the photo with its map", ".map.png", _PNG, exports.save_full
                ),
                "save_numbers": self._ask(
                    "Save the numbers", ".maps.npz", _NUMBERS, exports.save_numbers
                ),
                "save_sheet": self._ask("Save a sheet", ".sheet.png", _PNG, exports.save_sheet),
                "save_page": self._ask("Save a web page", ".maps.html", _HTML, exports.save_page),
            }
        )
        self.refresh_on(
            session.focus.current_changed,
            session.focus.category_changed,
            browsing.mode_changed,
            display.changed,
            exports.state_changed,
            viewer.comparison.changed,
        )

    @override
    def refresh(self) -> None:
        photo = self._session.focus.current is not None and self._browsing.shows_photo
        for name in ("copy_picture", "save_picture"):
            self[name].setEnabled(photo and not self._exports.is_busy)
        for name in ("save_numbers", "save_sheet", "save_page"):
            self[name].setEnabled(self._exports.can_export)
        self["save_full_picture"].setEnabled(self._exports.can_draw)

    def _ask(
        self, title: str, ending: str, filters: tuple[str, ...], write: Callable[[Path], None]
    ) -> Callable[[], None]:
        """A slot that asks for a file's name and has it written."""

        def ask() -> None:
            photo = self._session.focus.current_path
            if photo is None:
                return
            name = f"{safe_name(photo.name, _NAME_BYTES)}{ending}"
            ask_target(self._viewer.window(), title, name, filters, write, str(photo.parent))

        return ask
