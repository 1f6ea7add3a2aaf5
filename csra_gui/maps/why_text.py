"""Why a photo has a label or not, in plain words and in numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from csra_gui.maps.display import NOT_WHERE, head_caption
from engine.explain.explanation import Explanation, HeadTerms
from engine.texts import number, percent, sure_percent

_WHOLE = "It looks at the photo as a whole, so more cannot be said of the reason."


def nothing_left(name: str) -> str:
    """Instead of a score that would be made of nothing."""
    return f"Every head that knows {name} is off, so nothing is left that could say how sure it is."


def plain_reason(why: Explanation, name: str, *, says_where: bool = True, kind: str = "") -> str:
    """Some sentences for people who never asked for a number.

    Args:
        why: with the threshold that counts.
        name: of the category.
        says_where: whether the model has maps; without, there are no places to speak of.
        kind: the name of what the category follows from; empty if it stands for itself.
    """
    if why.is_silenced:
        return nothing_left(name)
    reasons = (_parts(why, kind or name), _balance(why)) if says_where else (NOT_WHERE, _WHOLE)
    parts = (_follows(why, name, kind), _verdict(why, name), _calibrated(why, name), *reasons)
    return " ".join(part for part in parts if part)


def numbers(
    why: Explanation,
    name: str,
    *,
    says_where: bool = True,
    kind: str = "",
    heads: Sequence[str] = (),
) -> str:
    """The arithmetic, line by line: each head that knows it, their sum, the score, the threshold.

    Args:
        why: with the threshold that counts.
        name: of the category.
        says_where: as ``plain_reason`` has it.
        kind: as ``plain_reason`` has it.
        heads: how each one of ``why`` is called; empty calls them by their places.
    """
    if why.is_silenced:
        return nothing_left(name)
    captions = heads or [head_caption(i, head.temperature) for i, head in enumerate(why.heads)]
    # A head that does not know the category adds nothing: a line of zeros would explain nothing.
    every = list(zip(captions, why.heads, strict=True))
    shown = [one for one in every if one[1].has_part] or every
    lines = [_head_line(caption, head, why.lam) for caption, head in shown]
    signs = lines if says_where else []
    total = f"Logit: {' '.join(_signed(head.logit, 3) for _, head in shown)}"
    if len(shown) > 1:
        total += f" = {_signed(why.logit, 3)}"
    follows = [f"The numbers are those of {kind}, from which {name} follows"] if kind else []
    lines = [*follows, *signs, total, _score_line(why)]
    if why.calibrated is not None:
        lines.append(f"Calibrated: {_percent(why.calibrated)}. {_calibrated(why, name)}")
    if why.threshold is not None:
        sign = "≥" if why.is_label else "<"
        verdict = "a label" if why.is_label else "not a label"
        lines.append(
            f"Threshold: {_percent(why.score)} {sign} {_percent(why.threshold)}, so it is {verdict}"
        )
    return "\n".join(lines)


def _follows(why: Explanation, name: str, kind: str) -> str:
    return f"{name}: follows from {kind}, {_sure(why)}." if kind else ""


def _verdict(why: Explanation, name: str) -> str:
    sure = f"The model is {_sure(why)} sure of {name}."
    if why.threshold is None:
        return sure
    need = _percent(why.threshold)
    if why.is_label:
        return f"{sure} The threshold is {need}, so it is a label."
    return f"{sure} The threshold is {need}, so it is not a label."


def _calibrated(why: Explanation, name: str) -> str:
    """What the score means as a frequency; empty if the model does not know."""
    if why.right_of_100 is None:
        return ""
    return f"Of 100 photos with this score about {why.right_of_100} show {name}."


def _parts(why: Explanation, name: str) -> str:
    base = sum(head.base for head in why.heads)
    looked = sum(head.weighted for head in why.heads)
    return (
        f"The photo as a whole speaks {_side(base)} {name} ({_signed(base, 2)}), and the "
        f"places that look most like it speak {_side(looked)} it ({_signed(looked, 2)})."
    )


def _balance(why: Explanation) -> str:
    if why.activation == "softmax":
        return (
            f"Together that is {_signed(why.logit, 2)}; the score is its part of the 100 % "
            "that all categories share."
        )
    side = "above" if why.logit >= 0 else "below"
    return f"Together that is {_signed(why.logit, 2)}; {side} 0 means {side} 50 % sure."


def _side(value: float) -> str:
    return "for" if value >= 0 else "against"


def _head_line(caption: str, head: HeadTerms, lam: float) -> str:
    looked = "maximum" if math.isinf(head.temperature) else "attention"
    return (
        f"{caption}: base {_signed(head.base, 3)} + "
        f"λ {lam:g} × {looked} {_signed(head.attention, 3)} = {_signed(head.logit, 3)}"
    )


def _score_line(why: Explanation) -> str:
    return f"Score: {why.activation}({_signed(why.logit, 3)}) = {_percent(why.score)}"


def _signed(value: float, decimals: int) -> str:
    return number(value, decimals, signed=True)


def _sure(why: Explanation) -> str:
    """The score in words, as the list of labels has it; the numbers below have it rounded."""
    return sure_percent(why.score, why.threshold or 0.0)


def _percent(share: float) -> str:
    """With a decimal, so that the two sides of a comparison hardly ever look the same."""
    return percent(share, " %")
