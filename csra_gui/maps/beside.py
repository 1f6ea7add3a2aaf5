"""What the second view shows: whose scores, which label, and how it is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from csra_gui.maps.comparison import Beside, Comparison
from csra_gui.maps.model_comparison import SecondModel
from csra_gui.maps.source import MapSource
from csra_gui.session.session import Session
from engine.api.values import PositionScores
from engine.explain.evidence import activate, logits
from engine.texts import display_text, whole_percent

_WAITING = "Working it out…"


@dataclass(frozen=True, eq=False)
class SecondMap:
    """One map beside another.

    Attributes:
        scores: to draw it from; ``None`` if there is nothing to draw.
        category: its index in the order of those scores; ``None`` shows the photo alone.
        caption: what it is, for people.
    """

    scores: PositionScores | None
    category: int | None
    caption: str


def second_map(
    session: Session, source: MapSource, comparison: Comparison, second: SecondModel
) -> SecondMap:
    """What belongs beside the photo now."""
    shown, model = session.focus.category, session.models.model
    match comparison.beside:
        case Beside.MODEL:
            return _of_model(session, second)
        case Beside.CATEGORY:
            scores, category, title = source.scores, comparison.other, ""
        case Beside.NO_ATTENTION:
            scores, category, title = source.without_attention, shown, "Without attention (λ = 0)"
        case _:
            scores, category, title = source.stored, shown, "As stored"
    if scores is None or model is None:
        return SecondMap(None, None, source.error or _WAITING)
    labels = session.photos.categories
    return SecondMap(scores, category, label_caption(title, scores, labels, category))


def _of_model(session: Session, second: SecondModel) -> SecondMap:
    if second.source is None:
        return SecondMap(None, None, "Choose a model.")
    if second.scores is None or second.info is None:
        return SecondMap(None, None, display_text(second.error) or _WAITING)
    name = display_text(second.info.name)
    shown, model = session.focus.category, session.models.model
    if shown is None or model is None:
        return SecondMap(second.scores, None, name)
    wanted, labels = session.photos.categories[shown], session.photos.names
    found = labels.find(wanted, second.info.categories)
    if found is None:
        return SecondMap(second.scores, None, f"{name} does not know {display_text(wanted)}")
    category = second.info.categories.index_of(found)
    known = labels.labels(second.info.categories)
    return SecondMap(second.scores, category, label_caption(name, second.scores, known, category))


def label_caption(
    title: str, scores: PositionScores, labels: Sequence[str], category: int | None
) -> str:
    """A title, a label and its score by these position scores, in one line."""
    if category is None:
        return title
    if category in scores.silenced:
        nothing = f"{display_text(labels[category])}: nothing left"
        return f"{title}: {nothing}" if title else nothing
    score = float(activate(logits(scores), scores.activation)[category])
    label = f"{display_text(labels[category])} {whole_percent(score)}"
    if category in scores.follows:
        label += f" (follows from {display_text(labels[scores.follows[category]])})"
    return f"{title}: {label}" if title else label
