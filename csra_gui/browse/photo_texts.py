"""A photo in words: for tool tips, for screen readers, for lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from csra_gui.base.tool_tips import tool_tip
from csra_gui.browse.chips import mine_first
from csra_gui.session.scored_label import MARK_TEXTS, ScoredLabel
from csra_gui.session.session import Session
from csra_gui.widgets.rating_marks import rating_sentence
from engine.api.facts import Fact, names_of
from engine.data.kinds import HEIF_SUFFIXES
from engine.library.values import Verdict
from engine.texts import display_name, display_path, display_text


def label_text(label: ScoredLabel) -> str:
    """A label with what the model and the person said of it: "cat 93 %", "rocket? 66 %"."""
    said = "✓" if label.verdict in (Verdict.ACCEPTED, Verdict.ADDED) else ""
    parts = (f"{display_text(label.category)}{label.mark}", label.score_text, said)
    return " ".join(part for part in parts if part)


def labels_text(labels: Sequence[ScoredLabel]) -> str:
    """All labels on one line."""
    return ", ".join(label_text(label) for label in labels)


def measured_text(facts: Fact) -> str:
    """What was measured of a photo, on one line."""
    return ", ".join(names_of(facts)) or "nothing out of the ordinary"


def photo_error(session: Session, photo: int, decoding_error: str | None) -> str | None:
    """Why a photo could not be tagged or shown; ``None`` if nothing is known to be wrong."""
    error = session.photos.error(photo) or decoding_error
    return None if error is None else display_text(error)


def state_text(session: Session, photo: int, decoding_error: str | None = None) -> str:
    """The photo's labels, or why it has none."""
    error = photo_error(session, photo, decoding_error)
    if error is not None:
        return error
    labels = session.main_labels(photo)
    if labels:
        return labels_text(mine_first(labels))
    return "no labels" if session.photos.is_tagged(photo) else "not tagged yet"


def pair_text(path: Path, other_files: Sequence[str]) -> str:
    """What a photo of several files is: "RAW+JPEG"; empty if it has but one."""
    if not other_files:
        return ""
    return "RAW+HEIC" if path.suffix.lower() in HEIF_SUFFIXES else "RAW+JPEG"


def photo_tool_tip(session: Session, photo: int, path: Path) -> str:
    """Where the photo is, and what is known of it."""
    lines = [display_path(path)]
    others = session.photos.other_files(photo)
    if others:
        names = ", ".join(map(display_text, others))
        lines.append(f"{pair_text(path, others)}: with {names}")
    note = session.shown.note(photo)
    if note:
        lines.append(note)
    error = photo_error(session, photo, None)
    if error is not None:
        lines.append(error)
    labels = session.labels(photo)
    lines += [label_text(label) for label in labels]
    lines += [MARK_TEXTS[mark] for mark in ("~", "?") if any(x.mark == mark for x in labels)]
    lines += [line for line in attribute_texts(session, photo) if line]
    if session.photos.is_reviewed(photo):
        lines.append("Reviewed")
    return tool_tip(*lines)


def attribute_texts(session: Session, photo: int) -> tuple[str, str, str]:
    """The photo's rating, colour label and title; empty for what it has not."""
    known = session.photos.attributes
    title = known.title(photo)
    return (
        rating_sentence(known.rating(photo)),
        display_text(known.color(photo)),
        f"“{display_text(title)}”" if title else "",
    )


def accessible_text(session: Session, photo: int, path: Path, decoding_error: str | None) -> str:
    """What a screen reader says of the photo."""
    said = state_text(session, photo, decoding_error)
    reviewed = ", reviewed" if session.photos.is_reviewed(photo) else ""
    more = "".join(f", {text}" for text in attribute_texts(session, photo) if text)
    texts = (pair_text(path, session.photos.other_files(photo)), session.shown.note(photo))
    beside = "".join(f", {text}" for text in texts if text)
    return f"{display_name(path)}{beside}: {said}{more}{reviewed}"
