"""What a graphics card makes of tagging and training: one command, one JSON document.

    python benchmarks/gpu.py [--smoke] [--output FILE]

Needs PyTorch, timm and this repository; no Qt and none of the tools for developing. It makes its
own photos and networks, ends in under four minutes, and says of a part that fails why it failed,
while the others go on. Without a graphics card it says so and ends well; ``--smoke`` runs every
part on the processor with tiny sizes, whose numbers mean nothing.

- **tagging**: photos to labels with the program's own decoders and backend, against the backend
  alone on pixels that are there already (goal: 0.8 of it), and what decoding alone would allow.
- **training**: our step against the arithmetic of the official loop, written from the formulas of
  the paper (goal: 1.5 times as fast): the network with its channels first, in single precision,
  plain SGD. Both get batches that are made beforehand; the official one is given pinned memory and
  never asked for its loss, which makes it as fast as it can be. Ours is the trainer's own: what the
  device is told (``engine.train.device_options``), and one wait for it in each step, to read what
  the step brought. Beside it what our trainer reaches with the batches that it makes itself.
- **parity**: how far half precision is from single precision, without TF32 (largest difference,
  relative to the largest value).

Memory is the most that PyTorch had allocated at once.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.gpu_networks import (  # noqa: E402  # found beside the engine
    SMOKE,
    Sizes,
    made_photos,
    noise,
    paper_network,
    resnet,
    shipped,
)

if TYPE_CHECKING:
    import torch

    from engine.inference.backend import Backend
    from engine.models.classifier import Classifier
    from engine.train.dataset import Batch, PixelSet

#: Seconds for everything, and for each part.
_TOTAL, _LIMITS = 230, {"device": 40, "tagging-lite0": 50, "tagging-r101": 50}
_LIMITS |= {"training": 70, "parity": 40}
_TAGGING_GOAL, _TRAINING_GOAL = 0.8, 1.5


def _stand_in_for_platformdirs() -> None:
    """The engine asks it for folders of the person's, which nothing here uses."""
    try:
        import platformdirs  # noqa: F401
    except ImportError:
        from types import ModuleType

        module = ModuleType("platformdirs")
        folder = Path(tempfile.gettempdir())
        module.user_data_path = module.user_cache_path = lambda *_, **__: folder  # type: ignore[attr-defined]
        sys.modules["platformdirs"] = module


# Decoders start from this file as well.
_stand_in_for_platformdirs()


