"""``models``: what is here and what can be had; download, import, export and remove."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path
from types import ModuleType

from engine.api.errors import ModelError
from engine.api.onnx_network import PIXEL_SCALES, SCORE_FORMS
from engine.cli.common import (
    EXIT_DONE,
    Commands,
    add_decode,
    add_device,
    add_follow_links,
    say,
)
from engine.cli.photos import add_device_arguments
from engine.data.datasets.registry import DATASETS
from engine.inference.onnx_network import has_onnx_network, read_network
from engine.inference.told import what_runs
from engine.inference.weights import read_weights
from engine.records import int8_networks
from engine.records.backend_kinds import AUTO, BACKENDS
from engine.records.catalogue import CATEGORY_LISTS, DEFAULT_MODEL, find_model, load_catalogue
from engine.records.int8_networks import LEAST_CORRELATION, LEAST_PHOTOS, MOST_LOSS, Int8Networks
from engine.records.inventory import (
    ModelRow,
    describe_entry,
    describe_record,
    label_table,
    list_models,
)
from engine.records.model_record import CheckpointRecord, is_ours, model_id
from engine.records.models import EXPORT_SUFFIXES, default_store
from engine.records.safetensors_header import read_header
from engine.texts import display_name, display_text


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    models = commands.add_parser("models", help="list, download, import, export, remove models")
    actions = models.add_subparsers(required=True, metavar="ACTION")
    _add_looking(actions)
    _add_getting(actions)
    _add_fit(actions)
    _add_measure(actions)
    _add_quantize(actions)
    export = actions.add_parser("export", help="write a model in another format")
    export.set_defaults(command=_later("models_making", "export"))
    export.add_argument("model", metavar="NAME|FILE")
    export.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help=", ".join(EXPORT_SUFFIXES)
    )
    export.add_argument(
        "--with-preprocessing",
        action="store_true",
        help="ONNX alone: take the pixels of photos of any size, (N, H, W, 3) uint8",
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
    show.add_argument(
        "--labels",
        action="store_true",
        help="only the table of labels, in Markdown: how many images each was measured on, "
        "average precision, precision and recall with intervals of 95 %%",
    )


def _add_getting(actions: Commands[argparse.ArgumentParser]) -> None:
    get = actions.add_parser("download", help="get a model or a backbone of the list")
    get.set_defaults(command=_later("models_making", "download"))
    get.add_argument("model", metavar="ID")
    get.add_argument("--accept-terms", action="store_true", help="agree to the terms of use")
    get.add_argument(
        "--accept-change", action="store_true", help="take a file that differs from an earlier one"
    )
    bring = actions.add_parser("import", help="make a model of yours out of a file")
    bring.set_defaults(command=_later("models_making", "bring"))
    bring.add_argument("file", type=Path, metavar="FILE")
    bring.add_argument("--name", help="of the model (default: the file's)")
    bring.add_argument(
        "--categories", metavar=f"FILE|{'|'.join(CATEGORY_LISTS)}", help="one name per line"
    )
    bring.add_argument("--input-size", type=int, help="in pixels")
    bring.add_argument(
        "--names",
        type=Path,
        metavar="FILE",
        help="the categories: a text, CSV or JSON, as the maker of an ONNX file gives it",
    )
    _add_onnx(bring)
    bring.add_argument(
        "--weights", metavar="NAME", help="which of several in the file (models show names them)"
    )
    for parser in (get, bring):
        parser.add_argument("--lam", type=float, help="λ, where the file does not say it")
    wrap = actions.add_parser("wrap", help="make a tagger of an ImageNet classifier, untrained")
    wrap.set_defaults(command=_later("models_making", "wrap"))
    wrap.add_argument("backbone", metavar="BACKBONE", help="resnet18 to resnet152, or timm:NAME")
    wrap.add_argument(
        "--vocabulary",
        choices=["everyday"],
        help="name what it sees in these words, with what they are kinds of; without it, in "
        "ImageNet's own 1,000",
    )
    wrap.add_argument(
        "--details", action="store_true", help="with --vocabulary: also breeds, species and makes"
    )
    wrap.add_argument("--lam", type=float, help="λ (default 0.1; with --vocabulary 0.3)")
    wrap.add_argument("--input-size", type=int, help="in pixels (default: that of its training)")
    wrap.add_argument("--name", help="of the model (default: BACKBONE-imagenet or -everyday)")
    _add_details(actions)


def _add_details(actions: Commands[argparse.ArgumentParser]) -> None:
    details = actions.add_parser(
        "details",
        help="make a model that also suggests breeds, species and makes",
        description="Makes a model of one that knows groups of ImageNet's classes. It says the "
        "same, and which breed, species or make it may be: suggestions, which are not written to "
        "files. Nothing is downloaded or trained.",
    )
    details.set_defaults(command=_later("models_details", "details"))
    details.add_argument(
        "model", nargs="?", default=DEFAULT_MODEL, metavar="NAME|FILE", help="(%(default)s)"
    )
    details.add_argument("--name", help="of the new model (default: NAME-details)")


def _add_onnx(bring: argparse.ArgumentParser) -> None:
    onnx = bring.add_argument_group("a tagger as ONNX", "what the file does not say")
    add = onnx.add_argument
    add("--pixels", choices=PIXEL_SCALES, help="how its pixels are scaled")
    add("--mean", type=float, nargs=3, metavar=("R", "G", "B"), help="of pixels from 0 to 1")
    add("--std", type=float, nargs=3, metavar=("R", "G", "B"), help="likewise")
    add(
        "--scores",
        choices=SCORE_FORMS,
        help="what its numbers are: logits of each label, logits of one per photo (softmax), or "
        "probabilities (default: as it seems)",
    )
    add("--scores-output", default="", metavar="NAME", help="which of several outputs they are")


def _add_fit(actions: Commands[argparse.ArgumentParser]) -> None:
    fit = actions.add_parser(
        "fit", help="learn thresholds and calibration from labelled images, into the model's file"
    )
    fit.set_defaults(command=_later("models_fit", "fit"))
    fit.add_argument("model", metavar="NAME|FILE")
    fit.add_argument("--dataset", required=True, metavar="KIND", help=", ".join(DATASETS))
    fit.add_argument("--data", type=Path, required=True, metavar="DIR", help="where it lies")
    add_follow_links(fit)
    fit.add_argument(
        "--split", default="val", help="images the model was not trained on (%(default)s)"
    )
    fit.add_argument(
        "--output", type=Path, metavar="FILE", help="another file (default: the model's own)"
    )
    fit.add_argument("--mapping", type=Path, metavar="FILE", help="old,new category names")
    add_device_arguments(fit)
    fit.add_argument("--batch-size", type=int, default=0, help="0 chooses")
    add_decode(fit)


def _add_measure(actions: Commands[argparse.ArgumentParser]) -> None:
    measure = actions.add_parser(
        "measure", help="find out what runs a model fastest on this machine, and keep that"
    )
    measure.set_defaults(command=_later("models_measure", "measure_model"))
    measure.add_argument("model", metavar="NAME|FILE")
    add_device(measure, of="of PyTorch: ")
    measure.add_argument(
        "--use",
        choices=(AUTO, *BACKENDS),
        help="measure nothing; let this one run the model from now on (auto: the fastest)",
    )


def _add_quantize(actions: Commands[argparse.ArgumentParser]) -> None:
    quantize = actions.add_parser(
        "quantize",
        help="make a model faster in whole numbers (int8), and measure what that costs",
        description="Makes the int8 network of a model, calibrated on photos of the train split "
        f"if there is one, and measures it on {LEAST_PHOTOS} others or more. It is kept only if it "
        f"loses at most {MOST_LOSS} mAP and its maps correlate at least {LEAST_CORRELATION}; the "
        "figures are kept in any case (models show).",
    )
    quantize.set_defaults(command=_later("models_quantize", "quantize_model"))
    quantize.add_argument("model", metavar="NAME|FILE")
    quantize.add_argument("--dataset", required=True, metavar="KIND", help=", ".join(DATASETS))
    quantize.add_argument("--data", type=Path, required=True, metavar="DIR", help="where it lies")
    add_follow_links(quantize)
    quantize.add_argument("--split", default="val", help="what is measured on (%(default)s)")
    quantize.add_argument(
        "--photos",
        type=_enough,
        metavar="N",
        help=f"measure on N of them, {LEAST_PHOTOS} at least (default: all)",
    )
    add_decode(quantize)


def _enough(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    least = int8_networks.LEAST_PHOTOS
    if value < least:
        raise argparse.ArgumentTypeError(
            f"{text!r}: measure on {least} photos at least; on fewer, chance moves mAP by more "
            "than int8 may lose"
        )
    return value


def _list(options: argparse.Namespace) -> int:
    rows, problem = list_models(default_store(), backbones=options.all)
    heads = ("NAME", "KIND", "DATASET", "BACKBONE", "HEADS", "λ", "PUBLISHED mAP", "STATE")
    _write_table([heads, *(_cells(row) for row in rows)])
    if options.all:
        sys.stdout.write("timm:NAME stands for any backbone of timm.\n")
    if problem:
        say(problem)
    return EXIT_DONE


def _write_table(table: Sequence[Sequence[str]]) -> None:
    """Columns one below the other."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def _write_markdown(table: Sequence[Sequence[str]]) -> None:
    """A table that model cards can take as it is."""
    heads, *rows = table
    captions = [head.capitalize().replace("Ap ", "AP ") for head in heads]
    rule = ["---" if place < 2 else "---:" for place in range(len(heads))]
    for cells in (captions, rule, *rows):
        shown = (cell.replace("|", "\\|") for cell in cells)
        sys.stdout.write(f"| {' | '.join(shown)} |\n")


