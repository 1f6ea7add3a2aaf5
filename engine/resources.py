"""Where the files lie that ship with the program, and those of the person."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path

# What ships lies beside the engine, in a checkout and in an installed program alike.
_HOME = Path(__file__).resolve().parent.parent
#: Set to use another folder than the system's for this program's data.
DATA_VARIABLE = "CSRA_GUI_DATA"


def data_folder() -> Path:
    """Where the person's own data lie; it need not exist yet."""
    chosen = os.environ.get(DATA_VARIABLE)
    return Path(chosen) if chosen else user_data_path("csra-gui")


def resource_path(*parts: str) -> Path:
    """The path of a file or folder that ships, for example ``resource_path("samples")``."""
    return _HOME.joinpath("resources", *parts)


def document_path(name: str) -> Path:
    """The path of a page of the documentation, for example ``document_path("MANUAL.md")``."""
    return _HOME / "docs" / name
