"""How well a model of many labels knows each of them, on the labelled photos at hand.

    python benchmarks/vocabulary.py --voc VOCdevkit --coco coco2017 --food foodphotos
                                    [--model FILE] [--scores FILE.npz] [--markdown FILE.md]

Prints for each label how many photos have it, its average precision, precision and recall with
intervals of 95 % (those that the model's file has, else those found here), and how many of its
alarms the eye found right; then what the whole comes to here. ``--scores`` keeps the scores: the
network is not run again while the file is there.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "everyday")]

from photos import PRESENT, UNKNOWN, Photo, read_photos, read_verdicts, truth  # noqa: E402

from engine.api.label_measures import Estimate  # noqa: E402
from engine.api.vocabulary import everyday  # noqa: E402
from engine.metrics.label_measures import label_measures  # noqa: E402
from engine.metrics.ranking import average_precision  # noqa: E402
from engine.records.catalogue import find_model  # noqa: E402
from engine.records.model_record import CheckpointRecord, from_metadata  # noqa: E402
from engine.records.safetensors_header import read_header  # noqa: E402
from engine.service.local import LocalEngine  # noqa: E402

#: A label that says more than this is a fitting one for a photo of food.
VAGUE = frozenset({"food", "plate", "table", "dining table", "tableware", "furniture"})
SHOWN = 8


def main() -> int:
    """Print it all."""
    options = _options()
    record = from_metadata(read_header(find_model(options.model)).metadata)
    photos, _ = read_photos(everyday(), options.voc, options.coco, options.food)
    # What its heads learned from is no test of it.
    photos = [p for p in photos if (p.source, p.split) != ("voc", "train")]
    scores = _scores(options, photos)
    names = [_plain(name) for name in record.config.categories]
    thresholds = np.array(record.thresholds or [0.5] * len(names))
    known = truth(photos, names)
    named = scores >= thresholds
    text = [
        _table(record, names, photos, scores, known, named),
        _whole(photos, names, scores, known, named, record),
    ]
    sys.stdout.write("\n".join(text))
    if options.markdown is not None:
        options.markdown.write_text("\n".join(text), encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("voc", "coco", "food"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--model", default=None)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--markdown", type=Path)
    return parser.parse_args()


def _plain(name: str) -> str:
    found = everyday().find(name)
    return name if found is None else found.name


def _scores(options: argparse.Namespace, photos: list[Photo]) -> NDArray[np.float32]:
    """(N, C), as the program has them."""
    if options.scores is not None and options.scores.exists():
        kept: NDArray[np.float32] = np.load(options.scores)["scores"]
        if len(kept) == len(photos):
            return kept
    found = []
    with closing(LocalEngine("auto")) as engine:
        model = engine.open_model(options.model)
        for number, one in enumerate(engine.predict(model.id, [p.path for p in photos])):
            if one.error is not None:
                raise SystemExit(one.error)
            found.append(one.scores)
            if number % 50 == 0:
                sys.stderr.write(f"\r{number} of {len(photos)} photos")
    scores = np.stack(found)
    if options.scores is not None:
        np.savez(options.scores, scores=scores)
    return scores


def _table(
    record: CheckpointRecord,
    names: list[str],
    photos: list[Photo],
    scores: NDArray[np.float32],
    known: NDArray[np.int8],
    named: NDArray[np.bool_],
) -> str:
    thresholds = np.array(record.thresholds or [0.5] * len(names))
    measures = label_measures(
        scores.astype(np.float64), known == PRESENT, known == UNKNOWN, thresholds
    )
    verdicts = read_verdicts(photos)
    lines = [
        "| label | status | photos with it | AP | precision | recall | alarms by eye: right, "
        "unclear, wrong, not seen |",
        "|---|---|---|---|---|---|---|",
    ]
    for column, name in enumerate(names):
        measure = record.measures[column] if record.measures else measures[column]
        seen = ""
        if name in verdicts:
            rows, values = np.array(verdicts[name].rows), np.array(verdicts[name].values)
            alarms = np.flatnonzero(named[:, column] & (known[:, column] == UNKNOWN))
            of = [values[rows == row][0] for row in alarms if row in rows]
            counts = [of.count(1.0), of.count(0.5), of.count(0.0), len(alarms) - len(of)]
            seen = ", ".join(map(str, counts))
        cells = [measure.average_precision, measure.precision, measure.recall]
        lines.append(
            f"| {name} | {measure.status} | {measure.positives} | {' | '.join(map(_cell, cells))} "
            f"| {seen} |"
        )
    return "\n".join(lines) + "\n"


def _cell(estimate: Estimate | None) -> str:
    return "" if estimate is None else estimate.text


def _whole(
    photos: list[Photo],
    names: list[str],
    scores: NDArray[np.float32],
    known: NDArray[np.int8],
    named: NDArray[np.bool_],
    record: CheckpointRecord,
) -> str:
    sources = np.array([photo.source for photo in photos])
    lines = [
        "",
        "| photos | labels | mAP | of what appears, right | of what is there, appears |",
        "|---|---|---|---|---|",
    ]
    boxed = {_plain(n) for p in photos if p.source == "coco" for n in p.asked}
    voc = {n for p in photos if p.source == "voc" for n in p.asked}
    for title, source, wanted, least in (
        ("VOC val", "voc", voc, 1),
        ("COCO", "coco", boxed, 1),
        ("COCO", "coco", boxed, 5),
        ("food", "food", set(names), 5),
    ):
        rows = np.flatnonzero(sources == source)
        present, unknown = known[rows] == PRESENT, known[rows] == UNKNOWN
        columns = [c for c, n in enumerate(names) if n in wanted and present[:, c].sum() >= least]
        ap = average_precision(
            scores[rows][:, columns].astype(np.float64), present[:, columns], unknown[:, columns]
        )
        told = named[rows][:, columns] & ~unknown[:, columns]
        hits = (told & present[:, columns]).sum()
        lines.append(
            f"| {title}, {len(rows)} | {len(columns)} with ≥ {least} | {100 * np.nanmean(ap):.1f} "
            f"| {100 * hits / max(1, told.sum()):.1f} % "
            f"| {100 * hits / present[:, columns].sum():.1f} % |"
        )
    rows = np.flatnonzero(sources == "food")
    fits, wrong, count = 0, 0, 0
    for row in rows:
        told = sorted(np.flatnonzero(named[row]), key=lambda c: -scores[row, c])[:SHOWN]
        present = photos[row].present
        count += len(told)
        above = {a for n in present for a in everyday().ancestors(n)} if present else set()
        fits += any(names[c] in present and names[c] not in VAGUE for c in told)
        wrong += any(known[row, c] == 0 and names[c] not in above for c in told)
    lines.append(
        f"\nOf {len(rows)} food photos {100 * fits / max(1, len(rows)):.0f} % get a fitting label "
        "that says more than "
        f"“food” or “plate”; {100 * wrong / max(1, len(rows)):.0f} % get one that the labels by "
        "eye say is not there. "
        f"{count / max(1, len(rows)):.1f} labels a photo."
    )
    if record.results:
        lines.append(
            "\nIn the file: "
            + ", ".join(
                f"{k} {v:.3f}" for k, v in record.results.items() if not k.startswith("AP ")
            )
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
