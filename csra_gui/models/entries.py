"""What the list of models shows of each: plain values, read from the disk in a worker."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

from engine.api.categories import Categories
from engine.api.config import HEAD_TITLES
from engine.api.errors import EngineError, ModelError
from engine.api.network_names import network_title
from engine.inference.graphs import graph_key
from engine.inference.told import what_runs
from engine.records.backend_kinds import BACKENDS, INT8_BACKENDS
from engine.records.catalogue import CatalogueEntry, category_list, load_catalogue
from engine.records.int8_networks import Int8Figures, Int8Networks
from engine.records.inventory import ModelRow, list_models, status_text
from engine.records.measured_backends import MeasuredBackends
from engine.records.model_record import CheckpointRecord, from_metadata, model_id
from engine.records.models import ModelStore, shipped_models
from engine.records.networks import about_bytes, operations
from engine.records.safetensors_header import read_header
from engine.texts import number, percent

Facts = tuple[tuple[str, str], ...]
_MEASURED_ON = "validation images"
#: Said apart from how a model was made.
_OWN_LINES = (_MEASURED_ON, "int8")
_RUNS_WITH = "Runs with"
_NO_MAPS = "none: it says what, not where"
_INT8_LOST = "full: int8 was chosen, but there is no int8 network that may be used"


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
        dataset: what it was trained on; this and what follows is ``None`` or empty where unknown.
        backbone: registry name.
        published_map: mean average precision in percent, as its authors state it.
        measured_map: the same from 0 to 1, as its file says that it was measured.
        measured_on: the images that it was measured on, for people; empty if the file is silent.
        categories: what it names.
        work: for one photo, to compare models by.
        size: of its file in bytes.
        is_size_guess: whether that is only about right.
        path: its file, with links resolved, if it can be opened.
        entry: of the catalogue, if it can be downloaded.
        plain: what anybody wants to know, caption and text, in the order to show it.
        details: all else.
        problem: why it cannot be opened; empty if it can.
        network: the form of its network, by which it is known what runs it fastest.
        runs_with: the backend that the person chose to run it; empty for the fastest.
        id: of its weights; by it is known how it fares in int8.
        int8: what was measured of its int8 network; ``None`` if nothing was.
        is_int8_kept: whether that is good enough, there and sound.
        is_int8_chosen: whether the person wants it to run in int8.
        is_onnx: whether its network is an ONNX file, which only tags.
        can_be_taught: whether single labels can be taught to it.
    """

    name: str
    kind: str
    place: Place
    dataset: str | None = None
    backbone: str | None = None
    published_map: float | None = None
    measured_map: float | None = None
    categories: Categories | None = None
    work: float | None = None
    size: int | None = None
    is_size_guess: bool = False
    path: Path | None = None
    entry: CatalogueEntry | None = None
    plain: Facts = ()
    details: Facts = ()
    problem: str = ""
    network: str = ""
    runs_with: str = ""
    id: str = ""
    int8: Int8Figures | None = None
    is_int8_kept: bool = False
    is_int8_chosen: bool = False
    is_onnx: bool = False
    measured_on: str = ""
    can_be_taught: bool = True

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


