"""Where the files lie that ship with the program."""

from __future__ import annotations

from pathlib import Path

# The resources package lies beside the engine, in a checkout and in an installed program alike.
_ROOT = Path(__file__).resolve().parent.parent / "resources"


def resource_path(*parts: str) -> Path:
    """The path of a file or folder that ships, for example ``resource_path("samples")``."""
    return _ROOT.joinpath(*parts)
