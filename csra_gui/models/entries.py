"""What the list of models shows of each: plain values, read from the disk in a worker."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from engine.api.categories import Categories
from engine.api.errors import EngineError, ModelError
from engine.records.catalogue import CatalogueEntry, category_list, load_catalogue
from engine.records.inventory import ModelRow, list_models
from engine.records.model_record import CheckpointRecord, from_metadata
from engine.records.models import ModelStore, shipped_models
from engine.records.safetensors_header import read_header
from engine.texts import megabytes, percent

Facts = tuple[tuple[str, str], ...]
_MEASURED_ON = "validation images"


class Place(Enum):
    """Where a model is."""

    HERE = auto()
    BROKEN = auto()
    AWAY = auto()
    PARTLY = auto()
    DOWNLOADED = auto()


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model or backbone.

    Attributes:
        name: to open it by.
        kind: ``shipped``, ``own``, ``official`` or ``backbone``.
        place: where it is.
        dataset: what it was trained on; this and what follows is ``None`` where unknown.
        backbone: registry name.
        num_heads: how many heads it has.
        lam: λ.
        published_map: mean average precision in percent, as its authors state it.
        path: its file, with links resolved, if it can be opened.
        entry: of the catalogue, if it can be downloaded.
        facts: all that is known, caption and text, in the order to show it.
        problem: why it cannot be opened; empty if it can.
    """

    name: str
    kind: str
    place: Place
    dataset: str | None = None
    backbone: str | None = None
    num_heads: int | None = None
    lam: float | None = None
    published_map: float | None = None
    path: Path | None = None
    entry: CatalogueEntry | None = None
    facts: Facts = ()
    problem: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether photos can be tagged with it now."""
        return self.place is Place.HERE and self.kind != "backbone"

    @property
    def is_removable(self) -> bool:
        """Whether there is something of the person's own to delete."""
        return self.kind != "shipped" and self.place is not Place.AWAY


@dataclass(frozen=True, slots=True)
class ModelEntries:
    """All models; ``problem`` is why those that can be downloaded are missing, if they are."""

    models: tuple[ModelEntry, ...] = ()
    problem: str = ""


def read_entries(store: ModelStore) -> ModelEntries:
    """Everything there is and can be had; touches the disk."""
    rows, problem = list_models(store, backbones=True)
    try:
        catalogue: Mapping[str, CatalogueEntry] = load_catalogue()
    except ModelError:
        catalogue = {}
    files = {**store.models(), **shipped_models()}
    models = (_model(row, files.get(row.name), catalogue.get(row.name), store) for row in rows)
    return ModelEntries(tuple(models), problem or "")


def _model(
    row: ModelRow, path: Path | None, entry: CatalogueEntry | None, store: ModelStore
) -> ModelEntry:
    facts: list[tuple[str, str]] = []
    place, problem, dataset = Place.HERE, "", row.dataset
    if path is not None:
        try:
            record = from_metadata(read_header(path).metadata)
            facts += _record_facts(record, path)
            dataset = dataset or record.provenance.get("dataset")
        except EngineError as error:
            place, problem = Place.BROKEN, str(error)
    elif entry is not None:
        place = _place(entry, store)
    if entry is not None:
        facts += _entry_facts(entry, here=path is not None)
    return ModelEntry(
        row.name,
        row.kind,
        place,
        dataset,
        row.backbone,
        row.num_heads,
        row.lam,
        row.published_map,
        path.resolve() if path is not None and not problem else None,
        entry,
        tuple((caption, text) for caption, text in facts if text),
        problem,
    )


def _place(entry: CatalogueEntry, store: ModelStore) -> Place:
    if entry.downloaded_file(store) is not None:
        return Place.HERE if entry.kind == "backbone" else Place.DOWNLOADED
    part = store.downloads / f"{entry.source.file_name}.part"
    return Place.PARTLY if part.is_file() else Place.AWAY


def _record_facts(record: CheckpointRecord, path: Path) -> list[tuple[str, str]]:
    head, pixels = record.config.head, record.config.preprocess
    temperatures = ", ".join("max" if math.isinf(t) else f"{t:g}" for t in head.temperatures)
    made = [f"{key}: {text}" for key, text in record.provenance.items() if key != _MEASURED_ON]
    results = {key: f"{key} {percent(value)} %" for key, value in record.results.items()}
    overall = [text for key, text in results.items() if not key.startswith("AP ")]
    single = [text for key, text in results.items() if key.startswith("AP ")]
    on = record.provenance.get(_MEASURED_ON) or record.provenance.get("dataset")
    return [
        ("Title", record.name),
        ("Description", record.description),
        ("Terms of use", record.licence),
        ("Measured", ", ".join(overall) + (f", on {on}" if overall and on else "")),
        ("Measured per category", ", ".join(single)),
        _network(record.config.backbone, head.num_heads, head.lam, pixels.input_size),
        ("Temperatures", temperatures),
        ("Thresholds", "" if record.thresholds is None else "one per category"),
        _categories(record.config.categories),
        ("File", f"{path} ({megabytes(path.stat().st_size)})"),
        ("How it was made", "; ".join(made)),
    ]


def _entry_facts(entry: CatalogueEntry, *, here: bool) -> list[tuple[str, str]]:
    published = ""
    if entry.published_map is not None:
        published = (
            f"mAP {entry.published_map:g} %, as stated in the {entry.published_in}; "
            "not measured here"
        )
    facts = [("Published", published), ("Note", entry.note or "")]
    if here:
        return facts
    checksum = entry.source.sha256
    lam = entry.lam
    return [
        ("Title", entry.title),
        *facts,
        ("Terms of use", entry.terms.text),
        _network(entry.backbone, entry.num_heads, lam, entry.input_size),
        ("λ", "never published; you choose one" if entry.kind == "official" and not lam else ""),
        _categories(None if entry.categories is None else category_list(entry.categories)),
        ("Comes from", entry.source.host),
        ("Size", megabytes(entry.source.size) if entry.source.size else ""),
        ("SHA-256", f"{checksum}…" if checksum else "not published; recorded at first use"),
    ]


def _network(
    backbone: str, num_heads: int | None, lam: float | None, input_size: int | None
) -> tuple[str, str]:
    heads = "" if num_heads is None else f"{num_heads} {'head' if num_heads == 1 else 'heads'}"
    parts = (
        backbone,
        heads,
        "" if lam is None else f"λ {lam:g}",
        f"{input_size} × {input_size} pixels" if input_size else "",
    )
    return "Network", ", ".join(part for part in parts if part)


def _categories(categories: Categories | None) -> tuple[str, str]:
    if categories is None:
        return "Categories", ""
    return f"Categories ({len(categories):,})", ", ".join(categories)
