"""Every damaged and hostile file of two collections, through the doors of the real program."""

from __future__ import annotations

import csv
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from csra_gui.app import Application
from csra_gui.base.paths import cache_dir, data_folder
from csra_gui.base.settings import Settings
from csra_gui.browse.image_loader import ImageLoader
from csra_gui.models.entries import Place
from csra_gui.models.manager import WorkEnd
from engine.api.remote import RemoteEngine
from engine.records.models import default_store
from engine.service.server import serve_local
from tests.e2e.waiting import wait_until
from tests.paths import ROOT, needs

SAMPLES = ROOT / "resources" / "samples"
#: What the hostile ones would make if they could.
PROOFS = (Path("/tmp/PWNED"), Path("/tmp/PWNED_EPS"))
LONG_MS = 600_000

Open = Callable[[list[Path]], Application]

pytestmark = [pytest.mark.timeout(3600)]


@pytest.fixture(autouse=True)
def no_code_runs() -> Iterator[None]:
    for proof in PROOFS:
        proof.unlink(missing_ok=True)
    yield
    assert not [proof for proof in PROOFS if proof.exists()]


@pytest.fixture
def opened(tmp_path: Path, qapp: QApplication) -> Iterator[Open]:
    """Starts the program and drops files on its window, as another program would."""
    running: list[Application] = []

    def start(paths: list[Path]) -> Application:
        application = Application(
            lambda: RemoteEngine(serve_local), Settings(tmp_path / "settings.ini")
        )
        running.append(application)
        application.start([])
        drop(application, paths)
        return application

    yield start
    for application in running:
        end(application)


def end(application: Application) -> None:
    application.window.close()
    assert application.shut_down()


def drop(application: Application, paths: list[Path]) -> None:
    mime = QMimeData()
    mime.setData("text/uri-list", "\r\n".join(path.as_uri() for path in paths).encode())
    assert mime.urls() == [QUrl.fromLocalFile(str(path)) for path in paths]
    action, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    window = application.window
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(60, 60), action, mime, left, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(60, 60), action, mime, left, none))


def wait_until_tagged(application: Application) -> None:
    session = application.session

    def is_tagged() -> bool:
        QApplication.processEvents()
        assert not session.models.error
        return (
            len(session.photos) > 0
            and not session.pipeline.is_scanning
            and not session.tagger.is_running
            and not session.photos.untagged_rows()
        )

    wait_until(is_tagged, "the photos are tagged", LONG_MS / 1000)


def loaded(qtbot: QtBot, loader: ImageLoader, paths: list[Path]) -> dict[Path, str]:
    """Ask for pictures, some at a time; what is said of those that cannot be shown."""
    for first in range(0, len(paths), 20):
        some = paths[first : first + 20]
        said = {path: loader.error(path) for path in some}

        def is_there(path: Path, said: dict[Path, str | None] = said) -> bool:
            # Of those that were, the first may have made room for the last.
            said[path] = loader.error(path) or said[path]
            return bool(said[path]) or loader.image(path) is not None

        waiting = set(some)
        deadline = time.monotonic() + LONG_MS / 1000
        while waiting and time.monotonic() < deadline:
            loader.want([path for path in some if path in waiting])
            QApplication.processEvents()
            waiting = {path for path in waiting if not is_there(path)}
            qtbot.wait(10)
        assert not waiting
    return {path: error for path in paths if (error := loader.error(path))}


def expected(manifest: Path, root: Path) -> dict[Path, str]:
    with manifest.open(encoding="utf-8", newline="") as file:
        return {root / row["file"]: row["expected"] for row in csv.DictReader(file)}


def hashes(root: Path) -> dict[Path, str]:
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
def test_a_folder_of_bad_pictures_is_finished_and_shown_whole(
    qtbot: QtBot, opened: Open, tmp_path: Path
) -> None:
    manifest = needs("data", "badimages", "manifest.csv")
    root = tmp_path / "badimages"
    shutil.copytree(manifest.parent, root, symlinks=True)
    before = hashes(root)
    application = opened([root])
    wait_until_tagged(application)
    photos, wish = application.session.photos, expected(manifest, root)
    found = {path: photos.error(row) for row, path in enumerate(photos.paths)}
    known = {path: kind for path, kind in wish.items() if path in found}

    assert len(known) > 250
    assert [path.name for path, kind in known.items() if kind == "opens" and found[path]] == []
    assert [path.name for path, kind in known.items() if kind == "error" and not found[path]] == []
    assert [text for text in found.values() if text and ("\n" in text or text[-1] != ".")] == []
    tagged = [path for path in known if photos.row_scores(photos.paths.index(path)) is not None]
    assert len(tagged) >= sum(kind == "opens" for kind in known.values())

    for loader in (application.window.browse.grid.thumbnails, application.window.browse.loader):
        said = loaded(qtbot, loader, list(known))
        assert [p.name for p, kind in known.items() if kind == "opens" and p in said] == []
        assert [p.name for p, kind in known.items() if kind == "error" and p not in said] == []
    assert hashes(root) == before


