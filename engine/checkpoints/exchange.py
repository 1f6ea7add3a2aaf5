"""Models in and out: other people's files into the user's store, ours into other formats."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.api.errors import CheckpointError, Fact, MissingFactsError, ModelError
from engine.api.values import ModelImport
from engine.checkpoints.csra_import import (
    ImportOptions,
    check_official,
    export_official,
    import_checkpoint,
    read_csra_checkpoint,
    stated_lam,
)
from engine.checkpoints.csra_layout import read_layout
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import save_checkpoint, sound_record
from engine.records.catalogue import CATEGORY_LISTS, category_list
from engine.records.litter import noted_path
from engine.records.model_record import CheckpointRecord, from_metadata, is_ours, only_runs
from engine.records.models import EXPORT_SUFFIXES, ModelStore
from engine.records.safetensors_header import read_header

_ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


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
        record = sound_record(file)
        _copy(file, target)
        return record
    classifier, imported = import_checkpoint(file, replace(options, name=name))
    imported = replace(imported, provenance={**imported.provenance, **(provenance or {})})
    save_checkpoint(target, classifier, imported)
    return imported


def import_file(store: ModelStore, request: ModelImport) -> str:
    """Make a model of the user's as a front end asks for it.

    Returns:
        Its name.

    Raises:
        CheckpointError: the file cannot be used.
        MissingFactsError: it can, once somebody says what it does not say.
        ModelError: the name is taken or unusable.
    """
    name = store.free_name(request.path.stem) if request.name is None else request.name
    options = ImportOptions(
        lam=request.lam, categories=request.categories, input_size=request.input_size
    )
    try:
        import_model(store, request.path, name, options, request.provenance)
    except CheckpointError as error:
        facts, num_classes = _missing_facts(request.path, options)
        if facts:
            raise MissingFactsError(str(error), facts, num_classes) from error
        raise
    return name


def _missing_facts(path: Path, options: ImportOptions) -> tuple[tuple[Fact, ...], int]:
    """What a file that could not be imported does not say, and how many categories it has."""
    try:
        if is_ours(path):
            return (), 0
        file = read_csra_checkpoint(path)
        layout = read_layout(path.name, file.tensors)
    except CheckpointError:
        return (), 0
    if layout.weight is None:
        return (), 0
    num_classes = layout.weight.shape[1]
    listed = {len(category_list(name)) for name in CATEGORY_LISTS}
    facts: list[Fact] = []
    if stated_lam(path.name, file, options)[0] is None:
        facts.append("lam")
    given = options.categories or file.categories
    if num_classes not in listed if given is None else len(given) != num_classes:
        facts.append("categories")
    return tuple(facts), num_classes


def possible_exports(file: Path) -> tuple[str, ...]:
    """The suffixes out of ``EXPORT_SUFFIXES`` that a model can be written with here.

    Args:
        file: ours, or weights of the official code.

    Raises:
        CheckpointError: the file cannot be read.
    """
    if is_ours(file):
        record = from_metadata(read_header(file).metadata)
        if record.config.network is not None:
            raise CheckpointError(only_runs(record.name))
    else:
        record = open_checkpoint(file).record
    suffixes = set(EXPORT_SUFFIXES)
    if any(importlib.util.find_spec(package) is None for package in _ONNX_PACKAGES):
        suffixes.discard(".onnx")
    try:
        check_official(record.name, record.config)
    except CheckpointError:
        suffixes.discard(".pth")
    return tuple(suffix for suffix in EXPORT_SUFFIXES if suffix in suffixes)


def export_model(file: Path, output: Path, *, with_preprocessing: bool = False) -> None:
    """Write a model in the format that the output's suffix names.

    Args:
        file: ours, or weights of the official code.
        output: ends in one of ``EXPORT_SUFFIXES``.
        with_preprocessing: ONNX takes the pixels of photos of any size.

    Raises:
        CheckpointError: the model cannot be read or the output not written.
        ModelError: there is no such format or folder, or the format has no preprocessing.
    """
    suffix = output.suffix.lower()
    if suffix not in EXPORT_SUFFIXES:
        raise ModelError(
            f"{output.name!r} names no format: it has to end in {', '.join(EXPORT_SUFFIXES)}."
        )
    if with_preprocessing and suffix != ".onnx":
        raise ModelError(f"{output.name!r} cannot hold preprocessing: only .onnx can.")
    if not output.absolute().parent.is_dir():
        raise ModelError(f"The folder of {output.name!r} does not exist.")
    checkpoint = open_checkpoint(file)
    if suffix == ".onnx":
        # Its packages are an extra, which no other format needs.
        from engine.checkpoints.onnx_export import export_onnx  # noqa: PLC0415

        export_onnx(checkpoint, output, with_preprocessing=with_preprocessing)
    elif suffix == ".pth":
        export_official(checkpoint, output)
    elif is_ours(file):
        _copy(file, output)
    else:
        save_checkpoint(output, checkpoint.classifier, checkpoint.record)


def _copy(file: Path, target: Path) -> None:
    try:
        with noted_path(target) as temporary:
            shutil.copyfile(file, temporary)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise CheckpointError(f"{target.name!r} cannot be written: {reason}.") from error
