"""What the program remembers, declared once as data; the dialog is generated from it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QObject, Signal

from csra_gui.base.paths import library_file, profile_dirs
from csra_gui.base.settings_file import SettingsFile
from csra_gui.base.stored_paths import is_text, storable, stored_paths
from engine.explain.render import DEFAULT_OPACITY

MAX_RECENT_FOLDERS = 10


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing to remember.

    Attributes:
        key: where it is in the file; the part before the slash is a group.
        default: its value when nothing, or nonsense, is stored; its type is the setting's type.
        caption: what the settings dialog calls it; empty if it is not shown there.
        help: a sentence for the dialog, where the caption does not say everything.
        minimum: of a number.
        maximum: of a number.
        choices: stored value to caption, for a text that is one of a few.
        unit: of a whole number, for the dialog.
    """

    key: str
    default: bool | int | float | str
    caption: str = ""
    help: str = ""
    minimum: float = -math.inf
    maximum: float = math.inf
    choices: tuple[tuple[str, str], ...] = ()
    unit: str = "px"


THEME = Setting(
    "window/theme",
    "system",
    "Theme",
    choices=(("system", "Like the desktop"), ("light", "Light"), ("dark", "Dark")),
)
TAG_ON_OPENING = Setting(
    "tags/tag_on_opening",
    True,
    "Tag photos when a folder is opened",
    "Otherwise tagging waits until you ask for it.",
)
_MEASURED = "Format, light, blur and the like: found as “measured”, and never taken for labels."
MEASURE = Setting("tags/measure", True, "Measure photos while they are tagged", _MEASURED)
THRESHOLD = Setting(
    "tags/threshold",
    0.5,
    "Threshold",
    "A label is shown when the model is at least this sure.",
    0.0,
    1.0,
)
SHARE_THRESHOLD = Setting(
    "tags/share_threshold",
    0.05,
    "Threshold where scores add up to 100 %",
    "For models that were made to name one thing per photo: all their scores share 100 %.",
    0.0,
    1.0,
)
#: Offered where a model has thresholds; off at first: one slider is easier to grasp than many.
USE_MODEL_THRESHOLDS = Setting("tags/use_model_thresholds", False)
SUGGEST_DETAILS = Setting(
    "models/suggest_details",
    False,
    "Suggest breeds and species, as possible details",
    "With the model Everyday: golden retriever below dog, with a question mark. It is guesswork, "
    "and is written to files only if you accept it.",
)
INCLUDE_SUBFOLDERS = Setting("folders/include_subfolders", True, "Include subfolders")
ASK_BEFORE_TRASH = Setting("files/ask_before_trash", True, "Ask before photos go to the trash")
REOPEN_LAST = Setting("folders/reopen_last", True, "Open the last folder at the start")
OVERLAY_OPACITY = Setting(
    "view/overlay_opacity",
    DEFAULT_OPACITY,
    "Overlay opacity",
    "How strongly a label's map covers the photo.",
    0.05,
    1.0,
)
THUMBNAIL_SIDE = Setting("view/thumbnail_side", 160, "Thumbnail size", minimum=96, maximum=320)
THUMBNAIL_CACHE_MB = Setting(
    "view/thumbnail_cache_mb",
    500,
    "Thumbnails kept on the disk",
    "What was seen before appears faster; those not seen for long go when there are more.",
    0,
    20_000,
    unit="MB",
)
FEATURE_CACHE_MB = Setting(
    "training/feature_cache_mb",
    2000,
    "Image features kept on the disk",
    "What the model sees in photos: labels that you teach appear on all of them within seconds. A "
    "photo takes about 40 kB, more where a training looked at it. Those not used for long go when "
    "there are more.",
    0,
    200_000,
    unit="MB",
)
VIEW_MODE = Setting(
    "view/mode",
    "grid",
    choices=(("grid", "Thumbnails"), ("list", "List"), ("large", "Large photo")),
)
#: The current photo beside the thumbnails or the list, which have the whole width otherwise.
PHOTO_BESIDE = Setting("view/photo_beside", False)
SHOW_OVERLAY = Setting("view/show_overlay", True)
MAP_KIND = Setting(
    "view/map_kind",
    "probability",
    "Kind of map",
    "What is shown over the photo for the label pointed at.",
    choices=(
        ("probability", "Local probability"),
        ("evidence", "Exact evidence"),
        ("score", "Score map"),
        ("attention", "Attention"),
    ),
)
#: 0 is the mean of all heads; 1 the first head.
MAP_HEAD = Setting("view/map_head", 0, minimum=0, maximum=64)
JET_MISLEADS = (
    "Jet misleads: its yellow and cyan bands look like edges that are not in the map, and its "
    "brightest colour is not its highest value. Here only to compare with older pictures."
)
COLOR_MAP = Setting(
    "view/color_map",
    "inferno",
    "Colours of maps",
    "Cividis and Viridis read well for colour-blind people. Maps with a sign are blue to red.",
    choices=(
        ("inferno", "Inferno"),
        ("magma", "Magma"),
        ("viridis", "Viridis"),
        ("cividis", "Cividis"),
        ("turbo", "Turbo"),
        ("jet", "Jet (misleads)"),
    ),
)
SMOOTH_MAPS = Setting(
    "view/smooth_maps",
    True,
    "Smooth maps",
    "Otherwise the true cells that the model sees are drawn as squares.",
)
MAP_CONTOUR = Setting("view/map_contour", True, "Line at the threshold")
MAP_CLEAR_BELOW = Setting(
    "view/map_clear_below",
    True,
    "No colours below the threshold",
    "Otherwise the colours of the map go on below it.",
)
MAP_DIM = Setting(
    "view/map_dim",
    True,
    "Photo darker below the threshold",
    "What the label is not seen in steps back, so that the map needs less colour.",
)
MAP_EVEN = Setting(
    "view/map_even",
    False,
    "Same opacity for all values",
    "Otherwise higher values cover the photo more.",
)
#: True boxes of photos that belong to a data set.
SHOW_TRUE_BOXES = Setting("view/true_boxes", False)
#: Groups below the labels, which leave them the room while they are folded away.
FOLD_RATING = Setting("view/fold_rating", False)
FOLD_THRESHOLDS = Setting("view/fold_thresholds", True)
FOLD_MAPS = Setting("view/fold_maps", True)
FOLD_CAMERA = Setting("view/fold_camera", True)
#: What only those want to know who work on recognition.
FOLD_MODEL_DETAILS = Setting("models/fold_details", True)
SHOW_ALL_LABELS = Setting(
    "view/show_all_labels",
    False,
    "List labels below the threshold",
    "Show every category of the model beside a photo, not only those found.",
)
MOST_LABELS = Setting(
    "view/most_labels", 8, "Labels per photo", "At most, the best; 0 is all.", 0, 1000, unit=""
)
# What a person made, as JSON; restoring the defaults leaves it alone.
SAVED_FILTERS = Setting("search/saved_filters", "")
USED_LABELS = Setting("review/used_labels", "")
OPEN_LABEL_GROUPS = Setting("search/open_label_groups", "")
FAVOURITE_LABELS = Setting("review/favourite_labels", "")
SHORTCUTS = Setting("window/shortcuts", "")
DATA_FOLDERS = Setting("evaluation/data_folders", "")
#: What was told of files left out, as digests: once is enough.
LEFT_OUT_TOLD = Setting("files/left_out_told", "")
FOLLOWED_LINKS = Setting("evaluation/followed_links", "")

