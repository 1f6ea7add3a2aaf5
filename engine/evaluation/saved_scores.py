"""From scores that any program saved, and labels, to an evaluation run: no model is needed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.api.categories import Categories
from engine.api.config import take_texts_as_paths
from engine.api.errors import ConfigError, DataError
from engine.data.datasets.labelled import LabelledImages, are_numbered, numbered_categories
from engine.data.datasets.matching import Matched, in_order, matched
from engine.data.datasets.reading import listed
from engine.data.datasets.score_files import SavedScores, read_scores
from engine.data.datasets.truth import ARRAYS, Truth, load_truth
from engine.records.evaluations import (
    IGNORED_AS,
    NO_SCORES,
    EvaluationRun,
    EvaluationStore,
    dataset_hash,
    now,
)
from engine.records.program_facts import program_facts
from engine.texts import display_name, number

Scale = Literal["auto", "logits", "probabilities"]
NanRule = Literal["refuse", "ignore", "lowest"]

#: Beyond the logit of any probability that a float can hold, but 0 and 1.
_LARGEST_LOGIT = 746.0
# Of a probability that rounding has put a little outside 0 to 1.
_MARGIN = 1e-6
# In words that stand in the window, too.
_TAKEN_AS = {"probabilities": "probabilities", "logits": "numbers before the sigmoid"}
_RUN_FILE, _RUN_SCORES = "run.json", "scores.npz"
_NAN_CHOICES = "Leave those entries out, count them as the lowest scores, or save all."


@dataclass(frozen=True)
class ScoreRequest:
    """Which scores and labels to bring together.

    Attributes:
        scores: file of scores (see ``read_scores``), or the folder of a kept run.
        labels: file or folder of true labels; ``None`` takes those in the file of scores.
        kind: of data set, see ``DATASETS``; empty finds out.
        split: of the data set; empty takes the only one.
        name: of what made the scores, for people; empty takes the file's.
        scale: what the numbers are; ``auto`` takes the file's word, else probabilities where all
            lie from 0 to 1.
        nan: what becomes of scores that are not numbers.
        by_order: rows belong together by their order, where the file names no images.
        allow_missing: leave out labelled images without scores.
        categories: of the columns, where the file of scores or that of labels does not name them.
        mapping: the labels' category names → those of the scores.
        command: that was given, to be kept; empty in the window.
    """

    scores: Path
    labels: Path | None = None
    kind: str = ""
    split: str = ""
    name: str = ""
    scale: Scale = "auto"
    nan: NanRule = "refuse"
    by_order: bool = False
    allow_missing: bool = False
    categories: tuple[str, ...] = ()
    mapping: Mapping[str, str] | None = None
    command: str = ""

    def __post_init__(self) -> None:
        take_texts_as_paths(self, "scores", "labels")


@dataclass(frozen=True, eq=False)
class ScoredFile:
    """What came of a request.

    Attributes:
        run: as any other; not kept yet.
        scale: what the numbers were taken for.
        scale_text: the same as a sentence, with the reason.
        notes: how the two files were brought together, one sentence each.
        images: where the labels are from and the photos may be; ``None`` for arrays.
    """

    run: EvaluationRun
    scale: Scale
    scale_text: str
    notes: tuple[str, ...]
    images: Path | None


def score_saved(request: ScoreRequest) -> ScoredFile:
    """Bring saved scores and labels together, as ``request`` says.

    Args:
        request: which files, and how to read them.

    Returns:
        A run as an evaluation makes one, for ``evaluation_report``, with what was assumed.

    Raises:
        DataError: a file cannot be read, the two do not belong together, or scores are missing;
            one message says which and what can be done.
    """
    kept, folder = _kept(request.scores)
    found = read_scores(request.scores) if kept is None else _scores_of(kept, folder)
    truth, dataset = _truth(request, found, {} if kept is None else dict(kept.dataset))
    joined = _joined(request, found, truth)
    images = joined.images
    if joined.lacks_scores_only:
        dataset = {IGNORED_AS: NO_SCORES, **dataset}
    own = request.scores.stem if kept is None else kept.model.get("name", folder.name)
    run = EvaluationRun(
        model={"name": request.name or own, "id": _fingerprint(found), "backbone": ""},
        dataset={**dataset, "hash": dataset_hash(images)},
        settings={
            "scores": found.source,
            "taken as": _TAKEN_AS[joined.scale],
            "matched": joined.how,
            **program_facts(),
            **({"command": request.command} if request.command else {}),
        },
        date=now(),
        categories=images.categories,
        ids=images.ids,
        logits=joined.logits,
        targets=images.targets,
        ignored=images.ignored,
        problems=(*images.problems, *joined.notes),
    )
    place = None if truth.kind == ARRAYS else request.labels
    if kept is not None and request.labels is None:  # the same run under another name
        run = replace(run, localisation=kept.localisation, stored=kept.stored)
        place = EvaluationStore().images(folder)
    return ScoredFile(run, joined.scale, joined.scale_text, joined.notes, place)


@dataclass(frozen=True, eq=False)
class _Joined:
    """Scores beside labels, row by row and column by column.

    Where entries are ignored for lack of scores alone, ``lacks_scores_only``.
    """

    images: LabelledImages
    logits: NDArray[np.floating]
    scale: Scale
    scale_text: str
    notes: tuple[str, ...]
    how: str
    lacks_scores_only: bool


def _joined(request: ScoreRequest, found: SavedScores, truth: Truth) -> _Joined:
    labelled = _named(truth.images, request.categories)
    own = found.categories if labelled is not truth.images else ()
    categories = _columns(own or request.categories or found.categories, found, labelled)
    pairs = _rows(request, found, truth)
    images = labelled.subset(pairs.truth).for_categories(categories, request.mapping)
    if not truth.has_names and found.names:
        images = replace(images, ids=found.names)
    columns = [categories.index_of(name) for name in images.categories]
    values = found.values[pairs.scores][:, columns]
    logits, scale, text = _as_logits(values, request.scale, found.scale)
    logits, ignored, told = _without_nan(logits, images, request.nan, found.source)
    lacks_scores_only = bool(ignored.any() and not images.ignored.any())
    images = replace(images, ignored=images.ignored | ignored)
    if not (request.categories or found.categories):
        order = f"The columns are taken in the order of the labels: {listed(categories)}."
        told = (order, *told)
    notes = (*pairs.notes, *told)
    return _Joined(images, logits, scale, text, notes, pairs.how, lacks_scores_only)


def _kept(path: Path) -> tuple[EvaluationRun | None, Path]:
    """A run that this program kept, by its folder or the scores in it; and its folder."""
    folder = path.parent if path.name == _RUN_SCORES else path
    if (folder / _RUN_FILE).is_file():
        return EvaluationStore().load(folder), folder
    if path.is_dir():
        raise DataError(f"{display_name(path)} is a folder; choose the file of scores in it.")
    return None, folder


def _scores_of(run: EvaluationRun, folder: Path) -> SavedScores:
    return SavedScores(
        source=f"run {folder.name}",
        names=run.ids,
        categories=tuple(run.categories),
        values=run.logits,
        scale="logits",
        targets=run.targets,
        ignored=run.ignored,
    )


def _truth(
    request: ScoreRequest, found: SavedScores, dataset: dict[str, str]
) -> tuple[Truth, dict[str, str]]:
    if request.labels is not None:
        truth = load_truth(request.labels, request.kind, request.split)
        images = truth.images
        said = {IGNORED_AS: str(images.ignored_as)} if images.ignored_as else {}
        return truth, {"name": images.name, "kind": truth.kind, "split": truth.split, **said}
    if found.targets is None or found.ignored is None:
        raise DataError(f"{found.source} holds no true labels; say where they are.").with_options(
            "--labels FILE or FOLDER"
        )
    if found.targets.shape != found.values.shape:
        raise DataError(
            f"{found.source} has labels of {found.targets.shape} and scores of "
            f"{found.values.shape}; there must be one for each image and category."
        )
    names = found.names or tuple(str(row) for row in range(len(found.values)))
    images = LabelledImages(
        name=dataset.get("name", f"labels of {found.source}"),
        categories=Categories(found.categories or numbered_categories(found.values.shape[1])),
        paths=tuple(map(Path, names)),
        targets=found.targets,
        ignored=found.ignored,
        ids=names,
        ignored_as=found.ignored_as,
    )
    said = {IGNORED_AS: str(found.ignored_as)} if found.ignored_as else {}
    dataset = dataset or {"name": images.name, "kind": ARRAYS, "split": "all", **said}
    return Truth(images, ARRAYS, "all", has_names=bool(found.names)), dataset


def _named(images: LabelledImages, names: tuple[str, ...]) -> LabelledImages:
    """Labels with names for their columns, where they have none and these fit."""
    if len(names) != len(images.categories) or not are_numbered(images.categories):
        return images
    try:
        return replace(images, categories=Categories(names))
    except ConfigError as error:
        raise DataError(f"The names of the categories: {error}") from error


def _columns(names: tuple[str, ...], found: SavedScores, truth: LabelledImages) -> Categories:
    """The categories of the columns of scores, of which ``names`` are known."""
    count = found.values.shape[1]
    if not names:
        if count != len(truth.categories):
            raise DataError(
                f"{found.source} has {count} columns without names and the labels have "
                f"{len(truth.categories)} categories. Save the names of the categories too, or "
                "give a file with them, one per line in the columns' order."
            ).with_options("--categories FILE")
        names = tuple(truth.categories)
    if len(names) != count:
        raise DataError(
            f"{len(names)} names of categories do not fit the {count} columns of {found.source}."
        )
    try:
        return Categories(tuple(names))
    except ConfigError as error:
        raise DataError(f"The categories of {found.source}: {error}") from error


def _rows(request: ScoreRequest, found: SavedScores, truth: Truth) -> Matched:
    if request.labels is None:
        rows = np.arange(len(truth.images))
        return Matched(rows, rows, "the labels are in the same file", ())
    if request.by_order or not (found.names and truth.has_names):
        names = truth.images.ids if truth.has_names else ()
        return in_order(found, truth.images, names, asked=request.by_order)
    return matched(found, truth.images, allow_missing=request.allow_missing)


def _as_logits(
    values: NDArray[np.floating], scale: Scale, said: str
) -> tuple[NDArray[np.floating], Scale, str]:
    """Logits whose order and sigmoid are those of the scores; what these are, and a sentence."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    within = low >= -_MARGIN and high <= 1.0 + _MARGIN
    seems = said or ("probabilities" if within else "logits")
    wanted: Scale = (
        "probabilities" if (scale if scale != "auto" else seems) == "probabilities" else "logits"
    )
    ends = f"{number(low, 3)} to {number(high, 3)}"
    if wanted == "probabilities" and not within:
        raise DataError(
            f"The scores go from {ends}, so they are no probabilities. Say that they are logits, "
            "or save probabilities."
        ).with_options("--scale logits")
    reason = "as asked" if scale != "auto" else "as the file says" if said else f"from {ends}"
    # Numbers outside 0 to 1 can be nothing but logits.
    is_guess = scale == "auto" and not said and wanted == "probabilities"
    hint = "; say so if they are logits" if is_guess else ""
    sentence = f"The scores are taken as {wanted} ({reason}{hint})."
    if wanted == "logits":
        edge = max(_LARGEST_LOGIT, abs(low) + 1.0, abs(high) + 1.0)
        return np.nan_to_num(values, nan=np.nan, posinf=edge, neginf=-edge), wanted, sentence
    # In float64 no two float32 scores become one logit.
    shares = np.clip(values.astype(np.float64), 0.0, 1.0)
    with np.errstate(divide="ignore"):
        odds = np.log(shares) - np.log1p(-shares)
    return np.clip(odds, -_LARGEST_LOGIT, _LARGEST_LOGIT), wanted, sentence