def _cells(row: ModelRow) -> tuple[str, ...]:
    return tuple("–" if cell is None else display_text(str(cell)) for cell in astuple(row))


def _show(options: argparse.Namespace) -> int:
    store = default_store()
    table: list[tuple[str, ...]] = []
    try:
        path = find_model(options.model, store)
    except ModelError:
        entry = load_catalogue().get(options.model)
        if entry is None:
            raise
        facts = describe_entry(entry, store)
    else:
        record = _record(path)
        table = label_table(record)
        facts = describe_record(record, path)
        found = Int8Networks().figures(_id(path)) if is_ours(path) else None
        if found is not None:
            facts["int8"] = found.text
        if is_ours(path) and (problem := Int8Networks().problem(_id(path))):
            facts["int8"] = (
                f"cannot be used: {problem}. Make it again with: csra models quantize "
                f"{options.model} --dataset KIND --data DIR"
            )
        if measured := what_runs(record.config):
            facts["runs with"] = measured
    table = [tuple(map(display_text, line)) for line in table]
    if options.labels:
        if not table:
            raise ModelError(
                f"Nothing was measured of the single labels of {options.model!r}. Measure them: "
                "csra models fit"
            )
        _write_markdown(table)
        return EXIT_DONE
    width = max(len(key) for key in facts)
    for key, value in facts.items():
        sys.stdout.write(f"{key.ljust(width)}  {display_text(value)}\n")
    if table:
        sys.stdout.write("\n")
        _write_table(table)
    return EXIT_DONE


def _id(path: Path) -> str:
    return model_id(read_header(path).metadata)


def _record(path: Path) -> CheckpointRecord:
    """What a sound model file says of itself."""
    if has_onnx_network(path):
        return read_network(path).record
    if is_ours(path):
        return read_weights(path).record
    return _module("models_making").record_of(path)  # type: ignore[no-any-return]


def _later(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    """A command of a module that imports torch, which is only done when it is asked for."""

    def command(options: argparse.Namespace) -> int:
        return int(getattr(_module(module), name)(options))

    return command


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__package__}.{name}")


def _remove(options: argparse.Namespace) -> int:
    removed = default_store().remove(options.model)
    say(f"Deleted: {', '.join(display_name(path) for path in removed)}.")
    return EXIT_DONE
