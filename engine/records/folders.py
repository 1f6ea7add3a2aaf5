"""What is kept for a person, record by record: one way to list, read, note and delete all of it.

``evaluations``, ``trainings`` and ``unfinished`` say where theirs lie and what is in them.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from engine.api.errors import DataError, EngineError
from engine.atomic import atomic_path, sync_folder, temporary_beside, write_text
from engine.data.datasets.array_files import ARRAY_DAMAGE
from engine.records.litter import RECORD_PREFIX, noted
from engine.resources import data_folder
from engine.texts import display_name, display_path, megabytes, reason_text

#: Files that describe something are never larger.
_MAX_BYTES = 64 << 20
#: What reading damaged data may raise, whatever the format.
DAMAGE = (
    ArithmeticError,
    AttributeError,
    BadZipFile,
    EOFError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """One record of a store as a list shows it.

    Attributes:
        path: of its folder or file.
        value: what is in it; ``None`` if it cannot be read.
        problem: why it cannot be read; empty if it can.
    """

    path: Path
    value: T | None
    problem: str = ""


class RecordStore(ABC, Generic[T]):
    """Records in one folder, each a folder of its own with a description, or a single file.

    Args:
        root: where they lie, made when first needed; ``None`` takes the person's own data.

    Attributes:
        noun: what one is, for messages.
        place: of the root in the person's data.
        names: what a record's own name looks like.
        description: the file without which a folder is no record; empty if a record is a file.
        version: the description's key for the version of its format, and which one is read.
        note_file: where a note is kept.
    """

    noun: ClassVar[str]
    place: ClassVar[str]
    names: ClassVar[re.Pattern[str]] = re.compile(r".+", re.DOTALL)
    description: ClassVar[str] = "run.json"
    version: ClassVar[tuple[str, int]]
    note_file: ClassVar[str] = "note.json"

    def __init__(self, root: Path | None = None) -> None:
        self.root = data_folder() / self.place if root is None else root

    def paths(self) -> list[Path]:
        """All records without reading them, newest first."""
        if not self.root.is_dir():
            return []
        return sorted(filter(self._is_ours, self.root.iterdir()), key=self._age, reverse=True)

    def records(self) -> list[Record[T]]:
        """All records, newest first; of one that cannot be read, why."""
        return [self._record(path) for path in self.paths()]

    def values(self) -> list[T]:
        """What is in all those that can be read, newest first."""
        return [record.value for record in self.records() if record.value is not None]

    def read(self, path: Path) -> T:
        """What is in one record, wherever it lies.

        Raises:
            DataError: there is none, or it is damaged.
        """
        with self._reading(path):
            return self._parse(path)

    def set_note(self, path: Path, text: str) -> None:
        """Keep ``text`` as the person's note.

        Raises:
            DataError: it cannot be written.
        """
        self._change(path, self.note_file, note=text)

    def delete(self, path: Path) -> None:
        """Delete a record with all that lies beside it.

        Raises:
            DataError: it cannot be deleted, or is none of this store's.
        """
        if path.parent != self.root or not self._is_ours(path):
            raise DataError(f"{display_name(path)} is no {self.noun} of this program.")
        try:
            if self.description:
                # Of this name it is no record any more, and goes at the next start at the latest.
                gone = path.with_name(f"{RECORD_PREFIX}{secrets.token_hex(8)}")
                shutil.rmtree(path.rename(gone))
            else:
                path.unlink()
        except OSError as error:
            raise DataError(
                f"{display_name(path)} could not be deleted: {reason_text(error)}."
            ) from error

    @abstractmethod
    def _parse(self, path: Path) -> T:
        """What is in a record; may raise anything that damage brings about."""

    def _age(self, path: Path) -> Any:
        """Of two records, the newer one's is greater."""
        return path.name

    def _is_ours(self, path: Path) -> bool:
        is_name = self.names.fullmatch(path.name) and not path.name.startswith(RECORD_PREFIX)
        return bool(is_name) and (path / self.description).is_file()

    def _record(self, path: Path) -> Record[T]:
        try:
            return Record(path, self.read(path))
        except DataError as error:
            return Record(path, None, str(error))

    @contextmanager
    def _reading(self, path: Path) -> Generator[None, None, None]:
        shown = display_path(path)
        try:
            yield
        except FileNotFoundError as error:
            raise DataError(f"There is no {self.noun} in {shown}.") from error
        except (*DAMAGE, EngineError, OSError) as error:
            text = f"The {self.noun} in {shown} is damaged or of another version"
            raise DataError(f"{text}: {reason_text(error)}.") from error

    def _described(self, path: Path) -> dict[str, Any]:
        """The description of a record, of the version that is known."""
        return self._of_version(json.loads(_text(path / self.description)))

    def _of_version(self, values: dict[str, Any]) -> dict[str, Any]:
        key, known = self.version
        if values[key] != known:
            raise ValueError(f"it has version {values[key]}, this program reads {known}")
        return values

    def _beside(self, path: Path, file: str) -> dict[str, Any]:
        """What a further file says; nothing if it is missing or damaged: it is not needed."""
        try:
            values = json.loads(_text(path / file))
        except (OSError, ValueError, RecursionError):
            return {}
        return values if isinstance(values, dict) else {}

    def _note(self, path: Path) -> str:
        text = self._beside(path, self.note_file).get("note")
        return text if isinstance(text, str) else ""

    def _change(self, path: Path, file: str, **values: object) -> None:
        """Change some values of the description, or all of a further file."""
        try:
            old = json.loads(_text(path / file)) if file == self.description else {}
            _write(path / file, {**old, **values})
        except (OSError, ValueError) as error:
            shown = f"{display_name(path / file)} of the {self.noun} {display_name(path)}"
            raise DataError(f"{shown} could not be written: {reason_text(error)}.") from error

    def _keep(
        self, path: Path, values: Mapping[str, object], file: str, arrays: Mapping[str, Any]
    ) -> None:
        """Make a record: a description and, if there are any, arrays in a file of their own."""
        # In the person's own data a record is there at one stroke, or it goes at the next start.
        is_hidden = path.parent == self.root and not path.exists()
        place = path.with_name(f"{RECORD_PREFIX}{secrets.token_hex(8)}") if is_hidden else path
        is_new = not place.exists()
        key, version = self.version
        try:
            for folder in (self.root, place):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if arrays:
                with atomic_path(place / file) as temporary, temporary.open("wb") as stream:
                    np.savez_compressed(stream, **arrays)
            # The description comes last: a folder without one is no record.
            _write(place / self.description, {key: version, **values})
            if is_hidden:
                place.rename(path)
                sync_folder(self.root)
        except OSError as error:
            if is_new:
                shutil.rmtree(place, ignore_errors=True)
            shown = display_path(path)
            raise DataError(
                f"The {self.noun} could not be kept in {shown}: {reason_text(error)}."
            ) from error


