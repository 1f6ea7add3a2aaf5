"""The one door for model files: what a file is decides how it is read, not what it is called."""

from __future__ import annotations

from pathlib import Path

from engine.checkpoints.csra_import import ImportOptions, import_checkpoint
from engine.checkpoints.safetensors_model import Checkpoint, in_memory, load_checkpoint
from engine.records.model_record import is_ours


def open_checkpoint(path: Path, options: ImportOptions | None = None) -> Checkpoint:
    """Open a model file: ours, or one of the official CSRA code.

    Nothing in the file can run code, and nothing in it is believed before it is checked.

    Args:
        path: of the file.
        options: what a file of the official code does not say; nothing to one of ours.

    Raises:
        CheckpointError: the file is damaged, hostile or no model; the message names the file and
            the reason, on one line.
    """
    if is_ours(path):
        return load_checkpoint(path)
    return in_memory(*import_checkpoint(path, options))
