"""How long the window's tables and the library take for very many photos, without any photo.

    python benchmarks/open_library.py [PHOTOS] [CATEGORIES]

Prints the processor's time of each step in its own thread; what is "each" holds up the window.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from csra_gui.session.library_sync import sync_rows
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.sort_keys import Order, rows_in_order
from engine.api.categories import Categories
from engine.api.values import Prediction
from engine.library.filters.evaluation import LibraryView
from engine.library.filters.parser import parse
from engine.library.opening import open_library
from engine.library.values import ImageFile, LibraryModel, Verdict

FILTERS = ("", "c1 AND NOT c2", "score:c3>0.4 OR uncertain:c4", "name:77", "reviewed:yes tags:>2")
SORTS = ("found", "name", "date", "score:c1", "uncertainty", "mistakes")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    width = int(sys.argv[2]) if len(sys.argv) > 2 else 80
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), count, width)


def run(folder: Path, count: int, width: int) -> None:
    model = LibraryModel("f" * 64, "bench", Categories(tuple(f"c{i}" for i in range(width))))
    files = [
        ImageFile(Path(f"/photos/{i // 500:04}/IMG_{i:06}.jpg"), i + 1, i) for i in range(count)
    ]
    photos = PhotoTable()
    photos.use_model(model.fingerprint, model.categories)
    report("add rows, 500 at a time", lambda: add(photos, files), per=count / 500)
    with open_library(folder / "library.db") as library:
        first = report("register in the library", lambda: sync(library, photos, model))
        for part in first:
            photos.set_image_ids(part.rows, part.ids)
        scores = np.random.default_rng(1).beta(0.3, 2.0, (count, width)).astype(np.float32)
        report("store scores, 64 at a time", lambda: store(library, model, files, scores))
        parts = report("look up again", lambda: sync(library, photos, model))
        report(
            "take what was looked up, 1,000 at a time",
            lambda: [take(photos, part) for part in parts],
            per=len(parts),
        )
    everything = range(count)
    report("decide on all", lambda: photos.decide(everything, {"c1": Verdict.ACCEPTED}, True))
    filters(photos, width)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'peak memory of all of this':48} {peak:9,.0f} MB")


def add(photos: PhotoTable, files: list[ImageFile]) -> None:
    for first in range(0, len(files), 500):
        batch = files[first : first + 500]
        photos.add([file.path for file in batch], batch)


def sync(library, photos, model):  # type: ignore[no-untyped-def]
    return list(sync_rows(library, photos.files(), range(len(photos)), model))


def take(photos, part) -> None:  # type: ignore[no-untyped-def]
    row_of = part.row_of
    rows = [row_of[image] for image in part.stored.scored.tolist()]
    photos.set_many_scores(rows, part.stored.scores)


def store(library, model, files, scores) -> None:  # type: ignore[no-untyped-def]
    for first in range(0, len(files), 64):
        rows = range(first, min(first + 64, len(files)))
        library.record_predictions(
            model.fingerprint,
            [Prediction(files[i].path, model.fingerprint, scores[i]) for i in rows],
        )


def filters(photos: PhotoTable, width: int) -> None:
    columns = report("columns (in the GUI thread)", photos.columns)
    thresholds = np.full(width, 0.5, dtype=np.float32)
    for text in FILTERS:
        node = parse(text)
        view = LibraryView(columns, thresholds)
        for again in ("", ", again"):  # what was worked out for one filter serves the next
            report(
                f"filter {text!r}{again}",
                lambda node=node, view=view: rows_in_order(view, Order(node)),
            )
    for key in SORTS:
        order = Order(sort_key=key, descending=True)
        report(
            f"sort by {key}",
            lambda order=order: rows_in_order(LibraryView(columns, thresholds), order),
        )


def report(what: str, work: Callable[[], Any], per: float = 1.0) -> Any:
    # Of the processor: what else the machine does is not counted, and neither is the disk.
    start = time.thread_time()
    result = work()
    taken = time.thread_time() - start
    each = f"   {1e3 * taken / per:9.2f} ms each" if per > 1 else ""
    print(f"{what:48} {1e3 * taken:9,.0f} ms{each}", flush=True)
    return result


if __name__ == "__main__":
    main()
