"""Models in and out: other people's files into the user's store, ours into other formats."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.atomic import atomic_path
from engine.checkpoints.foreign import ImportOptions, export_official, import_checkpoint
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.native import load_checkpoint, save_checkpoint
from engine.checkpoints.record import FORMAT_NAME, CheckpointRecord
from engine.checkpoints.safetensors_header import looks_like_safetensors, read_header
from engine.checkpoints.store import MODEL_SUFFIX, ModelStore
from engine.errors import CheckpointError, ModelError

EXPORT_SUFFIXES = (".onnx", ".pth", MODEL_SUFFIX)


def import_model(
    store: ModelStore,
    file: Path,
    name: str,
    options: ImportOptions,
    provenance: Mapping[str, str] | None = None,
) -> CheckpointRecord:
    """Make a model of the user's out of a file.

    A file of ours is checked and copied; what it says of itself stands. Any other is converted.

    Args:
        store: gets the model.
        file: ours, or weights of the official code.
        name: of the new model.
        options: what a file of others does not say.
        provenance: what else to record of such a file.

    Raises:
        CheckpointError: the file cannot be used.
        ModelError: the name is taken or unusable.
    """
    target = store.new_path(name)
    if is_ours(file):
        record = load_checkpoint(file).record
        _copy(file, target)
        return record
    classifier, imported = import_checkpoint(file, replace(options, name=name))
    imported = replace(imported, provenance={**imported.provenance, **(provenance or {})})
    save_checkpoint(target, classifier, imported)
    return imported


def export_model(file: Path, output: Path) -> None:
    """Write a model in the format that the output's suffix names.

    Args:
        file: ours, or weights of the official code.
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
    checkpoint = open_checkpoint(file)
    if suffix == ".onnx":
        # Its packages are an extra, which no other format needs.
        from engine.checkpoints.onnx_export import export_onnx  # noqa: PLC0415

        export_onnx(checkpoint, output)
    elif suffix == ".pth":
        export_official(checkpoint, output)
    elif is_ours(file):
        _copy(file, output)
    else:
        save_checkpoint(output, checkpoint.classifier, checkpoint.record)


def is_ours(file: Path) -> bool:
    """Whether a file says that this program wrote it."""
    return looks_like_safetensors(file) and (
        read_header(file).metadata.get("format") == FORMAT_NAME
    )


def _copy(file: Path, target: Path) -> None:
    try:
        with atomic_path(target) as temporary:
            shutil.copyfile(file, temporary)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise CheckpointError(f"{target.name!r} cannot be written: {reason}.") from error
