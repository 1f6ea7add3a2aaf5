"""What it costs the window that a model knows many categories: 400 beside 20, of 100,000 photos.

A library is made for each in a temporary folder, with a few labels of each photo, their parents
as the vocabulary says, and a decision on every twentieth. Then a fresh process loads it as the
window does and is asked what the window asks. Each time is the thread's own, the median of some
rounds.

    python benchmarks/many_labels.py [--photos N] [--categories 20,400] [--rounds R]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from csra_gui.review.label_rows import (  # noqa: E402
    LabelContext,
    rows_of_photo,
    rows_of_photos,
)
from csra_gui.review.label_search import found_rows  # noqa: E402
from csra_gui.search.facets import facet_groups  # noqa: E402
from csra_gui.search.label_tree import label_facets  # noqa: E402
from csra_gui.session.photo_table import PhotoTable  # noqa: E402
from csra_gui.session.sort_keys import LABELS, MISTAKES, UNCERTAINTY, Order, rows_in_order  # noqa: E402
from engine.api.categories import Categories, shipped_categories  # noqa: E402
from engine.api.label_names import SHIPPED_NAMES  # noqa: E402
from engine.api.label_parents import CategoryParents  # noqa: E402
from engine.api.values import FloatArray, Prediction  # noqa: E402
from engine.api.vocabulary import everyday  # noqa: E402
from engine.library.filters.completion import complete  # noqa: E402
from engine.library.filters.evaluation import LibraryView  # noqa: E402
from engine.library.filters.parser import parse  # noqa: E402
from engine.library.opening import open_library  # noqa: E402
from engine.library.store import Library  # noqa: E402
from engine.library.values import ImageFile, LibraryModel, Verdict, Wish  # noqa: E402

BATCH = 500
#: How many of the categories a photo has, but for their parents.
FOUND = 3
#: Photos that a window shows at once.
IN_SIGHT = 60
FEW = 20
WINDOW, WORKER = "window: ", "worker: "
MEMORY = {"library, bytes a photo", "process, MB"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--categories", default="20,400")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ask", type=Path, help="(what is started for one library)")
    options = parser.parse_args()
    if options.ask:
        print(json.dumps(ask(options.ask, options.rounds)))
        return 0
    print(f"{options.photos:,} photos, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    columns = {}
    for count in map(int, options.categories.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "library.db"
            fill(file, options.photos, count)
            command = [sys.executable, __file__, "--ask", str(file)]
            command += ["--rounds", str(options.rounds)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            size = file.stat().st_size / options.photos
            columns[count] = {"library, bytes a photo": size} | json.loads(answer.stdout)
    print_table(columns)
    return 0


def print_table(columns: dict[int, dict[str, float]]) -> None:
    """Markdown: a line for each question, a column for each number of categories."""
    print("| ms, but where it says otherwise | " + " | ".join(map(str, columns)) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for question in next(iter(columns.values())):
        values = (column[question] for column in columns.values())
        digits = 0 if question in MEMORY else 1
        print(f"| {question} | " + " | ".join(f"{value:,.{digits}f}" for value in values) + " |")


def categories_of(count: int) -> Categories:
    """So many names of the vocabulary, or those of VOC; always with an animal."""
    if count <= FEW:
        return Categories(tuple(map(SHIPPED_NAMES.label, shipped_categories("voc")))[:count])
    return Categories(tuple(dict.fromkeys(("animal", "dog", "cat", *everyday().names)))[:count])


def fill(file: Path, photos: int, count: int) -> None:
    """Make a library; categories are as unequally frequent as in people's photos (Zipf)."""
    names, generator = categories_of(count), np.random.default_rng(0)
    parents = parents_of(names)
    chances = 1.0 / np.arange(1, count + 1)
    chances /= chances.sum()
    with open_library(file) as library:
        library.add_model(LibraryModel("m", "Model", names))
        for first in range(0, photos, BATCH):
            rows = min(BATCH, photos - first)
            scores = generator.beta(0.2, 12.0, size=(rows, count)).astype(np.float32)
            for row in scores:
                seen = generator.choice(count, min(FOUND, count), replace=False, p=chances)
                row[seen] = generator.uniform(0.3, 1.0, len(seen))
            add(library, first, parents.implied(scores), names)


def parents_of(names: Categories) -> CategoryParents:
    known = everyday()
    return CategoryParents.among(
        names, lambda name: known.parents_of(name) if known.find(name) else ()
    )


def add(library: Library, first: int, scores: FloatArray, names: Categories) -> None:
    paths = [
        Path(f"/photos/trip{first // 1000}/IMG_{first + i:06}.jpg") for i in range(len(scores))
    ]
    start = 1_704_100_000  # 1 January 2024
    files = [ImageFile(p, 1, (start + first + i) * 10**9) for i, p in enumerate(paths)]
    ids = library.add_images(files)
    library.record_predictions(
        "m", [Prediction(path, "m", row) for path, row in zip(paths, scores, strict=True)]
    )
    wishes = [Wish(i, names[i % len(names)], Verdict.REJECTED) for i in ids[::20]]
    library.decide(wishes, who="me", caption="Reject")


