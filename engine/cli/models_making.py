"""``models download``, ``import``, ``wrap`` and ``export``: what takes PyTorch."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from engine.api.categories import Categories
from engine.api.errors import ConfigError, ModelError
from engine.api.network_names import TIMM_PREFIX
from engine.api.onnx_network import PIXEL_SCALES, OnnxFacts, PixelScale
from engine.api.values import ModelImport
from engine.api.vocabulary import everyday
from engine.checkpoints.csra_import import ImportOptions
from engine.checkpoints.exchange import export_model, import_model
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.onnx_file import is_onnx_file
from engine.checkpoints.onnx_import import import_onnx
from engine.checkpoints.safetensors_model import save_checkpoint
from engine.checkpoints.timm_weights import timm_entry
from engine.cli.common import EXIT_DONE, EXIT_USAGE, say
from engine.downloads.download import download as downloading
from engine.downloads.progress import DownloadSettings
from engine.models.classifier import Classifier
from engine.models.training_free import wrap_imagenet_classifier
from engine.models.vocabulary_tagger import wrap_with_vocabulary
from engine.records.catalogue import (
    CATEGORY_LISTS,
    CatalogueEntry,
    category_list,
    find_model,
    load_catalogue,
    read_categories,
)
from engine.records.download_source import DownloadSource
from engine.records.model_record import CheckpointRecord
from engine.records.models import default_store
from engine.service.measuring import make_graph
from engine.texts import display_name, display_path


def record_of(path: Path) -> CheckpointRecord:
    """What a model file of others says of itself."""
    return open_checkpoint(path).record


def download(options: argparse.Namespace) -> int:
    """Get a model or a backbone of the list."""
    store = default_store()
    entry = _entry(options.model)
    if entry.id in store.models():
        say(f"{entry.id!r} is here already.")
        return EXIT_DONE
    if entry.kind == "official" and entry.lam is None and options.lam is None:
        raise ModelError(f"λ of {entry.id!r} was never published. Choose one with --lam.")
    _agree(entry, accepted=options.accept_terms)
    settings = DownloadSettings(accept_change=options.accept_change)
    file = _fetch(entry.source, store.downloads, settings)
    if entry.kind == "backbone":
        say(f"{entry.id!r} is downloaded: {display_path(file)}")
        return EXIT_DONE
    settled = ImportOptions(
        lam=entry.lam if options.lam is None else options.lam,
        categories=None if entry.categories is None else category_list(entry.categories),
        input_size=entry.input_size,
    )
    record = import_model(store, file, entry.id, settled, entry.origin())
    _say_recognised(entry.id, record)
    return EXIT_DONE


def _entry(name: str) -> CatalogueEntry:
    if name.startswith(TIMM_PREFIX):
        return timm_entry(name)
    catalogue = load_catalogue()
    if name not in catalogue:
        raise ModelError(f"The list has no {name!r}. It has: {', '.join(catalogue)}.")
    return catalogue[name]


def _agree(entry: CatalogueEntry, *, accepted: bool) -> None:
    """Show the terms of use and get the person's agreement where they ask for one.

    Raises:
        ModelError: there is none.
    """
    say(f"{entry.title}\nTerms of use: {entry.terms.text}")
    if accepted or not entry.terms.must_accept:
        return
    if not sys.stdin.isatty():
        raise ModelError("Nothing was downloaded. To agree to the terms of use: --accept-terms")
    sys.stderr.write("Do you agree? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ModelError("Nothing was downloaded, as the terms of use were not accepted.")


def _fetch(source: DownloadSource, folder: Path, settings: DownloadSettings) -> Path:
    steps = downloading(source, folder, settings)
    with closing(steps), tqdm(unit="B", unit_scale=True, disable=None, leave=False) as bar:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                file: Path = end.value
                return file
            if step.note:
                tqdm.write(step.note, file=sys.stderr)
            bar.total = step.total
            bar.set_description(step.stage, refresh=False)
            bar.update(step.done - bar.n)


def bring(options: argparse.Namespace) -> int:
    """Make a model of the person's own out of a file."""
    store = default_store()
    if not options.file.is_file():
        say(f"error: there is no file {display_name(options.file)!r}.")
        return EXIT_USAGE
    name = options.name or options.file.stem
    if is_onnx_file(options.file):
        return _bring_onnx(options, name)
    if options.names is not None and options.categories is None:
        options.categories = str(options.names)
    given = ImportOptions(
        lam=options.lam,
        categories=None if options.categories is None else _categories(options.categories),
        input_size=options.input_size,
        weights_at=options.weights,
    )
    record = import_model(store, options.file, name, given)
    _say_recognised(name, record)
    return EXIT_DONE


