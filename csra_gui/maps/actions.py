"""The large photo and its maps: how they are drawn, which are kept, and a closer look at them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint
from typing_extensions import override

from csra_gui.base.actions import ActionSpec, FeatureActions, Slots, Standard
from csra_gui.base.settings import (
    COLOR_MAP,
    JET_MISLEADS,
    MAP_CLEAR_BELOW,
    MAP_CONTOUR,
    MAP_DIM,
    MAP_EVEN,
    MAP_KIND,
    OVERLAY_OPACITY,
    SHOW_OVERLAY,
    SHOW_TRUE_BOXES,
    SMOOTH_MAPS,
    Setting,
    Settings,
)
from csra_gui.browse.view_mode import Browsing
from csra_gui.maps.comparison import Beside, Together
from csra_gui.maps.display import MapDisplay
from csra_gui.maps.maps_panel import MapsPanel
from csra_gui.maps.viewer_panel import ViewerPanel
from csra_gui.maps.why_dialog import WhyDialog
from csra_gui.session.session import Session
from engine.api.geometry import Box

_OPACITY_STEP = 0.1
_BESIDE_THE_PHOTO = QPoint(8, 190)
_HIDE, _SHOW = "&Hide this part", "S&how the hidden part"
#: Commands that are one of a few, by what their ids start with.
#: Labels that are drawn together before the person chooses any: more hide each other.
_TOGETHER = 4
_CHOICES = {"map": MAP_KIND, "colors": COLOR_MAP}
_SWITCHES = {
    "show_overlay": SHOW_OVERLAY,
    "smooth_maps": SMOOTH_MAPS,
    "map_contour": MAP_CONTOUR,
    "map_clear_below": MAP_CLEAR_BELOW,
    "map_dim": MAP_DIM,
    "map_even": MAP_EVEN,
    "true_boxes": SHOW_TRUE_BOXES,
}
_ON_SEEN_PHOTO = ("zoom_in", "zoom_out", "zoom_fit", "zoom_actual", "mark_region")
_ON_PHOTO = ("why", *(f"beside_{beside.value}" for beside in Beside))

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("zoom_in", "Zoom &in", (Standard.ZoomIn, "Ctrl+="), "zoom-in"),
    ActionSpec("zoom_out", "Zoom &out", (Standard.ZoomOut,), "zoom-out"),
    ActionSpec("zoom_fit", "&Fit to window", ("Ctrl+0",), "zoom-fit"),
    ActionSpec("zoom_actual", "&Actual size", ("Ctrl+1",), "zoom-actual"),
    ActionSpec(
        "show_overlay",
        "Show &maps over the photo",
        ("Ctrl+M",),
        "layers",
        "Show where the model sees the label pointed at or pinned.",
        short="Maps",
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
        checkable=True,
    ),
    ActionSpec(
        "map_clear_below",
        "No colo&urs below the threshold",
        tip=MAP_CLEAR_BELOW.help,
        checkable=True,
    ),
    ActionSpec("map_dim", "Photo &darker below the threshold", tip=MAP_DIM.help, checkable=True),
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
    ActionSpec(
        "pin",
        "&Keep the map of the label",
        ("P",),
        "pin",
        "Keep the map of the label pointed at over the photo, or let it go.",
    ),
    ActionSpec("unpin", "&Unpin the label", ("Ctrl+U",), "pin"),
    ActionSpec(
        "maps_panel",
        "&Maps panel",
        ("F8",),
        "sliders",
        "Heads one by one, several labels together, and what-ifs.",
        checkable=True,
    ),
    ActionSpec(
        "hide_part",
        _HIDE,
        ("Ctrl+H",),
        "eye-off",
        "Ask the model again without the part that is marked, and see which labels change.",
    ),
    ActionSpec(
        "reset_what_if",
        "&Forget the what-if",
        ("Ctrl+Shift+Backspace",),
        tip="Back to what is stored: nothing hidden, the model's own λ, T, heads and input size.",
    ),
    ActionSpec(
        "true_boxes",
        "&True boxes",
        ("Ctrl+Alt+B",),
        tip="For photos of VOC or COCO: where things truly are, and whether the map points there.",
        checkable=True,
    ),
    ActionSpec("together_off", "&One label at a time", ("Alt+5",), "", "", True, "together"),
    ActionSpec("together_colors", "Labels &together", ("Alt+6",), "", "", True, "together"),
    ActionSpec("together_winner", "&Strongest label where", ("Alt+7",), "", "", True, "together"),
    ActionSpec("beside_nothing", "&Nothing", ("Ctrl+Alt+0",), "", "", True, "beside"),
    ActionSpec("beside_category", "Another &label", ("Ctrl+Alt+1",), "", "", True, "beside"),
    ActionSpec("beside_model", "Another &model", ("Ctrl+Alt+2",), "", "", True, "beside"),
    ActionSpec(
        "beside_no_attention", "&Without attention", ("Ctrl+Alt+3",), "", "", True, "beside"
    ),
    ActionSpec("beside_stored", "&As stored", ("Ctrl+Alt+4",), "", "", True, "beside"),
)


class MapActions(FeatureActions):
    """They change settings and what the viewer shows."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        browsing: Browsing,
        display: MapDisplay,
        viewer: ViewerPanel,
        panel: MapsPanel,
    ) -> None:
        super().__init__(ACTIONS, viewer)
        self._session = session
        self._settings = settings
        self._browsing = browsing
        self._display = display
        self._viewer = viewer
        self._panel = panel
        self.connect_slots(self._slots())
        self.refresh_on(
            session.focus.current_changed,
            session.models.state_changed,
            session.focus.category_changed,
            session.focus.pinned_changed,
            settings.setting_changed,
            browsing.mode_changed,
            display.changed,
            viewer.comparison.changed,
            viewer.view.region_changed,
            panel.visibilityChanged,
        )

    def _slots(self) -> Slots:
        view = self._viewer.view
        slots: Slots = {
            "zoom_in": view.zoom_in,
            "zoom_out": view.zoom_out,
            "zoom_fit": view.fit,
            "zoom_actual": view.actual_size,
            "stronger_overlay": lambda: self._change_opacity(_OPACITY_STEP),
            "weaker_overlay": lambda: self._change_opacity(-_OPACITY_STEP),
            "mark_region": view.set_marks_regions,
            "why": self._show_why,
            "pin": self._toggle_pin,
            "unpin": lambda: self._session.focus.set_pinned(None),
            "maps_panel": self._show_panel,
            "hide_part": self._hide_or_show,
            "reset_what_if": self._display.source.reset,
        }
        for name, setting in _SWITCHES.items():
            slots[name] = self._switch(setting)
        for prefix, setting in _CHOICES.items():
            for stored, _caption in setting.choices:
                slots[f"{prefix}_{stored}"] = self._choice(setting, stored)
        for together in Together:
            slots[f"together_{together.value}"] = self._together(together)
        for beside in Beside:
            slots[f"beside_{beside.value}"] = self._beside(beside)
        return slots

    @override
    def refresh(self) -> None:
        session, settings = self._session, self._settings
        for name in _ON_PHOTO:
            self[name].setEnabled(session.focus.current is not None)
        is_seen = session.focus.current is not None and self._browsing.shows_photo
        for name in _ON_SEEN_PHOTO:
            self[name].setEnabled(is_seen)
        self["pin"].setEnabled(session.focus.category is not None)
        self["unpin"].setEnabled(session.focus.pinned is not None)
        for name, setting in _SWITCHES.items():
            self[name].setChecked(bool(settings.value(setting)))
        self["map_dim"].setEnabled(bool(settings.value(MAP_CLEAR_BELOW)))
        for prefix, setting in _CHOICES.items():
            self[f"{prefix}_{settings.value(setting)}"].setChecked(True)
        self._refresh_closer_look()

    def _refresh_closer_look(self) -> None:
        source, comparison = self._display.source, self._viewer.comparison
        hidden = source.hidden is not None
        can_hide = self._viewer.view.region is not None and self._session.models.model is not None
        self["hide_part"].setEnabled(hidden or can_hide)
        self["hide_part"].setText(_SHOW if hidden else _HIDE)
        self._viewer.hide_part.setVisible(hidden or can_hide)
        self["reset_what_if"].setEnabled(source.is_changed)
        self["maps_panel"].setChecked(self._panel.isVisible())
        self[f"together_{comparison.together.value}"].setChecked(True)
        self[f"beside_{comparison.beside.value}"].setChecked(True)

    def _show_why(self) -> None:
        """How the score of the label pointed at or pinned comes about; one window at a time."""
        window = self._viewer.window()
        there = window.findChild(WhyDialog)
        dialog = WhyDialog(self._session, self._display.source, window) if there is None else there
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

    def _toggle_pin(self) -> None:
        session = self._session
        is_kept = session.focus.category == session.focus.pinned
        session.focus.set_pinned(None if is_kept else session.focus.category)
        self._browsing.bring_photo()

    def _show_panel(self, on: bool) -> None:  # a slot of a switch
        # Qt would not pass the state to one of its own methods.
        self._panel.setVisible(on)

    def _hide_or_show(self) -> None:
        source, region = self._display.source, self._viewer.view.region
        if source.hidden is not None:
            source.set_hidden(None)
        elif region is not None:
            box = Box(region.left(), region.top(), region.right(), region.bottom())
            self._viewer.view.clear_region()
            self._panel.show_changes()
            source.set_hidden(box)

    def _together(self, together: Together) -> Callable[[], None]:
        def choose() -> None:
            comparison = self._viewer.comparison
            if together is not Together.OFF and not comparison.categories:
                comparison.set_categories(self._labels_to_compare())
                self._panel.show_together()
            comparison.set_together(together)
            self._browsing.bring_photo()

        return choose

    def _labels_to_compare(self) -> list[int]:
        """The best labels of the photo: what most people want to see together, and no more."""
        row = self._session.focus.current
        labels = [] if row is None else self._session.main_labels(row)
        return [label.index for label in labels if label.index >= 0][:_TOGETHER]

    def _beside(self, beside: Beside) -> Callable[[], None]:
        def choose() -> None:
            self._viewer.comparison.set_beside(beside)
            self._browsing.bring_photo()

        return choose
