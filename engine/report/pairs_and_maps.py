"""Which categories are taken for which, and what the maps are worth as pointers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from engine.metrics.cooccurrence import CoOccurrence
from engine.metrics.localisation import Frame
from engine.metrics.pointing import LocalisationReport
from engine.report.markup import Child, Html, element, note, percent, section, table, whole
from engine.report.numbers import EvaluationReport
from engine.report.published import POINTING_SOURCE, VOC_POINTING

_MOST_PAIRS = 15
_FRAMES = {
    Frame.PHOTO: "15 px of the photo (TorchRay's code)",
    Frame.NETWORK: "15 px of the photo scaled to a shorter side of 224 (older literature)",
}
_SIZES = {
    "all": "all",
    "small": "small: under 5 % of the photo",
    "medium": "medium",
    "large": "large: 25 % and more",
}


def pairs_section(report: EvaluationReport) -> Html:
    """Confusions, and categories that come together."""
    names = report.run.categories
    confusions = [
        (names[pair.present], names[pair.predicted], whole(pair.count), percent(pair.share))
        for pair in report.co_occurrence.confusions(_MOST_PAIRS)
    ]
    together = list(_together(report.co_occurrence, tuple(names)))
    return section(
        "pairs",
        "Pairs of categories",
        element(
            "div",
            _pair_table(
                ("Present", "Wrongly given", "Images", "Share"),
                confusions,
                "Wrong labels by what is there",
            ),
            _pair_table(
                ("One", "Other", "True", "Given"), together, "Labels that come together most"
            ),
            class_="beside even",
        ),
        note(
            "Share: of the images that have the first category and not the second. A wrong label "
            "beside a right one need not be a confusion of the two: what often comes together is "
            "often expected together."
        ),
    )


def localisation_section(report: EvaluationReport) -> Html | None:
    """Both pointing games with their baselines; ``None`` without boxes."""
    found = report.localisation
    if found is None:
        return None
    kind = report.run.dataset.get("kind", "")
    return section(
        "maps",
        "Do the maps point at the objects?",
        table(
            ("Pointing game", "Map", "Always the centre", "Pairs"),
            _games(found),
        ),
        note(
            "The highest point of the score map is a hit if it is less than 15 px from a box of "
            "the category; mean over categories. Difficult pairs: the boxes cover less than a "
            "quarter of the photo, and another category is in it. "
            f"{whole(found.skipped)} pairs were not played: all their boxes are marked difficult."
        ),
        table(
            ("Energy inside the boxes, by their size", "Map", "Flat map", "Pairs"), _sizes(found)
        ),
        note(
            "The share of a map's positive values that lies in the boxes, mean over pairs. A flat "
            "map gets the share of the photo that the boxes cover, so large boxes are easy."
        ),
        _published_pointing() if kind == "voc2007" else None,
        note(
            "On COCO, TorchRay plays with the outlines of the objects, which are harder to hit "
            "than their boxes: published numbers are not comparable and are left out."
        )
        if kind.startswith("coco")
        else None,
    )


def _pair_table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], caption: str) -> Html:
    if not rows:
        return element("div", element("h3", caption), note("None."))
    return table(heads, rows, kind="pairs", caption=caption)


def _together(found: CoOccurrence, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    counts = np.triu(found.true_true, 1)
    order = np.argsort(-counts, axis=None, kind="stable")[:_MOST_PAIRS]
    for a, b in zip(*np.unravel_index(order, counts.shape), strict=True):
        if counts[a, b]:
            given = int(found.predicted_predicted[a, b])
            yield names[a], names[b], whole(int(counts[a, b])), whole(given)


def _games(found: LocalisationReport) -> Iterator[tuple[Child, ...]]:
    for frame, words in _FRAMES.items():
        yield (element("th", words, scope="rowgroup", colspan=4, class_="group"),)
        for subset in ("all", "difficult"):
            key = f"{frame}, {subset}"
            game, centre = found.pointing[key], found.centre[key]
            shown = element("strong", percent(game.accuracy))
            yield f"{subset} pairs", shown, percent(centre.accuracy), whole(game.pairs)


def _sizes(found: LocalisationReport) -> Iterator[tuple[Child, ...]]:
    for size, words in _SIZES.items():
        energy = found.energy[size]
        shown = element("strong", percent(energy.energy))
        yield words, shown, percent(energy.box_area), whole(energy.pairs)


def _published_pointing() -> Html:
    rows = [
        (one.method, *(f"{value:.1f}" for value in (*one.vgg16, *one.resnet50)))
        for one in VOC_POINTING
    ]
    heads = ("Method", "VGG16, all", "VGG16, difficult", "ResNet-50, all", "ResNet-50, difficult")
    return element(
        "details",
        element("summary", "What others reach on VOC2007"),
        table(heads, rows),
        note(
            f"Source: {POINTING_SOURCE}. Its benchmark plays on VOC2007 test with the published "
            "lists of difficult pairs; here they are found by the definition above, so the "
            "difficult columns may differ by that alone. Another split has other photos."
        ),
    )
