"""Labels of a whole library: listed, renamed, merged and deleted as one edit that can be undone.

Each function runs in the caller's transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from engine.api.categories import Categories
from engine.api.label_names import SHIPPED_NAMES, LabelNames, is_shipped, name_key
from engine.library.decisions import make_edit
from engine.library.names import label_names
from engine.library.predictions import models
from engine.library.values import Decision, DecisionChange, Edit, NameChange, Verdict
from engine.texts import fold


@dataclass(frozen=True, slots=True)
class LabelUse:
    """A label that the person typed, or that a model was taught.

    Attributes:
        name: as it is shown.
        given: how many images the person gave it.
        rejected: of how many images they said that it is wrong.
        models: names of those that know it, the last one first; none for one that was only typed.
        is_hidden: models know it, and the person does not want to see it.
    """

    name: str
    given: int
    rejected: int
    models: tuple[str, ...]
    is_hidden: bool

    @property
    def images(self) -> int:
        """Of how many images something was said."""
        return self.given + self.rejected


def label_uses(connection: sqlite3.Connection) -> list[LabelUse]:
    """All labels that can be renamed, by name: not those that models came with."""
    names, known = label_names(connection), _known(connection)
    counts: dict[str, list[int]] = {label: [0, 0] for label in known}
    said = connection.execute(
        "SELECT category, verdict = 'rejected', count(*) FROM decisions GROUP BY 1, 2"
    )
    for label, is_rejected, count in said:
        counts.setdefault(label, [0, 0])[is_rejected] = count
    return [
        LabelUse(name, given, rejected, tuple(known.get(name, ())), _is_hidden(names, name))
        for name, (given, rejected) in sorted(counts.items(), key=lambda item: fold(item[0]))
        if not (name in known and is_shipped(name))
    ]


def rename_label(connection: sqlite3.Connection, old: str, new: str) -> Edit | None:
    """Call a label otherwise on all images; one that there is already becomes one with it.

    An image that was given either of two labels that become one has it. Models keep their word;
    what they call so is shown under the new name.

    Returns:
        What changed; ``None`` if the label is called so already.

    Raises:
        ConfigError: the name breaks the rules for names.
    """
    names, new = label_names(connection), new.strip()
    Categories((new,))
    said = connection.execute("SELECT DISTINCT category FROM decisions")
    others = {*_known(connection), *(label for (label,) in said)} - {old}
    meant = names.label(new)
    merges = names.find(SHIPPED_NAMES.label(new) if meant == old else meant, others)
    new = merges or (SHIPPED_NAMES.label(new) if meant == old else meant)
    if new == old:
        return None
    caption = f"Merge “{old}” into “{new}”" if merges else f"Rename “{old}” to “{new}”"
    changes = tuple(_moved(connection, old, new))
    changed = _names_for(connection, names, old, new)
    if _is_hidden(names, new):
        changed[name_key(new)] = None
    return make_edit(connection, caption, decisions=changes, names=_changes(names, changed))


def delete_label(connection: sqlite3.Connection, label: str) -> Edit | None:
    """Take back all that was said of a label; what models say of it is not shown any more.

    It is shown again once the person gives it to an image.
    """
    names = label_names(connection)
    gone = tuple(
        DecisionChange(image, label, decision, None)
        for image, _, decision in _decisions(connection, (label, label))
    )
    changed = _names_for(connection, names, label, "")
    return make_edit(
        connection, f"Delete “{label}”", decisions=gone, names=_changes(names, changed)
    )


def _known(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """The models that know a label, the last one first, by label."""
    names = label_names(connection)
    known: dict[str, list[str]] = {}
    for model in reversed(models(connection)):
        for category in model.categories:
            known.setdefault(names.label(category), []).append(model.name)
    return known


def _moved(connection: sqlite3.Connection, old: str, new: str) -> Iterator[DecisionChange]:
    said: dict[int, dict[str, Decision]] = {}
    for image, label, decision in _decisions(connection, (old, new)):
        said.setdefault(image, {})[label] = decision
    for image, words in said.items():
        if old not in words:
            continue
        yield DecisionChange(image, old, words[old], None)
        before = words.get(new)
        is_given = words[old].verdict is not Verdict.REJECTED
        if before is None or (is_given and before.verdict is Verdict.REJECTED):
            yield DecisionChange(image, new, before, words[old])


def _decisions(
    connection: sqlite3.Connection, names: tuple[str, str]
) -> Iterator[tuple[int, str, Decision]]:
    rows = connection.execute(
        "SELECT image_id, category, verdict, who, at FROM decisions WHERE category IN (?, ?)", names
    )
    for image, label, verdict, who, at_ms in rows.fetchall():
        yield image, label, Decision(Verdict(verdict), who, at_ms)


def _names_for(
    connection: sqlite3.Connection, names: LabelNames, old: str, new: str
) -> dict[str, str | None]:
    """What models call so, and under which name it is shown from now on; ``None`` for its own."""
    changed: dict[str, str | None] = {key: new for key, label in names.own.items() if label == old}
    for model in models(connection):
        for category in model.categories:
            if names.label(category) == old:
                own = SHIPPED_NAMES.label(category)
                changed[name_key(own)] = None if own == new else new
    return changed


def _changes(names: LabelNames, changed: dict[str, str | None]) -> tuple[NameChange, ...]:
    own = names.own
    return tuple(
        NameChange(key, own.get(key), new) for key, new in changed.items() if own.get(key) != new
    )


def _is_hidden(names: LabelNames, label: str) -> bool:
    return names.own.get(name_key(label)) == ""
