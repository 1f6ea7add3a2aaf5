"""The errors that a model was surest of: which ones, and what is needed to look at them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.api.categories import Categories
from engine.api.geometry import Box, fitted_size
from engine.api.values import DecodedImage, FloatArray, PixelArray, PositionScores
from engine.data.datasets.labelled import LabelledImages
from engine.explain.evidence import local_probability, on_photo
from engine.report.numbers import EvaluationReport

#: Longest side of a photo in the report, in pixels.
EXAMPLE_SIDE = 320


@dataclass(frozen=True, slots=True)
class ErrorCase:
    """One wrong label, or one that is missing.

    Attributes:
        row: of the image in the run.
        category: its index in the run.
        score: in [0, 1].
        is_false_positive: the label was given wrongly; otherwise it was wrongly not given.
    """

    row: int
    category: int
    score: float
    is_false_positive: bool


@dataclass(frozen=True, eq=False)
class ErrorExample:
    """An error with what can be seen of it.

    Attributes:
        id: of the sample.
        path: of the image; it is not shown.
        category: its name.
        score: in [0, 1].
        is_false_positive: see ``ErrorCase``.
        photo: (h, w, 3) uint8, upright.
        overlay: (h, w) float32, the local probability over the photo; ``None`` if unknown.
        boxes: of the category in this image, in fractions of it.
    """

    id: str
    path: Path
    category: str
    score: float
    is_false_positive: bool
    photo: PixelArray
    overlay: FloatArray | None
    boxes: tuple[Box, ...]


def worst_errors(report: EvaluationReport, per_kind: int = 12) -> tuple[ErrorCase, ...]:
    """The false positives and false negatives that the model was surest of.

    Each category's worst error comes before any category's second worst, so that one bad category
    does not fill the list. Ignored entries are no errors.

    Args:
        report: of a run.
        per_kind: at most so many false positives, and so many false negatives.

    Returns:
        First the false positives, then the false negatives, each from the worst on.
    """
    run = report.run
    given = run.logits >= 0.0
    wrong = given & ~run.targets & ~run.ignored
    missed = ~given & run.targets & ~run.ignored
    return (
        *_surest(wrong, run.logits, report.scores, per_kind, is_false_positive=True),
        *_surest(missed, -run.logits, report.scores, per_kind, is_false_positive=False),
    )


def example_of(
    case: ErrorCase,
    report: EvaluationReport,
    images: LabelledImages,
    position_scores: PositionScores,
    photo: DecodedImage,
    model_categories: Categories | None = None,
) -> ErrorExample:
    """What is shown of one error.

    Args:
        case: one of ``worst_errors``.
        report: that it is one of.
        images: what was evaluated; its ids hold those of the run.
        position_scores: of the image, for the categories of the model.
        photo: the image scaled to any size, without padding.
        model_categories: of the model; ``None`` if they are those of the run. If that cannot
            be, there is no overlay rather than one of another category.
    """
    run = report.run
    name = run.categories[case.category]
    row = images.ids.index(run.ids[case.row])
    known = run.categories if model_categories is None else model_categories
    small = _scaled(photo.pixels)
    overlay = None
    if position_scores.says_where and len(known) == position_scores.values.shape[1]:
        grid = local_probability(position_scores, known.index_of(name))
        overlay = on_photo(grid, small.shape[1], small.shape[0], position_scores.content)
    return ErrorExample(
        id=run.ids[case.row],
        path=images.paths[row],
        category=name,
        score=case.score,
        is_false_positive=case.is_false_positive,
        photo=small,
        overlay=overlay,
        boxes=_boxes(images, row, name, photo),
    )


def _surest(
    errors: NDArray[np.bool_],
    sureness: FloatArray,
    scores: FloatArray,
    limit: int,
    *,
    is_false_positive: bool,
) -> list[ErrorCase]:
    rows, columns = np.nonzero(errors)
    badness = sureness[rows, columns]
    by_category = np.lexsort((rows, -badness, columns))
    rows, columns, badness = rows[by_category], columns[by_category], badness[by_category]
    starts = np.flatnonzero(np.diff(columns, prepend=-1))
    sizes = np.diff(np.append(starts, len(columns)))
    place = np.arange(len(columns)) - np.repeat(starts, sizes)
    order = np.lexsort((-badness, place))[:limit]
    pairs = zip(rows[order].tolist(), columns[order].tolist(), strict=True)
    return [ErrorCase(r, c, float(scores[r, c]), is_false_positive) for r, c in pairs]


def _scaled(pixels: PixelArray) -> PixelArray:
    height, width = pixels.shape[:2]
    size = fitted_size(width, height, EXAMPLE_SIDE)
    if size == (width, height):
        return pixels
    image = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(image, dtype=np.uint8)


def _boxes(images: LabelledImages, row: int, category: str, photo: DecodedImage) -> tuple[Box, ...]:
    # Boxes are those of the whole picture; a crop of it has none of its own.
    if images.objects is None or (images.crops is not None and images.crops[row] is not None):
        return ()
    index = images.categories.index_of(category)
    boxes = np.array([o.box for o in images.objects[row] if o.category == index], dtype="f8")
    size = np.array([photo.width, photo.height, photo.width, photo.height])
    fractions = np.clip(boxes.reshape(-1, 4) / size, 0.0, 1.0)
    return tuple(Box(*corners) for corners in fractions.tolist())
