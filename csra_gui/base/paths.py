"""Where the library, settings, logs and caches are kept."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from platformdirs import PlatformDirs

from engine.resources import DATA_VARIABLE, data_folder

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


def own_folders() -> tuple[Path, ...]:
    """The folders that are this program's alone: settings, log, cache, and the person's data.

    Not those that a variable names, which may hold other things: they stay as they are.
    """
    usual = (_DIRS.user_config_path, _DIRS.user_log_path, _DIRS.user_cache_path)
    data = () if os.environ.get(DATA_VARIABLE) else (data_folder(),)
    return (*(() if os.environ.get(PROFILE_VARIABLE) else usual), *data)


def keep_others_out(folder: Path) -> None:
    """Make a folder that only its owner can enter, or take the rights of others from it.

    Where that cannot be done, it stays as it is: what is written there says what is wrong with it.
    """
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)


def keep_file_private(file: Path) -> Path:
    """Make a file that only its owner can read, or take the rights of others from it.

    Qt keeps the rights of a file that is there, and gives everybody some to one that it makes.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
        file.chmod(0o600)
    return file
