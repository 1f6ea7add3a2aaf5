"""How well descriptors tell photos that are alike: what docs/adr/0022 says was measured.

Of photos of VOC2007 val, drawn with a seed: how many of the five nearest share a label, what part
of all pairs is alike to a degree and how many of these share a label, and which part of altered
copies (cropped, turned, brighter, mirrored, half the size and compressed hard, grey) is found at
each threshold, beside the pairs of different photos that are taken for copies.

    python benchmarks/similar_quality.py --data DEVKIT [--model NAME|FILE] [--photos N]
        [--altered M] [--lengths L …]
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from PIL import Image, ImageEnhance  # noqa: E402

from engine.api.config import PredictConfig  # noqa: E402
from engine.api.values import FloatArray  # noqa: E402
from engine.data.datasets.registry import load_dataset  # noqa: E402
from engine.inference import descriptors  # noqa: E402
from engine.service.local import LocalEngine  # noqa: E402

DEGREES = (0.3, 0.4, 0.5, 0.6, 0.7)
THRESHOLDS = (0.85, 0.88, 0.9, 0.92, 0.95)
NEAREST = 5


def half(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def cut(image: Image.Image, part: float) -> Image.Image:
    width, height = image.size
    return image.crop(
        (int(width * part), int(height * part), int(width * (1 - part)), int(height * (1 - part)))
    )


ALTERED: dict[str, tuple[Callable[[Image.Image], Image.Image], int]] = {
    "saved again": (lambda image: image, 70),
    "brighter by 20 %": (lambda image: ImageEnhance.Brightness(image).enhance(1.2), 90),
    "5 % cut off all round": (lambda image: cut(image, 0.05), 90),
    "10 % cut off all round": (lambda image: cut(image, 0.1), 90),
    "turned by 2 degrees": (lambda image: image.rotate(2, Image.Resampling.BICUBIC), 90),
    "mirrored": (lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 90),
    "half the size, quality 60": (half, 60),
    "grey": (lambda image: image.convert("L").convert("RGB"), 90),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the VOC2007 devkit")
    parser.add_argument("--model", help="default: the model that ships")
    parser.add_argument("--photos", type=int, default=700)
    parser.add_argument("--altered", type=int, default=150)
    parser.add_argument("--lengths", type=int, nargs="+", default=[descriptors.LENGTH])
    options = parser.parse_args()
    images = load_dataset("voc2007", options.data, "val")
    drawn = np.random.default_rng(0).permutation(len(images.paths))[: options.photos]
    paths = [images.paths[i] for i in drawn]
    shares = np.asarray(images.targets[drawn] > 0, dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        copies = altered(paths[: options.altered], Path(folder))
        for length in options.lengths:
            descriptors.LENGTH = length
            every = [*paths, *(path for some in copies.values() for path in some)]
            vectors = described(every, options.model)
            print(f"{length} directions")
            own = vectors[: len(paths)]
            tell_neighbours(own @ own.T, shares @ shares.T > 0)
            tell_copies(own, vectors[len(paths) :], options.altered)
    return 0


def altered(paths: Sequence[Path], folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for name, (alter, quality) in ALTERED.items():
        for path in paths:
            with Image.open(path) as image:
                made = folder / f"{path.stem}-{len(found)}-{name[:4].strip()}.jpg"
                alter(image.convert("RGB")).save(made, quality=quality)
            found.setdefault(name, []).append(made)
    return found


def described(paths: Sequence[Path], source: str | None) -> FloatArray:
    """(N, d) of length 1."""
    with contextlib.closing(LocalEngine()) as engine:
        model = engine.open_model(source)
        config = PredictConfig(descriptors="all")
        made = [found.descriptor for found in engine.predict(model.id, paths, config)]
    if None in made:
        sys.exit("A photo could not be read.")
    print(f"{model.name}, {len(paths):,} pictures")
    values = np.stack([one.values for one in made if one is not None]).astype(np.float32)
    found: FloatArray = values / np.linalg.norm(values, axis=1, keepdims=True)
    return found


def tell_neighbours(alike: FloatArray, shares: np.ndarray) -> None:
    others = alike - 3 * np.eye(len(alike), dtype=np.float32)
    nearest = np.argsort(-others, axis=1)[:, :NEAREST]
    share = np.take_along_axis(shares, nearest, axis=1).mean()
    pairs = np.triu_indices(len(alike), 1)
    values, same = alike[pairs], shares[pairs]
    print(f"  of the {NEAREST} nearest, {share:.1%} share a label; of all pairs {same.mean():.1%}")
    for degree in DEGREES:
        above = values >= degree
        print(
            f"  alike to {degree}: {above.mean():.2%} of pairs, {same[above].mean():.1%} share one"
        )


def tell_copies(own: FloatArray, copies: FloatArray, count: int) -> None:
    pairs = np.triu_indices(len(own), 1)
    different = (own @ own.T)[pairs]
    said = "  ".join(f"{threshold:6.2f}" for threshold in THRESHOLDS)
    print(f"  {'copies found from':28s}{said}")
    for place, name in enumerate(ALTERED):
        part = copies[place * count : (place + 1) * count]
        alike = np.einsum("ij,ij->i", part, own[: len(part)])
        found = "  ".join(f"{(alike >= threshold).mean():6.1%}" for threshold in THRESHOLDS)
        print(f"  {name:28s}{found}")
    wrong = "  ".join(f"{(different >= threshold).sum():6d}" for threshold in THRESHOLDS)
    print(f"  {f'of {len(different):,} other pairs':28s}{wrong}")


if __name__ == "__main__":
    sys.exit(main())
