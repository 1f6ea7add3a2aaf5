"""What it saves that a photo is decoded once for the model and for its thumbnail.

Makes JPEG files of twelve megapixels out of photos (the samples by default), and asks one decoding
process for each of them in turn: for a model, for a thumbnail, and for both at once; beside that,
the thumbnail is encoded as the cache keeps it. Also says how far thumbnails from a shared decoding
are from those of their own. With --tag, the engine then tags all of them, with thumbnails along the
way and without, and the window's decoder asks for each thumbnail afterwards.

    python benchmarks/shared_decode.py [FOLDER] [--photos N] [--rounds N] [--tag] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.api.config import PredictConfig, ThumbnailWish  # noqa: E402
from engine.api.values import DecodedImage  # noqa: E402
from engine.data.decoding.pool import DecodePool, DecodeRequest  # noqa: E402
from engine.records.thumbnail_cache import ThumbnailCache, ThumbnailKey  # noqa: E402

_SIZE = 4000, 3000
_GRAIN = 5.0
_INPUT_SIDE, _THUMBNAIL_SIDE = 448, 192
_LIMIT = 10**9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "resources" / "samples")
    parser.add_argument("--photos", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tag", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        photos = _large(options.folder, Path(made), options.photos)
        result = _decoding(photos, Path(made), options.rounds)
        if options.tag:
            result |= _tagging(photos, Path(made), options.rounds)
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def _large(folder: Path, made: Path, count: int) -> list[Path]:
    """Photos blown up, with the grain that makes a camera's files as large as they are."""
    sources = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    rng = np.random.default_rng(0)
    grain = rng.normal(0, _GRAIN, (*_SIZE[::-1], 1)).astype(np.float32)
    photos = []
    for number in range(count):
        with Image.open(sources[number % len(sources)]) as image:
            pixels = np.asarray(image.convert("RGB").resize(_SIZE, Image.Resampling.BICUBIC))
        noisy = np.clip(pixels + np.roll(grain, number * 97, axis=1), 0, 255).astype(np.uint8)
        photos.append(made / f"{number:04}.jpg")
        Image.fromarray(noisy).save(photos[-1], quality=90)
    return photos


def _decoding(photos: Sequence[Path], made: Path, rounds: int) -> dict[str, float]:
    cache = ThumbnailCache(made / "encoded", _LIMIT)

    def encode(path: Path, image: DecodedImage) -> None:
        cache.store(ThumbnailKey.of(path, _THUMBNAIL_SIDE), image.pixels)

    with DecodePool(1) as pool:
        model, small, both = (
            lambda path: pool.submit(DecodeRequest(path, _INPUT_SIDE, "squash")).result(),
            lambda path: pool.submit(DecodeRequest(path, _THUMBNAIL_SIDE)).result(),
            lambda path: pool.submit(
                DecodeRequest(path, _INPUT_SIDE, "squash", thumbnail=_THUMBNAIL_SIDE)
            ).result(),
        )
        small(photos[0])  # starts the process
        taken: dict[str, list[float]] = {}
        for _ in range(rounds):
            for path in photos:
                for name, ask in (("model", model), ("thumbnail", small), ("both", both)):
                    taken.setdefault(name, []).append(_ms(lambda ask=ask, path=path: ask(path)))
                image = small(path)
                store = _ms(lambda path=path, image=image: encode(path, image))
                taken.setdefault("encode and write", []).append(store)
        apart = [_apart(small(path), both(path)) for path in photos]
    found = {f"{name}, ms": round(statistics.median(all_), 1) for name, all_ in taken.items()}
    found["mean difference of thumbnails, of 255"] = round(statistics.mean(apart), 2)
    return found


def _ms(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun)


def _apart(alone: DecodedImage, both: DecodedImage) -> float:
    if both.thumbnail is None:
        raise ValueError("No thumbnail came along.")
    return float(np.abs(alone.pixels.astype(int) - both.thumbnail.pixels.astype(int)).mean())


def _tagging(photos: Sequence[Path], made: Path, rounds: int) -> dict[str, float]:
    """Medians of all rounds, in seconds."""
    from engine.service.local import LocalEngine

    taken: dict[str, list[float]] = {}
    with contextlib.closing(LocalEngine("cpu")) as engine, DecodePool() as pool:
        model = engine.open_model().id
        list(engine.predict(model, photos[:2]))
        pool.submit(DecodeRequest(photos[0], _THUMBNAIL_SIDE)).result()
        for number in range(rounds):
            for is_shared in (number % 2 == 0, number % 2 == 1):
                folder = made / f"{number}-{is_shared}"
                wish = ThumbnailWish(folder, _THUMBNAIL_SIDE, _LIMIT) if is_shared else None
                config = PredictConfig(thumbnails=wish)
                name = "shared" if is_shared else "apart"
                tag = _ms(lambda config=config: list(engine.predict(model, photos, config)))
                look = _ms(lambda folder=folder: _look(pool, photos, folder))
                taken.setdefault(f"{name}: tag, s", []).append(tag / 1000)
                taken.setdefault(f"{name}: then look at all, s", []).append(look / 1000)
    return {name: round(statistics.median(values), 2) for name, values in taken.items()}


def _look(pool: DecodePool, photos: Sequence[Path], folder: Path) -> None:
    """As the window does: from the cache where it can, else from the photo, which is then kept."""
    cache = ThumbnailCache(folder, _LIMIT)
    keys = [ThumbnailKey.of(path, _THUMBNAIL_SIDE) for path in photos]
    files = [cache.find(key) for key in keys]
    sources = [file or path for file, path in zip(files, photos, strict=True)]
    images = pool.map(DecodeRequest(source, _THUMBNAIL_SIDE) for source in sources)
    for key, file, image in zip(keys, files, images, strict=True):
        if file is None and isinstance(image, DecodedImage):
            cache.store(key, image.pixels)


if __name__ == "__main__":
    sys.exit(main())
