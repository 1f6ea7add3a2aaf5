"""The person's own thresholds of single categories, kept in the library."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from csra_gui.session.library_client import LibraryClient
from csra_gui.session.thresholds import LabelThresholds
from engine.api.values import ModelInfo
from engine.library.store import Library
from engine.library.values import LibraryModel


class ThresholdStore(QObject):
    """Brings them out when a model comes into use, and writes them when they change."""

    def __init__(
        self, library: LibraryClient, thresholds: LabelThresholds, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._thresholds = thresholds
        self._model: LibraryModel | None = None
        thresholds.mine_changed.connect(self._on_thresholds_mine_changed)
        library.opened.connect(self._load)

    def set_model(self, model: ModelInfo) -> None:
        """Go by what the person chose for this model."""
        self._model = LibraryModel(model.id, model.name, model.categories)
        self._load()

    @Slot()
    def _load(self) -> None:
        model = self._model
        if model is None or self._library.library is None:
            return

        def done(mine: dict[int, float]) -> None:
            if model is self._model:
                self._thresholds.take_mine(mine)

        self._library.submit(lambda library: library.own_thresholds(model.fingerprint), done)

    @Slot()
    def _on_thresholds_mine_changed(self) -> None:
        model, mine = self._model, self._thresholds.mine
        if model is None:
            return

        def work(library: Library) -> None:
            library.add_model(model)
            library.set_own_thresholds(model.fingerprint, mine)

        self._library.submit(work, None, self._library.report)
