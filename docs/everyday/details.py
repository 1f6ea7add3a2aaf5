r"""Find from which score on a breed, a species or a make is right two times of three.

    python docs/everyday/details.py --voc VOCdevkit --coco coco2017 --food foodphotos --cache DIR \
        [--sheets DIR [--check]]

The cache is that of ``make.py``. With ``--sheets`` what a model with details may name is laid out
in contact sheets, beside a list to write verdicts in; ``--check`` lays out what the rules name and
nobody looked at. Without, ``judged_details.csv`` is read and ``resources/categories/details.toml``
written.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(HERE)]

from photos import Photo, read_photos  # noqa: E402
from seen import GRID, Seen, in_parts  # noqa: E402

from engine.api.label_parents import CategoryParents  # noqa: E402
from engine.api.vocabulary import everyday  # noqa: E402
from engine.inference.details import DetailRules, with_details  # noqa: E402
from engine.inference.linear_heads import LinearHeads  # noqa: E402
from engine.inference.weights import ModelWeights, read_weights  # noqa: E402
from engine.records.catalogue import find_model  # noqa: E402

FloatArray = NDArray[np.float32]
JUDGED = HERE / "judged_details.csv"
OUTPUT = ROOT / "resources" / "categories" / "details.toml"
#: The logit of a detail is its pooled log-odds then.
PLAIN = DetailRules(1.0, 0.0, {}, -8.0, 2.5)

#: So many are to be right. What was seen less often than the second number goes by all others.
_RIGHT, _ENOUGH = 2 / 3, 12
#: What was seen so often and never right says nothing of what else is below its parent.
_ENOUGH_WRONG = 3
#: How many times the log-odds are in the logit.
_WEIGHT = 0.5
_HEAD = """\
# From which score on the details of everyday.toml appear (engine/inference/details.py). Written by
# docs/everyday/details.py from verdicts by eye; edit it as you like.
#
#   weight    how many times the pooled log-odds of a detail's classes are in its logit
#   least     the log-odds from which on a detail appears, if what it is a kind of appears
#   mean, deviation   of the log-odds at any place of any photo, about: what heads standardize with
#   least_of  the same as least, of all details of one parent or of one detail, which goes before

weight = {weight}
least = {least}
mean = {mean}
deviation = {deviation}

