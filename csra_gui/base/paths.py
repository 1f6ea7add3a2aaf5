"""Where the library, settings, logs and caches are kept."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import PlatformDirs

from engine.resources import data_folder

_DIRS = PlatformDirs("csra-gui", appauthor=False)
#: A folder that takes the place of the person's own settings, log and cache, for tests and trials.
PROFILE_VARIABLE = "CSRA_GUI_PROFILE"
LOG_NAME = "csra-gui.log"


def profile_dirs() -> tuple[Path, Path]:
    """The folders of settings and logs: the person's own, or the one a variable names."""
    profile = os.environ.get(PROFILE_VARIABLE)
    if profile:
        return Path(profile), Path(profile)
    return _DIRS.user_config_path, _DIRS.user_log_path


def library_file() -> Path:
    """Where the person's usual library is; it need not exist yet."""
    return data_folder() / "library.db"


def cache_dir() -> Path:
    """Where files are kept that can be made again."""
    profile = os.environ.get(PROFILE_VARIABLE)
    return Path(profile) / "cache" if profile else _DIRS.user_cache_path


def feature_folder() -> Path:
    """Where training and teaching keep what they computed of images."""
    return cache_dir() / "features"


def photo_feature_folder() -> Path:
    """Where tagging and teaching keep what a model sees in single photos."""
    return feature_folder() / "photos"


def log_file() -> Path:
    """The log; it may be missing."""
    return profile_dirs()[1] / LOG_NAME
