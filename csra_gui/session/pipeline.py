"""What is done with the open photos, in turn: found, looked up, tagged, hashed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.engine_client import EngineClient
from csra_gui.base.settings import INCLUDE_SUBFOLDERS, MEASURE, TAG_ON_OPENING, Settings
from csra_gui.session.camera_reading import CameraReading
from csra_gui.session.change_job import FileChanges
from csra_gui.session.decisions import Decisions
from csra_gui.session.library_client import LibraryClient
from csra_gui.session.library_maintenance import LibraryMaintenance
from csra_gui.session.library_sync import LibrarySync
from csra_gui.session.photo_scan import PhotoScan
from csra_gui.session.photo_table import PhotoTable
from csra_gui.session.tag_run import TagSummary
from csra_gui.session.tagger import Tagger
from engine.api.passing import PASSING
from engine.api.values import ModelInfo
from engine.data.kinds import LeftOut
from engine.data.scan import ScanProblem
from engine.library.columns import NOT_MEASURED
from engine.library.store import Library
from engine.library.values import ImageFile, LibraryModel


class Pipeline(QObject):
    """Scan, library, tagging: each waits for the one before, and starts the next.

    Signals:
        photos_reset: another folder is being opened; there are no photos now.
        photos_added: half-open range of new rows.
        scan_started, scan_finished: of one folder or drop; the second carries what was skipped.
        predictions_changed: a tuple of rows whose scores or errors changed; empty means any.
        looked_up: all that the library knows of the photos that are there has come.
        settling_started: photos that were moved or renamed are being looked for.
        tagging_called_off: the person wants no tagging that was about to begin.
    """

    photos_reset = Signal()
    photos_added = Signal(int, int)
    scan_started = Signal()
    scan_finished = Signal(object)
    predictions_changed = Signal(object)
    looked_up = Signal()
    settling_started = Signal()
    tagging_called_off = Signal()

    def __init__(
        self,
        engine: EngineClient,
        library: LibraryClient,
        photos: PhotoTable,
        decisions: Decisions,
        tagger: Tagger,
        settings: Settings,
    ) -> None:
        super().__init__(engine.parent())
        self._engine = engine
        self._library = library
        self._photos = photos
        self._decisions = decisions
        self._tagger = tagger
        self._settings = settings
        self.roots: list[Path] = []
        jobs = engine.jobs
        self._is_settling_due = False
        self._tag_when_possible = False
        self._is_stopped = False
        self._scan = PhotoScan(jobs, self)
        self._sync = LibrarySync(library, photos, decisions, jobs, self)
        self._maintenance = LibraryMaintenance(library, photos, jobs, self)
        self.cameras = CameraReading(library, photos, jobs, self)
        tagger.measures = lambda: bool(settings.value(MEASURE))
        photos.show_measured(tagger.measures())
        self._connect()

    def _connect(self) -> None:
        self._settings.setting_changed.connect(self._on_settings_setting_changed)
        self._library.opened.connect(self._on_library_opened)
        self._scan.companions_found.connect(self._photos.add_companions)
        self._scan.photos_found.connect(self._on_scan_photos_found)
        self._scan.finished.connect(self._on_scan_finished)
        self._sync.rows_loaded.connect(self.predictions_changed)
        self._sync.settled.connect(self.proceed)
        self._maintenance.settling_started.connect(self.settling_started)
        self._maintenance.moved.connect(self._on_maintenance_moved)
        self._maintenance.settled.connect(self.proceed)
        self._tagger.started.connect(self._maintenance.pause)
        self._tagger.rows_changed.connect(self.predictions_changed)
        self._tagger.freed.connect(self._on_tagger_freed)

    # Looking for photos.

    def drop(self) -> None:
        """Give up everything; the table is being emptied."""
        self._scan.drop()
        self._sync.reset()
        self._maintenance.drop()
        self.cameras.drop()
        self._tagger.drop()
        self._decisions.forget()
        self.roots = []
        self._scan.forget()

    def open(self, roots: Sequence[Path]) -> None:
        """Close what is open and look for photos in these files and folders."""
        self._is_stopped &= list(roots) == self.roots  # the same again, and still the person's wish
        self.drop()
        self._photos.clear()
        self.photos_reset.emit()
        self.add(roots)

    def add(self, roots: Sequence[Path]) -> None:
        """Look for photos in these files and folders too."""
        known = set(self.roots)  # a thousand files may be opened at once
        self.roots += [root for root in roots if root not in known]
        if self._scan.is_running:  # two at once would mix their rows: look through all again
            roots = self.roots
            self._scan.forget()
        self._maintenance.drop()
        self._scan.start(roots, recursive=bool(self._settings.value(INCLUDE_SUBFOLDERS)))
        self._is_settling_due = self._tag_when_possible = False
        self._tag_by_itself()
        self.scan_started.emit()

    @property
    def found_roots(self) -> list[Path]:
        """The files and folders that are open, without those that a scan found nothing of."""
        missing = {problem.path for problem in self.skipped if problem.is_missing}
        return [root for root in self.roots if root not in missing]

    @property
    def is_scanning(self) -> bool:
        """Whether photos are being looked for."""
        return self._scan.is_running

    @property
    def is_looking_up(self) -> bool:
        """Whether the library is still being asked about photos that were found."""
        return len(self._photos) > 0 and not self._is_settled

    @property
    def is_settling(self) -> bool:
        """Whether photos that were moved or renamed are being looked for."""
        return self._maintenance.is_settling

    @property
    def is_tagging_due(self) -> bool:
        """Whether tagging begins by itself once all else is ready."""
        if not self._tag_when_possible or self._tagger.is_running or self._tagger.is_paused:
            return False
        if self.is_scanning or self.is_looking_up:
            return True
        return self._engine.model is None and self._photos.has_untagged

    @property
    def can_cancel(self) -> bool:
        """Whether there is something to stop, or to call off."""
        tagger = self._tagger
        is_busy = tagger.is_running or tagger.is_paused or self.is_scanning or self.is_settling
        return is_busy or self.is_tagging_due

    @property
    def is_searching(self) -> bool:
        """Whether photos, or what is known of them, may still come."""
        return self._scan.is_running or self.is_looking_up or self._is_settling_due

    @property
    def _is_settled(self) -> bool:
        return self._sync.is_settled and not self._maintenance.is_settling

    @property
    def skipped(self) -> list[ScanProblem]:
        """Files and folders that could not be looked at."""
        return self._scan.skipped

    @property
    def left_out(self) -> Collection[LeftOut]:
        """Files of kinds that cannot be opened."""
        return self._scan.left_out.keys()

    @property
    def devices(self) -> Mapping[Path, int]:
        """On which device each root was when it was looked through."""
        return self._scan.devices

    def take_changes(self, changes: FileChanges) -> None:
        """Take in what happened to the files since they were looked at."""
        there = [change.row for change in changes.changed]
        self._photos.set_gone(there, False)
        back = (*changes.readable, *(row for row in there if self._photos.error(row) in PASSING))
        self._photos.forget_errors(back)
        self._photos.set_gone(changes.vanished, True)
        if there:
            file = self._photos.file
            others = [change for change in changes.changed if file(change.row) != change.file]
            if others:  # the rest is back as it was
                self._tagger.take_changes(others)
            self._note_back([change.file for change in changes.changed if change not in others])
            self._sync.load([row for row in there if self._photos.image_id(row) is None])
        if changes.vanished:
            self._is_settling_due = True  # a photo that is new elsewhere may be one of them
            self.predictions_changed.emit(changes.vanished)
        if changes.new:
            self._on_scan_photos_found([file.path for file in changes.new], list(changes.new))
        if changes.other_files or changes.companions:
            self._photos.set_other_files(changes.other_files)
            self._photos.add_companions(changes.companions)
            self._sync.load(tuple(changes.other_files))
            self.predictions_changed.emit(tuple(changes.other_files))
        if back:
            self.predictions_changed.emit(back)
        self._tag_by_itself()
        self.proceed()

    def _note_back(self, files: Sequence[ImageFile]) -> None:
        """Let the library know that photos are there again: no other file is taken for them."""
        if files:
            self._library.submit(
                lambda library: library.add_images(files), None, self._library.report
            )

    def take_stored(self) -> None:
        """Others than the tagger stored scores: read again what the library has of the photos."""
        self._sync.reset()
        self._sync.refresh()

    def take_turned(self, rows: Sequence[int]) -> None:
        """What models said of photos is void; those that had been tagged are tagged anew."""
        photos, library = self._photos, self._library
        tagged = [row for row in rows if photos.is_tagged(row)]
        ids = [image for row in rows if (image := photos.image_id(row)) is not None]
        library.submit(lambda opened: opened.forget_predictions(ids), None, library.report)
        photos.forget_results(rows)
        photos.set_facts(dict.fromkeys(rows, NOT_MEASURED))
        self.predictions_changed.emit(tuple(rows))
        if tagged and self._is_settled and not self._tagger.is_running:
            self._tagger.tag(tagged)
        elif tagged:
            self._tag_when_possible = True

    # Tagging.

    def _tag_by_itself(self) -> None:
        """Tag what is untagged when that is possible, unless the person stopped it."""
        if not self._is_stopped:
            self._tag_when_possible |= bool(self._settings.value(TAG_ON_OPENING))

    def tag(self) -> None:
        """Tag the photos that have no labels yet, or go on with a run that was paused."""
        self.tag_rows(None)

    def tag_rows(self, among: Sequence[int] | None) -> None:
        """The same of only these, also if the model could not be run on them before."""
        if self._tagger.is_held_back:
            return
        self._is_stopped = False
        if self._is_settled:
            self._tagger.tag(among)
        else:  # what the library knows need not be asked
            self._tag_when_possible = True

    def cancel(self) -> None:
        """Stop what is going on, and what would begin by itself after it."""
        if self._tagger.is_held_back:
            self._tagger.cancel()
            return
        was_due = self.is_tagging_due
        self._tag_when_possible = False
        self._is_stopped = True
        self._scan.cancel()
        self._maintenance.stop_settling()
        self._tagger.cancel()
        if was_due:
            self.tagging_called_off.emit()

    def use_model(self, model: ModelInfo, *, is_first: bool) -> None:
        """Show what another model said, and tag what it has said nothing of."""
        self._show_model(LibraryModel.of(model))
        # Only scores that are compared with the usual threshold can be shown without the model.
        self._settings.set_fingerprint("" if model.activation == "softmax" else model.id)
        if not is_first:
            self._is_stopped = self._tag_when_possible = False
            self._tag_by_itself()
            # What was taught is to be seen, and takes seconds.
            self._tag_when_possible |= bool(model.taught_from)

    def _show_model(self, model: LibraryModel) -> None:
        self._photos.use_model(model.fingerprint, model.categories, model.taught_from)
        self._sync.set_model(model)

    @Slot()
    def _on_library_opened(self) -> None:
        """Labels need not wait for the model: it will be the one that was used last."""
        wanted = self._settings.fingerprint

        def find(library: Library) -> LibraryModel | None:
            return next((m for m in library.models() if m.fingerprint == wanted), None)

        if self._engine.model is None and wanted:
            self._library.submit(find, self._on_last_model_found)

    def _on_last_model_found(self, model: LibraryModel | None) -> None:
        if model is not None and self._engine.model is None:
            self._show_model(model)
            self.predictions_changed.emit(())

    @Slot()
    def proceed(self) -> None:
        """Start what is due, if nothing else goes on."""
        if not self._is_settled:
            return
        self.looked_up.emit()
        if self._scan.is_running:
            return
        self.cameras.refresh()  # a glance at each photo: tagging need not wait for it
        if self._tagger.is_running:
            return
        if self._is_settling_due:
            self._is_settling_due = False
            recursive = bool(self._settings.value(INCLUDE_SUBFOLDERS))
            hidden = [problem.path for problem in self.skipped]
            self._maintenance.settle(self.roots, recursive=recursive, out_of_reach=hidden)
        elif self._tag_when_possible and self._engine.model and self._photos.has_untagged:
            self.tag()
        elif not self._tagger.is_paused:
            self._maintenance.hash_in_background()

    # Slots.

    @Slot(str, object)
    def _on_settings_setting_changed(self, key: str, value: object) -> None:
        if key == MEASURE.key:
            self._photos.show_measured(bool(value))
            self.predictions_changed.emit(())

    @Slot(object, object)
    def _on_scan_photos_found(self, paths: list[Path], files: list[ImageFile | None]) -> None:
        first, end = self._photos.add(paths, files)
        if end > first:
            self.photos_added.emit(first, end)
            self._sync.refresh()

    @Slot()
    def _on_scan_finished(self) -> None:
        self._is_settling_due = self._scan.is_complete
        self.scan_finished.emit(tuple(self.skipped))
        self.proceed()

    @Slot(object)
    def _on_maintenance_moved(self, rows: tuple[int, ...]) -> None:
        self._decisions.read_again(rows)
        self._sync.load(rows)

    @Slot(object)
    def _on_tagger_freed(self, summary: TagSummary) -> None:
        if summary.is_complete or summary.is_held_back:  # photos may have been added meanwhile
            self.proceed()
        else:  # paused, cancelled or failed: the person says when it goes on
            self._tag_when_possible = False
            self._is_stopped = True
