"""Position scores in which a category that follows from a kind has those of the kind.

Who sees a cat has seen an animal, so no score is below one of its kinds'. What the network itself
says of *animal* is then no reason for its score: the maps and numbers shown are those of the kind.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.api.label_parents import CategoryParents
from engine.api.values import PositionScores
from engine.explain.evidence import logits


def following(scores: PositionScores, parents: CategoryParents) -> PositionScores:
    """The same, with the values of the kind that each lifted category follows from.

    So every map, the logit and the score of a category agree with each other, and with its score in
    the library. ``follows`` of the result says which ones those are.

    Args:
        scores: of one image, each category with its own values; another λ, other temperatures or
            fewer heads may let another kind be the best, so they come first.
        parents: of the model's categories.

    Returns:
        ``scores`` itself if no category follows from another one.
    """
    found = parents.followed(logits(scores)) if parents else {}
    if not found:
        return scores
    places = [found.get(place, place) for place in range(scores.values.shape[1])]
    return replace(
        scores,
        values=np.ascontiguousarray(scores.values[:, places]),
        follows={**scores.follows, **found},
        silenced=scores.silenced.difference(found),
    )


def best_category(scores: PositionScores) -> int:
    """The index of the highest score; of a kind and what follows from it, the kind."""
    found = logits(scores)
    found[list(scores.follows)] = -np.inf
    return int(found.argmax())
