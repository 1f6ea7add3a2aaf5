"""Where the files lie that ship with the program."""

from __future__ import annotations

from pathlib import Path

# What ships lies beside the engine, in a checkout and in an installed program alike.
_HOME = Path(__file__).resolve().parent.parent


def resource_path(*parts: str) -> Path:
    """The path of a file or folder that ships, for example ``resource_path("samples")``."""
    return _HOME.joinpath("resources", *parts)


def document_path(name: str) -> Path:
    """The path of a page of the documentation, for example ``document_path("MANUAL.md")``."""
    return _HOME / "docs" / name