def ask(file: Path, rounds: int) -> dict[str, float]:
    """What the window and its workers do, on all photos of a library."""
    with open_library(file) as library:
        result = {"library: all looked up": timed(lambda: table_of(library), 1)}
        photos = table_of(library)
    view = LibraryView(photos.columns(), thresholds_of(photos, 0.5))
    result |= ask_window(photos, rounds) | ask_worker(photos, view, rounds)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return result | {"process, MB": pages * os.sysconf("SC_PAGE_SIZE") / 2**20}


def table_of(library: Library) -> PhotoTable:
    """All of it as the window has it."""
    files, photos = library.files(), PhotoTable()
    known = library.stored(files, "m")
    [model] = library.models()
    photos.use_model(model.fingerprint, model.categories)
    photos.add([file.path for file in files.values()], list(files.values()))
    row_of = {image: row for row, image in enumerate(files)}
    photos.set_many_scores([row_of[image] for image in known.scored.tolist()], known.scores)
    words = [(row_of[image], name, verdict) for image, name, verdict in known.verdicts]
    photos.set_decisions(sorted({row for row, _, _ in words}), words, ())
    return photos


def thresholds_of(photos: PhotoTable, common: float) -> FloatArray:
    return np.full(len(photos.categories), common, dtype=np.float32)


def ask_window(photos: PhotoTable, rounds: int) -> dict[str, float]:
    """What the thread of the window does itself."""
    every, known = np.arange(len(photos)), list(photos.known_labels)
    context = LabelContext(photos.categories, 0.5, show_all=True)

    def one() -> object:
        return rows_of_photo(context, photos.row_scores(7), photos.verdicts(7))

    def several(rows: np.ndarray) -> object:
        return rows_of_photos(context, photos.scores[rows], photos.verdict_codes(rows))

    def search() -> object:
        return found_rows(one(), known, "ca", SHIPPED_NAMES)

    def decide() -> object:
        photos.decide([7], {"cat": Verdict.ACCEPTED})
        return photos.columns()

    return {
        f"{WINDOW}labels of {IN_SIGHT} photos at another threshold": timed(
            lambda: [photos.labels(row, 0.4) for row in range(IN_SIGHT)], rounds
        ),
        f"{WINDOW}list of all labels of a photo": timed(one, rounds),
        f"{WINDOW}a key in the search for a label": timed(search, rounds),
        f"{WINDOW}list of labels, 1,000 photos selected": timed(
            lambda: several(every[:1000]), rounds
        ),
        f"{WINDOW}list of labels, all photos selected": timed(lambda: several(every), rounds),
        f"{WINDOW}a key in the filter line": timed(
            lambda: complete("an", 2, photos.known_labels, photos.names), rounds
        ),
        f"{WINDOW}a decision, and columns for workers": timed(decide, rounds),
    }


def ask_worker(photos: PhotoTable, view: LibraryView, rounds: int) -> dict[str, float]:
    """What goes on beside it, after a decision or another threshold."""
    every = np.arange(len(photos))
    half, other = every[::2], thresholds_of(photos, 0.4)

    def anew() -> LibraryView:
        return LibraryView(photos.columns(), other)

    def filtered(text: str) -> Callable[[], object]:
        return lambda: anew().rows(parse(text))

    def ordered(key: str) -> Callable[[], object]:
        return lambda: rows_in_order(anew(), Order(sort_key=key, descending=True))

    return {
        f"{WORKER}all labels at another threshold": timed(lambda: anew().labels, rounds),
        f"{WORKER}counts of labels": timed(
            lambda: list(label_facets(view, every)), rounds, before=lambda: view.labels
        ),
        f"{WORKER}all counts at another threshold": timed(
            lambda: facet_groups(anew(), every), rounds
        ),
        f"{WORKER}all counts of half the photos": timed(lambda: facet_groups(anew(), half), rounds),
        f"{WORKER}filter dog, at another threshold": timed(filtered("dog"), rounds),
        f"{WORKER}filter animal, at another threshold": timed(filtered("animal"), rounds),
        f"{WORKER}filter uncertain:animal": timed(filtered("uncertain:animal"), rounds),
        f"{WORKER}order by number of labels": timed(ordered(LABELS), rounds),
        f"{WORKER}order by uncertainty": timed(ordered(UNCERTAINTY), rounds),
        f"{WORKER}order by suspected mistakes": timed(ordered(MISTAKES), rounds),
    }


def timed(
    work: Callable[[], object], rounds: int, before: Callable[[], object] = lambda: None
) -> float:
    """The median of the thread's own time in ms, which others on the machine do not blur."""
    before()
    times = []
    for _ in range(rounds):
        start = time.thread_time()
        work()
        times.append((time.thread_time() - start) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    raise SystemExit(main())
