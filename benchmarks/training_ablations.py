"""What single choices of training bring: one run per choice and seed, on VOC2007.

Three sets, all reduced so that a run takes a minute or two of one processor core; what they show
need not hold for full runs. ``kinds`` trains each kind of head, and one head with each loss and
each way with unknown labels, for eight epochs on cached features of a frozen EfficientNet-Lite0 at
224 px, none mirrored. ``heads`` trains heads on cached features of the same at 448 px (preset
``quick``). Both learn from every second image of train and are judged on every second of val.
``network`` trains the network at 128 px with its early stages frozen, from three fifths of val, and
is judged on the rest. Each run is judged once, at its end. Rows go to ``results.jsonl``; runs that
are there already are not made again, so it can be stopped at any time.

    python benchmarks/training_ablations.py --data VOCdevkit --output runs/ablations \
        [--cache DIR] [--set kinds|heads|network] [--seeds 3]
    python benchmarks/training_ablations.py --output runs/ablations --table
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import math
import statistics
import sys
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from engine.api.config import (  # noqa: E402
    PAPER_TEMPERATURES,
    HeadConfig,
    HeadTrainConfig,
    LossName,
    LossSettings,
)
from engine.api.training import (  # noqa: E402
    STANDARD_HEAD,
    DatasetSource,
    ModelStart,
    TrainRequest,
    head_like,
)
from engine.api.training_config import PAPER, RECOMMENDED, TrainConfig  # noqa: E402
from engine.api.training_reports import EpochReport, TrainingEnded  # noqa: E402
from engine.data.datasets.labelled import LabelledImages  # noqa: E402
from engine.data.datasets.registry import load_dataset  # noqa: E402
from engine.data.decoding.pool import DecodePool  # noqa: E402
from engine.metrics.ranking import mean_average_precision  # noqa: E402
from engine.models.head_registry import build_heads  # noqa: E402
from engine.train.features import FeatureExtractor  # noqa: E402
from engine.train.head_training import FeatureSet, head_logits, train_heads  # noqa: E402
from engine.train.session import run_training  # noqa: E402
from engine.train.start import starting_classifier  # noqa: E402

QUICK = HeadTrainConfig(epochs=8)
#: Side of the input in pixels, epochs, and the share of the images that judge.
NETWORK_SIZE, NETWORK_EPOCHS, NETWORK_VAL = 128, 4, 0.4
EARLY = ("conv_stem", "bn1.", "blocks.0.", "blocks.1.")


@dataclass(frozen=True)
class HeadsRun:
    """One choice for heads on frozen features.

    So much of the training labels is not known, or all but one label of each image is.
    """

    head: HeadConfig = STANDARD_HEAD
    config: HeadTrainConfig = QUICK
    unknown: float = 0.0
    is_one_known: bool = False


def _head(**changes: Any) -> HeadsRun:
    return HeadsRun(head=dataclasses.replace(STANDARD_HEAD, **changes))


def _heads_config(**changes: Any) -> HeadsRun:
    return HeadsRun(config=dataclasses.replace(QUICK, **changes))


def _paper_heads(count: int) -> HeadConfig:
    return dataclasses.replace(STANDARD_HEAD, temperatures=PAPER_TEMPERATURES[count])


#: What matters most comes first.
HEADS: dict[str, HeadsRun] = {
    "base: max, λ 0.3": HeadsRun(),
    "λ 0 (plain average pooling)": _head(lam=0.0),
    "λ 0.1": _head(lam=0.1),
    "1 head, T = 1": HeadsRun(head=_paper_heads(1)),
    "asymmetric loss": _heads_config(loss="asl"),
    "not mirrored": _heads_config(flip=False),
    "moving average 0.99": _heads_config(ema_decay=0.99),
    "unclear labels negative": _heads_config(ignore_unclear=False),
    "2 heads, T = 1, max": HeadsRun(head=_paper_heads(2)),
    "the paper's form, T = 1, λ 0.1": HeadsRun(head=HeadConfig((1.0,), 0.1)),
    "λ 0.2": _head(lam=0.2),
    "λ 0.4": _head(lam=0.4),
    "4 heads, T = 1, 2, 4, max": HeadsRun(head=_paper_heads(4)),
}


def _loss(loss: LossName, **parameters: Any) -> HeadsRun:
    return _heads_config(flip=False, loss=loss, loss_settings=LossSettings(**parameters))


def _mostly_unknown(**changes: Any) -> HeadsRun:
    return dataclasses.replace(_heads_config(flip=False, **changes), unknown=UNKNOWN)


def _one_known(**changes: Any) -> HeadsRun:
    return dataclasses.replace(_heads_config(flip=False, **changes), is_one_known=True)


#: Side of the input in pixels, and the share of labels that nobody has told, where some are not.
KINDS_SIZE, UNKNOWN = 224, 0.9
_UNMIRRORED = dataclasses.replace(QUICK, flip=False)
_DECODER = dataclasses.replace(head_like(STANDARD_HEAD, "ml-decoder"), width=256)
#: Each kind of head, then each loss with the head of ``quick``, then ways with unknown labels.
KINDS: dict[str, HeadsRun] = {
    "csra (max, λ = 0.3), bce": _heads_config(flip=False),
    "gap, bce": HeadsRun(head_like(STANDARD_HEAD, "gap"), _UNMIRRORED),
    "ml-decoder (width 256), bce": HeadsRun(_DECODER, _UNMIRRORED),
    "ml-decoder (width 256), bce, rate 1e-4": HeadsRun(
        _DECODER, dataclasses.replace(_UNMIRRORED, learning_rate=1e-4)
    ),
    "asl (γ− = 4, γ+ = 1, m = 0.05)": _loss("asl"),
    "asl (γ− = 2, γ+ = 0, m = 0.05)": _loss("asl", gamma_negative=2.0, gamma_positive=0.0),
    "asl (4, 1, 0.05), gradient through the powers": _loss("asl", focusing_gradient=True),
    "focal (γ = 2, α = 0.25)": _loss("focal"),
    "class-balanced (β = 0.999)": _loss("class-balanced"),
    "90 % unknown, left out": _mostly_unknown(),
    "90 % unknown, negative with weight 1/19": _mostly_unknown(unknown_weight=1 / 19),
    "90 % unknown, negative": _mostly_unknown(ignore_unclear=False),
    "one label of each image known, others left out": _one_known(),
    "one known, others negative with weight 1/19": _one_known(unknown_weight=1 / 19),
    "one known, others negative": _one_known(ignore_unclear=False),
}


@dataclass(frozen=True)
class NetworkRun:
    """One choice for the whole network."""

    config: TrainConfig
    start: ModelStart


def _reduced(config: TrainConfig, **changes: Any) -> TrainConfig:
    small = {
        "epochs": NETWORK_EPOCHS,
        "evaluate_every": NETWORK_EPOCHS,
        "frozen": EARLY,
        "checkpoint_minutes": 60.0,
    }
    return dataclasses.replace(config, **small | changes)


def _recommended(**changes: Any) -> NetworkRun:
    config = _reduced(RECOMMENDED, ema_decay=0.99, norms="frozen")
    return NetworkRun(dataclasses.replace(config, **changes), ModelStart(input_size=NETWORK_SIZE))


def _mixed(mixing: str) -> NetworkRun:
    augment = dataclasses.replace(RECOMMENDED.augment, mixing=mixing)
    return _recommended(augment=augment)


NETWORK: dict[str, NetworkRun] = {
    "recommended": _recommended(),
    # In proportion: warm-up and steps of the official 30 epochs make no sense in so few.
    "paper": NetworkRun(
        _reduced(PAPER, warmup_epochs=0.5, step_epochs=2),
        ModelStart(input_size=NETWORK_SIZE, form="paper"),
    ),
    "recommended, no moving average": _recommended(ema_decay=0.0),
    "recommended, SpliceMix": _mixed("splicemix"),
    "recommended, Mixup": _mixed("mixup"),
    "paper's recipe, standard heads": NetworkRun(
        _reduced(PAPER, warmup_epochs=0.5, step_epochs=2), ModelStart(input_size=NETWORK_SIZE)
    ),
    "recommended, asymmetric loss": _recommended(loss="asl"),
    "recommended, norms learn": _recommended(norms="train"),
}


HEAD_SETS = {"kinds": KINDS, "heads": HEADS}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, metavar="DIR", help="VOCdevkit")
    parser.add_argument("--output", type=Path, metavar="DIR", default=Path("runs/ablations"))
    parser.add_argument("--cache", type=Path, metavar="DIR", help="default: in the output")
    parser.add_argument(
        "--set", choices=("kinds", "heads", "network"), dest="sets", action="append"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--table", action="store_true", help="show what is there, run nothing")
    options = parser.parse_args()
    file = options.output / "results.jsonl"
    if options.table:
        print(table(file))
    elif options.data is None:
        print("This takes hours; say --data VOCdevkit to begin.")
    else:
        options.output.mkdir(parents=True, exist_ok=True)
        run_all(options, file)
        print(table(file))
    return 0


def run_all(options: argparse.Namespace, file: Path) -> None:
    cache = options.cache or options.output / "cache"
    done = {(row["set"], row["run"], row["seed"]) for row in rows(file)}
    features: dict[str, tuple[FeatureSet, FeatureSet]] = {}
    for set_name, name, seed in wanted(options):
        if (set_name, name, seed) in done:
            continue
        started = time.monotonic()
        if set_name in HEAD_SETS:
            if set_name not in features:
                features = {set_name: load_features(options.data, cache, set_name)}
            result = run_heads(HEAD_SETS[set_name][name], seed, *features[set_name])
        else:
            folder = options.output / f"network-{list(NETWORK).index(name)}-{seed}"
            result = run_network(NETWORK[name], seed, options.data, folder)
        row = {
            **{"set": set_name, "run": name, "seed": seed},
            **result,
            "seconds": round(time.monotonic() - started),
        }
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        print(row, flush=True)


def wanted(options: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """One seed of everything first, all sets in turn, so that there is something to see early."""
    sets = options.sets or ("kinds", "heads", "network")
    for seed in range(options.seeds):
        columns = [
            [(set_name, name, seed) for name in runs]
            for set_name, runs in (*HEAD_SETS.items(), ("network", NETWORK))
            if set_name in sets
        ]
        for row in itertools.zip_longest(*columns):
            yield from (item for item in row if item is not None)


def rows(file: Path) -> list[dict[str, Any]]:
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def last(work: Generator[object, None, Any]) -> Any:
    """What a generator returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def load_features(data: Path, cache: Path, set_name: str) -> tuple[FeatureSet, FeatureSet]:
    train, val = (load_dataset("voc2007", data, split) for split in ("train", "val"))
    few, few_val = (part.subset(range(0, len(part), 2)) for part in (train, val))
    size = KINDS_SIZE if set_name == "kinds" else 0
    classifier = starting_classifier(ModelStart(input_size=size), train.categories, 0)
    extractor = FeatureExtractor(classifier.backbone, classifier.config.preprocess, cache)
    with DecodePool() as pool:

        def features(images: Any, *, flip: bool = False) -> Any:
            whole = last(extractor.extract(pool, images.name, images.paths, flip=flip))
            return np.array(whole)  # in memory, so that many runs are cheap

        views = (features(few),)
        if set_name != "kinds":
            views = (*views, features(few, flip=True))
        return FeatureSet(views, few), FeatureSet((features(few_val),), few_val)


