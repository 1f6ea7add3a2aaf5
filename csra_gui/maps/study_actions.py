"""What the commands for a closer look at maps do: comparing, hiding a part, what-ifs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from csra_gui.base.actions import ActionSpec, Slots
from csra_gui.base.settings import SHOW_TRUE_BOXES, Settings
from csra_gui.maps.comparison import Beside, Together
from csra_gui.maps.display import MapDisplay
from csra_gui.maps.maps_panel import MapsPanel
from csra_gui.maps.viewer_panel import ViewerPanel
from csra_gui.session.session import Session
from engine.api.geometry import Box

if TYPE_CHECKING:
    from csra_gui.shell.action_table import Actions

_HIDE, _SHOW = "&Hide this part", "S&how the hidden part"

ACTIONS: tuple[ActionSpec, ...] = (
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


class MapStudyCommands:
    """The slots of the commands for a closer look."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        display: MapDisplay,
        viewer: ViewerPanel,
        panel: MapsPanel,
    ) -> None:
        self._session = session
        self._settings = settings
        self._display = display
        self._viewer = viewer
        self._panel = panel
        self._actions: Actions | None = None
        for fact in (
            display.changed,
            viewer.comparison.changed,
            viewer.view.region_changed,
            panel.visibilityChanged,
        ):
            fact.connect(self._update)

    def slots(self) -> Slots:
        """Each command's slot by its id."""
        slots: Slots = {
            "maps_panel": self._show_panel,
            "hide_part": self._hide_or_show,
            "reset_what_if": self._display.source.reset,
        }
        slots["true_boxes"] = lambda on: self._settings.set_value(SHOW_TRUE_BOXES, on)
        for together in Together:
            slots[f"together_{together.value}"] = self._together(together)
        for beside in Beside:
            slots[f"beside_{beside.value}"] = self._beside(beside)
        return slots

    def update(self, actions: Actions) -> None:
        """Enable and check what makes sense now."""
        self._actions = actions
        source, comparison = self._display.source, self._viewer.comparison
        hidden = source.hidden is not None
        can_hide = self._viewer.view.region is not None and self._session.models.model is not None
        actions["hide_part"].setEnabled(hidden or can_hide)
        actions["hide_part"].setText(_SHOW if hidden else _HIDE)
        self._viewer.hide_part.setVisible(hidden or can_hide)
        actions["reset_what_if"].setEnabled(source.is_changed)
        actions["maps_panel"].setChecked(self._panel.isVisible())
        actions["true_boxes"].setChecked(bool(self._settings.value(SHOW_TRUE_BOXES)))
        actions[f"together_{comparison.together.value}"].setChecked(True)
        actions[f"beside_{comparison.beside.value}"].setChecked(True)
        for beside in Beside:
            actions[f"beside_{beside.value}"].setEnabled(self._session.focus.current is not None)

    def _update(self) -> None:
        if self._actions is not None:
            self.update(self._actions)

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

        return choose

    def _labels_to_compare(self) -> list[int]:
        """The best labels of the photo: what most people want to see together."""
        row = self._session.focus.current
        labels = [] if row is None else self._session.labels(row)
        return [label.index for label in labels if label.index >= 0]

    def _beside(self, beside: Beside) -> Callable[[], None]:
        return lambda: self._viewer.comparison.set_beside(beside)
