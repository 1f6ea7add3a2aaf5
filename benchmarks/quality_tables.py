"""The tables of explanation_quality.py, with bootstrap intervals over photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from perturbation import area_under

from engine.explain.evidence import MapKind
from engine.metrics.localisation import Frame

RESAMPLES = 1000
GRAD_CAM, CENTRE, CHANCE = "Grad-CAM", "centre of the photo", "random order"
Pair = dict[str, Any]


def summary(lines: Sequence[Mapping[str, Any]]) -> str:
    pairs = [
        {**pair, "photo": number}
        for number, line in enumerate(lines)
        for pair in line["pairs"]
        if not pair["is_skipped"]
    ]
    weights = resamples(len(lines))
    return "\n\n".join(
        [
            f"{len(lines)} photos, {len(pairs)} pairs",
            pointing_table(pairs, weights),
            curve_table([pair for pair in pairs if "curves" in pair]),
            coldness(lines, weights),
        ]
    )


def pointing_table(pairs: Sequence[Pair], weights: NDArray[np.int64]) -> str:
    names = [*(kind.value for kind in MapKind), GRAD_CAM, CENTRE]
    parts = [(f, d) for f in Frame for d in (False, True)]
    heads = [f"{'difficult' if d else 'all'}, 15 px of {f}" for f, d in parts]
    rows = [["map", *heads, "energy inside the boxes"]]
    values: dict[tuple[str, int], NDArray[np.float64]] = {}
    for name in names:
        cells = [name]
        for number, (frame, difficult) in enumerate(parts):
            chosen = [pair for pair in pairs if pair["is_difficult"] or not difficult]
            hits = [pair["hits"][name][str(frame)] for pair in chosen]
            values[name, number] = mean_of_categories(hits, chosen, weights)
            cells.append(shown(values[name, number]))
        energy = [pair["energy"].get(name, pair["area"]) for pair in pairs]
        cells.append(shown(mean(energy, pairs, weights)))
        rows.append(cells)
    best = MapKind.LOCAL_PROBABILITY.value
    cells = [shown(values[best, n] - values[GRAD_CAM, n]) for n in range(len(parts))]
    rows.append([f"{best} − {GRAD_CAM}", *cells, ""])
    return as_table(rows)


def resamples(photos: int) -> NDArray[np.int64]:
    """How often each photo is in the sample itself (once), and in each resample."""
    shares = np.full(photos, 1 / photos)
    drawn = np.random.default_rng(0).multinomial(photos, shares, size=RESAMPLES)
    return np.vstack([np.ones(photos, dtype=drawn.dtype), drawn])


def curve_table(pairs: Sequence[Pair]) -> str:
    if not pairs:
        return "no curves"
    photos = sorted({pair["photo"] for pair in pairs})
    pairs = [{**pair, "photo": photos.index(pair["photo"])} for pair in pairs]
    weights = resamples(len(photos))
    rows = [["map", "deletion (lower is better)", "insertion (higher is better)"]]
    values: dict[tuple[str, str], NDArray[np.float64]] = {}
    for name in pairs[0]["curves"]:
        for way in ("deletion", "insertion"):
            areas = [area_under(np.array(pair["curves"][name][way])) for pair in pairs]
            values[name, way] = mean(areas, pairs, weights)
        rows.append([name, *(shown(values[name, way]) for way in ("deletion", "insertion"))])
    best = MapKind.LOCAL_PROBABILITY.value
    cells = [shown(values[best, w] - values[GRAD_CAM, w]) for w in ("deletion", "insertion")]
    rows.append([f"{best} − {GRAD_CAM}", *cells])
    whole = np.mean([pair["curves"][best]["deletion"][0] for pair in pairs])
    nothing = np.mean([pair["curves"][best]["deletion"][-1] for pair in pairs])
    note = (
        f"{len(pairs)} pairs; mean score of the photo {whole:.3f}, of the blurred one {nothing:.3f}"
    )
    return f"{as_table(rows)}\n\n{note}"


def coldness(lines: Sequence[Mapping[str, Any]], weights: NDArray[np.int64]) -> str:
    rows = [["", "mean of the highest local probability, %", "share that reaches 0.5, %", "maps"]]
    for part in ("present", "absent"):
        numbered = [{"photo": i} for i, line in enumerate(lines) for _ in line[part]]
        highest = [value for line in lines for value in line[part]]
        reached = [value >= 0.5 for value in highest]
        cells = [shown(mean(values, numbered, weights)) for values in (highest, reached)]
        rows.append([part, *cells, str(len(highest))])
    return as_table(rows)


def mean(
    values: Sequence[float], pairs: Sequence[Pair], weights: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The mean over pairs, first of the sample, then of each resample."""
    mine = weights[:, [pair["photo"] for pair in pairs]]
    means: NDArray[np.float64] = mine @ np.asarray(values, dtype=np.float64) / mine.sum(axis=1)
    return means


def mean_of_categories(
    values: Sequence[float], pairs: Sequence[Pair], weights: NDArray[np.int64]
) -> NDArray[np.float64]:
    """As ``mean``, of each category, and then the mean of those that are in the resample."""
    mine = weights[:, [pair["photo"] for pair in pairs]]
    of = np.array([pair["category"] for pair in pairs])
    one_hot = (of[:, None] == np.unique(of)).astype(np.float64)
    counts = mine @ one_hot
    hits = (mine * np.asarray(values, dtype=np.float64)) @ one_hot
    shares = np.divide(hits, counts, out=np.full_like(hits, np.nan), where=counts > 0)
    means: NDArray[np.float64] = np.nanmean(shares, axis=1)
    return means


def shown(values: NDArray[np.float64]) -> str:
    """A percentage with its interval."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return f"{100 * values[0]:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def as_table(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)
