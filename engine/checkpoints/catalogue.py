"""From what a person calls a model to its file."""

from __future__ import annotations

from pathlib import Path

from engine.errors import ModelError
from engine.resources import resource_path

DEFAULT_MODEL = "csra-lite0-voc"
_SUFFIX = ".safetensors"


def shipped_models() -> dict[str, Path]:
    """The models that ship with the program: name → file, sorted by name."""
    return {path.stem: path for path in sorted(resource_path("models").glob(f"*{_SUFFIX}"))}


def find_model(source: str | None) -> Path:
    """The file of a model.

    Args:
        source: the name of a model that ships, or a file; ``None`` is the default model.

    Raises:
        ModelError: there is none.
    """
    shipped = shipped_models()
    name = DEFAULT_MODEL if source is None else source
    if name in shipped:
        return shipped[name]
    path = Path(name).expanduser()
    if path.is_file():
        return path
    known = ", ".join(shipped) or "none"
    raise ModelError(f"There is no model {name!r}: neither a file nor one that ships ({known}).")
