"""Models in and out: other people's files into the user's store, ours into other formats."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine.atomic import atomic_path
from engine.categories import Categories
from engine.checkpoints.native import load_checkpoint, save_checkpoint
from engine.checkpoints.record import FORMAT_NAME, CheckpointRecord
from engine.checkpoints.safetensors_header import read_header
from engine.checkpoints.store import MODEL_SUFFIX, ModelStore
from engine.errors import CheckpointError, ModelError

EXPORT_SUFFIXES = (".onnx", ".pth", MODEL_SUFFIX)


def import_model(
    store: ModelStore,
    file: Path,
    name: str,
    *,
    lam: float | None = None,
    categories: Categories | None = None,
    input_size: int | None = None,
) -> CheckpointRecord:
    """Make a model of the user's out of a file.

    A file of ours is checked and copied; what it says of itself stands. Any other is converted.

    Args:
        store: gets the model.
        file: ours, or weights of the official code.
        name: of the new model.
        lam: λ, where the file does not say it.
        categories: in the order of the logits, where the file does not say them.
        input_size: in pixels, where the file does not say it.

    Raises:
        CheckpointError: the file cannot be used.
        ModelError: the name is taken or unusable.
    """
    target = store.new_path(name)
    if is_ours(file):
        record = load_checkpoint(file).record
        _copy(file, target)
        return record
    # Other formats are loaded only when they are asked for, here and below.
    from engine.checkpoints.foreign import ImportOptions, import_checkpoint  # noqa: PLC0415

    options = ImportOptions(name=name, lam=lam, categories=categories, input_size=input_size)
    classifier, imported = import_checkpoint(file, options)
    save_checkpoint(target, classifier, imported)
    return imported


def export_model(file: Path, output: Path) -> None:
    """Write a model of ours in the format that the output's suffix names.

    Args:
        file: of ours.
        output: ends in one of ``EXPORT_SUFFIXES``.

    Raises:
        CheckpointError: the model cannot be read or the output not written.
        ModelError: there is no such format or folder.
    """
    suffix = output.suffix.lower()
    if suffix not in EXPORT_SUFFIXES:
        raise ModelError(
            f"{output.name!r} names no format: it has to end in {', '.join(EXPORT_SUFFIXES)}."
        )
    if not output.absolute().parent.is_dir():
        raise ModelError(f"The folder of {output.name!r} does not exist.")
    checkpoint = load_checkpoint(file)
    if suffix == ".onnx":
        from engine.checkpoints.onnx_export import export_onnx  # noqa: PLC0415

        export_onnx(checkpoint, output)
    elif suffix == ".pth":
        from engine.checkpoints.foreign import export_official  # noqa: PLC0415

        export_official(checkpoint, output)
    else:
        _copy(file, output)


def is_ours(file: Path) -> bool:
    """Whether a file says that this program wrote it."""
    if file.suffix.lower() != MODEL_SUFFIX:
        return False
    return read_header(file).metadata.get("format") == FORMAT_NAME


def _copy(file: Path, target: Path) -> None:
    try:
        with atomic_path(target) as temporary:
            shutil.copyfile(file, temporary)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise CheckpointError(f"{target.name!r} cannot be written: {reason}.") from error
