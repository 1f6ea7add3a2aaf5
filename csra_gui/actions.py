"""Every command of the window, declared once; menus, tool bar and shortcut list come from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar

from csra_gui.resources import icon

_Standard = QKeySequence.StandardKey
#: Stands for a line between entries.
SEPARATOR: Final = "-"


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One command.

    Attributes:
        id: what the window calls its slot by.
        text: in menus, with its access key; tool tips and the shortcut list show it without.
        shortcuts: the first is the one that menus show.
        icon: name of an icon, or empty.
        tip: a sentence for the status bar.
        checkable: whether it is a switch.
        group: switches of one group exclude each other.
    """

    id: str
    text: str
    shortcuts: tuple[str | QKeySequence.StandardKey, ...] = ()
    icon: str = ""
    tip: str = ""
    checkable: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True)
class MenuSpec:
    """A menu: ids of actions, separators, and menus inside it."""

    id: str
    text: str
    entries: tuple[str | MenuSpec, ...]


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "open_folder",
        "&Open folder…",
        (_Standard.Open,),
        "folder-open",
        "Show and tag the photos of a folder.",
    ),
    ActionSpec("open_photos", "Open &photos…", ("Ctrl+Shift+O",), "image", "Open single photos."),
    ActionSpec(
        "add_folder",
        "&Add folder…",
        ("Ctrl+Shift+A",),
        "folder-add",
        "Add the photos of a folder to those that are open.",
    ),
    ActionSpec("open_samples", "Tr&y the sample photos", (), "", "Open the photos that ship."),
    ActionSpec("reload", "&Look again", (_Standard.Refresh,), "refresh", "Open the same again."),
    ActionSpec(
        "include_subfolders",
        "Include &subfolders",
        tip="Also look for photos in the folders inside a folder.",
        checkable=True,
    ),
    ActionSpec("clear_recent", "&Clear this list"),
    ActionSpec("settings", "Se&ttings…", ("Ctrl+,",), "settings"),
    ActionSpec("quit", "&Quit", ("Ctrl+Q",)),
    ActionSpec("theme_system", "Like the &desktop", checkable=True, group="theme"),
    ActionSpec("theme_light", "&Light", checkable=True, group="theme"),
    ActionSpec("theme_dark", "&Dark", checkable=True, group="theme"),
    ActionSpec("larger_thumbnails", "&Larger thumbnails", ("Ctrl+Shift+.", "Ctrl+>")),
    ActionSpec("smaller_thumbnails", "&Smaller thumbnails", ("Ctrl+Shift+,", "Ctrl+<")),
    ActionSpec("zoom_in", "Zoom &in", (_Standard.ZoomIn, "Ctrl+="), "zoom-in"),
    ActionSpec("zoom_out", "Zoom &out", (_Standard.ZoomOut,), "zoom-out"),
    ActionSpec("zoom_fit", "&Fit to window", ("Ctrl+0",), "zoom-fit"),
    ActionSpec("zoom_actual", "&Actual size", ("Ctrl+1",), "zoom-actual"),
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
    ActionSpec("previous_photo", "&Previous photo", ("Alt+Left",), "previous"),
    ActionSpec("next_photo", "&Next photo", ("Alt+Right",), "next"),
    ActionSpec("full_screen", "F&ull screen", ("F11",), checkable=True),
    ActionSpec(
        "tag", "&Tag now", ("Ctrl+T",), "play", "Tag the photos that have no labels yet, or again."
    ),
    ActionSpec("cancel", "&Cancel tagging", ("Ctrl+.",), "cancel", "Stop; what is tagged stays."),
    ActionSpec("show_problems", "Show &unreadable photos…", (), "warning"),
    ActionSpec(
        "models",
        "&Models…",
        ("Ctrl+Shift+M",),
        "layers",
        "Choose, download, import and export models.",
    ),
    ActionSpec("import_model", "&Import a model file…", tip="Make a model of your own of a file."),
    ActionSpec("shortcuts", "&Keyboard shortcuts", (_Standard.HelpContents,), "help"),
    ActionSpec("about", "&About", (), "info"),
)