def run_heads(run: HeadsRun, seed: int, train: FeatureSet, val: FeatureSet) -> dict[str, Any]:
    config = dataclasses.replace(run.config, seed=seed)
    views = train.features if config.flip else train.features[:1]
    features = FeatureSet(views, partly_known(train.labels, run, seed))
    heads = build_heads(views[0].shape[1], len(train.labels.categories), run.head)
    # Judged on a few images while it runs, for speed, and on all at the end.
    few = FeatureSet((val.features[0][:64],), val.labels.subset(range(64)))
    reports = list(train_heads(heads, features, few, config))
    logits = head_logits(heads, val.features[0])
    score = mean_average_precision(logits, val.labels.targets, val.labels.ignored)
    return {"val_map": score, "loss": reports[-1].loss}


def partly_known(labels: LabelledImages, run: HeadsRun, seed: int) -> LabelledImages:
    """The same images with a share of their labels forgotten, or all but one that is there."""
    drawn = np.random.default_rng(seed).random(labels.targets.shape)
    if run.is_one_known:
        is_unknown = np.arange(drawn.shape[1]) != (drawn * labels.targets).argmax(axis=1)[:, None]
    elif run.unknown:
        is_unknown = drawn < run.unknown
    else:
        return labels
    ignored = labels.ignored | is_unknown
    return dataclasses.replace(labels, targets=labels.targets & ~is_unknown, ignored=ignored)


def run_network(run: NetworkRun, seed: int, data: Path, folder: Path) -> dict[str, Any]:
    request = TrainRequest(
        source=DatasetSource("voc2007", data, "val", val_fraction=NETWORK_VAL),
        output=folder,
        config=dataclasses.replace(run.config, seed=seed),
        start=run.start,
        cache=folder.parent / "cache",
        resume=True,
    )
    loss, score = math.nan, math.nan
    for report in run_training(request):
        if isinstance(report, EpochReport):
            loss = report.loss
        elif isinstance(report, TrainingEnded):
            score = report.val_map
    for state in folder.glob("state-*.pt"):
        state.unlink()
    return {"val_map": score, "loss": loss}


def table(file: Path) -> str:
    """Markdown: the mean over seeds, and the spread between them."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows(file):
        found.setdefault((row["set"], row["run"]), []).append(100 * row["val_map"])
    lines = ["| Set | Run | val mAP | each seed |", "|---|---|---|---|"]
    for (set_name, name), values in found.items():
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        each = ", ".join(f"{value:.2f}" for value in values)
        lines.append(f"| {set_name} | {name} | {statistics.mean(values):.2f}{spread} | {each} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