@pytest.mark.slow
def test_bad_model_files_that_are_dropped_are_refused_by_name(opened: Open, tmp_path: Path) -> None:
    manifest = needs("data", "badmodels", "manifest.csv")
    shutil.copytree(manifest.parent, tmp_path / "badmodels")
    wish = expected(manifest, tmp_path / "badmodels")
    application = opened([SAMPLES])
    wait_until_tagged(application)
    model = application.session.models.model
    ends: list[WorkEnd] = []
    application.manager.work_ended.connect(ends.append)
    models = [path for path in wish if path.suffix in (".pth", ".pt", ".safetensors")]
    drop(application, models)

    def is_done() -> bool:
        QApplication.processEvents()
        return len(ends) == len(models)

    wait_until(is_done, "each file was looked at", LONG_MS / 1000)
    assert [end.work.name for end in ends if end.error is None] == []
    said = [str(end.error) for end in ends]
    assert [text for path, text in zip(models, said, strict=True) if path.name not in text] == []
    assert [text for text in said if "\n" in text or "weights_only" in text] == []
    assert application.session.models.model is model
    assert list(default_store().folder.glob("*.safetensors")) == []


@pytest.mark.slow
def test_bad_files_among_the_models_are_listed_and_refused(opened: Open) -> None:
    manifest = needs("data", "badmodels", "manifest.csv")
    folder = default_store().folder
    folder.mkdir(parents=True)
    for path in manifest.parent.iterdir():
        if path.suffix in (".pth", ".pt", ".safetensors"):
            shutil.copy(path, folder / f"{path.stem}-{path.suffix[1:]}.safetensors")
    application = opened([SAMPLES])
    wait_until_tagged(application)
    application.window.actions_table["models"].trigger()
    dialog = application.window.models.controller.dialog
    assert dialog is not None

    def broken() -> list[str]:
        QApplication.processEvents()
        return [one.name for one in application.manager.entries.models if one.place is Place.BROKEN]

    wait_until(lambda: len(broken()) > 60, "the damaged models are listed", LONG_MS / 1000)
    problems = {one.name: one.problem for one in application.manager.entries.models}
    assert [name for name in broken() if not problems[name] or "\n" in problems[name]] == []
    models, refused = application.session.models, list[str]()
    models.refused.connect(refused.append)
    in_use = models.model
    for number, name in enumerate(broken(), start=1):
        dialog.tree.set_current_name(name)
        models.use(name)
        wait_until(
            lambda number=number: QApplication.processEvents() or len(refused) == number,
            f"{name} is refused",
            LONG_MS / 1000,
        )
        assert models.model is in_use
    dialog.close()


def damaged(data: bytes, way: int) -> bytes:
    """What a disk or a program may leave of a file."""
    ways = (b"", data[: len(data) // 2], bytes(len(data)), b"not this\n", data[:-1] + b"\xff")
    return ways[way % len(ways)]


@pytest.mark.slow
def test_everything_that_can_be_made_again_may_be_damaged(
    qtbot: QtBot, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    application = opened([SAMPLES])
    wait_until_tagged(application)
    thumbnails = application.window.browse.grid.thumbnails
    paths = list(application.session.photos.paths)
    assert loaded(qtbot, thumbnails, paths) == {}
    scores = [application.session.photos.row_scores(row) for row in range(len(paths))]
    end(application)

    kept = [path for path in cache_dir().rglob("*") if path.is_file()]
    beside = [p for p in data_folder().rglob("*") if p.is_file() and "library" not in p.name]
    assert kept
    for number, path in enumerate(sorted([*kept, *beside])):
        path.write_bytes(damaged(path.read_bytes(), number))
    caplog.clear()
    again = opened([SAMPLES])
    wait_until_tagged(again)
    again.session.photos.forget_results()  # so that the model sees them again
    again.session.tagger.tag()
    wait_until_tagged(again)
    assert loaded(qtbot, again.window.browse.grid.thumbnails, paths) == {}
    now = [again.session.photos.row_scores(row) for row in range(len(paths))]
    assert all((a == b).all() for a, b in zip(scores, now, strict=True))
    assert [r.getMessage() for r in caplog.records if r.levelname == "CRITICAL"] == []
