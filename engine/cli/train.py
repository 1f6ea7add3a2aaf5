"""``train``: train residual-attention heads on a frozen backbone."""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from platformdirs import user_cache_path
from tqdm import tqdm

from engine.checkpoints.native import save_checkpoint
from engine.checkpoints.record import CheckpointRecord
from engine.cli.common import EXIT_DONE, EXIT_USAGE, Commands, say
from engine.config import HeadConfig, HeadTrainConfig, ModelConfig
from engine.data.decode_pool import DecodePool
from engine.data.labelled import LabelledImages
from engine.data.voc import load_voc
from engine.features import FeatureArray, FeatureExtractor
from engine.metrics import average_precision
from engine.models.classifier import Classifier
from engine.models.pretrained import load_imagenet_weights
from engine.models.registry import backbone_spec
from engine.train import FeatureSet, head_logits, train_heads

_DEFAULTS = HeadTrainConfig()


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    train = commands.add_parser(
        "train", help="train the heads of a model on a frozen backbone (minutes on a CPU)"
    )
    train.set_defaults(command=_train)
    train.add_argument("--data", type=Path, required=True, metavar="DIR", help="a VOC devkit")
    train.add_argument("--output", type=Path, required=True, metavar="FILE")
    train.add_argument("--name", help="of the model, for people (default: the file's)")
    train.add_argument("--year", type=int, default=2007, help="of the devkit (%(default)s)")
    train.add_argument("--split", default="train", help="to learn from (%(default)s)")
    train.add_argument("--val-split", default="val", help="to report on (%(default)s)")
    train.add_argument("--backbone", default="timm:tf_efficientnet_lite0")
    train.add_argument("--input-size", type=int, default=448, help="in pixels (%(default)s)")
    train.add_argument("--resize", choices=("squash", "letterbox"), default="squash")
    train.add_argument(
        "--temperatures", type=_temperatures, default=(np.inf,), metavar="T[,T…]", help="or max"
    )
    train.add_argument("--lam", type=float, default=0.3, help="λ (%(default)s)")
    train.add_argument("--epochs", type=int, default=_DEFAULTS.epochs)
    train.add_argument("--batch-size", type=int, default=_DEFAULTS.batch_size)
    train.add_argument("--learning-rate", type=float, default=_DEFAULTS.learning_rate)
    train.add_argument("--weight-decay", type=float, default=_DEFAULTS.weight_decay)
    train.add_argument("--no-flip", dest="flip", action="store_false")
    train.add_argument("--seed", type=int, default=_DEFAULTS.seed)
    train.add_argument(
        "--cache",
        type=Path,
        default=user_cache_path("csra-gui") / "features",
        metavar="DIR",
        help="keeps computed features (%(default)s)",
    )


def _temperatures(text: str) -> tuple[float, ...]:
    return tuple(np.inf if part == "max" else float(part) for part in text.split(","))


def _train(options: argparse.Namespace) -> int:
    if not options.output.absolute().parent.is_dir():
        say(f"error: the folder of {options.output} does not exist.")
        return EXIT_USAGE
    train = load_voc(options.data, options.split, options.year)
    val = load_voc(options.data, options.val_split, options.year)
    classifier = Classifier(_model_config(options, train))
    load_imagenet_weights(classifier.backbone, options.backbone)
    config = HeadTrainConfig(
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        flip=options.flip,
        seed=options.seed,
    )
    train_set, val_set = _features(options, classifier, train, val)
    for report in train_heads(classifier.heads, train_set, val_set, config):
        say(
            f"epoch {report.epoch} of {config.epochs}: "
            f"loss {report.loss:.4f}, val mAP {report.val_map:.4f}"
        )
    _save(options, classifier, head_logits(classifier.heads, val_set.features[0]), val)
    return EXIT_DONE


def _model_config(options: argparse.Namespace, train: LabelledImages) -> ModelConfig:
    head = HeadConfig(
        options.temperatures, options.lam, normalize=False, standardize=True, bias=True
    )
    preprocess = backbone_spec(options.backbone).preprocess(options.input_size, options.resize)
    return ModelConfig(options.backbone, train.categories, head, preprocess)


def _features(
    options: argparse.Namespace, classifier: Classifier, train: LabelledImages, val: LabelledImages
) -> tuple[FeatureSet, FeatureSet]:
    preprocess = classifier.config.preprocess
    extractor = FeatureExtractor(classifier.backbone, preprocess, options.cache)
    with DecodePool() as pool:

        def features(images: LabelledImages, *, flip: bool = False) -> FeatureArray:
            name = f"features of {images.name}" + (", mirrored" if flip else "")
            with (
                tqdm(total=len(images), desc=name, unit="image", disable=None) as bar,
                closing(extractor.extract(pool, images.name, images.paths, flip=flip)) as reports,
            ):
                while True:
                    try:
                        bar.update(next(reports).done - bar.n)
                    except StopIteration as end:
                        result: FeatureArray = end.value
                        return result

        views = [features(train)]
        if options.flip:
            views.append(features(train, flip=True))
        return FeatureSet(tuple(views), train), FeatureSet((features(val),), val)


def _save(
    options: argparse.Namespace,
    classifier: Classifier,
    val_logits: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    val: LabelledImages,
) -> None:
    precisions = average_precision(val_logits, val.targets, val.ignored)
    results = {
        f"AP {category}": round(float(value), 4)
        for category, value in zip(val.categories, precisions, strict=True)
        if not np.isnan(value)
    }
    val_map = float(np.nanmean(precisions))
    record = CheckpointRecord(
        config=classifier.config,
        name=options.name or options.output.stem,
        description=(
            f"CSRA heads on a frozen {options.backbone.removeprefix('timm:')} (ImageNet weights), "
            f"trained on VOC{options.year} {options.split}."
        ),
        licence="Apache-2.0",
        results={"val mAP": round(val_map, 4), **results},
        provenance={
            "command": shlex.join(["csra", *_portable(sys.argv[1:])]),
            "seed": str(options.seed),
            "validation images": f"{val.name}, {len(val)} images",
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    )
    save_checkpoint(options.output, classifier, record, half=True)
    say(f"val mAP {val_map:.4f} on {len(val)} images; saved to {options.output}")


def _portable(arguments: list[str]) -> list[str]:
    """The command with file names only: a model file tells nobody's folders."""
    return [Path(a).name if "/" in a or "\\" in a else a for a in arguments]
