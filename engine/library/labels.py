"""Labels of a whole library: listed, renamed, merged and deleted as one edit that can be undone.

Each function runs in the caller's transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from engine.api.categories import Categories
from engine.api.label_names import SHIPPED_NAMES, LabelNames, is_shipped
from engine.api.vocabulary import name_key
from engine.library.decisions import make_edit
from engine.library.names import label_names
from engine.library.predictions import models
from engine.library.values import Decision, DecisionChange, Edit, NameChange, Verdict
from engine.texts import fold

_AMONG = "IN (SELECT value FROM json_each(?))"


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


def rename_labels(connection: sqlite3.Connection, old: Collection[str], new: str) -> Edit | None:
    """Call labels otherwise on all images; those that have one name then become one label.

    An image that was given any of them has it. Models keep their word; what they call so is shown
    under the new name.

    Args:
        connection: to the library.
        old: as ``label_uses`` has them.
        new: any name of a label that there is already, or a new one.

    Returns:
        What changed; ``None`` if all are called so already. A label that was not shown is again.

    Raises:
        ConfigError: the name breaks the rules for names.
    """
    names, new = label_names(connection), new.strip()
    Categories((new,))
    said = connection.execute("SELECT DISTINCT category FROM decisions")
    others = {*_known(connection), *(label for (label,) in said)}.difference(old)
    meant = names.label(new)
    meant = SHIPPED_NAMES.label(new) if meant in old else meant
    there = names.find(meant, others)
    new = there or meant
    gone = [label for label in old if label != new]
    changed = _names_for(connection, names, gone, new)
    if _is_hidden(names, new):
        changed[name_key(new)] = None
    verb, to = ("Merge", "into") if there is not None or len(old) > 1 else ("Rename", "to")
    return make_edit(
        connection,
        f"{verb} {_in_words(gone)} {to} “{new}”" if gone else f"Show “{new}” again",
        decisions=tuple(_moved(connection, gone, new)),
        names=_changes(names, changed),
    )


def delete_labels(connection: sqlite3.Connection, labels: Collection[str]) -> Edit | None:
    """Take back all that was said of labels; what models say of them is not shown any more.

    It is shown again once the person gives it to an image.
    """
    names = label_names(connection)
    gone = tuple(
        DecisionChange(image, label, decision, None)
        for image, label, decision in _decisions(connection, labels)
    )
    changed = _names_for(connection, names, labels, "")
    return make_edit(
        connection, f"Delete {_in_words(labels)}", decisions=gone, names=_changes(names, changed)
    )


def count_images(connection: sqlite3.Connection, labels: Collection[str]) -> int:
    """Of how many images something was said of any of these labels."""
    row = connection.execute(
        f"SELECT count(DISTINCT image_id) FROM decisions WHERE category {_AMONG}",  # noqa: S608
        (_listed(labels),),
    ).fetchone()
    return int(row[0])


def _known(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """The models that know a label, the last one first, by label."""
    names = label_names(connection)
    known: dict[str, list[str]] = {}
    for model in reversed(models(connection)):
        for category in model.categories:
            known.setdefault(names.label(category), []).append(model.name)
    return known


def _moved(
    connection: sqlite3.Connection, gone: Collection[str], new: str
) -> Iterator[DecisionChange]:
    said: dict[int, dict[str, Decision]] = {}
    for image, label, decision in _decisions(connection, (*gone, new)):
        said.setdefault(image, {})[label] = decision
    for image, words in said.items():
        before = words.pop(new, None)
        for label, decision in words.items():
            yield DecisionChange(image, label, decision, None)
        # A word that it is there goes before one that it is not, and the label's own before others.
        ranked = sorted(words.values(), key=lambda word: word.verdict is Verdict.REJECTED)
        if ranked and (before is None or _says_more(ranked[0], before)):
            yield DecisionChange(image, new, before, ranked[0])


def _says_more(word: Decision, before: Decision) -> bool:
    return before.verdict is Verdict.REJECTED and word.verdict is not Verdict.REJECTED


def _decisions(
    connection: sqlite3.Connection, labels: Collection[str]
) -> Iterator[tuple[int, str, Decision]]:
    rows = connection.execute(
        f"SELECT image_id, category, verdict, who, at FROM decisions WHERE category {_AMONG}",  # noqa: S608
        (_listed(labels),),
    )
    for image, label, verdict, who, at_ms in rows.fetchall():
        yield image, label, Decision(Verdict(verdict), who, at_ms)


def _listed(labels: Collection[str]) -> str:
    return json.dumps(list(labels))


def _names_for(
    connection: sqlite3.Connection, names: LabelNames, old: Collection[str], new: str
) -> dict[str, str | None]:
    """What models call so, and under which name it is shown from now on; ``None`` for its own."""
    changed: dict[str, str | None] = {key: new for key, label in names.own.items() if label in old}
    for model in models(connection):
        for category in model.categories:
            if names.label(category) in old:
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


def _in_words(labels: Collection[str]) -> str:
    first = next(iter(labels))
    return f"“{first}”" if len(labels) == 1 else f"{len(labels)} labels"
