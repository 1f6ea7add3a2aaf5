"""An ONNX file read whole, with weights that lie beside it, and nothing from anywhere else."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from engine.api.errors import CheckpointError
from engine.checkpoints.file_kinds import is_onnx
from engine.inference.onnx_contents import MOST_BYTES, read_contents
from engine.inference.onnx_network import check_alone
from engine.texts import megabytes


def is_onnx_file(path: Path) -> bool:
    """Whether a file is ONNX: by how it begins, or by its name."""
    if path.suffix.lower() == ".onnx":
        return True
    try:
        if not path.is_file():  # opening a pipe would wait for its writer
            return False
        with path.open("rb") as file:
            return is_onnx(file.read(512))
    except OSError:
        return False


def read_whole(path: Path) -> bytes:
    """An ONNX file with all its weights in it.

    Weights in other files are taken in if these lie in its folder or below.

    Raises:
        CheckpointError: it is damaged, too large, needs code, or names files anywhere else.
    """
    name = path.name
    try:
        if not path.is_file():
            raise CheckpointError(f"There is no file {name!r}.")
        _check_size(name, path.stat().st_size)
        onnx = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise CheckpointError(f"The file {name!r} cannot be opened: {reason}.") from error
    found = read_contents(name, onnx)
    if found.has_strays:
        raise CheckpointError(
            f"{name!r} cannot be used: it has weights elsewhere and does not say where. "
            "Export it again as one file."
        )
    if not found.elsewhere:
        return onnx
    files = {_beside(path, place) for place in found.elsewhere}
    _check_size(name, len(onnx) + sum(file.stat().st_size for file in files))
    whole = _taken_in(path, onnx)
    check_alone(name, whole)
    return whole


def _check_size(name: str, size: int) -> None:
    if size > MOST_BYTES:
        raise CheckpointError(
            f"{name!r} is too large: {megabytes(size)} with its weights, where ONNX holds "
            f"{megabytes(MOST_BYTES)}. Export it in half precision."
        )


def _beside(path: Path, place: str) -> Path:
    """The file that is meant.

    Raises:
        CheckpointError: it lies elsewhere, or is not there.
    """
    parts = PurePosixPath(place)
    windows = PureWindowsPath(place)
    is_inside = bool(place) and not (
        parts.is_absolute()
        or windows.anchor
        or "\\" in place
        or "\0" in place
        or ".." in parts.parts
    )
    folder = path.parent.resolve()
    file = (path.parent / parts).resolve() if is_inside else folder
    if not is_inside or not file.is_relative_to(folder):
        raise CheckpointError(
            f"{path.name!r} cannot be used: it wants weights from {place[:80]!r}, outside its "
            "folder, which no file is given. Export it again as one file."
        )
    if not file.is_file():
        raise CheckpointError(
            f"{path.name!r} has its weights in {place[:80]!r}, which is not there. Put that file "
            "beside it."
        )
    return file


def _taken_in(path: Path, onnx: bytes) -> bytes:
    import onnx as tool  # noqa: PLC0415  # takes a while, and few files need it
    from onnx.external_data_helper import load_external_data_for_model  # noqa: PLC0415

    try:
        model = tool.load_model_from_string(onnx)
        load_external_data_for_model(model, str(path.parent.resolve()))
        whole: bytes = model.SerializeToString()
    except Exception as error:  # of protobuf and onnx, which share no class
        reason = str(error).strip().partition("\n")[0][:200]
        raise CheckpointError(
            f"{path.name!r} cannot be used: its weights in other files cannot be read ({reason}). "
            "Export it again as one file."
        ) from error
    return whole
