"""Folders of data sets: remembered by kind, and noticed when one is opened as photos."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.jobs import JobSlot
from csra_gui.base.settings import DATA_FOLDERS, Settings
from csra_gui.session.session import Session
from engine.data.datasets.registry import dataset_spec, recognise

#: A folder that is one of these is no folder of holidays.
_CERTAIN = ("voc2007", "voc2012", "coco2014", "coco2017", "wider")


class DataFolders(QObject):
    """Where data sets lie.

    Signals:
        noticed: kind, title and folder of a data set that was opened as photos.
    """

    noticed = Signal(str, str, object)

    def __init__(self, session: Session, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._recognising = JobSlot(session.jobs, "recognise data set", self)
        session.pipeline.scan_started.connect(self._on_pipeline_scan_started)

    def folder_of(self, kind: str) -> Path | None:
        """Where a data set of this kind lay last; ``None`` if there was none."""
        folder = self._folders().get(kind)
        return None if folder is None else Path(folder)

    @Slot(str, object)
    def remember(self, kind: str, folder: Path) -> None:
        """Offer this folder the next time."""
        folders = {**self._folders(), kind: str(folder)}
        self._settings.set_value(DATA_FOLDERS, json.dumps(folders))

    def _folders(self) -> dict[str, str]:
        try:
            body = json.loads(str(self._settings.value(DATA_FOLDERS)) or "{}")
        except ValueError:
            return {}
        return {str(k): str(v) for k, v in body.items()} if isinstance(body, dict) else {}

    @Slot()
    def _on_pipeline_scan_started(self) -> None:
        self._recognising.drop()
        roots = tuple(self._session.pipeline.roots)
        if len(roots) == 1:
            self._recognising.run(
                lambda: recognise(roots[0]), lambda found: self._take_found(roots[0], found)
            )

    def _take_found(self, root: Path, found: tuple[str, tuple[str, ...]] | None) -> None:
        if found is not None and found[0] in _CERTAIN:
            self.noticed.emit(found[0], dataset_spec(found[0]).title, root)
