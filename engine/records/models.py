"""The models on this computer: those that ship, and the user's own folder."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from engine.api.errors import ModelError
from engine.resources import DATA_VARIABLE, data_folder, resource_path

MODEL_SUFFIX = ".safetensors"
#: Of the formats that a model can be written in.
EXPORT_SUFFIXES = (".onnx", ".pth", MODEL_SUFFIX)
#: Of downloaded files, as they came.
DOWNLOAD_SUFFIXES = (".pth", ".safetensors", ".npz", ".bin")
_WORD = re.compile(r"\w")
_NAME = re.compile(r"\w[\w .+()-]{0,99}")
# Windows gives these names to devices, whatever the suffix.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def models_folder() -> Path:
    """Where the user's own models lie; it need not exist yet."""
    return data_folder() / "models"


def shipped_models() -> dict[str, Path]:
    """The models that ship with the program: name → file, sorted by name."""
    return {path.stem: path for path in sorted(resource_path("models").glob(f"*{MODEL_SUFFIX}"))}


def check_model_name(name: str) -> str:
    """A name that can be a file's on every system.

    Returns:
        The name, composed (NFC), so that it is the same file wherever it was typed.

    Raises:
        ModelError: it holds parts of a path or characters that some system does not take.
    """
    name = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(name) or name[-1] in " ." or _DEVICES.fullmatch(name):
        raise ModelError(
            f"{name[:100]!r} cannot be a model's name: use letters, digits, spaces and any of "
            "._+()-, start with a letter or digit, and at most 100 of them."
        )
    return name


@dataclass(frozen=True)
class ModelStore:
    """The user's own models, each a file of ours in one folder.

    Args:
        folder: made when first needed.
    """

    folder: Path

    @property
    def downloads(self) -> Path:
        """Where downloaded files lie as they came, before they are imported."""
        return self.folder / "downloads"

    def models(self) -> dict[str, Path]:
        """The user's models: name → file, sorted by name."""
        return {path.stem: path for path in sorted(self.folder.glob(f"*{MODEL_SUFFIX}"))}

    def new_path(self, name: str) -> Path:
        """The file for a new model; its folder is made.

        Raises:
            ModelError: the name is taken or unusable, or the folder cannot be made.
        """
        name = check_model_name(name)
        if name in shipped_models():
            raise ModelError(f"{name!r} is a model that ships. Choose another name.").with_options(
                "--name"
            )
        path = self.folder / f"{name}{MODEL_SUFFIX}"
        if path.exists():
            raise ModelError(
                f"There is already a model {name!r}. Choose another name, or remove that one first."
            ).with_options(f"--name, or csra models remove {name!r}")
        make_folder(self.folder)
        return path

    def free_name(self, wished: str) -> str:
        """A usable name that no model has yet, as close to the one wished for as possible.

        Args:
            wished: anything, for example the name of a file without its ending.
        """
        plain = "".join(c if c in " .+()-" or _WORD.fullmatch(c) else "_" for c in wished)
        plain = plain.lstrip(" .+()-")[:90].rstrip(" .") or "model"
        if _DEVICES.fullmatch(plain):
            plain = f"{plain}_"
        taken = {name.casefold() for name in (*self.models(), *shipped_models())}
        names = (plain, *(f"{plain} {i}" for i in range(2, len(taken) + 3)))
        free = next(name for name in names if name.casefold() not in taken)
        return check_model_name(free)

    def remove(self, name: str) -> list[Path]:
        """Delete a model of the user's, and the file it was imported from if that lies here.

        Args:
            name: of a model in this folder, or of a file that was downloaded.

        Returns:
            What was deleted.

        Raises:
            ModelError: there is none, it ships with the program, or it cannot be deleted.
        """
        if name in shipped_models():
            raise ModelError(f"{name!r} ships with the program and cannot be removed.")
        name = check_model_name(name)
        found = [self.models()[name]] if name in self.models() else []
        found += sorted(p for p in self.downloads.glob("*") if _downloaded_as(p, name))
        if not found:
            raise ModelError(f"There is no model {name!r} of yours to remove.")
        for path in found:
            try:
                path.unlink()
            except OSError as error:
                reason = error.strerror or "unknown reason"
                raise ModelError(f"{path.name!r} could not be deleted: {reason}.") from error
        return found


def make_folder(folder: Path) -> None:
    """Make a folder of the program's data, for this user only.

    Raises:
        ModelError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise ModelError(
            f"The folder for models cannot be made ({reason}). Set {DATA_VARIABLE} to a folder "
            "that can be written to."
        ) from error


def default_store() -> ModelStore:
    """The store in the user's data folder."""
    return ModelStore(models_folder())


def _downloaded_as(path: Path, name: str) -> bool:
    """Whether this file is the download of a name, whole or in part."""
    plain = Path(path.name.removesuffix(".json").removesuffix(".part"))
    return path.is_file() and plain.stem == name and plain.suffix in DOWNLOAD_SUFFIXES
