"""Which program made something: its version, and its commit where it runs from a clone."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
from pathlib import Path

import numpy as np

from engine import __version__

_HOME = Path(__file__).resolve().parents[2]
_TIMEOUT_S = 10.0


def program_facts() -> dict[str, str]:
    """Caption and text: ``program``, ``commit`` of a clone, ``python`` with NumPy, ``system``."""
    facts = {
        "program": f"csra-gui {__version__}",
        "commit": commit(),
        "python": f"{platform.python_version()}, NumPy {np.__version__}",
        "system": f"{platform.system()} {platform.machine()}",
    }
    return {caption: text for caption, text in facts.items() if text}


@functools.cache
def commit(home: Path = _HOME) -> str:
    """The commit of a clone, with "-dirty" if files in it were changed; else empty.

    Args:
        home: the folder that the program runs from.
    """
    git = shutil.which("git")
    if git is None or not (home / ".git").exists():
        return ""
    # Set while git runs a hook, these would name another repository.
    environment = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    command = [
        git,
        "-C",
        str(home),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=12",
        "--exclude=*",
    ]
    try:
        done = subprocess.run(
            [*command, "--exclude=*"],  # no tag
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
