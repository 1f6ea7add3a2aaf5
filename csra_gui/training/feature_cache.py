"""What is kept of photos to learn from, held within the limit that the person chose."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from csra_gui.base.disk_cache import DiskCache
from csra_gui.base.jobs import JobSlot, Policy
from csra_gui.base.paths import feature_folder
from csra_gui.base.settings import FEATURE_CACHE_MB, Settings
from csra_gui.session.session import Session
from csra_gui.training.feature import TrainingFeature
from engine.records.feature_cache import cached_bytes, shrink_cache

_MB = 10**6
_IN_USE = "Something is learning from these files. Wait until it is done."


class FeatureCache(QObject):
    """Deletes what was used longest ago, after learning and tagging and when the limit changes."""

    def __init__(self, session: Session, settings: Settings, training: TrainingFeature) -> None:
        super().__init__(training)
        self._settings = settings
        self._training = training
        self._shrinking = JobSlot(session.jobs, "shrink features", self, Policy.ONCE_MORE)
        self._folder = folder = feature_folder()
        self.cache = DiskCache(
            "Image features",
            FEATURE_CACHE_MB,
            lambda: cached_bytes(folder),
            lambda: shrink_cache(folder, 0),
            lambda: _IN_USE if training.is_busy else "",
        )
        training.learning_ended.connect(self.shrink)
        session.tagger.freed.connect(self.shrink)
        settings.setting_changed.connect(self._on_settings_changed)

    @Slot()
    def shrink(self) -> None:
        """Bring it within its limit, unless it is in use."""
        if not self._training.is_busy:
            folder, limit = self._folder, int(self._settings.value(FEATURE_CACHE_MB)) * _MB
            self._shrinking.run(lambda: shrink_cache(folder, limit))

    @Slot(str, object)
    def _on_settings_changed(self, key: str, _value: object) -> None:
        if key == FEATURE_CACHE_MB.key:
            self.shrink()