def _size(path: Path) -> int:
    """Of a file in bytes; 0 for one that is being removed: the list is read again then."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _model(
    row: ModelRow, path: Path | None, entry: CatalogueEntry | None, store: ModelStore
) -> ModelEntry:
    if path is None:
        return _of_catalogue(row, entry, Place.HERE if entry is None else _place(entry, store))
    try:
        metadata = read_header(path).metadata
        record = from_metadata(metadata)
    except EngineError as error:
        broken = ModelEntry(row.name, row.kind, Place.BROKEN, row.dataset, row.backbone)
        return replace(broken, entry=entry, problem=str(error))
    plain, details = _record_facts(record, path)
    own_id, networks = model_id(metadata), Int8Networks()
    figures, is_chosen = networks.figures(own_id), networks.is_chosen(own_id)
    is_kept, wish = networks.is_kept(own_id), MeasuredBackends().find(graph_key(record.config)).wish
    details.append(("Faster (int8)", "" if figures is None else figures.text))
    if is_chosen:
        plain = _in_int8(plain, figures if is_kept else None, wish)
    if entry is not None:
        plain += _published(entry)
    config = record.config
    measured_map, measured_on = _measured(record)
    return ModelEntry(
        row.name,
        row.kind,
        Place.HERE,
        row.dataset or record.provenance.get("dataset"),
        row.backbone,
        row.published_map,
        measured_map,
        config.categories,
        operations(config.backbone, config.preprocess.input_size),
        _size(path),
        path=path.resolve(),
        entry=entry,
        plain=_known(plain),
        details=_known(details),
        network=graph_key(config),
        runs_with=wish,
        id=own_id,
        int8=figures,
        is_int8_kept=is_kept,
        is_int8_chosen=is_chosen,
        is_onnx=config.network is not None,
        measured_on=measured_on,
        can_be_taught=config.network is None and config.head.is_linear,
    )


def _measured(record: CheckpointRecord) -> tuple[float | None, str]:
    """The first mean average precision of a file's results, 0 to 1, and what it was measured on.

    It is called "val mAP", and its images are said elsewhere; or "mAP VOC2007 val, 22 labels".
    """
    for key, value in record.results.items():
        if key.endswith("mAP"):
            on = record.provenance.get(_MEASURED_ON) or record.provenance.get("dataset") or ""
            return value, on.partition(",")[0]
        if key.startswith("mAP "):
            return value, key.removeprefix("mAP ").partition(",")[0]
    return None, ""


def _in_int8(
    plain: list[tuple[str, str]], figures: Int8Figures | None, wish: str
) -> list[tuple[str, str]]:
    """The facts of a model of which a person chose int8; no figures: it cannot be had."""
    if figures is None:
        return [*plain, ("Precision", _INT8_LOST)]
    what = f"{number(figures.rate_int8, 1)} photos per second with {figures.runtime}"
    if wish in INT8_BACKENDS and wish != figures.backend:  # which was not measured
        what = f"with {BACKENDS[wish].runtime}"
    text = f"int8, chosen by hand: {what}; labels may differ a little"
    return [(_RUNS_WITH, text), *(fact for fact in plain if fact[0] != _RUNS_WITH)]


def _of_catalogue(row: ModelRow, entry: CatalogueEntry | None, place: Place) -> ModelEntry:
    """What can be downloaded, or has been and is no model yet."""
    model = ModelEntry(row.name, row.kind, place, row.dataset, row.backbone, row.published_map)
    if entry is None:
        return model
    size = entry.source.size
    return replace(
        model,
        categories=None if entry.categories is None else category_list(entry.categories),
        work=operations(entry.backbone, entry.input_size),
        size=about_bytes(entry.backbone) if size is None else size,
        is_size_guess=size is None,
        entry=entry,
        plain=_known([*_published(entry), ("Note", entry.note or "")]),
        details=_known(entry_details(entry)),
    )


def _known(facts: list[tuple[str, str]]) -> Facts:
    return tuple((caption, text) for caption, text in facts if text)


def _place(entry: CatalogueEntry, store: ModelStore) -> Place:
    if entry.downloaded_file(store) is not None:
        return Place.HERE if entry.kind == "backbone" else Place.DOWNLOADED
    part = store.downloads / f"{entry.source.file_name}.part"
    return Place.PARTLY if part.is_file() else Place.AWAY


def _record_facts(
    record: CheckpointRecord, path: Path
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    head, pixels = record.config.head, record.config.preprocess
    has_attention = head.kind == "csra"
    temperatures = ", ".join("max" if math.isinf(t) else f"{t:g}" for t in head.temperatures)
    lam = head.lam if has_attention else None
    made = [f"{key}: {text}" for key, text in record.provenance.items() if key not in _OWN_LINES]
    results = {key: f"{key} {percent(value)} %" for key, value in record.results.items()}
    overall = [text for key, text in results.items() if not key.startswith("AP ")]
    single = [text for key, text in results.items() if key.startswith("AP ")]
    on = record.provenance.get(_MEASURED_ON) or record.provenance.get("dataset")
    plain = [(_RUNS_WITH, what_runs(record.config))]
    plain += [("Quality", ", ".join(overall) + (f", on {on}" if overall and on else ""))]
    plain += [("Labels known", status_text(record.measures))]
    plain += [("Maps", "" if record.config.says_where else _NO_MAPS)]
    details = [
        ("Title", record.name),
        ("Description", record.description),
        _network(record.config.backbone, head.num_heads, lam, pixels.input_size),
        ("Head", "" if has_attention else HEAD_TITLES[head.kind]),
        ("Temperatures", temperatures if has_attention else ""),
        ("Thresholds", "" if record.thresholds is None else "one for each label"),
        ("Measured for each label", ", ".join(single)),
        ("Terms of use", record.licence),
        ("File", str(path)),
        ("How it was made", "; ".join(made)),
    ]
    return plain, details


def _published(entry: CatalogueEntry) -> list[tuple[str, str]]:
    if entry.published_map is None:
        return []
    stated = f"mAP {entry.published_map:g} %, as stated in the {entry.published_in}"
    return [("Quality", f"{stated}; not measured here")]


def entry_details(entry: CatalogueEntry) -> list[tuple[str, str]]:
    """What hardly anybody wants to know of a download."""
    checksum, lam = entry.source.sha256, entry.lam
    return [
        ("Title", entry.title),
        _network(entry.backbone, entry.num_heads, lam, entry.input_size),
        ("λ", "never published; you choose one" if entry.kind == "official" and not lam else ""),
        ("Trained on", entry.dataset),
        ("Terms of use", entry.terms.text),
        ("Comes from", entry.source.host),
        ("SHA-256", f"{checksum}…" if checksum else "not published; recorded at first use"),
    ]


def _network(
    backbone: str, num_heads: int | None, lam: float | None, input_size: int | None
) -> tuple[str, str]:
    heads = "" if num_heads is None else f"{num_heads} {'head' if num_heads == 1 else 'heads'}"
    parts = (
        network_title(backbone),
        heads,
        "" if lam is None else f"λ {lam:g}",
        f"{input_size} × {input_size} pixels" if input_size else "",
    )
    return "Network", ", ".join(part for part in parts if part)
