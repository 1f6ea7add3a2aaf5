"""What single choices of training bring: one run per choice and seed, on VOC2007.

Two sets, both reduced so that a run takes a minute or two of one processor core; what they show
need not hold for full runs. ``heads`` trains heads on cached features of a frozen
EfficientNet-Lite0 at 448 px (preset ``quick``), from every second image of train, and judges on
every second of val. ``network`` trains the network at 128 px with its early stages frozen, from
three fifths of val, and judges on the rest. Each run is judged once, at its end. Rows go to
``results.jsonl``; runs that are there already are not made again, so it can be stopped at any time.

    python benchmarks/training_ablations.py --data VOCdevkit --output runs/ablations \
        [--cache DIR] [--set heads|network] [--seeds 3]
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

from engine.api.config import PAPER_TEMPERATURES, HeadConfig, HeadTrainConfig  # noqa: E402
from engine.api.training import (  # noqa: E402
    STANDARD_HEAD,
    DatasetSource,
    ModelStart,
    TrainRequest,
)
from engine.api.training_config import PAPER, RECOMMENDED, TrainConfig  # noqa: E402
from engine.api.training_reports import EpochReport, TrainingEnded  # noqa: E402
from engine.data.datasets.registry import load_dataset  # noqa: E402
from engine.data.decoding.pool import DecodePool  # noqa: E402
from engine.metrics.ranking import mean_average_precision  # noqa: E402
from engine.models.heads import ResidualAttentionHeads  # noqa: E402
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
    """One choice for heads on frozen features."""

    head: HeadConfig = STANDARD_HEAD
    config: HeadTrainConfig = QUICK


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, metavar="DIR", help="VOCdevkit")
    parser.add_argument("--output", type=Path, metavar="DIR", default=Path("runs/ablations"))
    parser.add_argument("--cache", type=Path, metavar="DIR", help="default: in the output")
    parser.add_argument("--set", choices=("heads", "network"), dest="sets", action="append")
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
    features: tuple[FeatureSet, FeatureSet] | None = None
    for set_name, name, seed in wanted(options):
        if (set_name, name, seed) in done:
            continue
        started = time.monotonic()
        if set_name == "heads":
            features = features or load_features(options.data, cache)
            result = run_heads(HEADS[name], seed, *features)
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
    """One seed of everything first, both sets in turn, so that there is something to see early."""
    sets = options.sets or ("heads", "network")
    for seed in range(options.seeds):
        columns = [
            [(set_name, name, seed) for name in runs]
            for set_name, runs in (("heads", HEADS), ("network", NETWORK))
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


def load_features(data: Path, cache: Path) -> tuple[FeatureSet, FeatureSet]:
    train, val = (load_dataset("voc2007", data, split) for split in ("train", "val"))
    classifier = starting_classifier(ModelStart(), train.categories, 0)
    extractor = FeatureExtractor(classifier.backbone, classifier.config.preprocess, cache)
    with DecodePool() as pool:

        def features(images: Any, *, flip: bool = False) -> Any:
            whole = last(extractor.extract(pool, images.name, images.paths, flip=flip))
            return whole[::2].astype(np.float32)  # in memory, so that many runs are cheap

        views = features(train), features(train, flip=True)
        few, few_val = (part.subset(range(0, len(part), 2)) for part in (train, val))
        return FeatureSet(views, few), FeatureSet((features(val),), few_val)


def run_heads(run: HeadsRun, seed: int, train: FeatureSet, val: FeatureSet) -> dict[str, Any]:
    config = dataclasses.replace(run.config, seed=seed)
    views = train.features if config.flip else train.features[:1]
    features = FeatureSet(views, train.labels)
    heads = ResidualAttentionHeads(views[0].shape[1], len(train.labels.categories), run.head)
    # Judged on a few images while it runs, for speed, and on all at the end.
    few = FeatureSet((val.features[0][:64],), val.labels.subset(range(64)))
    reports = list(train_heads(heads, features, few, config))
    logits = head_logits(heads, val.features[0])
    score = mean_average_precision(logits, val.labels.targets, val.labels.ignored)
    return {"val_map": score, "loss": reports[-1].loss}


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
