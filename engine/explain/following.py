"""Position scores in which a category that follows from a kind has those of the kind.

Who sees a cat has seen an animal, so no score is below one of its kinds'. What the network itself
says of *animal* is then no reason for its score: the maps and numbers shown are those of the kind.

A detail is never surer than what it is a kind of, and one that another outdoes says nothing. What
is taken off its score for that is taken off at every position alike, so its map keeps its shape.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.api.label_parents import NOTHING, CategoryParents
from engine.api.values import FloatArray, PositionScores
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
    own = logits(scores)
    found = parents.followed(own) if parents else {}
    excess = _excess(own, parents)
    if not found and not excess.any():
        return scores
    places = [found.get(place, place) for place in range(scores.values.shape[1])]
    # The same off all positions of all heads is so many times as much off the logit.
    times = len(scores.values) * (1.0 + scores.lam)
    values = scores.values[:, places] - (excess / times)[:, None, None]
    return replace(
        scores,
        values=np.ascontiguousarray(values, dtype=scores.values.dtype),
        follows={**scores.follows, **found},
        silenced=scores.silenced.difference(found),
    )


def _excess(own: FloatArray, parents: CategoryParents) -> FloatArray:
    """(C,): what details are surer than they may be; 0 for all else."""
    found = np.zeros_like(own)
    details = list(parents.details)
    if details:
        found[details] = own[details] - parents.implied(own, NOTHING)[details]
    return found


def best_category(scores: PositionScores) -> int:
    """The index of the highest score; of a kind and what follows from it, the kind."""
    found = logits(scores)
    found[list(scores.follows)] = -np.inf
    return int(found.argmax())
