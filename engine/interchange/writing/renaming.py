"""Tables of what labels are called in files: CSV with two columns, or TOML."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping
from pathlib import Path

from engine.api.errors import DataError
from engine.api.vocabulary import name_key
from engine.data.datasets.reading import decoded
from engine.interchange.writing.values import WriteError
from engine.texts import display_path

_MAX_SIZE = 10_000_000
_COLUMNS = 2


def read_renaming(path: Path) -> dict[str, str]:
    """What labels are called in files, by label.

    A CSV has the label in its first column and the new name in its second, with or without a line
    of headings "from,to"; a TOML file has lines such as ``dog = "animal|dog"``.

    Raises:
        WriteError: it cannot be read, or a line of it is none of these.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SIZE + 1)
        if len(data) > _MAX_SIZE:
            raise WriteError(f"{display_path(path)} is too big for a table of names.")
        text = decoded(data, path)
    except OSError as error:
        raise WriteError(f"{display_path(path)} cannot be read: {error.strerror}.") from error
    except DataError as error:
        raise WriteError(str(error)) from error
    table = _toml(text, path) if path.suffix.lower() == ".toml" else _csv(text, path)
    for label, name in table.items():
        if not all(part.strip() for part in name.split("|")):
            raise WriteError(f"{display_path(path)} gives “{label}” an empty name.")
    return table


def placed_labels(renaming: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """What labels lie below by a table, from the top: ``("animal", "dog")`` by ``name_key("Rex")``.

    Labels that only have another name in files are not among them.
    """
    parts = {label: name.split("|")[:-1] for label, name in renaming.items()}
    return {
        name_key(label): tuple(part.strip() for part in above)
        for label, above in parts.items()
        if above
    }


def _toml(text: str, path: Path) -> dict[str, str]:
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise WriteError(f"{display_path(path)} is not TOML: {error}.") from error
    wrong = [label for label, name in table.items() if not isinstance(name, str)]
    if wrong:
        raise WriteError(f"{display_path(path)}: the name of “{wrong[0]}” is not a text.")
    return {str(label): str(name) for label, name in table.items()}


def _csv(text: str, path: Path) -> dict[str, str]:
    first = text.split("\n", 1)[0]
    separator = ";" if ";" in first and "," not in first else ","
    table: dict[str, str] = {}
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=separator), start=1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (number == 1 and [c.lower() for c in cells] == ["from", "to"]):
                continue
            if len(cells) != _COLUMNS or not cells[0]:
                raise WriteError(
                    f"{display_path(path)}, line {number}: expected a label and its new name."
                )
            table[cells[0]] = cells[1]
    except csv.Error as error:
        raise WriteError(f"{display_path(path)} is not CSV: {error}.") from error
    return table