def _without_nan(
    logits: NDArray[np.floating], images: LabelledImages, rule: NanRule, source: str
) -> tuple[NDArray[np.floating], NDArray[np.bool_], tuple[str, ...]]:
    """Logits without NaN, the entries that are left out, and what is to be told."""
    unknown = np.isnan(logits)
    if not unknown.any():
        return logits, unknown, ()
    rows = np.flatnonzero(unknown.any(axis=1))
    where = f"{int(unknown.sum()):,} scores of {len(rows):,} images in {source}"
    names = listed([images.ids[row] for row in rows[:3].tolist()], len(rows))
    if rule == "refuse":
        raise DataError(
            f"{where} are missing or not numbers (NaN): {names}. {_NAN_CHOICES}"
        ).with_options("--nan ignore, --nan lowest")
    lowest = min(-_LARGEST_LOGIT, float(np.nanmin(logits, initial=0.0)) - 1.0)
    filled = np.where(unknown, logits.dtype.type(lowest), logits)
    if rule == "lowest":
        return filled, np.zeros_like(unknown), (f"{where} are not numbers: taken as the lowest.",)
    return filled, unknown, (f"{where} are not numbers: these entries do not count.",)


def _fingerprint(found: SavedScores) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(found.values).tobytes())
    digest.update("\n".join((*found.categories, "", *found.names)).encode("utf-8", "replace"))
    return digest.hexdigest()[:16]
