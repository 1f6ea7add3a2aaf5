"""What groups of ImageNet's classes are mistaken for, where photos with labels show it.

ImageNet's classifier knows rockets and airliners, but no small plane high in the sky: it calls
that a rocket. Where much of what scores best for a group has a label that is nothing of the kind
and that the detector knows, the detector's logit is taken off the group's log-odds at each
position, in the same head: that is still linear in the channels.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from learn import pooled
from numpy.typing import NDArray
from photos import Verdicts
from seen import Seen, in_parts

from engine.api.vocabulary import Vocabulary

#: Of so many that score best, such a share, and so many times the share of all photos.
_BEST, _SHARE, _TIMES = 20, 0.6, 5.0
#: From such a share on, it is nearly all.
NEARLY_ALL = 0.8
#: What so many have that are right is beside it.
_BESIDE = 0.3
_MOST = 2
#: What is beside everything is no mistake.
_ANYWHERE = "person"
#: How much of the detector's logit is taken off: it spans 7 from nothing to sure, log-odds 20.
STRENGTH = 2.0


def confusions(
    scores: Mapping[str, NDArray[np.float64]],
    has: Mapping[str, NDArray[np.bool_]],
    verdicts: Mapping[str, Verdicts],
    vocabulary: Vocabulary,
) -> dict[str, list[tuple[float, str]]]:
    """By category: of what share of what scores best it is mistaken for which label.

    Args:
        scores: (N,) of the groups that no labels measure, by name.
        has: (N,) whether photos have what the detector knows, by name.
        verdicts: what the eye found right has the right of it.
        vocabulary: what is a kind of what is no mistake.
    """
    found = {}
    for name, values in scores.items():
        best = np.argsort(-values, kind="stable")[:_BEST]
        seen = verdicts.get(name, Verdicts((), ()))
        right = [row for row, worth in zip(seen.rows, seen.values, strict=True) if worth == 1.0]
        best = best[~np.isin(best, right)]
        if len(best) < _BEST // 4:
            continue
        related = {name, *vocabulary.ancestors(name), *vocabulary.descendants(name)}
        mistakes = []
        for other, here in has.items():
            if other in related or other == _ANYWHERE:
                continue
            share, usual = float(here[best].mean()), float(here.mean())
            among = float(here[right].mean()) if right else 0.0
            if share >= max(_SHARE, _TIMES * usual) and among < _BESIDE:
                mistakes.append((share, other))
        if mistakes:
            found[name] = sorted(mistakes, reverse=True)[:_MOST]
    return found


def without(
    seen: Seen,
    classifier: tuple[torch.Tensor, torch.Tensor],
    members: torch.Tensor,
    taken: torch.Tensor,
) -> NDArray[np.float64]:
    """(N, M): pooled log-odds of groups, less what is taken off at each position.

    Args:
        seen: what the networks see.
        classifier: its weight (K, D) and bias (K,).
        members: (K, M) of classes in groups.
        taken: (M, 80), how much of each of the detector's logits counts against a group.
    """
    weight, bias = classifier
    rows = np.arange(len(seen.features))
    found = []
    for features, detected in zip(
        in_parts(seen.features, rows), in_parts(seen.detected, rows), strict=True
    ):
        shares = torch.softmax(weight @ features + bias[:, None], 1)
        mass = (members.T @ shares).clamp(1e-6, 1 - 1e-6)
        odds = torch.log(mass) - torch.log1p(-mass)
        found.append(pooled(odds - taken @ detected).double().numpy())
    return np.concatenate(found)
