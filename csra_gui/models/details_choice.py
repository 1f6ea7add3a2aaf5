"""Whether details are suggested: which form of the model that ships is in use."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from csra_gui.base.settings import SUGGEST_DETAILS, Settings
from csra_gui.session.active_model import ActiveModel
from engine.records.catalogue import DETAILS_MODEL


class DetailsChoice(QObject):
    """Keeps the setting and the model in use at one, whichever of them changes.

    The engine makes the model with details when it is opened, so opening it is all there is to do.
    """

    def __init__(self, models: ActiveModel, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._models = models
        self._settings = settings
        settings.setting_changed.connect(self._on_settings_changed)
        models.switched.connect(self._follow)
        models.refused.connect(self._follow)

    @Slot(str, object)
    def _on_settings_changed(self, key: str, value: object) -> None:
        if key != SUGGEST_DETAILS.key:
            return
        is_opening = bool(self._models.opening)
        if is_opening or value != (self._settings.model == DETAILS_MODEL):
            self._models.use(DETAILS_MODEL if value else "")

    @Slot()
    def _follow(self) -> None:
        """Say what is in use now, also after another model was chosen or one was refused."""
        self._settings.set_value(SUGGEST_DETAILS, self._settings.model == DETAILS_MODEL)
