"""What people said, and the journal to undo it; each function runs in the caller's transaction."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from engine.api.categories import Categories
from engine.api.vocabulary import name_key
from engine.library.errors import LibraryError
from engine.library.names import label_names
from engine.library.ratings import (
    apply_changes,
    checked_value,
    journal_changes,
    journalled_changes,
    plan_changes,
)
from engine.library.values import (
    Attribute,
    AttributeChange,
    Decision,
    DecisionChange,
    Edit,
    Example,
    NameChange,
    ReviewChange,
    Verdict,
    Wish,
)

_Columns = tuple[str | None, str | None, int | None]
_GIVEN = (Verdict.ACCEPTED, Verdict.ADDED, Verdict.IMPORTED)


def decide(
    connection: sqlite3.Connection,
    wishes: Collection[Wish] = (),
    *,
    who: str,
    caption: str,
    reviewed: Mapping[int, bool] | None = None,
) -> Edit | None:
    """Note what a person said, of any number of labels and images, as one edit.

    Args:
        connection: to the library.
        wishes: what is said of labels, by any of their names; the last one on a label counts.
        who: the person.
        caption: of the edit, for the Undo menu.
        reviewed: the new marks, by image id.

    Returns:
        What changed; ``None`` if all was so already.

    Raises:
        LibraryError: an image is not in the library.
        ConfigError: a category's name breaks the rules for names.
    """
    signature = who, time.time_ns() // 1_000_000
    names = label_names(connection)
    last = {(wish.image_id, names.label(wish.category)): wish.verdict for wish in wishes}
    if last:
        Categories(tuple({label for _, label in last}))
    decisions, reviews = _plan(connection, last, reviewed or {}, signature)
    given = {name_key(c.category) for c in decisions if c.new and c.new.verdict in _GIVEN}
    shown = tuple(NameChange(key, "", None) for key in given if names.own.get(key) == "")
    return make_edit(connection, caption, decisions=decisions, reviews=reviews, names=shown)


def rate(
    connection: sqlite3.Connection,
    image_ids: Collection[int],
    attribute: Attribute,
    value: str,
    *,
    caption: str,
) -> Edit | None:
    """Set the rating, the colour label or the title of images, as one edit.

    Args:
        connection: to the library.
        image_ids: the images.
        attribute: which of the three.
        value: see ``Attribute``; empty takes it away.
        caption: of the edit, for the Undo menu.

    Returns:
        What changed; ``None`` if all was so already.

    Raises:
        LibraryError: an image is not in the library.
        ConfigError: there is no such value.
    """
    value = checked_value(attribute, value)
    for image_id in image_ids:
        _is_reviewed(connection, image_id)
    changes = plan_changes(connection, image_ids, attribute, value)
    return make_edit(connection, caption, attributes=changes)


def take_over_labels(
    connection: sqlite3.Connection, wishes: Collection[Wish], *, who: str, caption: str
) -> Edit | None:
    """Note what files say of labels, as one edit; where anything was decided, that stays.

    Args:
        connection: to the library.
        wishes: ``IMPORTED``, or what a person had decided elsewhere; by any of a label's names.
        who: the person.
        caption: of the edit, for the Undo menu.

    Returns:
        What changed; ``None`` if all was decided already.

    Raises:
        ConfigError: a category's name breaks the rules for names.
    """
    names, at_ms = label_names(connection), time.time_ns() // 1_000_000
    label_of = {name: names.label(name) for name in {wish.category for wish in wishes}}
    for label in set(label_of.values()):
        Categories((label,))
    said: dict[int, dict[str, Verdict]] = {}
    for wish in wishes:
        if wish.verdict is not None:
            said.setdefault(wish.image_id, {})[label_of[wish.category]] = wish.verdict
    changes = []
    for image, words in said.items():
        decided = _decisions_of(connection, image)
        changes += [
            DecisionChange(image, label, None, Decision(word, who, at_ms))
            for label, word in words.items()
            if label not in decided
        ]
    given = {name_key(c.category) for c in changes if c.new and c.new.verdict in _GIVEN}
    shown = tuple(NameChange(key, "", None) for key in given if names.own.get(key) == "")
    return make_edit(connection, caption, decisions=tuple(changes), names=shown)


def make_edit(
    connection: sqlite3.Connection,
    caption: str,
    *,
    decisions: tuple[DecisionChange, ...] = (),
    reviews: tuple[ReviewChange, ...] = (),
    names: tuple[NameChange, ...] = (),
    attributes: tuple[AttributeChange, ...] = (),
) -> Edit | None:
    """Make changes as one edit, and write it down; ``None`` if there are none."""
    if not (decisions or reviews or names or attributes):
        return None
    edit = _journal(connection, Edit(0, caption, decisions, reviews, names, attributes))
    _apply(connection, edit)
    return edit


def undo(connection: sqlite3.Connection) -> Edit | None:
    """Take back the last edit that holds; the change made, ``None`` if there is none."""
    edit = _read(connection, "WHERE undone = 0 ORDER BY id DESC LIMIT 1")
    if edit is None:
        return None
    back = edit.inverse()
    _apply(connection, back)
    _mark_undone(connection, edit.id, True)
    return back


def redo(connection: sqlite3.Connection) -> Edit | None:
    """Make again the edit that was undone last; ``None`` if there is none."""
    edit = _read(connection, "WHERE undone = 1 ORDER BY id LIMIT 1")
    if edit is not None:
        _apply(connection, edit)
        _mark_undone(connection, edit.id, False)
    return edit


def note_examples(connection: sqlite3.Connection, examples: Iterable[Example]) -> None:
    """Note what labels have learned from; what was noted before stays."""
    connection.executemany(
        "INSERT OR IGNORE INTO examples SELECT id, ?, ? FROM images WHERE id = ?",
        [(one.category, int(one.drawn), one.image_id) for one in examples],
    )


def examples(connection: sqlite3.Connection) -> list[Example]:
    """All that labels have learned from, as far as it has not vanished."""
    rows = connection.execute(
        "SELECT image_id, category, drawn, folders.path, images.name FROM examples"
        " JOIN images ON images.id = image_id JOIN folders ON folders.id = folder_id"
        " WHERE missing = 0 ORDER BY image_id, category"
    )
    return [
        Example(int(image), str(category), bool(drawn), Path(os.fsdecode(os.path.join(*place))))  # noqa: PTH118
        for image, category, drawn, *place in rows
    ]


def next_captions(connection: sqlite3.Connection) -> tuple[str, str]:
    """The captions of what undo would take back and redo make again; empty for nothing."""
    undo = "SELECT caption FROM edits WHERE undone = 0 ORDER BY id DESC LIMIT 1"
    redo = "SELECT caption FROM edits WHERE undone = 1 ORDER BY id LIMIT 1"
    found = [connection.execute(query).fetchone() for query in (undo, redo)]
    first, second = ("" if row is None else str(row[0]) for row in found)
    return first, second


def _plan(
    connection: sqlite3.Connection,
    last: Mapping[tuple[int, str], Verdict | None],
    reviewed: Mapping[int, bool],
    signature: tuple[str, int],
) -> tuple[tuple[DecisionChange, ...], tuple[ReviewChange, ...]]:
    """What would change if this were said of the labels of images."""
    known = {image: _is_reviewed(connection, image) for image in {i for i, _ in last} | {*reviewed}}
    said = {image: _decisions_of(connection, image) for image in {i for i, _ in last}}
    # One object for all that are told the same: an edit may be of a million images.
    words = {verdict: Decision(verdict, *signature) for verdict in Verdict}
    decisions = []
    for (image, category), verdict in last.items():
        old = said[image].get(category)
        if verdict != (old.verdict if old else None):
            new = None if verdict is None else words[verdict]
            decisions.append(DecisionChange(image, category, old, new))
    reviews = [ReviewChange(i, known[i], mark) for i, mark in reviewed.items() if known[i] != mark]
    return tuple(decisions), tuple(reviews)


def _decisions_of(connection: sqlite3.Connection, image_id: int) -> dict[str, Decision]:
    rows = connection.execute(
        "SELECT category, verdict, who, at FROM decisions WHERE image_id = ?", (image_id,)
    )
    return {category: Decision(Verdict(verdict), who, at) for category, verdict, who, at in rows}


def _is_reviewed(connection: sqlite3.Connection, image_id: int) -> bool:
    row = connection.execute("SELECT reviewed FROM images WHERE id = ?", (image_id,)).fetchone()
    if row is None:
        raise LibraryError("The image is no longer in the library.")
    return bool(row[0])


def _apply(connection: sqlite3.Connection, edit: Edit) -> None:
    """Make the changes of an edit, whichever way it goes."""
    connection.executemany(
        "DELETE FROM decisions WHERE image_id = ? AND category = ?",
        ((c.image_id, c.category) for c in edit.decisions if c.new is None),
    )
    connection.executemany(
        "REPLACE INTO decisions VALUES (?, ?, ?, ?, ?)",
        ((c.image_id, c.category, *_columns(c.new)) for c in edit.decisions if c.new is not None),
    )
    connection.executemany(
        "UPDATE images SET reviewed = ? WHERE id = ?",
        [(int(change.new), change.image_id) for change in edit.reviews],
    )
    for name in edit.names:
        if name.new is None:
            connection.execute("DELETE FROM label_names WHERE name = ?", (name.name,))
        else:
            connection.execute("REPLACE INTO label_names VALUES (?, ?)", (name.name, name.new))
    apply_changes(connection, edit.attributes)


def _journal(connection: sqlite3.Connection, edit: Edit) -> Edit:
    """Write an edit down, with its number; what was undone can no longer be redone."""
    connection.execute("DELETE FROM edits WHERE undone = 1")
    cursor = connection.execute(
        "INSERT INTO edits (caption, at) VALUES (?, ?)",
        (edit.caption, time.time_ns() // 1_000_000),
    )
    number = int(cursor.lastrowid or 0)
    connection.executemany(
        "INSERT INTO decision_changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (number, c.image_id, c.category, *_columns(c.old), *_columns(c.new))
            for c in edit.decisions
        ),
    )
    connection.executemany(
        "INSERT INTO review_changes VALUES (?, ?, ?, ?)",
        [(number, c.image_id, int(c.old), int(c.new)) for c in edit.reviews],
    )
    connection.executemany(
        "INSERT INTO name_changes VALUES (?, ?, ?, ?)",
        [(number, c.name, c.old, c.new) for c in edit.names],
    )
    journal_changes(connection, number, edit.attributes)
    return replace(edit, id=number)


def _mark_undone(connection: sqlite3.Connection, edit_id: int, undone: bool) -> None:
    connection.execute("UPDATE edits SET undone = ? WHERE id = ?", (int(undone), edit_id))


def _read(connection: sqlite3.Connection, condition: str) -> Edit | None:
    row = connection.execute(f"SELECT id, caption FROM edits {condition}").fetchone()  # noqa: S608
    if row is None:
        return None
    number, caption = row
    changes = connection.execute(
        "SELECT image_id, category, old_verdict, old_who, old_at, new_verdict, new_who, new_at"
        " FROM decision_changes WHERE edit_id = ?",
        (number,),
    )
    reviews = connection.execute(
        "SELECT image_id, old, new FROM review_changes WHERE edit_id = ?", (number,)
    )
    names = connection.execute(
        "SELECT name, old, new FROM name_changes WHERE edit_id = ?", (number,)
    )
    decision = cache(_decision)  # one object for all that were told the same
    return Edit(
        number,
        caption,
        tuple(DecisionChange(c[0], c[1], decision(c[2:5]), decision(c[5:8])) for c in changes),
        tuple(ReviewChange(image, bool(old), bool(new)) for image, old, new in reviews),
        tuple(NameChange(*row) for row in names),
        journalled_changes(connection, number),
    )


def _columns(decision: Decision | None) -> _Columns:
    if decision is None:
        return None, None, None
    return decision.verdict.value, decision.who, decision.at_ms


def _decision(columns: tuple[str | int | None, ...]) -> Decision | None:
    verdict, who, at_ms = columns
    if verdict is None:
        return None
    return Decision(Verdict(str(verdict)), str(who), int(at_ms or 0))