[least_of]
{least_of}"""
#: What is surer is looked at by eye.
LEAST = 0.0
#: Of each parent so many are looked at, or one in so many, spread evenly from surest to least.
_SAMPLE, _ONE_IN = 24, 8
_KEYS = ("turn", "parent", "detail", "source", "id")
_TILE, _COLUMNS, _ROWS, _SHOWN = (300, 250), 5, 5, 0.75


@dataclass(frozen=True)
class Looked:
    """What a model with all details says of N photos, by the rule ``PLAIN``.

    Attributes:
        names: of the C categories, details last.
        parents: of the categories.
        logits: (N, C), of details without regard to others.
        places: (N, C): where on the grid each detail is strongest.
    """

    names: tuple[str, ...]
    parents: CategoryParents
    logits: FloatArray
    places: NDArray[np.uint8]


@dataclass(frozen=True)
class Found:
    """A detail that is the best of its parent in a photo where the parent appears.

    Attributes:
        row: of the photo.
        parent: of the detail.
        detail: its name.
        score: pooled log-odds.
        at: row and column of the place where it is strongest.
    """

    row: int
    parent: str
    detail: str
    score: float
    at: tuple[int, int]


def look(seen: Seen, folder: Path) -> Looked:
    """Work out what is in ``seen``, or read it where that was done before with this model."""
    weights = read_weights(find_model(None))
    file = folder / f"details-{weights.id}.npz"
    record, tensors = with_details(weights, everyday(), PLAIN)
    names, parents = tuple(record.config.categories), record.config.parents
    if not file.exists():
        plain = ModelWeights(record, "", tensors)
        parts = list(_worked_out(seen, plain, len(parents.details)))
        logits, places = (np.concatenate(part) for part in zip(*parts, strict=True))
        np.savez(file, logits=logits, places=places)
    with np.load(file) as arrays:
        return Looked(names, parents, arrays["logits"], arrays["places"])


def _worked_out(
    seen: Seen, weights: ModelWeights, count: int
) -> Iterator[tuple[FloatArray, NDArray[np.uint8]]]:
    classifier, bias = (
        weights.tensors[f"backbone.groups.classifier.{part}"] for part in ("weight", "bias")
    )
    members = weights.tensors["backbone.groups.members"]
    heads = weights.heads
    rows, done = np.arange(len(seen.features)), 0
    for features, detected in zip(
        in_parts(seen.features, rows), in_parts(seen.detected, rows), strict=True
    ):
        shown = features.numpy()
        scores = np.exp(classifier @ shown + bias[:, None])
        of_group = (members @ (scores / scores.sum(axis=1, keepdims=True))).clip(1e-6, 1 - 1e-6)
        odds = np.log(of_group / (1 - of_group))
        channels = np.concatenate((shown, odds, detected.numpy()), axis=1)
        places = np.zeros((len(shown), heads.num_classes), dtype=np.uint8)
        places[:, -count:] = odds[:, -count:].argmax(axis=2)
        yield sparse_logits(heads, channels), places
        done += len(shown)
        sys.stderr.write(f"\r{done} of {len(rows)}")


def sparse_logits(heads: LinearHeads, channels: FloatArray) -> FloatArray:
    """(B, D, P) → (B, C): as ``LinearHeads.logits`` at T = ∞, quicker where heads see little."""
    total = np.zeros((len(channels), heads.num_classes), dtype=np.float32)
    assert heads.bias is not None
    for weight, bias in zip(heads.weight / heads.deviation, heads.bias, strict=True):
        offset = bias - weight @ heads.mean
        rows, columns = (np.flatnonzero(weight.any(axis=axis)) for axis in (1, 0))
        scores = weight[np.ix_(rows, columns)] @ channels[:, columns]
        total[:, rows] += scores.mean(axis=2) + heads.config.lam * scores.max(axis=2)
        total += (1 + heads.config.lam) * offset
    return total


def found(looked: Looked, least: float) -> list[Found]:
    """The best details of what appears, from a score on; those that are surest first."""
    names, parents = looked.names, looked.parents
    of: dict[int, list[int]] = {}
    for detail, (parent, *_) in parents.details.items():
        of.setdefault(parent, []).append(detail)
    appears = parents.implied(looked.logits, -99.0) >= 0
    all_found = []
    for parent, details in of.items():
        best = np.array(details)[looked.logits[:, details].argmax(axis=1)]
        scores = looked.logits[np.arange(len(best)), best]
        is_there = scores >= least
        if parent not in parents.details:
            is_there &= appears[:, parent]
        all_found += [
            Found(
                row,
                names[parent],
                names[best[row]],
                float(scores[row]),
                divmod(int(looked.places[row, best[row]]), GRID),
            )
            for row in np.flatnonzero(is_there).tolist()
        ]
    return sorted(all_found, key=lambda one: -one.score)


def sample(all_found: Sequence[Found]) -> list[Found]:
    """Those that are looked at, by parent."""
    chosen: list[Found] = []
    for parent in dict.fromkeys(one.parent for one in all_found):
        some = [one for one in all_found if one.parent == parent]
        count = min(len(some), max(_SAMPLE, len(some) // _ONE_IN))
        chosen += [some[int(place)] for place in np.linspace(0, len(some) - 1, count)]
    return chosen


def write_sheets(
    all_found: Sequence[Found], photos: Sequence[Photo], folder: Path, turn: str
) -> None:
    """Contact sheets of what was found, numbered, and a list to write verdicts in."""
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(all_found), _COLUMNS * _ROWS):
        sheet = Image.new("RGB", (_COLUMNS * _TILE[0], _ROWS * _TILE[1]), "white")
        for place, one in enumerate(all_found[first : first + _COLUMNS * _ROWS]):
            row, column = divmod(place, _COLUMNS)
            tile = _tile(one, photos[one.row].path, first + place)
            sheet.paste(tile, (column * _TILE[0], row * _TILE[1]))
        sheet.save(folder / f"sheet_{first // (_COLUMNS * _ROWS):02}.jpg", quality=88)
    with (folder / "list.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow((*_KEYS, "verdict"))
        for one in all_found:
            photo = photos[one.row]
            table.writerow((turn, one.parent, one.detail, photo.source, photo.id, ""))


def _tile(one: Found, path: Path, number: int) -> Image.Image:
    """Most of the photo around the place that decides, which has a ring."""
    with Image.open(path) as opened:
        photo = ImageOps.exif_transpose(opened).convert("RGB")
    centre = [
        (place + 0.5) / GRID * side for place, side in zip(one.at[::-1], photo.size, strict=True)
    ]
    size = [_SHOWN * side for side in photo.size]
    corner = [
        min(max(middle - part / 2, 0), side - part)
        for middle, part, side in zip(centre, size, photo.size, strict=True)
    ]
    ImageDraw.Draw(photo).circle(centre, 0.03 * max(photo.size), outline="red", width=2)
    box = (corner[0], corner[1], corner[0] + size[0], corner[1] + size[1])
    shown = ImageOps.contain(photo.crop(tuple(map(round, box))), (_TILE[0] - 4, _TILE[1] - 22))
    tile = Image.new("RGB", _TILE, "white")
    tile.paste(shown, (2, 20))
    text = f"{number} {one.parent}: {one.detail} {one.score:.1f}"
    ImageDraw.Draw(tile).text((2, 2), text, fill="black", font_size=14)
    return tile


def read_verdicts(photos: Sequence[Photo], turn: str) -> dict[tuple[int, str], float]:
    """By row of the photo and detail: 1 right, 0 wrong, 0.5 cannot be told.

    Args:
        photos: all of them.
        turn: "first" is what the rules are made by, "second" what was seen of them afterwards.
    """
    row_of = {(photo.source, photo.id): row for row, photo in enumerate(photos)}
    worth = {"right": 1.0, "unclear": 0.5, "wrong": 0.0}
    with JUDGED.open(newline="", encoding="utf-8") as stream:
        return {
            (row_of[row["source"], row["id"]], row["detail"]): worth[row["verdict"]]
            for row in csv.DictReader(stream)
            if row["turn"] == turn and (row["source"], row["id"]) in row_of
        }


def rules(all_found: Sequence[Found], verdicts: Mapping[tuple[int, str], float]) -> DetailRules:
    """From which score on enough are right: of each parent that was seen often.

    All others need as much as half of these parents do. A detail by itself appears later where it
    was wrong: where enough of its own are right, and above all its alarms where that is never so.
    """
    judged = [one for one in all_found if (one.row, one.detail) in verdicts]
    worth = {id(one): verdicts[one.row, one.detail] for one in judged}

    def cut(some: Sequence[Found]) -> float | None:
        """The last of the surest that is right, while enough of them are; ``None`` if never."""
        values = np.array([worth[id(one)] for one in some])
        share = np.cumsum(values) / np.arange(1, len(values) + 1)
        good = np.flatnonzero((share >= _RIGHT) & (values == 1.0))
        return _below(some[good[-1]].score) if len(good) else None

    of_detail = {
        name: [x for x in judged if x.detail == name] for name in {x.detail for x in judged}
    }
    never = {n for n, some in of_detail.items() if len(some) >= _ENOUGH_WRONG and cut(some) is None}
    counted = [one for one in judged if one.detail not in never]
    often = Counter(one.parent for one in counted)
    cuts = {p: cut([x for x in counted if x.parent == p]) for p, n in often.items() if n >= _ENOUGH}
    least_of = {parent: value for parent, value in cuts.items() if value is not None}
    least = round(float(np.median(list(least_of.values()))), 1)
    for name in sorted({one.detail for one in all_found}):
        some = of_detail.get(name, [])
        parent = next(one.parent for one in all_found if one.detail == name)
        base = least_of.get(parent, least)
        is_wrong = any(worth[id(one)] < 0.5 and one.score >= base for one in some)
        # Below a parent of which too little was right, nobody knows which alarms are right.
        is_unknown = parent not in least_of and not any(worth[id(one)] == 1.0 for one in some)
        if is_wrong or is_unknown:
            own = cut(some) if some else None
            own = _above_all(all_found, name) if own is None else own
            if own > base:
                least_of[name] = own
    return DetailRules(_WEIGHT, least, least_of, PLAIN.mean, PLAIN.deviation)


def _above_all(all_found: Sequence[Found], detail: str) -> float:
    return _below(max(one.score for one in all_found if one.detail == detail)) + 0.1


def _below(score: float) -> float:
    return float(np.floor(score * 10) / 10)


def write_rules(found_rules: DetailRules) -> None:
    """As TOML, for people to read and to change."""
    lines = (f'"{name}" = {round(value, 1)}\n' for name, value in found_rules.least_of.items())
    text = _HEAD.format(
        weight=found_rules.weight,
        least=found_rules.least,
        mean=found_rules.mean,
        deviation=found_rules.deviation,
        least_of="".join(lines),
    )
    OUTPUT.write_text(text, encoding="utf-8")


def say_how_good(
    named: Sequence[Found], verdicts: Mapping[tuple[int, str], float], count: int
) -> None:
    """How many of what is named are right, as a table for docs/EVERYDAY.md."""
    for parent, _ in Counter(one.parent for one in named).most_common():
        _say_line(parent, [one for one in named if one.parent == parent], verdicts)
    _say_line("all", named, verdicts)
    photos = len({one.row for one in named})
    sys.stdout.write(f"{photos} of {count} photos, {len({x.detail for x in named})} details\n")


def _say_line(name: str, some: Sequence[Found], verdicts: Mapping[tuple[int, str], float]) -> None:
    known = Counter(verdicts.get((one.row, one.detail)) for one in some)
    seen = len(some) - known[None]
    share = (known[1.0] + 0.5 * known[0.5]) / max(1, seen)
    counts = f"{known[1.0]}, {known[0.5]}, {known[0.0]}"
    sys.stdout.write(f"| {name} | {len(some)} | {counts} | {100 * share:.0f} % |\n")


def main() -> int:
    """Do what the options say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("voc", "coco", "food", "cache"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    photos, _ = read_photos(everyday(), options.voc, options.coco, options.food)
    seen = Seen(options.cache, [photo.path for photo in photos], 1280, 80)
    looked = look(seen, options.cache)
    all_found = found(looked, LEAST)
    if options.sheets is not None and not options.check:
        write_sheets(sample(all_found), photos, options.sheets, "first")
        return 0
    first, second = (read_verdicts(photos, turn) for turn in ("first", "second"))
    made = rules(all_found, first)
    named = [x for x in all_found if x.score >= made.least_for(x.detail, x.parent)]
    if options.sheets is not None:
        fresh = [one for one in named if (one.row, one.detail) not in first]
        write_sheets(sample(fresh), photos, options.sheets, "second")
        return 0
    write_rules(made)
    for turn, verdicts in (("first", first), ("second", second)):
        sys.stdout.write(f"by the {turn} look\n")
        say_how_good(named, verdicts, len(photos))
    return 0


if __name__ == "__main__":
    sys.exit(main())