#: Of the Tag again dialog, which asks each time and offers what was chosen last.
RETAG_MODE = Setting(
    "tags/retag_mode",
    "update",
    choices=(("skip", "Skip"), ("update", "Update"), ("replace", "Replace")),
)

#: Of the Write labels dialog, which offers what was chosen last; also of continuous writing.
WRITE_LABELS = Setting(
    "tags/write_labels",
    "accepted",
    choices=(
        ("accepted", "Accepted or added by you"),
        ("both", "Yours, and the machine's"),
        ("machine", "The machine's alone"),
    ),
)
WRITE_TARGET = Setting(
    "tags/write_target",
    "sidecar",
    choices=(
        ("sidecar", "XMP sidecars as darktable and digiKam name them (name.jpg.xmp)"),
        ("sidecar-adobe", "XMP sidecars as Adobe names them (name.xmp)"),
        ("txt", "Text files (name.txt)"),
        ("txt-full", "Text files (name.jpg.txt)"),
    ),
)
WRITE_PREFIX = Setting("tags/write_prefix", "")
WRITE_PARENTS = Setting("tags/write_parents", False)
WRITE_RENAMING = Setting("tags/write_renaming", "")
EXIFTOOL = Setting("tags/exiftool", "")
KEEP_FILE_TIMES = Setting("tags/keep_file_times", False)
WRITE_CONTINUOUSLY = Setting(
    "tags/write_continuously",
    False,
    "Write labels beside photos as you review",
    "Some seconds after each decision, as Tags ▸ Write labels… was last used; never into photos.",
)

