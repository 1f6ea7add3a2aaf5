"""Training heads on a frozen backbone from the command line."""

from __future__ import annotations

import argparse
import math
from contextlib import closing

from tqdm import tqdm

from engine.checkpoints.native import save_checkpoint
from engine.checkpoints.record import CheckpointRecord
from engine.cli.common import EXIT_DONE, EXIT_USAGE, say
from engine.cli.train_results import load_parts, provenance, val_results
from engine.config import HeadConfig, HeadTrainConfig, ModelConfig
from engine.data.decode_pool import DecodePool
from engine.data.labelled import LabelledImages
from engine.features import FeatureArray, FeatureExtractor
from engine.models.classifier import Classifier
from engine.models.pretrained import load_imagenet_weights
from engine.models.registry import backbone_spec
from engine.train.heads import FeatureSet, head_logits, train_heads
from engine.values import FloatArray

_LAM = 0.3


def train_quickly(options: argparse.Namespace) -> int:
    """Run the command for the preset ``quick``."""
    if not options.output.absolute().parent.is_dir():
        say(f"error: the folder of {options.output} does not exist.")
        return EXIT_USAGE
    train, val = load_parts(options)
    classifier = Classifier(_model_config(options, train))
    load_imagenet_weights(classifier.backbone, options.backbone)
    config = _config(options)
    train_set, val_set = _features(options, classifier, train, val)
    for report in train_heads(classifier.heads, train_set, val_set, config):
        say(
            f"epoch {report.epoch} of {config.epochs}: "
            f"loss {report.loss:.4f}, val mAP {report.val_map:.4f}"
        )
    _save(options, classifier, head_logits(classifier.heads, val_set.features[0]), val)
    return EXIT_DONE


def _config(options: argparse.Namespace) -> HeadTrainConfig:
    names = ("epochs", "batch_size", "learning_rate", "weight_decay", "flip", "seed")
    given = {name: getattr(options, name) for name in names}
    return HeadTrainConfig(**{name: value for name, value in given.items() if value is not None})


def _model_config(options: argparse.Namespace, train: LabelledImages) -> ModelConfig:
    lam = _LAM if options.lam is None else options.lam
    temperatures = options.temperatures or (math.inf,)
    head = HeadConfig(temperatures, lam, normalize=False, standardize=True, bias=True)
    size = options.input_size or 448
    preprocess = backbone_spec(options.backbone).preprocess(size, options.resize)
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
    options: argparse.Namespace, classifier: Classifier, val_logits: FloatArray, val: LabelledImages
) -> None:
    results = val_results(val_logits, val)
    record = CheckpointRecord(
        config=classifier.config,
        name=options.name or options.output.stem,
        description=(
            f"CSRA heads on a frozen {options.backbone.removeprefix('timm:')} (ImageNet weights), "
            f"trained on {options.dataset} {options.split}."
        ),
        licence="Apache-2.0",
        results=results,
        provenance=provenance(options.seed, val),
    )
    file = options.output / "best.safetensors" if options.output.is_dir() else options.output
    save_checkpoint(file, classifier, record, half=True)
    say(f"val mAP {results['val mAP']:.4f} on {len(val)} images; saved to {file}")
