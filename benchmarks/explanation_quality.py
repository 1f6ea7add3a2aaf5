"""How good the maps are: pointing games, deletion and insertion, beside Grad-CAM and chance.

Every map of a photo comes from one forward pass of one network: ours from its position scores,
Grad-CAM from the gradient of the logit at the features that the heads read. The pairs are a photo
and a category that is in it. The sample is drawn with a fixed seed.

- *Pointing game*, both definitions, and *energy*: see docs/EVALUATION.md.
- *Deletion* and *insertion* (perturbation.py): cells of the model's grid are hidden,
  or shown, in 10 steps from the map's highest on; the score (not the logit) is averaged over the
  steps. Hidden places show the photo strongly blurred (Gaussian, one cell wide). Lower is better in
  deletion, higher in insertion. A map that ranks the cells as another one does shares its numbers.
- *Absent categories*: the highest local probability in maps of present and of absent categories.

Intervals are 95 % bootstrap intervals over photos. The file holds a line per photo, the last one
counts, and a later run goes on from there.

    python benchmarks/explanation_quality.py --data VOCdevkit --output quality.jsonl \
        [--photos 300] [--curves 70] [--model NAME]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the program itself does

import numpy as np  # noqa: E402
import torch  # noqa: E402
from grad_cam import as_input, cams_of_features, package_cam  # noqa: E402
from perturbation import (  # noqa: E402
    Ranking,
    ranking,
    step_shares,
    with_first_cells,
)
from PIL import Image, ImageFilter  # noqa: E402
from quality_tables import CENTRE, CHANCE, GRAD_CAM, Pair, summary  # noqa: E402

from engine.api.values import DecodedImage, FloatArray, PixelArray, PositionScores  # noqa: E402
from engine.checkpoints.loading import open_checkpoint  # noqa: E402
from engine.data.datasets.labelled import LabelledImages  # noqa: E402
from engine.data.datasets.registry import load_dataset  # noqa: E402
from engine.data.decoding.pool import DecodePool  # noqa: E402
from engine.evaluation.evaluator import Evaluator  # noqa: E402
from engine.explain.evidence import MapKind, activate, local_probabilities, map_of, on_photo  # noqa: E402
from engine.metrics.localisation import (  # noqa: E402
    Frame,
    Located,
    box_mask,
    energy_inside,
    highest_point,
    is_hit,
)
from engine.pytorch.torch_backend import TorchBackend  # noqa: E402
from engine.records.catalogue import find_model  # noqa: E402

STEPS, BLUR_CELLS = 10, 1.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", help="default: the model that ships")
    parser.add_argument("--output", type=Path, required=True, help="JSON lines, one per photo")
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--curves", type=int, default=70, help="photos with deletion, insertion")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    examiner = Examiner(find_model(options.model), options.data, options.split)
    lines = read(options.output)
    rows = np.random.default_rng(0).permutation(len(examiner.images))[: options.photos]
    # Curves take a hundred times as long, so what is quick comes first.
    work = [(row, False) for row in rows.tolist()]
    work += [(row, True) for row in rows.tolist()[: options.curves]]
    with DecodePool(1) as pool, options.output.open("a", encoding="utf-8") as file:
        for number, (row, curves) in enumerate(work, start=1):
            name = examiner.images.ids[row]
            if name not in lines or (curves and not lines[name]["has_curves"]):
                lines[name] = examiner.examine(row, pool, curves=curves)
                file.write(json.dumps({"id": name, **lines[name]}) + "\n")
                file.flush()
                print(f"{number} of {len(work)}", file=sys.stderr)
    print(summary([lines[examiner.images.ids[row]] for row in rows.tolist()]))
    return 0


def read(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    with path.open(encoding="utf-8") as file:
        return {line["id"]: line for line in map(json.loads, file)}


class Examiner:
    """A model and a data set, and what is measured of one photo."""

    def __init__(self, model: Path, data: Path, split: str) -> None:
        checkpoint = open_checkpoint(model)
        self.classifier, self.id = checkpoint.classifier, checkpoint.id
        self.backend = TorchBackend(self.classifier, torch.device("cpu"))
        categories = checkpoint.record.config.categories
        self.images: LabelledImages = load_dataset("voc2007", data, split).for_categories(
            categories
        )
        self.columns = [categories.index_of(name) for name in self.images.categories]
        self.evaluator = Evaluator(self.classifier.config, self.backend, self.images)
        self.model, self.is_checked = model, False

    def examine(self, row: int, pool: DecodePool, *, curves: bool) -> dict[str, Any]:
        """Everything about one photo, as JSON can hold it."""
        image = pool.submit(self.evaluator.request(row)).result()
        with torch.no_grad():
            features = self.classifier.backbone(as_input(image, self.classifier))
            values = self.classifier.heads(features).position_scores[0].numpy()
        scores = self._position_scores(row, image, values)
        cam = cams_of_features(self.classifier, features)
        self._check(cam, image)
        pairs = []
        for place in self.evaluator.located(row, image):
            column = self.columns[place.category]
            maps = {kind.value: map_of(scores, column, kind) for kind in MapKind}
            maps[GRAD_CAM] = cam(column)
            pair = pointing(maps, place, image)
            if curves and not place.all_marked_difficult:
                pair["curves"] = self._curves(maps, image, column, seed=row)
            pairs.append(pair)
        return {"has_curves": curves, "pairs": pairs, **self._coldness(scores, row)}

    def _position_scores(self, row: int, image: DecodedImage, values: FloatArray) -> PositionScores:
        head = self.classifier.config.head
        return PositionScores(
            self.images.paths[row], self.id, values, head.temperatures, head.lam,
            image.content, image.width, image.height, head.activation,
        )  # fmt: skip

    def _check(self, cam: Callable[[int], FloatArray], image: DecodedImage) -> None:
        """Once, that our Grad-CAM is that of the package."""
        if self.is_checked:
            return
        self.is_checked = True
        other = open_checkpoint(self.model).classifier
        theirs = package_cam(other, whole=False)(as_input(image, other), 0)
        side = theirs.shape[0]
        ours = on_photo(cam(0), side, side)
        if ours.max() > 0 and np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] < 0.999:
            raise RuntimeError("this is not the Grad-CAM of the package")

    def _curves(
        self, maps: Mapping[str, FloatArray], image: DecodedImage, column: int, seed: int
    ) -> dict[str, dict[str, list[float]]]:
        """Scores at each step: ranking → deletion and insertion."""
        grid = maps[GRAD_CAM].shape
        orders = {name: ranking(values) for name, values in maps.items()}
        # Attention is no evidence, and with max pooling it names one cell alone.
        del orders[MapKind.ATTENTION.value]
        # A sigmoid keeps the order, but float32 has no values between the highest.
        if self.backend.head.activation == "sigmoid":
            orders[MapKind.LOCAL_PROBABILITY.value] = orders[MapKind.SCORE.value]
        orders[CHANCE] = np.random.default_rng(seed).permutation(grid[0] * grid[1])
        blurred = blur(image.pixels, BLUR_CELLS * image.pixels.shape[0] / grid[0])
        ends = self._scores([image.pixels, blurred], column)
        known: dict[bytes, dict[str, list[float]]] = {}
        for order in orders.values():
            if order.tobytes() not in known:
                known[order.tobytes()] = self._walk(
                    image.pixels, blurred, order, grid, column, ends
                )
        return {name: known[order.tobytes()] for name, order in orders.items()}

    def _walk(
        self,
        photo: PixelArray,
        blurred: PixelArray,
        order: Ranking,
        grid: tuple[int, ...],
        column: int,
        ends: Sequence[float],
    ) -> dict[str, list[float]]:
        cells = grid[0], grid[1]
        inner = step_shares(STEPS)[1:-1]
        hidden = [with_first_cells(photo, blurred, order, share, cells) for share in inner]
        shown = [with_first_cells(blurred, photo, order, share, cells) for share in inner]
        whole, nothing = ends
        return {
            "deletion": [whole, *self._scores(hidden, column), nothing],
            "insertion": [nothing, *self._scores(shown, column), whole],
        }

    def _scores(self, photos: Sequence[PixelArray], column: int) -> list[float]:
        logits = self.backend.run(np.stack(photos)).logits
        return [
            round(float(s), 5) for s in activate(logits, self.backend.head.activation)[:, column]
        ]

    def _coldness(self, scores: PositionScores, row: int) -> dict[str, list[float]]:
        """The highest local probability of categories that are in the photo, and that are not."""
        highest = local_probabilities(scores)[self.columns].max(axis=(1, 2))
        targets, ignored = self.images.targets[row], self.images.ignored[row]
        return {
            "present": np.round(highest[targets & ~ignored], 5).tolist(),
            "absent": np.round(highest[~targets & ~ignored], 5).tolist(),
        }


def blur(pixels: PixelArray, radius: float) -> PixelArray:
    blurred = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(blurred, dtype=np.uint8)


def pointing(maps: Mapping[str, FloatArray], place: Located, image: DecodedImage) -> Pair:
    """Both games with all maps of one pair."""
    width, height = place.width, place.height
    mask = box_mask(place.boxes, width, height)
    laid = {name: on_photo(m, width, height, image.content) for name, m in maps.items()}
    points = {name: highest_point(values) for name, values in laid.items()}
    points[CENTRE] = (width / 2, height / 2)
    hits = {
        name: {str(f): is_hit(point, place.boxes, f.tolerance(width, height)) for f in Frame}
        for name, point in points.items()
    }
    return {
        "category": place.category,
        "is_difficult": place.is_difficult,
        "is_skipped": place.all_marked_difficult,
        "hits": hits,
        "energy": {name: round(energy_inside(values, mask), 5) for name, values in laid.items()},
        "area": round(float(mask.mean()), 5),
    }


if __name__ == "__main__":
    raise SystemExit(main())
