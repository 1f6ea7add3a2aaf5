"""Which category of a data set is which of a model: by what its name means, or by a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.api.categories import Categories
from engine.api.errors import DataError
from engine.data.datasets.category_reader import label_key
from engine.data.datasets.reading import listed, read_json, read_text
from engine.texts import display_path

_MAX_MAPPING_BYTES = 16 << 20


@dataclass(frozen=True)
class CategoryMatch:
    """What two lists of categories have in common.

    Attributes:
        names: the shared categories, in the model's words and order.
        places: column of the data set → index in ``names``.
        problems: what was left out, one sentence each.
    """

    names: tuple[str, ...]
    places: dict[int, int]
    problems: tuple[str, ...]


def match_categories(
    ours: Categories, model_categories: Categories, mapping: Mapping[str, str]
) -> CategoryMatch:
    """Find for each of a data set's categories the model's.

    Args:
        ours: of the data set.
        model_categories: of the model.
        mapping: the data set's names → the model's; it goes before all other ways.
    """
    by_key = {label_key(name): name for name in reversed(model_categories)}
    wishes = {old: mapping.get(old, old) for old in ours}
    found = {
        old: new if new in model_categories else by_key.get(label_key(new))
        for old, new in wishes.items()
    }
    wanted = set(found.values())
    names = tuple(name for name in model_categories if name in wanted)
    index = {name: i for i, name in enumerate(names)}
    places = {i: index[new] for i, old in enumerate(ours) if (new := found[old]) is not None}
    return CategoryMatch(names, places, _left_out(ours, model_categories, found, mapping))


def read_mapping(path: Path) -> dict[str, str]:
    """A mapping file: JSON ``{"old": "new"}``, or CSV with two columns, old and new.

    Raises:
        DataError: the file is missing or malformed, or maps one name to two.
    """
    if path.suffix.lower() == ".json":
        table = read_json(path, _MAX_MAPPING_BYTES)
        if not isinstance(table, dict) or not all(isinstance(v, str) for v in table.values()):
            raise DataError(f'{display_path(path)} is not a mapping: expected {{"old": "new"}}.')
        return {old.strip(): new.strip() for old, new in table.items()}
    return _from_csv(path)


def _from_csv(path: Path) -> dict[str, str]:
    mapping: dict[str, str] = {}
    try:
        rows = list(csv.reader(io.StringIO(read_text(path, _MAX_MAPPING_BYTES))))
    except csv.Error as error:
        raise DataError(f"{display_path(path)} is not a CSV file: {error}.") from error
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and [c.lower() for c in cells] == ["old", "new"]):
            continue
        if len(cells) != 2 or not all(cells):
            raise DataError(f"Line {number} of {display_path(path)} is not a pair: old,new.")
        if mapping.setdefault(cells[0], cells[1]) != cells[1]:
            raise DataError(f"{display_path(path)} maps {cells[0]!r} to two names.")
    return mapping


def _left_out(
    ours: Categories,
    model_categories: Categories,
    found: Mapping[str, str | None],
    mapping: Mapping[str, str],
) -> tuple[str, ...]:
    problems = []
    if unknown := [old for old, new in found.items() if new is None]:
        problems.append(
            f"{len(unknown)} of the data set's {len(ours)} categories are left out because the "
            f"model does not know them: {listed(unknown)}."
        )
    known = set(found.values())
    if missing := [name for name in model_categories if name not in known]:
        problems.append(
            f"{len(missing)} of the model's {len(model_categories)} categories are left out "
            f"because the data set does not have them: {listed(missing)}."
        )
    if idle := [old for old in mapping if old not in ours]:
        problems.append(f"The mapping names categories that no image can have: {listed(idle)}.")
    return tuple(problems)
