"""What an evaluation would come to, before it begins: read from lists, no model runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.api.errors import DataError, EngineError
from engine.data.datasets.reading import listed
from engine.data.datasets.registry import dataset_spec, load_dataset, recognise
from engine.records.evaluations import EvaluationSummary
from engine.records.model_record import from_metadata
from engine.records.safetensors_header import read_header
from engine.texts import about, display_path, display_text

_MOST_PROBLEMS = 4
# Open Images has 20,000.
_MOST_NAMES = 500


@dataclass(frozen=True, slots=True)
class FoundData:
    """What a folder holds.

    Attributes:
        root: the folder.
        kind: of data set; empty if it could be any folder of photos.
        splits: those that it has, as the kind that was found or asked for.
    """

    root: Path
    kind: str
    splits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that can be evaluated.

    Attributes:
        name: to open it by.
        path: its file.
        rate_per_s: images per second, as far as anybody knows; 0 if nobody does.
    """

    name: str
    path: Path
    rate_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Preflight:
    """What would be evaluated.

    Attributes:
        num_images: that would be looked at, by each model.
        heading: of what follows.
        facts: caption and text, for people.
        problem: why it cannot be done; empty if it can.
        of_images: how many the split has; 0 while nobody knows.
    """

    num_images: int
    heading: str
    facts: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    of_images: int = 0


def look_at(root: Path, kind: str = "") -> FoundData:
    """Recognise a folder by the names in it.

    Args:
        root: to look at.
        kind: take it for this kind; empty finds out.

    Raises:
        DataError: it is not of that kind.
    """
    if not kind:
        found = recognise(root)
        return FoundData(root, *found) if found else FoundData(root, "", ())
    try:
        splits = dataset_spec(kind).splits(root)
    except OSError as error:
        raise DataError(f"{display_path(root)} cannot be read: {error.strerror}.") from error
    if not splits:
        title = dataset_spec(kind).title
        raise DataError(
            f"{display_path(root)} does not look like {title}. Choose the folder that it was "
            "unpacked to."
        )
    return FoundData(root, kind, splits)


def preflight(
    data: FoundData,
    split: str,
    models: Sequence[ModelChoice],
    limit: int | None,
    *,
    follow_links: bool = False,
) -> Preflight:
    """Read the lists of a split and compare its categories with those of the models."""
    try:
        images = load_dataset(data.kind, data.root, split, follow_links=follow_links)
    except DataError as error:
        return Preflight(0, "This cannot be evaluated.", problem=str(error))
    number = len(images) if limit is None else min(limit, len(images))
    facts = [("Images", f"{number:,} of {len(images):,}" if limit else f"{number:,}")]
    categories = images.categories
    names = ", ".join(categories) if len(categories) <= _MOST_NAMES else listed(categories)
    facts.append(("Categories", f"{len(categories):,}: {names}"))
    seconds, is_known = 0.0, bool(models)
    for model in models:
        try:
            record = from_metadata(read_header(model.path).metadata)
            mapped = images.for_categories(record.config.categories)
        except EngineError as error:
            return Preflight(0, f"{display_text(model.name)} cannot be evaluated.", (), str(error))
        left_out = [p for p in mapped.problems if p not in images.problems]
        text = f"{len(mapped.categories)} of {len(images.categories)} categories"
        facts.append((display_text(model.name), " ".join([f"{text}.", *left_out])))
        seconds += number / model.rate_per_s if model.rate_per_s else 0.0
        is_known = is_known and model.rate_per_s > 0
    facts.append(("Time", about(seconds) if is_known else _UNKNOWN_TIME))
    facts += [("Note", display_text(text)) for text in images.problems[:_MOST_PROBLEMS]]
    title = dataset_spec(data.kind).title
    problem = "" if models else "Choose at least one model."
    return Preflight(number, f"{title}, {split}", tuple(facts), problem, len(images))


_UNKNOWN_TIME = "known after the first images; later runs of a model go by its earlier ones"


def known_rate(model_name: str, runs: Sequence[EvaluationSummary]) -> float:
    """Images per second of the newest run of a model that noted it; 0 if none did."""
    return next((r.rate_per_s for r in runs if r.model == model_name and r.rate_per_s > 0), 0.0)
