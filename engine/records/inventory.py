"""What is known of each model without loading it: for lists and for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.api.config import HEAD_TITLES, HeadConfig
from engine.api.errors import EngineError, ModelError
from engine.api.label_measures import Estimate, LabelMeasure, LabelStatus, statuses
from engine.api.values import DEFAULT_THRESHOLD
from engine.library.values import LibraryModel
from engine.records.catalogue import CatalogueEntry, load_catalogue
from engine.records.model_record import CheckpointRecord, from_metadata, model_id
from engine.records.models import ModelStore, shipped_models
from engine.records.safetensors_header import read_header
from engine.texts import NOTHING, megabytes


@dataclass(frozen=True)
class ModelRow:
    """One line of a list of models; ``None`` is unknown.

    Attributes:
        name: to ask for it by.
        kind: ``shipped``, ``own``, ``official`` or ``backbone``.
        dataset: what it was trained on.
        backbone: registry name.
        num_heads: how many heads it has.
        lam: λ.
        published_map: mean average precision in percent, as its authors state it.
        state: ``here``, ``not downloaded``, or what is wrong with it.
    """

    name: str
    kind: str
    dataset: str | None
    backbone: str | None
    num_heads: int | None
    lam: float | None
    published_map: float | None
    state: str


def list_models(store: ModelStore, *, backbones: bool = False) -> tuple[list[ModelRow], str | None]:
    """The models that are here, then those that can be downloaded.

    Args:
        store: the user's own models.
        backbones: also list backbones without heads.

    Returns:
        The rows, and why the list of downloads cannot be read, if so.
    """
    shipped, own = shipped_models(), store.models()
    try:
        catalogue, problem = load_catalogue(), None
    except ModelError as error:
        catalogue, problem = {}, str(error)
    rows = [_file_row(name, "shipped", path) for name, path in shipped.items()]
    rows += [
        _entry_row(catalogue[name], "here") if name in catalogue else _file_row(name, "own", path)
        for name, path in own.items()
    ]
    for entry in catalogue.values():
        if entry.id not in own and (backbones or entry.kind != "backbone"):
            rows.append(_entry_row(entry, entry_state(entry, store)))
    return rows, problem


def entry_state(entry: CatalogueEntry, store: ModelStore) -> str:
    """Where the file of an entry is."""
    if entry.id in store.models():
        return "here"
    if entry.downloaded_file(store) is None:
        return "not downloaded"
    return "here" if entry.kind == "backbone" else "downloaded, not imported"


def describe_record(record: CheckpointRecord, path: Path) -> dict[str, str]:
    """What a model says of itself: caption → text.

    Args:
        record: of the model.
        path: its file.
    """
    head, pixels = record.config.head, record.config.preprocess
    facts = {
        "name": record.name,
        "description": record.description,
        "backbone": record.config.backbone,
        **_of_heads(head),
        "maps": "" if record.config.says_where else "none: it says what, not where",
        "input": f"{pixels.input_size} × {pixels.input_size} pixels, {pixels.resize}",
        "thresholds": f"one for all, {DEFAULT_THRESHOLD:g} if no other is asked for"
        if record.thresholds is None
        else "one per category",
        "calibration": "none" if record.calibration is None else "one per category",
        "labels measured": status_text(record.measures),
        "categories": f"{len(record.config.categories)}: {', '.join(record.config.categories)}",
        "terms of use": record.licence,
        "size": megabytes(path.stat().st_size),
        **_extra(record),
    }
    return {caption: text for caption, text in facts.items() if text}


def _of_heads(head: HeadConfig) -> dict[str, str]:
    if head.kind != "csra":
        return {"heads": f"1: {HEAD_TITLES[head.kind]}"}
    temperatures = ", ".join("max" if math.isinf(t) else f"{t:g}" for t in head.temperatures)
    return {"heads": str(head.num_heads), "temperatures": temperatures, "λ": f"{head.lam:g}"}


def status_text(measures: Sequence[LabelMeasure] | None) -> str:
    """How many labels have which status, for people; empty if the file says of none."""
    if measures is None:
        return ""
    counts = statuses(measures)
    return ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)


def measures_of(fingerprint: str, store: ModelStore) -> tuple[LabelMeasure, ...] | None:
    """How well a model knows its labels, whichever of the files that are here holds it.

    Args:
        fingerprint: ``model_id`` of the model, not of its int8 network.
        store: the user's own models.

    Returns:
        ``None`` if no file has that model, or if it does not say.
    """
    for path in (*shipped_models().values(), *store.models().values()):
        with suppress(EngineError):  # a damaged one is somebody else's to tell of
            metadata = read_header(path).metadata
            if model_id(metadata) == fingerprint:
                return from_metadata(metadata).measures
    return None


def models_here(store: ModelStore) -> list[LibraryModel]:
    """The models whose files are here, as a library notes them; damaged files are passed over."""
    found = []
    for path in (*shipped_models().values(), *store.models().values()):
        with suppress(EngineError):
            metadata = read_header(path).metadata
            record = from_metadata(metadata)
            found.append(LibraryModel(model_id(metadata), record.name, record.config.categories))
    return found


def label_table(record: CheckpointRecord) -> list[tuple[str, ...]]:
    """What was measured of each label, with a line of captions first; empty if nothing was.

    Those that are known best come first, by average precision; a dash is unknown.
    """
    if record.measures is None:
        return []
    order = list(LabelStatus)
    rows = sorted(
        zip(record.config.categories, record.measures, strict=True),
        key=lambda row: (order.index(row[1].status), -_value(row[1].average_precision), row[0]),
    )
    heads = ("LABEL", "STATUS", "IMAGES", "AP %", "PRECISION %", "RECALL %")
    return [heads, *(_cells(name, measure) for name, measure in rows)]


def _cells(name: str, measure: LabelMeasure) -> tuple[str, ...]:
    shares = (measure.average_precision, measure.precision, measure.recall)
    texts = (NOTHING if share is None else share.text for share in shares)
    return name, measure.status, f"{measure.positives:,}", *texts


def _value(share: Estimate | None) -> float:
    return -1.0 if share is None else share.value


def describe_entry(entry: CatalogueEntry, store: ModelStore) -> dict[str, str]:
    """What is known of a file that can be downloaded: caption → text."""
    accuracy = entry.published_map
    checksum = entry.source.sha256
    facts = {
        "name": entry.id,
        "title": entry.title,
        "kind": entry.kind,
        "dataset": entry.dataset,
        "backbone": entry.backbone,
        "heads": _text(entry.num_heads),
        "λ": _text(entry.lam) or ("not published" if entry.kind == "official" else ""),
        "input": f"{entry.input_size} × {entry.input_size} pixels" if entry.input_size else "",
        "categories": _text(entry.categories),
        "published mAP": f"{accuracy} ({entry.published_in})" if accuracy is not None else "",
        "note": _text(entry.note),
        "comes from": entry.source.host,
        "SHA-256": f"{checksum}…" if checksum else "not published; recorded at first use",
        "terms of use": entry.terms.text,
        "state": entry_state(entry, store),
    }
    return {caption: text for caption, text in facts.items() if text}


def _extra(record: CheckpointRecord) -> dict[str, str]:
    measured = {key: f"{value:g}" for key, value in record.results.items()}
    return {**measured, **record.provenance}


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _file_row(name: str, kind: str, path: Path) -> ModelRow:
    try:
        record = from_metadata(read_header(path).metadata)
    except EngineError as error:
        return ModelRow(name, kind, None, None, None, None, None, str(error))
    config = record.config
    dataset = record.provenance.get("dataset")
    heads = config.head.num_heads
    lam = config.head.lam if config.head.kind == "csra" else None
    return ModelRow(name, kind, dataset, config.backbone, heads, lam, None, "here")


def _entry_row(entry: CatalogueEntry, state: str) -> ModelRow:
    return ModelRow(
        entry.id,
        entry.kind,
        entry.dataset,
        entry.backbone,
        entry.num_heads,
        entry.lam,
        entry.published_map,
        state,
    )