#: Of the Export dialog, which offers what was chosen last.
EXPORT_FORMAT = Setting("tags/export_format", "csv")
EXPORT_LABELS = Setting(
    "tags/export_labels",
    "accepted",
    choices=(("accepted", "Yours"), ("both", "Both"), ("machine", "The machine's")),
)

SETTINGS: tuple[Setting, ...] = (
    THEME,
    TAG_ON_OPENING,
    MEASURE,
    THRESHOLD,
    SHARE_THRESHOLD,
    USE_MODEL_THRESHOLDS,
    SUGGEST_DETAILS,
    INCLUDE_SUBFOLDERS,
    REOPEN_LAST,
    ASK_BEFORE_TRASH,
    OVERLAY_OPACITY,
    THUMBNAIL_SIDE,
    THUMBNAIL_CACHE_MB,
    FEATURE_CACHE_MB,
    VIEW_MODE,
    PHOTO_BESIDE,
    SHOW_OVERLAY,
    MAP_KIND,
    MAP_HEAD,
    COLOR_MAP,
    SMOOTH_MAPS,
    MAP_CONTOUR,
    MAP_CLEAR_BELOW,
    MAP_DIM,
    MAP_EVEN,
    SHOW_TRUE_BOXES,
    FOLD_RATING,
    FOLD_THRESHOLDS,
    FOLD_MAPS,
    FOLD_CAMERA,
    FOLD_MODEL_DETAILS,
    SHOW_ALL_LABELS,
    MOST_LABELS,
    RETAG_MODE,
    WRITE_LABELS,
    WRITE_TARGET,
    WRITE_PREFIX,
    WRITE_PARENTS,
    WRITE_RENAMING,
    EXIFTOOL,
    KEEP_FILE_TIMES,
    WRITE_CONTINUOUSLY,
    EXPORT_FORMAT,
    EXPORT_LABELS,
)

#: The settings dialog, a page each; every setting that has a caption is on one of them.
PAGES: tuple[tuple[str, tuple[Setting, ...]], ...] = (
    ("Photos", (REOPEN_LAST, INCLUDE_SUBFOLDERS, ASK_BEFORE_TRASH, THUMBNAIL_SIDE, THEME)),
    (
        "Tagging",
        (
            TAG_ON_OPENING,
            MEASURE,
            THRESHOLD,
            MOST_LABELS,
            SHOW_ALL_LABELS,
            SUGGEST_DETAILS,
            WRITE_CONTINUOUSLY,
        ),
    ),
    (
        "Maps",
        (
            MAP_KIND,
            COLOR_MAP,
            OVERLAY_OPACITY,
            MAP_CONTOUR,
            MAP_CLEAR_BELOW,
            MAP_DIM,
            MAP_EVEN,
            SMOOTH_MAPS,
        ),
    ),
    ("Storage", (THUMBNAIL_CACHE_MB, FEATURE_CACHE_MB)),
    ("Advanced", (SHARE_THRESHOLD,)),
)

_LAST_FOLDERS = "folders/last"
_RECENT_FOLDERS = "folders/recent"
_MODEL = "model/in_use"
_FINGERPRINT = "model/fingerprint"