MENUS: tuple[MenuSpec, ...] = (
    MenuSpec(
        "file",
        "&File",
        (
            "open_folder",
            "open_photos",
            "add_folder",
            MenuSpec("recent", "&Recent folders", ()),
            "open_samples",
            SEPARATOR,
            "include_subfolders",
            "reload",
            SEPARATOR,
            "settings",
            SEPARATOR,
            "quit",
        ),
    ),
    MenuSpec(
        "view",
        "&View",
        (
            MenuSpec("theme", "&Theme", ("theme_system", "theme_light", "theme_dark")),
            SEPARATOR,
            "larger_thumbnails",
            "smaller_thumbnails",
            SEPARATOR,
            "zoom_in",
            "zoom_out",
            "zoom_fit",
            "zoom_actual",
            SEPARATOR,
            "show_overlay",
            MenuSpec(
                "map",
                "&Kind of map",
                ("map_probability", "map_evidence", "map_score", "map_attention"),
            ),
            MenuSpec(
                "colors",
                "&Colours of maps",
                (
                    "colors_inferno",
                    "colors_magma",
                    "colors_viridis",
                    "colors_cividis",
                    "colors_turbo",
                ),
            ),
            "smooth_maps",
            "map_contour",
            "stronger_overlay",
            "weaker_overlay",
            "mark_region",
            "why",
            "unpin",
            SEPARATOR,
            "previous_photo",
            "next_photo",
            SEPARATOR,
            "full_screen",
        ),
    ),
    MenuSpec("tags", "&Tags", ("tag", "cancel", SEPARATOR, "show_problems")),
    MenuSpec("model", "&Model", ("models", "import_model")),
    MenuSpec("help", "&Help", ("shortcuts", SEPARATOR, "about")),
)

TOOL_BAR: tuple[str, ...] = (
    "open_folder",
    "add_folder",
    SEPARATOR,
    "tag",
    "cancel",
    SEPARATOR,
    "show_overlay",
    "mark_region",
    SEPARATOR,
    "zoom_out",
    "zoom_fit",
    "zoom_actual",
    "zoom_in",
)

#: Keys that belong to a part of the window rather than to a command.
OTHER_KEYS: tuple[tuple[str, str], ...] = (
    ("Arrow keys, Home, End, Page Up, Page Down", "Go through the photos or the labels"),
    ("Tab", "Go to the next part of the window"),
    ("Space held on the photo", "Hide the map"),
    ("Shift while dragging on the photo", "Read what a part of it says"),
    ("Escape on the photo", "Forget the part that is marked"),
    ("Return or Space on a label", "Pin its map, or unpin it"),
    ("Shift while dropping", "Add to what is open instead of replacing it"),
)


class Actions(QObject):
    """The commands as ``QAction``, each connected to the slot of its id."""

    def __init__(self, slots: Mapping[str, Callable[..., object]], parent: QObject) -> None:
        super().__init__(parent)
        self._actions: dict[str, QAction] = {}
        self._menus: dict[str, QMenu] = {}
        self._groups: dict[str, QActionGroup] = {}
        for spec in ACTIONS:
            self._actions[spec.id] = self._made(spec, slots[spec.id])

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def menu(self, name: str) -> QMenu:
        """A menu by its id."""
        return self._menus[name]

    def fill_menu_bar(self, bar: QMenuBar) -> None:
        """Add every menu."""
        for spec in MENUS:
            self._fill(bar.addMenu(spec.text), spec)

    def fill_tool_bar(self, bar: QToolBar) -> None:
        """Add the tool bar's commands."""
        for name in TOOL_BAR:
            if name == SEPARATOR:
                bar.addSeparator()
            else:
                bar.addAction(self[name])

    def _fill(self, menu: QMenu, spec: MenuSpec) -> None:
        self._menus[spec.id] = menu
        menu.setToolTipsVisible(True)
        for entry in spec.entries:
            if isinstance(entry, MenuSpec):
                self._fill(menu.addMenu(entry.text), entry)
            elif entry == SEPARATOR:
                menu.addSeparator()
            else:
                menu.addAction(self[entry])

    def _made(self, spec: ActionSpec, slot: Callable[..., object]) -> QAction:
        action = QAction(spec.text, self)
        action.setObjectName(spec.id)
        action.setShortcuts([QKeySequence(keys) for keys in spec.shortcuts])
        action.setStatusTip(spec.tip)
        plain = plain_text(spec.text)
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{plain} ({keys})" if keys else plain)
        if spec.icon:
            action.setIcon(icon(spec.icon))
        action.setCheckable(spec.checkable)
        if spec.group:
            group = self._groups.setdefault(spec.group, QActionGroup(self))
            group.addAction(action)
        action.triggered.connect(slot)
        return action


def plain_text(text: str) -> str:
    """A menu text without its access key and dots."""
    return text.replace("&", "").removesuffix("…")
