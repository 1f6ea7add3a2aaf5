"""Every command of the window, and where it is found."""

from __future__ import annotations

from csra_gui.base.actions import SEPARATOR, ActionSpec, MenuSpec
from csra_gui.browse import actions as browse
from csra_gui.browse import zoom_actions as view
from csra_gui.evaluation import actions as evaluate
from csra_gui.maps import actions as maps
from csra_gui.maps import export_actions as map_export
from csra_gui.maps import study_actions as map_study
from csra_gui.models import actions as models
from csra_gui.review import actions as review
from csra_gui.search import actions as search
from csra_gui.shell import file_actions as photos
from csra_gui.shell import help_actions as help_commands
from csra_gui.tagging import actions as tags
from csra_gui.tagging import retag_actions as retagging
from csra_gui.training import actions as train

ACTIONS: tuple[ActionSpec, ...] = (
    *photos.ACTIONS,
    *view.ACTIONS,
    *browse.ACTIONS,
    *maps.ACTIONS,
    *map_study.ACTIONS,
    *map_export.ACTIONS,
    *review.ACTIONS,
    *search.ACTIONS,
    *tags.ACTIONS,
    *retagging.ACTIONS,
    *models.ACTIONS,
    *evaluate.ACTIONS,
    *train.ACTIONS,
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
            "clear_thumbnails",
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
            "view_grid",
            "view_list",
            "view_large",
            "view_compare",
            "show_folders",
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
            "photo_full_screen",
            "full_screen",
        ),
    ),
    MenuSpec(
        "photo",
        "&Photo",
        (
            "previous_photo",
            "next_photo",
            "first_photo",
            "last_photo",
            SEPARATOR,
            "select_all",
            "select_none",
            "invert_selection",
            SEPARATOR,
            "show_in_files",
            "copy_path",
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
    MenuSpec(
        "maps",
        "M&aps",
        (
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
                    SEPARATOR,
                    "colors_jet",
                ),
            ),
            "smooth_maps",
            "map_contour",
            "map_clear_below",
            "map_even",
            "stronger_overlay",
            "weaker_overlay",
            SEPARATOR,
            "why",
            "pin",
            "unpin",
            "mark_region",
            "hide_part",
            SEPARATOR,
            "maps_panel",
            MenuSpec(
                "together",
                "Several la&bels",
                ("together_off", "together_colors", "together_winner"),
            ),
            MenuSpec(
                "beside",
                "Beside the p&hoto",
                (
                    "beside_nothing",
                    "beside_category",
                    "beside_model",
                    "beside_no_attention",
                    "beside_stored",
                ),
            ),
            "true_boxes",
            "reset_what_if",
            SEPARATOR,
            MenuSpec("export_maps", "E&xport", tuple(spec.id for spec in map_export.ACTIONS)),
        ),
    ),
    MenuSpec("tags", "&Tags", ("tag", "pause", "cancel", "retag", SEPARATOR, "show_problems")),
    MenuSpec("model", "&Model", ("models", "import_model")),
    MenuSpec("evaluate", "&Evaluate", evaluate.MENU),
    MenuSpec(
        "train",
        "Trai&n",
        (
            "improve_model",
            "teach_label",
            SEPARATOR,
            "new_training",
            "show_training",
            "trainings",
        ),
    ),
    MenuSpec("help", "&Help", ("shortcuts", "show_log", SEPARATOR, "about")),
)

TOOL_BAR: tuple[str, ...] = (
    "open_folder",
    "add_folder",
    SEPARATOR,
    "tag",
    "cancel",
    SEPARATOR,
    "show_folders",
    "view_grid",
    "view_list",
    "view_large",
    "view_compare",
    SEPARATOR,
    "show_overlay",
    "mark_region",
    SEPARATOR,
    "zoom_out",
    "zoom_fit",
    "zoom_actual",
    "zoom_in",
)

#: Commands of the tool bar whose icon says enough.
ICONS_ONLY: tuple[str, ...] = (
    *("show_folders", "view_grid", "view_list", "view_large", "view_compare"),
    *("zoom_in", "zoom_out", "zoom_fit", "zoom_actual"),
)

#: Keys that belong to a part of the window rather than to a command.
OTHER_KEYS: tuple[tuple[str, str], ...] = (
    ("Arrow keys, Home, End, Page Up, Page Down", "Go through the photos or the labels"),
    ("Ctrl or Shift while clicking, dragging a frame", "Select several photos"),
    ("I on the whole screen", "Show the photo's name and labels"),
    ("Tab", "Go to the next part of the window"),
    ("Space held on the photo", "Hide the map"),
    ("Shift while dragging on the photo", "Read what a part of it says"),
    ("Escape on the photo", "Forget the part that is marked"),
    ("Click or Space on a label", "It is right; once more takes that back"),
    ("Shift+click or Delete on a label", "It is wrong; once more takes that back"),
    ("Ctrl+click on a label, or click on its pin", "Keep its map over the photo, or let it go"),
    ("Shift while dropping", "Add to what is open instead of replacing it"),
)
