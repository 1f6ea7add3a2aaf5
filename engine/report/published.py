"""Numbers that others printed, each with its source, and when one may be set beside them."""

from __future__ import annotations

from dataclasses import dataclass

from engine.api.errors import ModelError
from engine.data.datasets.coco import OFFICIAL_COUNTS
from engine.records.catalogue import load_catalogue
from engine.records.evaluations import EvaluationRun


@dataclass(frozen=True, slots=True)
class _OfficialSet:
    """What published numbers were measured on; ``None`` images is unknown."""

    title: str
    split: str
    num_images: int | None
    num_categories: int


_COCO_IMAGES = OFFICIAL_COUNTS[2014, "val"][1]
_OFFICIAL_SETS = {
    "voc2007": _OfficialSet("all 4,952 images of the official test split", "test", 4952, 20),
    "coco2014": _OfficialSet(
        f"the {_COCO_IMAGES:,} annotated images of val2014", "val", _COCO_IMAGES, 80
    ),
    "wider": _OfficialSet("the test split", "test", None, 14),
}


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """What somebody printed of a model on a data set, in percent.

    Attributes:
        title: of the model.
        backbone: its registry name.
        mean_average_precision: mAP.
        class_f1: CF1, if printed.
        overall_f1: OF1, if printed.
        source: where it was printed.
    """

    title: str
    backbone: str
    mean_average_precision: float
    class_f1: float | None
    overall_f1: float | None
    source: str


@dataclass(frozen=True, slots=True)
class PublishedPointing:
    """Accuracy in the pointing game in percent: all pairs, and the difficult ones."""

    method: str
    vgg16: tuple[float, float]
    resnet50: tuple[float, float]


POINTING_SOURCE = "docs/pointing.csv of TorchRay"

#: On VOC2007, in TorchRay's protocol, its frame and its published lists of difficult pairs.
VOC_POINTING = (
    PublishedPointing("centre of the photo", (69.6, 42.4), (69.6, 42.4)),
    PublishedPointing("gradient", (76.3, 56.9), (72.3, 56.8)),
    PublishedPointing("deconvnet", (67.5, 44.2), (68.6, 44.7)),
    PublishedPointing("guided backprop", (75.9, 53.0), (77.2, 59.4)),
    PublishedPointing("excitation backprop", (77.1, 56.6), (84.5, 70.8)),
    PublishedPointing("contrastive excitation backprop", (79.9, 66.5), (90.7, 82.1)),
    PublishedPointing("RISE", (86.9, 75.1), (86.4, 78.8)),
    PublishedPointing("Grad-CAM", (86.6, 74.0), (90.4, 82.3)),
    PublishedPointing("extremal perturbation", (88.0, 76.1), (88.9, 78.7)),
)

_OTHERS = {
    "VOC2007": (
        PublishedRow(
            "ResNet-101 with residual attention, another recipe",
            "resnet101",
            94.98,
            89.16,
            90.80,
            "model zoo of mmpretrain",
        ),
    ),
    "COCO2014": (
        PublishedRow(
            "ResNet-101 on COCO2014, 6 heads",
            "resnet101",
            83.5,
            77.9,
            80.3,
            "the paper's row, as the SpliceMix repository lists it",
        ),
    ),
}

_DATASETS = {"voc2007": "VOC2007", "coco2014": "COCO2014", "wider": "WIDER-Attribute"}


def published_rows(run: EvaluationRun) -> tuple[PublishedRow, ...]:
    """What was published on this data set, the same backbone first; empty if nothing was."""
    name = _DATASETS.get(run.dataset.get("kind", ""))
    if name is None:
        return ()
    rows = (*_of_catalogue(name), *_OTHERS.get(name, ()))
    return tuple(sorted(rows, key=lambda row: row.backbone != run.model.get("backbone")))


def why_not_comparable(run: EvaluationRun) -> str | None:
    """The reason why no number of a run may be set beside published ones; ``None`` if it may."""
    official = _OFFICIAL_SETS.get(run.dataset.get("kind", ""))
    if official is None:
        return "This program knows of no published number on this data set."
    split, count = run.dataset.get("split", ""), len(run.ids)
    # What could not be read is in the data set, but not in the numbers.
    is_whole = not (run.failed or "part" in run.dataset) and official.num_images in (None, count)
    if split != official.split or not is_whole:
        return f"Published numbers are on {official.title}; this is {count:,} images of {split!r}."
    if len(run.categories) != official.num_categories:
        return (
            f"Published numbers are means over {official.num_categories} categories; the model "
            f"knows {len(run.categories)} of them."
        )
    if run.settings.get("flip") == "True":
        return "Published numbers are without the mirror image at test time."
    return None


def _of_catalogue(dataset: str) -> list[PublishedRow]:
    try:
        entries = load_catalogue().values()
    except ModelError:  # a report without them is better than none
        return []
    return [
        PublishedRow(
            entry.title,
            entry.backbone,
            entry.published_map,
            None,
            None,
            entry.published_in,
        )
        for entry in entries
        if entry.kind == "official"
        and entry.published_map is not None
        and entry.published_in is not None
        and entry.dataset.startswith(dataset)
    ]
