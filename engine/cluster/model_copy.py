"""A model as a worker opens it: the same file where there is one, else a copy by the cluster."""

from __future__ import annotations

import importlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import __version__
from engine.api.errors import EngineError, ModelError
from engine.api.values import ModelInfo
from engine.atomic import write_bytes
from engine.service.local import LocalEngine
from engine.texts import reason_text


@dataclass(frozen=True)
class ModelCopy:
    """A model that every worker must run.

    Attributes:
        file: on the machine that asks, and on others if the disk is shared.
        id: its fingerprint; of the int8 network where that runs.
        content: of the file; Ray's reference to the bytes.
        program: the version of this program that asks.
    """

    file: str
    id: str
    content: Any
    program: str = __version__

    def check_program(self) -> None:
        """Refuse to work for another version of this program.

        Raises:
            ModelError: this machine has one.
        """
        if self.program != __version__:
            raise ModelError(
                f"This machine has version {__version__} of this program, and {self.program} asks. "
                "Install the same on all machines."
            )

    def open_in(self, engine: LocalEngine) -> ModelInfo:
        """Open it.

        Raises:
            ModelError: what this machine opens is another model, or this another program.
            CheckpointError: it cannot be opened here.
        """
        self.check_program()
        file = Path(self.file)
        try:
            found = engine.open_model(file) if file.is_file() else None
        except EngineError:
            found = None
        if found is None or found.id != self.id:
            found = engine.open_model(self.copy())
        if found.id != self.id:
            raise ModelError(
                f"This machine runs {found.full_name!r} otherwise than the one that asked. An int8 "
                "network must have been made on each machine."
            )
        return found

    def copy(self) -> Path:
        """A file of this machine with the same content, for all its workers, also later ones.

        Raises:
            ModelError: it cannot be written.
        """
        owner = os.getuid() if hasattr(os, "getuid") else 0
        folder = Path(tempfile.gettempdir(), f"csra-models-{owner}", self.id)
        file = folder / Path(self.file).name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_bytes(file, importlib.import_module("ray").get(self.content))
        except OSError as error:
            raise ModelError(
                f"The model could not be copied to {file}: {reason_text(error)}."
            ) from error
        return file
