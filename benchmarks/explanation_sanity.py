"""Whether maps depend on what the model learned (after Adebayo et al. 2018, "Sanity checks").

The weights of the heads, and then those of the backbone's layers from the last to the first, are
shuffled within each tensor, one group of layers after the other. The maps of the shuffled model are
compared with those of the trained one by rank correlation over the cells. A map that shows what was
learned must lose its resemblance.

    python benchmarks/explanation_sanity.py --data VOCdevkit [--photos 30] [--model NAME]
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the program itself does

import numpy as np  # noqa: E402
import torch  # noqa: E402
from perturbation import rank_correlation  # noqa: E402
from torch import nn  # noqa: E402

from engine.api.values import FloatArray, PixelArray  # noqa: E402
from engine.checkpoints.loading import open_checkpoint  # noqa: E402
from engine.data.datasets.registry import load_dataset  # noqa: E402
from engine.data.decoding.pool import DecodePool, DecodeRequest  # noqa: E402
from engine.models.classifier import Classifier  # noqa: E402
from engine.pytorch.torch_backend import TorchBackend  # noqa: E402
from engine.records.catalogue import find_model  # noqa: E402

GROUPS = 6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", help="default: the model that ships")
    parser.add_argument("--photos", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    classifier = open_checkpoint(find_model(options.model)).classifier
    categories = classifier.config.categories
    images = load_dataset("voc2007", options.data, options.split).for_categories(categories)
    rows = np.random.default_rng(0).permutation(len(images))[: options.photos].tolist()
    columns = [categories.index_of(name) for name in images.categories]
    pairs = [
        (place, columns[c])
        for place, row in enumerate(rows)
        for c in np.flatnonzero(images.targets[row] & ~images.ignored[row])
    ]
    pixels = decoded([images.paths[row] for row in rows], classifier)
    trained = score_maps(classifier, pixels)
    print("| shuffled | rank correlation of the score maps | standard error |\n|---|---|---|")
    for name, shuffled in cascade(classifier):
        maps = score_maps(shuffled, pixels)
        found = [rank_correlation(trained[i, c], maps[i, c]) for i, c in pairs]
        known = np.array([value for value in found if not np.isnan(value)])
        error = known.std(ddof=1) / np.sqrt(len(known))
        print(f"| {name} | {known.mean():.2f} | {error:.2f} |", flush=True)
    print(f"\n{len(rows)} photos, {len(pairs)} pairs")
    return 0


def decoded(paths: Sequence[Path], classifier: Classifier) -> PixelArray:
    preprocess = classifier.config.preprocess
    with DecodePool(1) as pool:
        requests = (DecodeRequest(p, preprocess.input_size, preprocess.resize) for p in paths)
        return np.stack([pool.submit(request).result().pixels for request in requests])


def score_maps(classifier: Classifier, pixels: PixelArray) -> FloatArray:
    """(N, C, h, w)."""
    backend = TorchBackend(copy.deepcopy(classifier), torch.device("cpu"))
    maps = [backend.run(pixels[i : i + 4]).position_scores for i in range(0, len(pixels), 4)]
    total: FloatArray = np.concatenate(maps).sum(axis=1)
    return total


def cascade(classifier: Classifier) -> Iterator[tuple[str, Classifier]]:
    """The heads shuffled, then more and more of the backbone as well, from its end on."""
    generator = torch.Generator().manual_seed(0)
    model = copy.deepcopy(classifier)
    shuffle([model.heads], generator)
    yield "heads", model
    layers = [m for m in model.backbone.modules() if list(m.parameters(recurse=False))]
    groups = np.array_split(np.arange(len(layers))[::-1], GROUPS)
    for number, group in enumerate(groups, start=1):
        shuffle([layers[i] for i in group], generator)
        share = "the whole backbone" if number == GROUPS else f"the last {number}/{GROUPS} of it"
        yield f"heads and {share}", model


def shuffle(modules: Sequence[nn.Module], generator: torch.Generator) -> None:
    for module in modules:
        for parameter in module.parameters(recurse=False):
            flat = parameter.data.flatten()
            order = torch.randperm(len(flat), generator=generator)
            parameter.data.copy_(flat[order].reshape(parameter.shape))


if __name__ == "__main__":
    raise SystemExit(main())
