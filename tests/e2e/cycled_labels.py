"""Jobs that write labels to files and read them there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest

from csra_gui.base.jobs import JobTold
from csra_gui.interchange.export_job import ExportRequest
from csra_gui.interchange.import_job import ReadLabels, ReadRequest
from csra_gui.interchange.import_tags_job import TagRequest
from csra_gui.interchange.write_job import WriteRequest
from engine.interchange.exporting.values import ExportOptions, WhichLabels
from engine.interchange.importing.tag_values import TagCheck, TagWish
from tests.e2e.cycled_program import Rig
from tests.e2e.cycling import CycledJob


class Queued:
    """Work that goes through the library's queue before its own job begins."""

    def __init__(self, rig: Rig, is_busy: Callable[[], bool]) -> None:
        self._rig, self._is_busy = rig, is_busy
        self._is_due = False

    def start(self, begin: Callable[[], object]) -> None:
        self._is_due = True
        begin()
        self._rig.session.library.submit(lambda _: None, lambda _: self._arrived())

    def _arrived(self) -> None:
        self._is_due = False

    def is_running(self) -> bool:
        return self._is_due or self._is_busy()


def export_job(rig: Rig, name: str, is_folder: bool) -> CycledJob:
    exports = rig.window.interchange.exports
    target = rig.root / ("exported" if is_folder else f"exported.{name}")
    request = ExportRequest(rig.rows, WhichLabels.BOTH, name, ExportOptions(copies=is_folder))
    queued = Queued(rig, lambda: exports.is_busy)

    def result() -> object:
        files = sorted(target.rglob("*")) if is_folder else [target]
        return [(file.name, file.stat().st_size) for file in files if file.is_file()]

    def reset() -> None:
        shutil.rmtree(target, ignore_errors=True) if is_folder else target.unlink(missing_ok=True)

    return CycledJob(
        f"exporting ({name})",
        lambda: queued.start(lambda: exports.start(request, target)),
        queued.is_running,
        exports.cancel,
        result,
        reset,
    )


def write_job(rig: Rig) -> CycledJob:
    writes = rig.window.interchange.writes
    queued = Queued(rig, lambda: writes.is_busy)

    def reset() -> None:
        for sidecar in rig.photos.glob("*.xmp"):
            sidecar.unlink()

    def result() -> object:
        return sorted((x.name, x.stat().st_size) for x in rig.photos.glob("*.xmp"))

    return CycledJob(
        "writing labels beside photos",
        lambda: queued.start(lambda: writes.start(WriteRequest(rig.rows))),
        queued.is_running,
        writes.cancel,
        result,
        reset,
    )


def undo_job(rig: Rig) -> CycledJob:
    """Taking writes back; one that was cancelled is gone on with."""
    writes = rig.window.interchange.writes
    queued = Queued(rig, lambda: writes.is_busy)

    def reset() -> None:
        for sidecar in rig.photos.glob("*.xmp"):
            sidecar.unlink()
        queued.start(lambda: writes.start(WriteRequest(rig.rows)))
        rig.until(lambda: not queued.is_running())

    return CycledJob(
        "taking a write back",
        lambda: queued.start(writes.undo),
        queued.is_running,
        writes.cancel,
        lambda: sorted(rig.photos.glob("*.xmp")),
        reset,
    )


def reading_job(rig: Rig) -> CycledJob:
    imports, slot = rig.window.interchange.imports, rig.slot("read labels in files")
    found: list[ReadLabels] = []
    queued = Queued(rig, lambda: slot.is_running)
    see = JobTold(lambda _: None, found.append, lambda error: pytest.fail(str(error)))

    def reset() -> None:
        found.clear()

    return CycledJob(
        "reading labels in files",
        lambda: queued.start(lambda: imports.read(slot, ReadRequest(rig.rows), see)),
        queued.is_running,
        slot.cancel,
        lambda: [(use.name, use.count) for one in found for use in one.found.uses],
        reset,
    )


def import_results_job(rig: Rig) -> CycledJob:
    model = rig.session.engine.model
    assert model is not None
    labels = [{"category": c, "score": 0.5} for c in model.categories]
    results = rig.root / "results.jsonl"
    lines = [
        json.dumps({"path": str(path), "model": model.name, "model_id": model.id, "labels": labels})
        for path in sorted(rig.photos.glob("*.jpg"))
        for _ in range(20)
    ]
    results.write_text("\n".join(lines) + "\n")
    imports, reports = rig.window.interchange.tag_imports, list[object]()
    imports.ended.connect(reports.append)
    queued = Queued(rig, lambda: imports.is_busy)
    request = TagRequest((results,), TagWish(check=TagCheck.NONE, replace=True))
    return CycledJob(
        "importing results",
        lambda: queued.start(lambda: imports.start(request)),
        queued.is_running,
        imports.cancel,
        lambda: len(reports) > 0,
    )
