"""Names of a tagger's categories, as other tools write them: a text, a table or JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.api.categories import Categories
from engine.api.errors import ModelError
from engine.records.folders import DAMAGE

_MOST_BYTES = 20 << 20
#: Captions of the column with names, likeliest first.
_COLUMNS = ("name", "tag", "label", "class", "class_name", "category_name", "display_name")
#: Keys of JSON under which names may lie.
_KEYS = ("id2label", "label_names", "names", "tags", "labels", "classes", "categories")
# The underscores of "golden_retriever" and "hat_(red)", not those of "^_^" and "o_o".
_FOR_A_SPACE = re.compile(r"(?<=\w\w)_+(?=\S)|(?<=\S)_+(?=\w\w)")
#: How the tables of WD taggers begin, of networks that take pixels as they are, in BGR.
_WD_COLUMNS = frozenset({"tag_id", "name", "category"})


def read_names(path: Path) -> Categories:
    """The names of a file, in its order.

    It may be a text with one name per line, a table (CSV or TSV) with a column of names, or JSON: a
    list, or names by number, by themselves or as ``id2label`` of a ``config.json``. Underscores for
    spaces become spaces; a name that is there again gets a number.

    Raises:
        ModelError: the file cannot be read, or holds no names.
        ConfigError: a name cannot be used.
    """
    text = _text(path)
    try:
        if text.lstrip()[:1] in ("[", "{"):
            names = list(_of_json(json.loads(text)))
        elif path.suffix.lower() in (".csv", ".tsv"):
            names = _of_table(text, path.suffix.lower() == ".tsv")
        else:
            names = text.splitlines()
    except DAMAGE as error:
        raise ModelError(
            f"There are no names in {path.name!r} that could be read ({error}). Give a text with "
            "one name per line, a table with a column 'name', or JSON with a list."
        ) from error
    return plain_names(names)


def plain_names(names: Iterable[str]) -> Categories:
    """Names as they are shown, each another one.

    Raises:
        ConfigError: one of them cannot be used, or there is none.
    """
    whole = [name.strip() for name in names if name.strip()]
    taken = set(whole)
    shown: list[str] = []
    seen: set[str] = set()
    for name in whole:
        plain = _FOR_A_SPACE.sub(" ", name)
        if plain != name and plain in taken:
            plain = name
        if plain in seen:
            number = next(i for i in range(2, len(whole) + 2) if f"{plain} ({i})" not in seen)
            plain = f"{plain} ({number})"
        seen.add(plain)
        shown.append(plain)
    return Categories(tuple(shown))


def is_wd_table(path: Path) -> bool:
    """Whether it is a table of tags as WD taggers have it.

    Raises:
        ModelError: it cannot be read.
    """
    first = _text(path).partition("\n")[0].strip().lower().split(",")
    return set(first) >= _WD_COLUMNS


def _text(path: Path) -> str:
    try:
        if not path.is_file():  # opening a pipe would wait for its writer
            raise ModelError(f"There is no file of names {path.name!r}.")
        if path.stat().st_size > _MOST_BYTES:
            raise ModelError(f"{path.name!r} is too large for a list of names.")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text in UTF-8"
        raise ModelError(f"The names in {path.name!r} cannot be read: {reason}.") from error


def _of_json(body: Any) -> list[str]:
    if isinstance(body, list):
        if body and all(isinstance(one, dict) for one in body):
            key = next((key for key in _COLUMNS if key in body[0]), _COLUMNS[0])
            body = [one[key] for one in body]
        if not all(isinstance(name, str) for name in body):
            raise TypeError("the list has something else than texts")
        return list(body)
    if not isinstance(body, Mapping):
        raise TypeError("it is neither a list nor names by number")
    for key in _KEYS:
        if isinstance(body.get(key), (list, dict)):
            return _of_json(body[key])
    if body and all(isinstance(value, int) for value in body.values()):
        body = {number: name for name, number in body.items()}
    numbered = {int(number): str(name) for number, name in body.items()}
    if sorted(numbered) != list(range(len(numbered))):
        raise ValueError("its numbers are not 0, 1, 2 and so on")
    return [numbered[number] for number in range(len(numbered))]


def _of_table(text: str, with_tabs: bool) -> list[str]:
    rows = [
        row for row in csv.reader(io.StringIO(text), delimiter="\t" if with_tabs else ",") if row
    ]
    heads = [cell.strip().lower() for cell in rows[0]]
    column = next((heads.index(name) for name in _COLUMNS if name in heads), None)
    return [row[0] for row in rows] if column is None else [row[column] for row in rows[1:]]
