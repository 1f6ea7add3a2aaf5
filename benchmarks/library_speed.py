"""How fast the library is at the size that people work at: 100,000 images, 80 categories.

Everything is timed on a library made for it in a temporary folder, and each number is the median
of some rounds. Beside each question stands what a plain SQL table with one row per score, the
usual layout, takes for the same answer on the same file system, and the ratio of both.

    python benchmarks/library_speed.py [--images N] [--categories C] [--rounds R] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from csra_gui.session.photo_table import PhotoTable  # noqa: E402
from engine.api.categories import Categories  # noqa: E402
from engine.api.values import FloatArray, Prediction  # noqa: E402
from engine.library.columns import reach  # noqa: E402
from engine.library.filters.evaluation import LibraryView  # noqa: E402
from engine.library.filters.parser import parse  # noqa: E402
from engine.library.opening import open_library  # noqa: E402
from engine.library.store import Library  # noqa: E402
from engine.library.values import ImageFile, LibraryModel, Verdict, Wish  # noqa: E402

BATCH = 500
FILTERS = (
    "c0 AND NOT c1",
    "score:c2>0.4",
    "uncertain:c3",
    "reviewed:no",
    "source:machine",
    'name:"IMG_*7.jpg"',
    "folder:trip3",
    "tags:>=3",
    "date:2024",
    '(c0 OR c1) (c2 OR NOT c3) name:"*12*" tags:<9 folder:trip*',
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--categories", type=int, default=80)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), options.images, options.categories, options.rounds)
    print(json.dumps(result, indent=2, ensure_ascii=False))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def measure(folder: Path, images: int, categories: int, rounds: int) -> dict[str, float]:
    """Times in ms, unless the key says otherwise."""
    generator = np.random.default_rng(0)
    scores = generator.beta(0.2, 3.0, size=(images, categories)).astype(np.float32)
    with open_library(folder / "library.db") as library:
        result = {"fill, images/s": images / timed(lambda: fill(library, scores), 1) * 1000}
        result |= ask(library, scores, rounds)
    result["open with quick_check"] = timed(
        lambda: open_library(folder / "library.db").close(), rounds
    )
    result["file, bytes per image"] = (folder / "library.db").stat().st_size / images
    result |= compare_with_rows(folder / "rows.db", scores, rounds)
    ours = result["thresholds applied again"]
    result["rows / thresholds applied again, ratio"] = result["rows: counts at a threshold"] / ours
    return result


def fill(library: Library, scores: FloatArray) -> None:
    names = Categories(tuple(f"c{i}" for i in range(scores.shape[1])))
    library.add_model(LibraryModel("m", "Model", names))
    second = 1_704_100_000  # 1 January 2024
    for first in range(0, len(scores), BATCH):
        numbers = range(first, min(first + BATCH, len(scores)))
        paths = [Path(f"/photos/trip{i // 1000}/IMG_{i:06}.jpg") for i in numbers]
        added = [
            ImageFile(path, i, (second + i * 600) * 10**9)
            for i, path in zip(numbers, paths, strict=True)
        ]
        ids = library.add_images(added)
        batch = [Prediction(p, "m", scores[i]) for i, p in zip(numbers, paths, strict=True)]
        library.record_predictions("m", batch)
        wishes = [Wish(i, "c0", Verdict.REJECTED) for i in ids[::20]]
        library.decide(wishes, who="me", caption="Reject", reviewed={ids[0]: True})


def ask(library: Library, scores: FloatArray, rounds: int) -> dict[str, float]:
    thresholds = np.full(scores.shape[1], 0.5, dtype=np.float32)
    files = library.files()
    columns = table_of(library, files).columns()
    view = LibraryView(columns, thresholds)
    result = {
        "files listed": timed(library.files, rounds),
        "all looked up": timed(lambda: library.stored(files, "m"), rounds),
        "thresholds applied again": timed(lambda: reach(columns.scores, thresholds), rounds),
        "the same as plain float32": timed(lambda: scores >= thresholds, rounds),
        "labels that count": timed(lambda: columns.labels(thresholds), rounds),
        "counts of facets": timed(lambda: LibraryView(columns, thresholds).facets, rounds),
        "one decision": timed(lambda: decide_something(library), rounds),
    }
    for text in FILTERS:
        result[f"first filter {text}"] = timed(
            lambda text=text: LibraryView(columns, thresholds).rows(parse(text)), 1
        )
        result[f"filter {text}"] = timed(lambda text=text: view.rows(parse(text)), rounds)
    return result


def table_of(library: Library, files: dict[int, ImageFile]) -> PhotoTable:
    """All of it as the window has it."""
    known, photos = library.stored(files, "m"), PhotoTable()
    [model] = library.models()
    photos.use_model(model.fingerprint, model.categories)
    photos.add([file.path for file in files.values()], list(files.values()))
    row_of = {image: row for row, image in enumerate(files)}
    photos.set_many_scores([row_of[image] for image in known.scored.tolist()], known.scores)
    for image, category, verdict in known.verdicts:
        photos.decide([row_of[image]], {category: verdict}, None)
    return photos


def decide_something(library: Library) -> None:
    image = 1 + time.perf_counter_ns() % 1000
    library.decide([Wish(image, "new", Verdict.ADDED)], who="me", caption="Add")


def compare_with_rows(path: Path, scores: FloatArray, rounds: int) -> dict[str, float]:
    """One row per score that is not negligible, with an index: the usual layout."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE labels (image INTEGER, category INTEGER, score REAL)")
        images, categories = np.nonzero(scores > 0.01)
        rows = zip(
            images.tolist(),
            categories.tolist(),
            scores[images, categories].tolist(),
            strict=True,
        )
        connection.executemany("INSERT INTO labels VALUES (?, ?, ?)", rows)
        connection.execute("CREATE INDEX by_category ON labels (category, score)")
        connection.commit()
        query = "SELECT category, count(*) FROM labels WHERE score >= 0.5 GROUP BY category"
        return {
            "rows: counts at a threshold": timed(
                lambda: connection.execute(query).fetchall(), rounds
            )
        }


def timed(work: Callable[[], object], rounds: int) -> float:
    """The median time in ms."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(times), 2)


if __name__ == "__main__":
    raise SystemExit(main())