def check_writable(folder: Path, needed_bytes: int, what: str) -> None:
    """Whether a file of some size can be made in a folder, before work on it begins.

    Args:
        folder: must be there.
        needed_bytes: of the file.
        what: begins the message, for example "The model could not be kept".

    Raises:
        DataError: the folder cannot be written to, or its disk is full; says what to do.
    """
    shown = display_path(folder)
    try:
        temporary = temporary_beside(folder / "x")
        with noted(temporary):
            try:
                temporary.touch(exist_ok=False)
            finally:
                temporary.unlink(missing_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        reason = reason_text(error)
        raise DataError(f"{what} in {shown}: {reason}. Make it writable first.") from error
    if free < needed_bytes:
        raise DataError(
            f"{what} in {shown}: it takes {megabytes(needed_bytes)}, and {megabytes(free)} are "
            "free. Make room first."
        )


@contextmanager
def open_arrays(file: Path) -> Generator[Mapping[str, NDArray[Any]], None, None]:
    """The arrays of an archive.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    # Opened here: if the archive is damaged, numpy forgets to close what it opened itself.
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError:
        raise
    except (*ARRAY_DAMAGE, TypeError, AttributeError) as error:
        raise ValueError(f"its numbers are damaged ({error})") from error
    yield arrays


def _text(file: Path) -> str:
    if file.stat().st_size > _MAX_BYTES:
        raise ValueError("it is too large")
    return file.read_text(encoding="utf-8")


def _write(file: Path, values: Mapping[str, object]) -> None:
    write_text(file, json.dumps(values, indent=1) + "\n")
