"""Every command of the window, and where it is found."""

from __future__ import annotations

from csra_gui.commands import (
    help_commands,
    maps,
    models,
    photos,
    review,
    search,
    tags,
    view,
)
from csra_gui.commands.spec import SEPARATOR, ActionSpec, MenuSpec

ACTIONS: tuple[ActionSpec, ...] = (
    *photos.ACTIONS,
    *view.ACTIONS,
    *maps.ACTIONS,
    *review.ACTIONS,
    *search.ACTIONS,
    *tags.ACTIONS,
    *models.ACTIONS,
    *help_commands.ACTIONS,
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
        "edit",
        "&Edit",
        (
            "undo",
            "redo",
            SEPARATOR,
            "find",
            "clear_filter",
            "save_filter",
            SEPARATOR,
            "bulk_edit",
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
            "show_facets",
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
            "pin",
            "unpin",
            SEPARATOR,
            "previous_photo",
            "next_photo",
            SEPARATOR,
            "full_screen",
        ),
    ),
    MenuSpec(
        "review",
        "&Review",
        (
            "accept_all",
            "next_unreviewed",
            "repeat",
            "reviewed",
            SEPARATOR,
            "add_label",
            MenuSpec("labels", "&Labels listed", review.LABEL_KEYS),
            MenuSpec(
                "favourites",
                "&Favourites",
                (*review.FAVOURITE_KEYS, SEPARATOR, "edit_favourites"),
            ),
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
    ("Click or Space on a label", "It is right; once more takes that back"),
    ("Shift+click or Delete on a label", "It is wrong; once more takes that back"),
    ("Ctrl+click on a label, or click on its pin", "Keep its map over the photo, or let it go"),
    ("Shift while dropping", "Add to what is open instead of replacing it"),
)
