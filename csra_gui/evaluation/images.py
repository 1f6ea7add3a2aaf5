"""Where the images of a run lie, and showing some of them in the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.jobs import JobSlot, Policy
from csra_gui.evaluation.cases import MOST_SHOWN, Cases
from csra_gui.session.decided_labels import DECISIONS
from csra_gui.session.session import Session
from engine.api.errors import DataError, EngineError
from engine.data.datasets.labelled import LabelledImages
from engine.data.datasets.picture_folder import PictureFolder
from engine.data.datasets.reading import FaultLog
from engine.data.datasets.registry import load_dataset
from engine.data.datasets.truth import ARRAYS
from engine.records.evaluations import EvaluationRun, EvaluationStore

_UNKNOWN_PLACE = (
    "Nobody noted where the images of this run lie. Choose the folder of the data set, and they "
    "can be shown."
)
# So many images tell whether those of a list are there.
_TRIED = 20


def find_images(folder: Path, run: EvaluationRun, root: Path | None) -> Mapping[str, Path]:
    """The path of each image of a run, by its id; reads the data set's lists.

    Args:
        folder: of the run.
        run: as it was kept.
        root: where its data set lies now; ``None`` is where it lay.

    Raises:
        DataError: nobody knows where, or the data set is not there.
    """
    noted = EvaluationStore().images(folder)
    place = root or noted
    if place is None:
        raise DataError(_UNKNOWN_PLACE)
    kind, split = run.dataset.get("kind", ""), run.dataset.get("split", "")
    if noted is not None and noted.is_file():
        return _of_list(load_dataset(kind, noted, split, check_files=False), root)
    if kind in (DECISIONS, ARRAYS):
        found = {sample: place / sample for sample in run.ids}
    else:
        images = load_dataset(kind, place, split, check_files=False)
        found = dict(zip(images.ids, images.paths, strict=True))
    if not found.keys() & set(run.ids):
        raise DataError("None of the images of this run is in that folder. Choose another one.")
    if root is not None:
        EvaluationStore().set_images(folder, root)
    return found


def _of_list(images: LabelledImages, root: Path | None) -> Mapping[str, Path]:
    """The photos of a list of labels: where the list says, or in a folder that the person chose."""
    if root is None:
        if not any(path.is_file() for path in images.paths[:_TRIED]):
            raise DataError(_UNKNOWN_PLACE)
        return dict(zip(images.ids, images.paths, strict=True))
    names = dict(zip(images.ids, (path.name for path in images.paths), strict=True))
    pictures = PictureFolder(root, check_files=True, log=FaultLog(strict=False))
    there = pictures.find_all(names.values())
    found = {sample: there[name] for sample, name in names.items() if name in there}
    if not found:
        raise DataError("None of the images of this run is in that folder. Choose another one.")
    return found


class ImageFinder(QObject):
    """Finds the images of the run that is looked at, once, when the first are wanted.

    Signals:
        found: the ``Cases`` that were asked for last, and a path for each sample.
        failed: the ``Cases`` and the ``EngineError``.
    """

    found = Signal(object, object)
    failed = Signal(object, object)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._run: tuple[Path, EvaluationRun] | None = None
        self._paths: Mapping[str, Path] | None = None
        self._wanted: Cases | None = None
        self._finding = JobSlot(session.jobs, "find images", self, Policy.IGNORE)

    def set_run(self, folder: Path, run: EvaluationRun) -> None:
        """Look for the images of another run from now on."""
        if self._run is None or self._run[0] != folder:
            self._run, self._paths, self._wanted = (folder, run), None, None
            self._finding.drop()

    def ask(self, cases: Cases, root: Path | None = None) -> None:
        """Find the images of these cases; those asked for last win.

        Args:
            cases: of the run.
            root: where the data set lies now, if it has moved.
        """
        self._wanted = cases
        if self._paths is not None and root is None:
            self._answer()
        elif self._run is not None:
            folder, run = self._run
            self._finding.run(
                lambda: find_images(folder, run, root), self._take_paths, self._take_error
            )

    def _answer(self) -> None:
        cases, self._wanted = self._wanted, None
        if cases is None or self._paths is None:
            return
        paths = [self._paths[name] for name in cases.samples if name in self._paths]
        self.found.emit(cases, tuple(dict.fromkeys(paths)))

    def _take_paths(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths
        self._answer()

    def _take_error(self, error: EngineError) -> None:
        cases, self._wanted = self._wanted, None
        if cases is not None:
            self.failed.emit(cases, error)


class ShownCases(QObject):
    """Shows images of a run in the grid, among the open photos or instead of them.

    Signals:
        replaced: what was open before is closed meanwhile; ``session.go_back`` opens it again.
        left: it is open again, or something else is.
    """

    replaced = Signal()
    left = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._ours: set[Path] = set()
        self._waiting: tuple[Cases, tuple[Path, ...]] | None = None
        session.pipeline.scan_started.connect(self._on_pipeline_scan_started)
        session.pipeline.scan_finished.connect(self._on_pipeline_scan_finished)

    def show(self, cases: Cases, paths: Sequence[Path]) -> None:
        """Show just these images; those that are not open are opened first."""
        paths = tuple(paths[:MOST_SHOWN])
        photos = self._session.photos
        missing = [path for path in paths if photos.row_of(path) is None]
        self._waiting = (cases, paths)
        if not missing:
            self._show_waiting()
        elif self._ours and self._ours.issuperset(self._session.pipeline.roots):
            self._ours.update(missing)
            self._session.pipeline.add(missing)
        else:
            has_others = bool(self._session.pipeline.roots)
            self._ours = set(paths)
            self._session.visit(paths)
            if has_others:
                self.replaced.emit()

    @Slot()
    def _on_pipeline_scan_started(self) -> None:
        if self._ours and not self._ours.issuperset(self._session.pipeline.roots):
            self._ours = set()
            self.left.emit()

    @Slot()
    def _on_pipeline_scan_finished(self) -> None:
        if self._waiting is not None:
            self._show_waiting()

    def _show_waiting(self) -> None:
        if self._waiting is None:
            return
        (cases, paths), self._waiting = self._waiting, None
        session = self._session
        rows = [row for path in paths if (row := session.photos.row_of(path)) is not None]
        if not rows:  # another folder has been opened meanwhile
            return
        number = len(cases.samples)
        shown = f"{len(rows):,}" if len(rows) == number else f"{len(rows):,} of {number:,}"
        session.show_only(rows, f"{cases.caption} ({shown})")
        labels = session.photos.categories
        same = session.photos.names.find(cases.category, labels)
        if same is not None:
            session.focus.set_pinned(labels.index(same))
        session.go_to(rows[0])
