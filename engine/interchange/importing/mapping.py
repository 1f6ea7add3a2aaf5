"""Which label a name in a file means: proposed, checked, and kept as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.api.categories import Categories
from engine.api.errors import ConfigError, DataError
from engine.api.label_names import LabelNames
from engine.api.vocabulary import name_key
from engine.atomic import write_text
from engine.data.datasets.label_cells import plain
from engine.data.datasets.reading import decoded, listed
from engine.interchange.exporting.tables import guarded
from engine.interchange.importing.values import LabelImportError
from engine.library.store import Library
from engine.texts import display_path, reason_text

#: In place of a label: the name is left out.
LEFT_OUT = ""
_HEADER = ("name", "label")
# Other headings that people give the two columns.
_NAME_HEADERS = frozenset({"name", "names", "keyword", "keywords", "tag", "tags", "from", "old"})
_LABEL_HEADERS = frozenset({"label", "labels", "meaning", "means", "to", "new"})
_MAX_SIZE = 50_000_000
# What programs note for themselves under a keyword of their own.
_OF_PROGRAMS = frozenset({"darktable", "digikam"})


class KnownLabels:
    """The labels that there are: of models, and those that people gave.

    Args:
        labels: as they are shown.
        names: what else they are called.
    """

    def __init__(self, labels: Iterable[str], names: LabelNames) -> None:
        self.labels = tuple(dict.fromkeys(labels))
        self._names = names
        self._by_key = {name_key(label): label for label in self.labels}

    @classmethod
    def of(cls, library: Library) -> KnownLabels:
        """All labels of a library."""
        names = library.label_names()
        models = [names.labels(tuple(model.categories)) for model in library.models()]
        decided = library.decided_labels()
        return cls([*decided, *(label for labels in models for label in labels)], names)

    def meant(self, name: str) -> str:
        """The label that a name means: one that there is, or else a new one of that name.

        Of ``animal|dog`` the last part counts. Empty for a name that no label can have, and for
        what a program notes for itself.
        """
        top, *_, leaf = (part.strip() for part in f"{name}|{name}".split("|"))
        if "|" in name and top.casefold() in _OF_PROGRAMS:
            return LEFT_OUT
        label = self._names.label(leaf)
        known = self._by_key.get(name_key(label))
        if known is not None:
            return known
        return LEFT_OUT if problem_of(label) else label

    def is_known(self, label: str) -> bool:
        """Whether there is such a label, by any of its names."""
        return name_key(self._names.label(label)) in self._by_key


def propose(names: Iterable[str], known: KnownLabels) -> dict[str, str]:
    """The label that each name probably means; ``LEFT_OUT`` for one that can be none."""
    return {name: known.meant(name) for name in names}


def problem_of(label: str) -> str:
    """Why no label can be called so; empty if one can."""
    try:
        Categories((label,))
    except ConfigError as error:
        return str(error)
    return ""


def read_mapping_table(path: Path) -> dict[str, str]:
    """What names mean, from a CSV with the name and the label in each row.

    A row without a label leaves the name out.

    Raises:
        LabelImportError: it cannot be read, or a row of it is none of these.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SIZE + 1)
    except OSError as error:
        reason = reason_text(error)
        raise LabelImportError(f"{display_path(path)} cannot be read: {reason}.") from error
    if len(data) > _MAX_SIZE:
        raise LabelImportError(f"{display_path(path)} is too big for a table of names.")
    try:
        return _rows(decoded(data, path), path)
    except DataError as error:
        raise LabelImportError(str(error)) from error


def _rows(text: str, path: Path) -> dict[str, str]:
    first = text.split("\n", 1)[0]
    separator = ";" if ";" in first and "," not in first else ","
    table: dict[str, str] = {}
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=separator), start=1):
            cells = [plain(cell) for cell in row]
            if not any(cells) or (number == 1 and _is_header(cells)):
                continue
            name, label = (*cells, "")[:2]
            if len(cells) > len(_HEADER) or not name:
                raise LabelImportError(
                    f"{display_path(path)}, line {number}: expected a name and its label."
                )
            if label and (problem := problem_of(label)):
                raise LabelImportError(f"{display_path(path)}, line {number}: {problem}")
            table[name] = label
    except csv.Error as error:
        raise LabelImportError(f"{display_path(path)} is not CSV: {error}.") from error
    return table


def _is_header(cells: list[str]) -> bool:
    first, second = (*(cell.casefold() for cell in cells), "", "")[:2]
    return first in _NAME_HEADERS and second in _LABEL_HEADERS


def idle_text(table: Mapping[str, str], names: Iterable[str], path: Path) -> str:
    """What a table says of names that are nowhere, as a warning; empty if it says nothing of such.

    Args:
        table: from ``read_mapping_table``.
        names: that files have.
        path: of the table.
    """
    there = set(names)
    idle = [name for name in table if name not in there]
    if not idle:
        return ""
    noun = "a name that is" if len(idle) == 1 else f"{len(idle):,} names that are"
    said = f"{display_path(path)} has {noun} on no photo: {listed(idle)}."
    if idle[0] == next(iter(table)):
        said += f" If its first line is headings, they have to be {','.join(_HEADER)}."
    return said


def write_mapping_table(path: Path, mapping: Mapping[str, str]) -> None:
    """Keep what names mean, to be read again; no cell of it is a formula.

    Raises:
        LabelImportError: it cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_HEADER)
    writer.writerows((guarded(name), guarded(label)) for name, label in mapping.items())
    try:
        write_text(path, text.getvalue())
    except (OSError, UnicodeEncodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LabelImportError(f"{display_path(path)} cannot be written: {reason}.") from error
