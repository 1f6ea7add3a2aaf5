"""Labels as people type them: several with commas between, in any spelling."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.api.categories import MAX_NAME_LENGTH, Categories
from engine.api.errors import ConfigError
from engine.api.label_names import SHIPPED_NAMES, LabelNames

#: So many labels are seen at a glance: no search for them, and no tree of them.
FEW_LABELS = 30
_PART = re.compile(r'(?:"[^"]*"?|[^",])+')


def label_problem(name: str) -> str:
    """Why a text cannot be the name of a label; empty if it can."""
    if not name.strip():
        return "A label needs a name."
    if len(name) > MAX_NAME_LENGTH:
        return f"A label has at most {MAX_NAME_LENGTH} characters."
    try:
        Categories((name,))
    except ConfigError:
        return "There are characters in it that cannot be seen, such as line breaks."
    return ""


def spelled_as_known(name: str, known: Sequence[str], names: LabelNames = SHIPPED_NAMES) -> str:
    """The label that a typed name means: one that is known, if only the spelling differs."""
    typed = " ".join(name.split())
    return names.find(typed, known) or names.label(typed)


def one_label_problem(typed: str, known: Sequence[str]) -> str:
    """As ``label_problem``, where one label is typed and a comma might mean two."""
    if len(typed_labels(typed, known)) > 1:
        return "This is for one label. A name with a comma in it needs quotes around it."
    return label_problem(unquoted(typed))


def typed_labels(typed: str, known: Sequence[str], names: LabelNames = SHIPPED_NAMES) -> list[str]:
    """The labels of a line: a comma is between two; quotes, or being known, keep one together."""
    whole = spelled_as_known(typed, known, names)
    if whole in known:
        return [whole]
    parts = (spelled_as_known(unquoted(part), known, names) for part in _PART.findall(typed))
    return list(dict.fromkeys(part for part in parts if part))


def last_part(typed: str) -> int:
    """Where the last label of a line begins: after the last comma that is not within quotes."""
    parts = list(_PART.finditer(typed))
    return parts[-1].start() if parts and parts[-1].end() == len(typed) else len(typed)


def unquoted(part: str) -> str:
    """A part of a line without the quotes around it."""
    part = part.strip()
    return part[1:].removesuffix('"') if part.startswith('"') else part


def quoted_if_needed(label: str) -> str:
    """A label as it is typed beside others."""
    return f'"{label}"' if "," in label else label
