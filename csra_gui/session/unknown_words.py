"""What is said of a word that is no label, and whether it can become one that the model knows."""

from __future__ import annotations

from csra_gui.session.session import Session
from csra_gui.session.typed_labels import label_problem
from engine.api.label_names import is_word
from engine.texts import display_text

#: Beside such a word, where it is said; opens *Teach a new label*.
TEACH = "Teach it…"


def can_teach(session: Session, word: str) -> bool:
    """Whether the model in use could be taught a label of this name."""
    model = session.models.model
    return model is not None and model.can_be_taught and not label_problem(word)


def can_teach_searched(session: Session, word: str) -> bool:
    """The same of a word of a filter, which may stand for several names."""
    return not set("*?") & set(word) and can_teach(session, word)


def is_lacking(session: Session, typed: str, found: bool) -> bool:
    """Whether no label is what a person looks for.

    Args:
        session: has the labels that model and person know.
        typed: not empty; perhaps the beginning of a word.
        found: whether it stands in the name of any label. It may still be another thing:
            "snowboard" for "snow".
    """
    photos = session.photos
    return not found or (is_word(typed) and photos.names.search(typed, photos.known_labels) is None)


def lacking_text(session: Session) -> str:
    """That the model does not know what was named before; empty if there is no model."""
    model = session.models.model
    return "" if model is None else f"{display_text(model.name)} does not know it."


def unknown_text(session: Session, word: str) -> str:
    """That no label is called so, by the name of the model if there is one."""
    shown, model, photos = display_text(word), session.models.model, session.photos
    if model is None:
        return f"No label is called “{shown}”."
    wider = photos.names.wider(word, photos.known_labels)
    only = f", only “{display_text(wider)}”" if wider else ""
    return f"{display_text(model.name)} does not know “{shown}”{only}."
