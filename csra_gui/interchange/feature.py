"""Writing and reading labels of other programs, put together."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from csra_gui.base.settings import Settings
from csra_gui.interchange.export_actions import ExportActions
from csra_gui.interchange.export_job import LabelExports
from csra_gui.interchange.import_actions import ImportActions
from csra_gui.interchange.import_job import LabelImports
from csra_gui.interchange.import_tags_actions import ImportTagsActions
from csra_gui.interchange.import_tags_job import TagImports
from csra_gui.interchange.not_written import NotWrittenButton
from csra_gui.interchange.write_actions import WriteActions
from csra_gui.interchange.write_continuously import ContinuousWriting
from csra_gui.interchange.write_job import LabelWrites
from csra_gui.session.session import Session
from csra_gui.widgets.notifier import Notifier


class InterchangeFeature(QObject):
    """Makes the work and the commands, for the window to place."""

    def __init__(
        self, session: Session, settings: Settings, notifier: Notifier, window: QWidget
    ) -> None:
        super().__init__(window)
        self.writes = LabelWrites(session, settings, notifier, self)
        self.continuous = ContinuousWriting(session, settings, self.writes, self)
        self.not_written = NotWrittenButton(self.continuous, notifier, window)
        self.write_actions = WriteActions(session, settings, self.writes, window)
        self.exports = LabelExports(session, notifier, self)
        self.export_actions = ExportActions(session, settings, self.exports, window)
        self.imports = LabelImports(session, notifier, self)
        self.import_actions = ImportActions(session, self.imports, window)
        self.tag_imports = TagImports(session, notifier, self)
        self.tag_import_actions = ImportTagsActions(session, self.tag_imports, window)
