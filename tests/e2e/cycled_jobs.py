"""The jobs of the program: how each is started, cancelled, and what a whole run gives."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from csra_gui.browse.image_loader import ImageLoader
from csra_gui.training.runner import TrainingRunner
from engine.api.evaluation import EvaluationRequest, Unfinished
from engine.api.remote import RemoteEngine
from engine.api.teaching import TeachReport, TeachRequest
from engine.api.training import LabelSource, ModelStart, TrainRequest
from engine.api.training_config import TrainConfig
from engine.api.values import ModelImport
from engine.checkpoints.loading import open_checkpoint
from engine.downloads.download import download
from engine.library.repairing import rebuild_library
from engine.records.download_source import DownloadSource
from engine.records.evaluations import EvaluationStore
from engine.records.folders import RecordStore
from engine.records.models import default_store
from engine.records.trainings import TrainingStore
from engine.service.server import TRAINER_STOP_S
from tests.e2e.cycled_files import opening_job, trash_job, turning_job
from tests.e2e.cycled_labels import export_job, import_results_job, reading_job, undo_job, write_job
from tests.e2e.cycled_program import Rig, noise
from tests.e2e.cycling import CycledJob, serve_quietly
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model


def scan_job(rig: Rig, folders: int = 20, files: int = 30) -> CycledJob:
    root, one = rig.root / "many", min(rig.photos.glob("*.jpg"))
    for folder in range(folders):
        (root / f"{folder:02}").mkdir(parents=True)
        for number in range(files):
            shutil.copy(one, root / f"{folder:02}" / f"{number}.jpg")
    pipeline = rig.session.pipeline

    def result() -> object:
        return sorted(str(path) for path in rig.session.photos.paths)

    return CycledJob(
        "looking for photos",
        lambda: rig.session.open([root]),
        lambda: rig.is_looking,
        pipeline.cancel,
        result,
    )


def scores_of(rig: Rig) -> object:
    rows = rig.session.photos.scores[: rig.count]
    return np.round(np.asarray(rows, dtype=np.float32), 3).tolist()


def tagging_job(rig: Rig) -> CycledJob:
    tagger = rig.session.tagger
    return CycledJob(
        "tagging",
        lambda: tagger.look_again(range(rig.count)),
        lambda: tagger.is_running,
        tagger.cancel,
        lambda: scores_of(rig),
    )


def retagging_job(rig: Rig) -> CycledJob:
    """A run that a person ends with Pause, and that then is dropped."""
    tagger = rig.session.tagger

    def pause_and_drop() -> None:
        tagger.pause()
        tagger.drop()

    return CycledJob(
        "tagging, paused and dropped",
        lambda: tagger.look_again(range(rig.count)),
        lambda: tagger.is_running,
        pause_and_drop,
        lambda: scores_of(rig),
    )


def thumbnails_job(rig: Rig) -> CycledJob:
    loader = ImageLoader(rig.application.decoder, rig.application, side=160, byte_limit=64 << 20)
    paths = list(rig.session.photos.paths)
    wanted: list[Path] = []

    def start() -> None:
        wanted[:] = paths
        loader.want(paths)

    def cancel() -> None:
        wanted.clear()
        loader.want([])

    def result() -> object:
        images = [loader.image(path) for path in paths]
        return [image is not None and (image.width(), image.height()) for image in images]

    return CycledJob(
        "thumbnails",
        start,
        lambda: any(loader.image(path) is None for path in wanted),
        cancel,
        result,
        lambda: loader.forget(paths),
    )


def explaining_job(rig: Rig) -> CycledJob:
    """Maps of one photo after the other, as somebody who leafs through them asks for them."""
    engine, found = rig.session.engine, dict[str, object]()
    paths = list(rig.session.photos.paths)[:16]
    waiting: list[Path] = []

    def take(scores: object) -> None:
        found[scores.path.name] = scores.values.shape  # type: ignore[attr-defined]  # "object"
        if waiting and scores.path == waiting[0]:  # type: ignore[attr-defined]  # "object"
            waiting.pop(0)
        engine.explain(waiting[0] if waiting else None)

    engine.scores_explained.connect(take)

    def start() -> None:
        found.clear()
        waiting[:] = paths
        engine.explain(waiting[0])

    def cancel() -> None:
        waiting.clear()
        engine.explain(None)

    return CycledJob(
        "maps",
        start,
        lambda: bool(waiting) or engine._is_explaining,
        cancel,
        lambda: sorted(found.items()),
    )


def page_job(rig: Rig) -> CycledJob:
    exports, target = rig.window.maps.exports, rig.root / "maps.html"
    rig.session.set_selection(range(16))
    rig.session.focus.set_current(0)
    return CycledJob(
        "a page of maps",
        lambda: exports.save_page(target),
        lambda: exports.is_busy,
        exports.cancel,
        lambda: target.stat().st_size > 10_000,
        lambda: target.unlink(missing_ok=True),
    )


def evaluation_job(rig: Rig) -> CycledJob:
    rows = [
        f"{p.name},{TINY_CATEGORIES[i % 5]}" for i, p in enumerate(sorted(rig.photos.glob("*.jpg")))
    ]
    data = rig.root / "data"
    shutil.copytree(rig.photos, data, ignore=shutil.ignore_patterns("*.xmp"))
    (data / "labels.csv").write_text("path,label\n" + "\n".join(rows) + "\n")
    runner = rig.window.evaluation.controller.runner
    rig.window.evaluation.controller.runner.ended.disconnect()  # else each run opens its window
    request = EvaluationRequest("folder", data, "all", "tiny", unfinished=Unfinished.AGAIN)
    store = EvaluationStore()

    def result() -> object:
        [run] = store.root.iterdir()
        return np.round(store.load(run).logits, 3).tolist()

    return CycledJob(
        "evaluating",
        lambda: runner.start([request]),
        lambda: runner.is_running,
        runner.cancel,
        result,
        lambda: empty(store),
    )


def empty(store: RecordStore[object]) -> None:
    """What was cancelled may still write its last file, and takes it away then."""
    while runs := list(store.root.iterdir()) if store.root.is_dir() else []:
        for run in runs:
            shutil.rmtree(run, ignore_errors=True)


def label_source(rig: Rig, count: int) -> LabelSource:
    paths = sorted(rig.photos.glob("*.jpg"))[:count]
    targets = np.random.default_rng(0).random((count, len(TINY_CATEGORIES))) < 0.5
    return LabelSource("mine", TINY_CATEGORIES, tuple(paths), targets, np.zeros_like(targets), 0.3)


def trainer(rig: Rig) -> TrainingRunner:
    return TrainingRunner(
        lambda: RemoteEngine(serve_quietly, TRAINER_STOP_S),
        TrainingStore(rig.root / "trainings"),
        rig.application,
    )


def training_job(rig: Rig) -> CycledJob:
    runner, store = trainer(rig), TrainingStore(rig.root / "trainings")
    start = ModelStart(str(default_store().folder / "tiny.safetensors"))
    config = TrainConfig(epochs=2, batch_size=4)

    def begin() -> None:
        request = TrainRequest(
            label_source(rig, 12), store.new_folder("x"), config, start, "x", cache=rig.root / "px"
        )
        runner.start(store.keep(request), asks=False)

    def result() -> object:
        [run] = store.root.iterdir()
        kept = store.read(run)
        best = kept.best_file
        assert best is not None
        open_checkpoint(best)
        return [(epoch.epoch, round(epoch.loss, 4)) for epoch in kept.epochs]

    return CycledJob(
        "training",
        begin,
        lambda: runner.is_busy,
        runner.stop_now,
        result,
        lambda: empty(store),
    )


def teaching_job(rig: Rig) -> CycledJob:
    runner, source = trainer(rig), label_source(rig, 24)
    request = TeachRequest(
        str(default_store().folder / "tiny.safetensors"),
        "taught",
        rig.root / "taught.safetensors",
        TINY_CATEGORIES,
        source.paths,
        source.targets,
        np.ones_like(source.targets),
    )
    reports: list[object] = []

    def start() -> None:
        runner.teach(lambda: request, reports.extend, reports.append, lambda _: None)

    def result() -> object:
        last = reports[-1]
        assert isinstance(last, TeachReport), last
        return [(c.name, c.positives, c.negatives) for c in last.categories]

    def reset() -> None:
        reports.clear()
        request.file.unlink(missing_ok=True)

    return CycledJob(
        "teaching",
        start,
        lambda: runner.is_busy,
        runner.cancel_teaching,
        result,
        reset,
    )


def duplicates_job(rig: Rig) -> CycledJob:
    duplicates = rig.window.search.duplicates
    rig.tag()
    rig.session.tagger.look_again(range(rig.count))
    rig.until(lambda: not rig.session.tagger.is_running)
    rig.until(lambda: rig.session.comparing.index() is not None)
    return CycledJob(
        "near-duplicates",
        duplicates.find,
        lambda: duplicates.is_busy,
        duplicates.activity.cancel,
        lambda: len(rig.session.shown),
    )


def quantizing_job(rig: Rig) -> CycledJob:
    data = rig.root / "quantize"
    for split in ("train", "val"):
        for number in range(40):
            folder = data / split / ("cat", "dog")[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            noise(folder / f"{number}.png", number, 64)
    manager = rig.application.manager
    manager.refresh()
    rig.until(lambda: any(m.name == "tiny" for m in manager.entries.models))
    model = next(m for m in manager.entries.models if m.name == "tiny")
    request = EvaluationRequest("folder", data, "val", "tiny")
    ends: list[object] = []
    manager.work_ended.connect(ends.append)

    def result() -> object:
        end = ends[-1]
        assert end.error is None, end.error  # type: ignore[attr-defined]  # a signal says "object"
        return end.value is not None  # type: ignore[attr-defined]  # a signal says "object"

    return CycledJob(
        "making a model faster (int8)",
        lambda: manager.make_faster(model, request),
        lambda: manager.work is not None,
        manager.cancel,
        result,
        ends.clear,
    )


def import_model_job(rig: Rig) -> CycledJob:
    """It has no Cancel: it goes on, and the next one begins when it is there."""
    manager, ends = rig.application.manager, list[object]()
    manager.work_ended.connect(ends.append)
    source = save_tiny_model(rig.root / "other.safetensors")
    made = default_store().folder / "mine.safetensors"
    return CycledJob(
        "importing a model",
        lambda: manager.import_file(ModelImport(source, "mine")),
        lambda: manager.work is not None,
        manager.cancel,
        lambda: (ends[-1].error, made.stat().st_size),  # type: ignore[attr-defined]  # "object"
        lambda: made.unlink(missing_ok=True),
    )


def export_model_job(rig: Rig) -> CycledJob:
    manager, target = rig.application.manager, rig.root / "written.safetensors"
    return CycledJob(
        "exporting a model",
        lambda: manager.export("tiny", target),
        lambda: manager.work is not None,
        manager.cancel,
        lambda: target.stat().st_size,
        lambda: target.unlink(missing_ok=True),
    )


def download_job(rig: Rig, url: str, size: int) -> CycledJob:
    slot, folder = rig.slot("download"), rig.root / "downloads"
    source = DownloadSource(url, "model.pth")
    ends: list[object] = []

    def reset() -> None:
        ends.clear()
        shutil.rmtree(folder, ignore_errors=True)

    return CycledJob(
        "downloading",
        lambda: slot.run(lambda: download(source, folder), ends.append, ends.append),
        lambda: slot.is_running,
        slot.cancel,
        lambda: [path.stat().st_size == size for path in ends if isinstance(path, Path)],
        reset,
    )


def rebuild_job(rig: Rig) -> CycledJob:
    library = rig.session.library
    opened: list[object] = []
    library.opened.connect(lambda: opened.append(None))
    return CycledJob(
        "rebuilding the library",
        lambda: library.open(lambda: rebuild_library(library.path)),
        lambda: not opened,
        _nothing,
        lambda: library.library is not None and len(library.library.files()),
        opened.clear,
    )


def _nothing() -> None:
    pass


REAL: dict[str, Callable[[Rig], CycledJob]] = {
    "tagging": tagging_job,
    "paused tagging": retagging_job,
    "thumbnails": thumbnails_job,
    "maps": explaining_job,
    "page of maps": page_job,
    "evaluating": evaluation_job,
    "table": lambda rig: export_job(rig, "csv", is_folder=False),
    "folder": lambda rig: export_job(rig, "imagefolder", is_folder=True),
    "writing": write_job,
    "undoing": undo_job,
    "reading": reading_job,
    "results": import_results_job,
    "duplicates": duplicates_job,
    "quantizing": quantizing_job,
    "importing a model": import_model_job,
    "exporting a model": export_model_job,
    "rebuilding": rebuild_job,
    "scan": scan_job,
    "opening": opening_job,
    "turning": turning_job,
    "trash": trash_job,
    "teaching": teaching_job,
    "training": training_job,
}
