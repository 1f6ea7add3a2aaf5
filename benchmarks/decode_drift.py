"""What decoding large JPEGs with less detail changes: mAP, scores and labels of the shipped model.

    python benchmarks/decode_drift.py DEVKIT [--split val] [--photos 400] [--enlarge 5]

Photos of VOC are small, and at the model's input size nothing is left out of them. So a part of the
split is enlarged here, to what cameras make, and evaluated both ways (``csra evaluate --drift``).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
_QUALITY = 90


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("devkit", type=Path, nargs="?", help="the folder VOC2007 in VOCdevkit")
    parser.add_argument("--split", default="val")
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--enlarge", type=int, default=5)
    options = parser.parse_args()
    if options.devkit is None:
        sys.stdout.write("Needs the folder of VOC2007; nothing was measured.\n")
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "VOC2007"
        _enlarged(options, folder)
        written = Path(scratch) / "numbers.json"
        arguments = ["--dataset", "voc2007", "--data", folder, "--split", options.split]
        subprocess.run(
            [
                *(sys.executable, "main.py", "evaluate", "--drift", "--no-keep"),
                *("--resamples", "10", "--json", written, *arguments),
            ],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        found = json.loads(written.read_text(encoding="utf-8"))["decode_drift"]
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def _enlarged(options: argparse.Namespace, folder: Path) -> None:
    """A part of the split, spread over it, with larger photos."""
    sets = Path("ImageSets/Main") / f"{options.split}.txt"
    names = (options.devkit / sets).read_text(encoding="utf-8").split()
    names = names[:: max(1, len(names) // options.photos)][: options.photos]
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    (folder / sets).write_text("\n".join(names) + "\n", encoding="utf-8")
    for name in names:
        labels = Path("Annotations") / f"{name}.xml"
        (folder / labels).write_bytes((options.devkit / labels).read_bytes())
        photo = Path("JPEGImages") / f"{name}.jpg"
        with Image.open(options.devkit / photo) as image:
            size = tuple(side * options.enlarge for side in image.size)
            large = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        large.save(folder / photo, quality=_QUALITY)


if __name__ == "__main__":
    main()
