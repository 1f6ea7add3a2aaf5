"""Every kind of work that is killed, by name; what it needs is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from engine.interchange.writing.values import Target
from tests.kills import files, library, photos
from tests.kills.at_calls import Work


def _of_training(name: str) -> Work:
    from tests.kills import training

    work: Work = getattr(training, name)()
    return work


WORKS: dict[str, Callable[[], Work]] = {
    "sidecar": partial(photos.beside, Target.SIDECAR, is_undo=False),
    "sidecar, undone": partial(photos.beside, Target.SIDECAR, is_undo=True),
    "txt": partial(photos.beside, Target.TXT, is_undo=False),
    "txt, undone": partial(photos.beside, Target.TXT, is_undo=True),
    **{f"library: {name}": partial(library.library, name) for name in library.NAMES},
    "export: a file": partial(files.export, "csv", "labels.csv"),
    "export: a folder": partial(files.export, "voc", "voc"),
    "report": files.report,
    "evaluation": files.evaluation,
    "evaluation, deleted": files.deleted,
    "settings": files.settings,
    "thumbnail": files.thumbnail,
    "download": files.download,
    **{name: partial(_of_training, name) for name in ("checkpoint", "onnx", "state")},
}