class Settings(QObject):
    """The settings file. A missing, damaged or foreign file means defaults, never an error.

    Args:
        file: where they are kept.
        parent: the owner, if any.
        library: of the window that these are the settings of; the person's usual one if ``None``.

    Signals:
        setting_changed: the key, and the new value.
    """

    setting_changed = Signal(str, object)

    def __init__(
        self, file: Path, parent: QObject | None = None, library: Path | None = None
    ) -> None:
        super().__init__(parent)
        self.library = library or library_file()
        self._file = file
        self._store = SettingsFile.opened(file)

    @classmethod
    def of_library(cls, library: Path) -> Settings:
        """Those of the window on a library: the usual ones, or a file beside another library.

        That file begins as the usual one is, but for what was open and where the window was.
        """
        usual = profile_dirs()[0] / "settings.ini"
        if os.path.realpath(library) == os.path.realpath(library_file()):
            return cls(usual)
        own = library.with_name(f"{library.name}.ini")
        is_new = not own.exists()
        settings = cls(own, library=library)
        if is_new:
            settings._begin_like(cls(usual))
        return settings

    def value(self, setting: Setting) -> Any:
        """The stored value, of the default's type and in range; else the default."""
        raw = self._store.value(setting.key)
        return setting.default if raw is None else _parsed(raw, setting)

    def set_value(self, setting: Setting, value: bool | int | float | str) -> None:
        """Remember a value and tell everyone, if it is another one."""
        value = _parsed(value, setting)
        if value != self.value(setting):
            self._store.setValue(setting.key, value)
            self.setting_changed.emit(setting.key, value)

    def reset(self) -> None:
        """Put every declared setting back to its default."""
        for setting in SETTINGS:
            self.set_value(setting, setting.default)

    def layout(self, name: str) -> QByteArray:
        """The stored geometry or state of a widget; empty if there is none."""
        raw = self._store.value(f"layout/{name}")
        return raw if isinstance(raw, QByteArray) else QByteArray()

    def set_layout(self, name: str, state: QByteArray) -> None:
        """Remember the geometry or state of a widget."""
        self._store.setValue(f"layout/{name}", state)

    def remove_layout(self, name: str) -> None:
        """Forget the geometry or state of a widget."""
        self._store.remove(f"layout/{name}")

    @property
    def last_opened(self) -> list[Path]:
        """What was open last."""
        return self._paths(_LAST_FOLDERS)

    def set_last_opened(self, paths: list[Path]) -> None:
        """Remember what is open, but for names that are not valid text."""
        self._store.setValue(_LAST_FOLDERS, storable(paths))

    @property
    def recent_folders(self) -> list[Path]:
        """Folders opened lately, the newest first."""
        return self._paths(_RECENT_FOLDERS)

    def add_recent_folder(self, folder: Path) -> None:
        """Put a folder on top of the recent ones."""
        others = [path for path in self.recent_folders if path != folder]
        self._store.setValue(_RECENT_FOLDERS, storable([folder, *others])[:MAX_RECENT_FOLDERS])

    def remove_recent_folder(self, folder: Path) -> None:
        """Forget one of the recent folders."""
        others = [path for path in self.recent_folders if path != folder]
        self._store.setValue(_RECENT_FOLDERS, storable(others))

    def clear_recent_folders(self) -> None:
        """Forget the recent folders."""
        self._store.setValue(_RECENT_FOLDERS, [])

    @property
    def model(self) -> str:
        """The name or file of the model that was used last; empty for the one that ships."""
        raw = self._store.value(_MODEL)
        return raw if isinstance(raw, str) and "\0" not in raw else ""

    def set_model(self, source: str) -> None:
        """Remember the model in use, if its name is valid text."""
        self._store.setValue(_MODEL, source if is_text(source) else "")

    @property
    def fingerprint(self) -> str:
        """What the library knows the model by that was used last; empty for none."""
        raw = self._store.value(_FINGERPRINT)
        return raw if isinstance(raw, str) else ""

    def set_fingerprint(self, fingerprint: str) -> None:
        """Remember by what the library knows the model in use."""
        self._store.setValue(_FINGERPRINT, fingerprint)

    @property
    def file(self) -> SettingsFile:
        """Where they are kept."""
        return self._store

    def save(self) -> None:
        """Write the file now."""
        self._store.save()

    def _begin_like(self, other: Settings) -> None:
        for key in other._store.allKeys():
            if key != _LAST_FOLDERS and not key.startswith("layout/"):
                self._store.setValue(key, other._store.value(key))

    def _paths(self, key: str) -> list[Path]:
        return stored_paths(self._store.value(key))


def _parsed(raw: object, setting: Setting) -> bool | int | float | str:
    """The value in the setting's type and range; the default if it makes no sense."""
    default = setting.default
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(str(raw).lower(), default)
    if isinstance(default, str):
        allowed = {stored for stored, _ in setting.choices}
        return str(raw) if not allowed or raw in allowed else default
    try:
        number = float(str(raw))
    except ValueError:
        return default
    if not math.isfinite(number):
        return default
    number = min(max(number, setting.minimum), setting.maximum)
    return round(number) if isinstance(default, int) else number
