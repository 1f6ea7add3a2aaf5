"""Single files of the program and of the person, each whole or as it was: work that is killed."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.api.categories import Categories
from engine.atomic import TEMPORARY_PREFIX
from engine.downloads.part_file import PartFile, sole_owner
from engine.interchange.exporting import job as exporting
from engine.interchange.exporting.choice import ExportChoice
from engine.library.opening import open_library
from engine.library.store import Library
from engine.library.values import Verdict, Wish, look_at
from engine.records.evaluations import EvaluationRun, EvaluationStore
from engine.records.thumbnail_cache import ThumbnailCache, ThumbnailKey
from engine.report.page import write_html
from tests.engine.images import save_image
from tests.kills.at_calls import Contents, Work

_KEY = ThumbnailKey(Path("/photos/a.jpg"), 1, 2, 160)
_DATA = bytes(range(256)) * 500


def one_file(path: str, write: Callable[[Path, bool], object]) -> Work:
    """Work on one file, which is there before; ``write`` is told whether the new one is meant."""

    def make(here: Path) -> None:
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        write(here / path, False)

    return Work(
        make,
        lambda here, _: write(here / path, True),
        lambda here: {path: (here / path).read_bytes()},
    )


def report() -> Work:
    """A page, where the person wanted it."""
    texts = {False: "<p>old</p>", True: "<p>new</p>" * 9000}
    return one_file("out/report.html", lambda path, is_new: write_html(path, texts[is_new]))


def settings() -> Work:
    """What the window remembers, which Qt writes."""
    from csra_gui.base.settings import SAVED_FILTERS, Settings
    from csra_gui.base.settings_litter import sweep_settings

    def write(path: Path, is_new: bool) -> None:
        kept = Settings(path)
        kept.set_value(SAVED_FILTERS, "cat" * 2000 if is_new else "dog")
        kept.save()

    def settle(here: Path) -> Iterable[str]:
        file, long_ago = here / "settings" / "settings.ini", time.time() - 7200
        for path in file.parent.iterdir():
            os.utime(path, (long_ago, long_ago))
        sweep_settings(file)
        left = {path.name for path in file.parent.iterdir()} - {file.name, f"{file.name}.lock"}
        for name in filter(str.islower, left):  # one of 64: it may be somebody's
            (file.parent / name).unlink()
        return set(filter(lambda name: not name.islower(), left))

    return replace(one_file("settings/settings.ini", write), settle=settle)


def thumbnail() -> Work:
    """A small picture in the cache."""

    def cache_of(here: Path) -> ThumbnailCache:
        return ThumbnailCache(here / "cache", 1 << 20)

    def store(here: Path, _: Any) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (160, 120, 3), dtype=np.uint8)
        cache_of(here).store(_KEY, pixels)

    def read(here: Path) -> Contents:
        found = cache_of(here).find(_KEY)
        return {} if found is None else {"thumbnail": found.read_bytes()}

    def settle(here: Path) -> None:
        cache_of(here).total()

    with tempfile.TemporaryDirectory() as place:  # an encoder that is imported by then
        store(Path(place), None)
    return Work(lambda here: None, store, read, settle=settle)


@cache
def _evaluation() -> EvaluationRun:
    numbers = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    return EvaluationRun(
        model={"name": "small"},
        dataset={"name": "some"},
        settings={},
        date="2026-01-02T03:04:05+00:00",
        categories=Categories(("cat", "dog", "tree")),
        ids=tuple(f"{i}.jpg" for i in range(40)),
        logits=numbers,
        targets=numbers > 0,
        ignored=np.zeros_like(numbers, dtype=np.bool_),
    )


def _evaluations(_: Path) -> Contents:
    store = EvaluationStore()
    found = {}
    for record in store.records():
        assert record.value is not None, record.problem
        found[record.path.name] = record.value.model, store.load(record.path).logits.tobytes()
    return found


def evaluation() -> Work:
    """A record of two files in a folder of its own."""
    other = replace(_evaluation(), date="2026-01-01T00:00:00+00:00")
    return Work(
        lambda here: EvaluationStore().save(other, here),
        lambda here, _: EvaluationStore().save(_evaluation(), here),
        _evaluations,
        settle=_without_description,
    )


def deleted() -> Work:
    """The same one, when it is deleted."""

    def delete(here: Path, _: Any) -> None:
        store = EvaluationStore()
        for path in store.paths():
            store.delete(path)

    return Work(
        lambda here: EvaluationStore().save(_evaluation(), here),
        delete,
        _evaluations,
        settle=_without_description,
    )


def _without_description(here: Path) -> Iterable[str]:
    store = EvaluationStore()
    return {path.name for path in store.root.iterdir()} - {path.name for path in store.paths()}


def download() -> Work:
    """A file that came over the network, piece by piece."""

    def get(here: Path, _: Any) -> None:
        target = here / "data" / "a.onnx"
        with sole_owner(target):
            part = PartFile(target, "https://example.org/a")
            if part.total is None:
                part.start(len(_DATA), {"ETag": "1"})
            for start in range(part.size, len(_DATA), 1 << 15):
                part.write(_DATA[start : start + (1 << 15)])
            part.finish()

    def read(here: Path) -> Contents:
        return {path.name: path.read_bytes() for path in here.glob("data/*.onnx")}

    return Work(lambda here: (here / "data" / "a.onnx").write_bytes(b"old"), get, read)


def export(name: str, target: str) -> Work:
    """Photos and labels in a format of others: a file, or a folder."""

    def make(here: Path) -> None:
        for folder in ("photos", "out"):
            (here / folder).mkdir()
        if Path(target).suffix:
            (here / "out" / target).write_text("old")
        with open_library(here / "library.db") as library:
            paths = [save_image(here / "photos" / name, 8, 6) for name in ("a.jpg", "b.jpg")]
            ids = library.add_images([file for path in paths if (file := look_at(path))])
            wishes = [Wish(image, "dog", Verdict.ADDED) for image in ids]
            library.decide(wishes, who="me", caption="Test")

    def do(here: Path, library: Library) -> None:
        with library:
            if not _is_written(here / "out" / target):
                ids = library.ids_below(here / "photos", recursive=True)
                steps = exporting.export(library, ExportChoice(ids), name, here / "out" / target)
                for _step in steps:
                    pass

    def read(here: Path) -> Contents:
        out = here / "out"
        seen = (path for path in out.rglob("*") if _is_seen(path.relative_to(out)))
        return {str(path): path.read_bytes() if path.is_file() else b"" for path in seen}

    def settle(here: Path) -> None:
        with open_library(here / "library.db") as library:
            exporting.recover(library)
            assert library.begun_exports() == []

    def prepare(here: Path) -> Library:
        return open_library(here / "library.db")

    return Work(make, do, read, prepare=prepare, settle=settle)


def _is_written(target: Path) -> bool:
    return target.is_dir() and any(target.iterdir())


def _is_seen(path: Path) -> bool:
    return not path.parts[0].startswith(TEMPORARY_PREFIX)
