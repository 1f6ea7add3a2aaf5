"""Where settings and logs are kept."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import PlatformDirs

#: A folder that takes the place of the person's own settings and log, for tests and trials.
PROFILE_VARIABLE = "CSRA_GUI_PROFILE"
LOG_NAME = "csra-gui.log"


def profile_dirs() -> tuple[Path, Path]:
    """The folders of settings and logs: the person's own, or the one a variable names."""
    profile = os.environ.get(PROFILE_VARIABLE)
    if profile:
        return Path(profile), Path(profile)
    dirs = PlatformDirs("csra-gui", appauthor=False)
    return dirs.user_config_path, dirs.user_log_path


def log_file() -> Path:
    """The log; it may be missing."""
    return profile_dirs()[1] / LOG_NAME
