"""``models``: what is here and what can be had; download, import, export and remove."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from dataclasses import astuple, replace
from pathlib import Path

from tqdm import tqdm

from engine.api.categories import Categories
from engine.api.errors import ModelError
from engine.checkpoints.csra_import import ImportOptions
from engine.checkpoints.exchange import EXPORT_SUFFIXES, export_model, import_model
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.safetensors_model import save_checkpoint
from engine.checkpoints.timm_weights import timm_entry
from engine.cli.common import EXIT_DONE, EXIT_USAGE, Commands, say
from engine.cli.models_fit import add_fit
from engine.downloads.download import download
from engine.downloads.progress import DownloadSettings
from engine.models.registry import TIMM_PREFIX
from engine.models.training_free import wrap_imagenet_classifier
from engine.records.catalogue import (
    CATEGORY_LISTS,
    CatalogueEntry,
    category_list,
    find_model,
    load_catalogue,
    read_categories,
)
from engine.records.download_source import DownloadSource
from engine.records.inventory import ModelRow, describe_entry, describe_record, list_models
from engine.records.model_record import CheckpointRecord
from engine.records.models import default_store
from engine.texts import display_name, display_path, display_text


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    models = commands.add_parser("models", help="list, download, import, export, remove models")
    actions = models.add_subparsers(required=True, metavar="ACTION")
    _add_looking(actions)
    _add_getting(actions)
    add_fit(actions)
    export = actions.add_parser("export", help="write a model in another format")
    export.set_defaults(command=_export)
    export.add_argument("model", metavar="NAME|FILE")
    export.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help=", ".join(EXPORT_SUFFIXES)
    )
    remove = actions.add_parser("remove", help="delete a model of your own")
    remove.set_defaults(command=_remove)
    remove.add_argument("model", metavar="NAME")


def _add_looking(actions: Commands[argparse.ArgumentParser]) -> None:
    listing = actions.add_parser("list", help="the models that are here or can be downloaded")
    listing.set_defaults(command=_list)
    listing.add_argument("--all", action="store_true", help="also backbones, to train from")
    show = actions.add_parser("show", help="all that is known of one")
    show.set_defaults(command=_show)
    show.add_argument("model", metavar="NAME|FILE")


def _add_getting(actions: Commands[argparse.ArgumentParser]) -> None:
    get = actions.add_parser("download", help="get a model or a backbone of the list")
    get.set_defaults(command=_download)
    get.add_argument("model", metavar="ID")
    get.add_argument("--accept-terms", action="store_true", help="agree to the terms of use")
    get.add_argument(
        "--accept-change", action="store_true", help="take a file that differs from an earlier one"
    )
    bring = actions.add_parser("import", help="make a model of yours out of a file")
    bring.set_defaults(command=_import)
    bring.add_argument("file", type=Path, metavar="FILE")
    bring.add_argument("--name", help="of the model (default: the file's)")
    bring.add_argument(
        "--categories", metavar=f"FILE|{'|'.join(CATEGORY_LISTS)}", help="one name per line"
    )
    bring.add_argument("--input-size", type=int, help="in pixels")
    bring.add_argument(
        "--weights", metavar="NAME", help="which of several in the file (models show names them)"
    )
    for parser in (get, bring):
        parser.add_argument("--lam", type=float, help="λ, where the file does not say it")
    wrap = actions.add_parser("wrap", help="make a tagger of an ImageNet classifier, untrained")
    wrap.set_defaults(command=_wrap)
    wrap.add_argument("backbone", metavar="BACKBONE", help="resnet18 to resnet152, or timm:NAME")
    wrap.add_argument("--lam", type=float, default=0.1, help="λ (default %(default)s)")
    wrap.add_argument("--input-size", type=int, help="in pixels (default: that of its training)")
    wrap.add_argument("--name", help="of the model (default: BACKBONE-imagenet)")


def _list(options: argparse.Namespace) -> int:
    rows, problem = list_models(default_store(), backbones=options.all)
    heads = ("NAME", "KIND", "DATASET", "BACKBONE", "HEADS", "λ", "PUBLISHED mAP", "STATE")
    table = [heads, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(heads))]
    for line in table:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(padded).rstrip() + "\n")
    if options.all:
        sys.stdout.write("timm:NAME stands for any backbone of timm.\n")
    if problem:
        say(problem)
    return EXIT_DONE


def _cells(row: ModelRow) -> tuple[str, ...]:
    return tuple("–" if cell is None else display_text(str(cell)) for cell in astuple(row))


def _show(options: argparse.Namespace) -> int:
    store = default_store()
    try:
        path = find_model(options.model, store)
    except ModelError:
        entry = load_catalogue().get(options.model)
        if entry is None:
            raise
        facts = describe_entry(entry, store)
    else:
        facts = describe_record(open_checkpoint(path).record, path)
    width = max(len(key) for key in facts)
    for key, value in facts.items():
        sys.stdout.write(f"{key.ljust(width)}  {display_text(value)}\n")
    return EXIT_DONE


def _download(options: argparse.Namespace) -> int:
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
    steps = download(source, folder, settings)
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


def _import(options: argparse.Namespace) -> int:
    store = default_store()
    if not options.file.is_file():
        say(f"error: there is no file {display_name(options.file)!r}.")
        return EXIT_USAGE
    name = options.name or options.file.stem
    given = ImportOptions(
        lam=options.lam,
        categories=None if options.categories is None else _categories(options.categories),
        input_size=options.input_size,
        weights_at=options.weights,
    )
    record = import_model(store, options.file, name, given)
    _say_recognised(name, record)
    return EXIT_DONE


def _wrap(options: argparse.Namespace) -> int:
    store = default_store()
    plain = options.backbone.removeprefix(TIMM_PREFIX)
    name = f"{plain}-imagenet" if options.name is None else options.name
    target = store.new_path(name)
    classifier, record = wrap_imagenet_classifier(options.backbone, options.lam, options.input_size)
    record = replace(record, name=name)
    save_checkpoint(target, classifier, record)
    _say_recognised(name, record)
    return EXIT_DONE


def _categories(source: str) -> Categories:
    return category_list(source) if source in CATEGORY_LISTS else read_categories(Path(source))


def _say_recognised(name: str, record: CheckpointRecord) -> None:
    head, size = record.config.head, record.config.preprocess.input_size
    say(
        f"{name!r} is ready: {record.config.backbone}, {head.num_heads} "
        f"{'head' if head.num_heads == 1 else 'heads'}, λ {head.lam:g}, {size} pixels, "
        f"{len(record.config.categories)} categories. Use it with --model {name!r}."
    )


def _export(options: argparse.Namespace) -> int:
    export_model(find_model(options.model), options.output)
    say(f"Saved to {display_path(options.output)}.")
    return EXIT_DONE


def _remove(options: argparse.Namespace) -> int:
    removed = default_store().remove(options.model)
    say(f"Deleted: {', '.join(display_name(path) for path in removed)}.")
    return EXIT_DONE