def _bring_onnx(options: argparse.Namespace, name: str) -> int:
    named = options.categories
    request = ModelImport(
        options.file,
        name,
        options.lam,
        category_list(named) if named in CATEGORY_LISTS else None,
        options.input_size,
        onnx=OnnxFacts(_pixel_scale(options), options.scores, options.scores_output),
        names=options.names or (Path(named) if named and named not in CATEGORY_LISTS else None),
    )
    record = import_onnx(default_store(), request)
    size, count = record.config.preprocess.input_size, len(record.config.categories)
    found = [f"{name!r} is ready: {count:,} categories, {size} pixels."]
    for caption in ("its scores", "its maps"):
        if caption in record.provenance:
            found.append(f"{caption.capitalize()}: {record.provenance[caption]}.")
    found.append(f"Use it with --model {name!r}.")
    say(" ".join(found))
    return EXIT_DONE


def _pixel_scale(options: argparse.Namespace) -> PixelScale | None:
    """What was said of pixels.

    Raises:
        ConfigError: only half of it.
    """
    if (options.mean is None) != (options.std is None):
        raise ConfigError("Mean and deviation go together: give both --mean and --std.")
    scale = None if options.pixels is None else PIXEL_SCALES[options.pixels]
    if options.mean is None:
        return scale
    order = "rgb" if scale is None else scale.order
    return PixelScale(tuple(options.mean), tuple(options.std), order)


def wrap(options: argparse.Namespace) -> int:
    """Make a tagger of an ImageNet classifier."""
    if options.details and options.vocabulary is None:
        say("error: --details is for --vocabulary.")
        return EXIT_USAGE
    store = default_store()
    plain = options.backbone.removeprefix(TIMM_PREFIX)
    name = f"{plain}-{options.vocabulary or 'imagenet'}" if options.name is None else options.name
    target = store.new_path(name)
    classifier, record = _wrapped(options)
    record = replace(record, name=name)
    save_checkpoint(target, classifier, record)
    _say_recognised(name, record)
    return EXIT_DONE


def _wrapped(options: argparse.Namespace) -> tuple[Classifier, CheckpointRecord]:
    given = {} if options.lam is None else {"lam": options.lam}
    backbone, size = options.backbone, options.input_size
    if options.vocabulary is None:
        return wrap_imagenet_classifier(backbone, input_size=size, **given)
    classifier, record, dropped = wrap_with_vocabulary(
        backbone, everyday(), input_size=size, details=options.details, **given
    )
    if dropped:
        say(f"The classifier has no class for {len(dropped)} categories: {', '.join(dropped)}.")
    return classifier, record


def _categories(source: str) -> Categories:
    return category_list(source) if source in CATEGORY_LISTS else read_categories(Path(source))


def _say_recognised(name: str, record: CheckpointRecord) -> None:
    head, size = record.config.head, record.config.preprocess.input_size
    say(
        f"{name!r} is ready: {record.config.backbone}, {head.num_heads} "
        f"{'head' if head.num_heads == 1 else 'heads'}, λ {head.lam:g}, {size} pixels, "
        f"{len(record.config.categories)} categories. Use it with --model {name!r}."
    )
    reason = make_graph(find_model(name))
    say(f"It runs with PyTorch: {reason}" if reason else "On a CPU it runs with ONNX Runtime.")


def export(options: argparse.Namespace) -> int:
    """Write a model in another format."""
    export_model(
        find_model(options.model), options.output, with_preprocessing=options.with_preprocessing
    )
    say(f"Saved to {display_path(options.output)}.")
    return EXIT_DONE