def main(arguments: list[str] | None = None) -> int:
    """Measure, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="on the processor, tiny, in a moment")
    parser.add_argument("--output", type=Path, help="write the document here, not to the screen")
    parser.add_argument("--part", choices=tuple(_LIMITS), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part:
        sys.stdout.write(json.dumps(measure(options.part, Sizes())) + "\n")
        return 0
    document = smoke() if options.smoke else everything()
    text = json.dumps(document, indent=2) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


def smoke() -> dict[str, Any]:
    """Every part in this process, tiny."""
    found: dict[str, Any] = {"smoke": True}
    for part in _LIMITS:
        try:
            found[part] = measure(part, SMOKE)
        except Exception as error:  # noqa: BLE001  # each part fails alone
            found[part] = {"error": f"{type(error).__name__}: {error}"}
    return found


def everything() -> dict[str, Any]:
    """Each part in a process of its own, so that it can fail or hang alone."""
    started = time.monotonic()
    found: dict[str, Any] = {}
    for part, limit in _LIMITS.items():
        left = min(limit, _TOTAL - (time.monotonic() - started))
        sys.stderr.write(f"{part}, at most {left:.0f} s …\n")
        found[part] = in_process([sys.executable, __file__, "--part", part], left)
        if part == "device" and not found[part].get("has_gpu"):
            found["note"] = "There is no graphics card that PyTorch can use: nothing was measured."
            sys.stderr.write(found["note"] + "\n")
            break
    return found | {"seconds": round(time.monotonic() - started, 1)}


def in_process(command: list[str], seconds: float) -> dict[str, Any]:
    """What a command says in JSON on its last line, or why it says nothing."""
    if seconds <= 0:
        return {"error": "no time was left"}
    try:
        done = subprocess.run(
            command, timeout=seconds, capture_output=True, text=True, check=False, cwd=ROOT
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            return {"error": f"ended with {done.returncode}: {last}"}
        result = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"error": f"took longer than {seconds:.0f} s"}
    except (OSError, ValueError, IndexError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return result if isinstance(result, dict) else {"error": f"said {result!r}"}


def measure(part: str, sizes: Sizes) -> dict[str, Any]:
    """One part, on the graphics card unless it is tiny."""
    import torch

    torch.manual_seed(0)
    device = torch.device("cpu" if sizes is SMOKE else "cuda")
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "device": about,
        "tagging-lite0": lambda: tagging(shipped(sizes), device, sizes),
        "tagging-r101": lambda: tagging(resnet(sizes), device, sizes),
        "training": lambda: training(device, sizes),
        "parity": lambda: {
            "lite0": parity(shipped(sizes), device, sizes),
            "r101": parity(resnet(sizes), device, sizes),
        },
    }
    return parts[part]()


def about() -> dict[str, Any]:
    """The machine, and what runs on it."""
    import os
    import platform

    import timm
    import torch

    has_gpu = torch.cuda.is_available()
    found = {
        "has_gpu": has_gpu,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "timm": timm.__version__,
        "cuda": torch.version.cuda,
        "cores": os.cpu_count(),
    }
    if has_gpu:
        card = torch.cuda.get_device_properties(0)
        found |= {"name": card.name, "memory_mb": card.total_memory >> 20}
        found |= {"cudnn": torch.backends.cudnn.version(), "half": torch.cuda.is_bf16_supported()}
    return found


# Tagging.


def tagging(classifier: Classifier, device: torch.device, sizes: Sizes) -> dict[str, Any]:
    """Photos per second: to labels, with the network alone, with decoding alone."""
    from engine.data.decoding.pool import DecodePool
    from engine.inference.predict import decode_request, predict
    from engine.pytorch.torch_backend import TorchBackend

    backend = TorchBackend(classifier, device)
    preprocess = classifier.config.preprocess
    count = _round_length(backend, sizes)
    pixels = noise(backend.best_batch, sizes.input_size)
    with tempfile.TemporaryDirectory() as scratch, DecodePool() as pool:
        made = made_photos(Path(scratch), sizes)
        photos = (made * -(-count // len(made)))[:count]

        def to_labels() -> None:
            labels = list(predict(backend, pool, "gpu", photos, preprocess))
            if bad := [label.error for label in labels if label.error]:
                raise ValueError(bad[0])

        def network_alone() -> None:
            for start in range(0, count, len(pixels)):
                backend.run(pixels[: count - start])

        def decoding_alone() -> None:
            requests = (decode_request(photo, preprocess) for photo in photos)
            with closing(pool.map(requests, window=3 * len(pixels))) as images:
                for _ in images:
                    pass

        # The first photos start the decoders.
        list(pool.map([decode_request(photo, preprocess) for photo in made]))
        works = {"to_labels": to_labels, "network": network_alone, "decoding": decoding_alone}
        seconds = _in_turn(works, sizes.rounds, device)
    rates = {f"{name}_per_second": round(count / taken, 2) for name, taken in seconds.items()}
    share = seconds["network"] / seconds["to_labels"]
    return {
        "photos": count,
        "batch": backend.best_batch,
        "runtime": backend.name,
        **rates,
        **_against_goal(share, _TAGGING_GOAL),
        "peak_mb": _peak_mb(device),
    }


def _round_length(backend: Backend, sizes: Sizes) -> int:
    """How many photos a round needs to take long enough; runs the network warm as well."""
    pixels = noise(backend.best_batch, sizes.input_size)
    for _ in range(3):
        backend.run(pixels)
    started = time.perf_counter()
    backend.run(pixels)
    rate = len(pixels) / (time.perf_counter() - started)
    batches = math.ceil(rate * sizes.round_seconds / len(pixels))
    return len(pixels) * min(max(batches, 1), 64)


# Training.


def training(device: torch.device, sizes: Sizes) -> dict[str, Any]:
    """Images per second of a step: ours and the official arithmetic, with and without half."""
    works: dict[str, Callable[[], None]] = {}
    found: dict[str, Any] = {"batch": sizes.batch, "peak_mb": {}}
    makers = {
        "ours": lambda: _our_step(device, sizes, half=True),
        "ours_single": lambda: _our_step(device, sizes, half=False),
        "official": lambda: _official_step(device, sizes, half=False),
        "official_half": lambda: _official_step(device, sizes, half=True),
    }
    for name, make in makers.items():
        before = _allocated_mb(device)
        step = make()
        for _ in range(1 if sizes is SMOKE else 4):
            step()
        found["peak_mb"][name] = _peak_mb(device) - before
        works[name] = _repeated(step, sizes.steps)
    seconds = _in_turn(works, sizes.rounds, device)
    images = sizes.batch * sizes.steps
    rates = {f"{name}_per_second": round(images / taken, 2) for name, taken in seconds.items()}
    same = {
        "single": round(seconds["official"] / seconds["ours_single"], 3),
        "half": round(seconds["official_half"] / seconds["ours"], 3),
    }
    works.clear()
    made = {"with_own_batches_per_second": _trainer_rate(device, sizes)}
    ratio = seconds["official"] / seconds["ours"]
    return found | rates | made | {"same_precision": same} | _against_goal(ratio, _TRAINING_GOAL)


def _repeated(step: Callable[[], None], count: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(count):
            step()

    return run


def _our_step(device: torch.device, sizes: Sizes, *, half: bool) -> Callable[[], None]:
    from engine.api.training_config import PAPER
    from engine.train.train_step import TrainStep

    config = replace(PAPER, batch_size=sizes.batch, half="gpu" if half else "never")
    train_step = TrainStep(resnet(sizes), config, device)
    train_step.set_mode()
    batch = _batch(device, sizes)
    return lambda: _ignore(train_step.step(batch).read())  # as the trainer does, for its report


def _ignore(_: object) -> None:
    """For a step that says what it brought."""


def _pixel_set(sizes: Sizes) -> PixelSet:
    from engine.api.categories import Categories
    from engine.api.training_config import PAPER
    from engine.data.datasets.labelled import LabelledImages
    from engine.train.dataset import PixelSet, kept_side

    count = sizes.batch * (2 if sizes is SMOKE else 12)
    categories = Categories(tuple(f"category {number}" for number in range(20)))
    targets = np.random.default_rng(0).random((count, 20)) < 0.1
    paths = tuple(Path(f"{number}.jpg") for number in range(count))
    labels = LabelledImages("noise", categories, paths, targets, np.zeros_like(targets))
    side = kept_side(sizes.input_size, PAPER.augment)
    return PixelSet(labels, noise(count, side), np.ones(count))


def _batch(device: torch.device, sizes: Sizes) -> Batch:
    from engine.api.training_config import PAPER
    from engine.pytorch.distributed import Processes
    from engine.train.loader import Batches

    config = replace(PAPER, batch_size=sizes.batch)
    batches = Batches(_pixel_set(sizes), config, sizes.input_size, Processes(), device)
    with closing(batches.of_epoch(1, 0)) as made:
        return next(made)


def _trainer_rate(device: torch.device, sizes: Sizes) -> float:
    """Images per second of a whole epoch as ``train`` runs it, after one to warm up."""
    from engine.api.training_config import PAPER
    from engine.api.training_reports import StepReport
    from engine.train.trainer import Trainer, TrainingData

    config = replace(PAPER, batch_size=sizes.batch, epochs=2)
    trainer = Trainer(resnet(sizes), TrainingData(_pixel_set(sizes), None), config, device)
    ends = []
    with closing(trainer.run()) as reports:
        for report in reports:
            if isinstance(report, StepReport):
                ends.append(time.perf_counter())
    steps = trainer.steps_per_epoch
    return round((steps - 1) * sizes.batch / (ends[-1] - ends[-steps]), 2)


def _official_step(device: torch.device, sizes: Sizes, *, half: bool) -> Callable[[], None]:
    """Forward, mean cross-entropy, backward, SGD: the recipe of the paper, nothing beside it."""
    import torch
    from torch.nn import functional

    network = paper_network(sizes).to(device).train()
    heads = [network.head.weight]
    groups = [{"params": network.trunk.parameters()}, {"params": heads, "lr": 0.1}]
    optimizer = torch.optim.SGD(groups, lr=0.01, momentum=0.9, weight_decay=1e-4)  # type: ignore[arg-type]
    batch = _batch(device, sizes)
    images, targets = batch.pixels.float() / 255, batch.targets
    if device.type == "cuda":
        images, targets = images.pin_memory(), targets.pin_memory()
    half = half and device.type == "cuda"  # many times slower on most processors
    scaler = torch.amp.GradScaler(device.type, enabled=half)

    def step() -> None:
        inputs = images.to(device, non_blocking=True)
        wanted = targets.to(device, non_blocking=True)
        with torch.autocast(device.type, dtype=torch.float16, enabled=half):
            logits = network(inputs)
        loss = functional.binary_cross_entropy_with_logits(logits.float(), wanted)
        optimizer.zero_grad()
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.step(optimizer)
        scaler.update()

    return step


# Parity.


def parity(classifier: Classifier, device: torch.device, sizes: Sizes) -> dict[str, Any]:
    """How far half precision, and what the program runs, lie from single precision."""
    import torch

    from engine.pytorch.torch_backend import TorchBackend

    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    pixels = noise(2 if sizes is SMOKE else 16, sizes.input_size)
    config = classifier.config.preprocess
    mean, std = (torch.tensor(value, device=device) for value in (config.mean, config.std))
    images = ((torch.from_numpy(pixels).to(device) / 255 - mean) / std).permute(0, 3, 1, 2)
    classifier = classifier.to(device)

    def scores(dtype: torch.dtype | None) -> list[np.ndarray[Any, Any]]:
        with (
            torch.inference_mode(),
            torch.autocast(device.type, dtype=dtype or torch.bfloat16, enabled=dtype is not None),
        ):
            output = classifier(images)
        return [part.float().cpu().numpy() for part in (output.logits, output.position_scores)]

    exact = scores(None)
    found = {
        str(dtype).removeprefix("torch."): _differences(scores(dtype), exact)
        for dtype in (torch.bfloat16, torch.float16)
    }
    ours = TorchBackend(classifier, device).run(pixels)
    found["program"] = _differences([ours.logits, ours.position_scores], exact)
    return found | {"peak_mb": _peak_mb(device)}


def _differences(
    found: list[np.ndarray[Any, Any]], exact: list[np.ndarray[Any, Any]]
) -> dict[str, float]:
    pairs = zip(("logits", "position_scores"), found, exact, strict=True)
    return {
        name: float(f"{np.abs(ours - wanted).max() / np.abs(wanted).max():.3g}")
        for name, ours, wanted in pairs
    }


# What all share.


def _in_turn(
    works: dict[str, Callable[[], None]], rounds: int, device: torch.device
) -> dict[str, float]:
    """The median of the seconds of each, one after the other in every round."""
    import torch

    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in taken.items()}


def _against_goal(ratio: float, goal: float) -> dict[str, Any]:
    return {"ratio": round(ratio, 3), "goal": goal, "met": ratio >= goal}


def _allocated_mb(device: torch.device) -> int:
    """What is in use now; the peak starts anew here."""
    import torch

    if device.type != "cuda":
        return 0
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device) >> 20


def _peak_mb(device: torch.device) -> int:
    import torch

    return torch.cuda.max_memory_allocated(device) >> 20 if device.type == "cuda" else 0


if __name__ == "__main__":
    sys.exit(main())
