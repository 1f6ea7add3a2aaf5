"""From which score on a category is a label of a photo."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.settings import SHARE_THRESHOLD, THRESHOLD, USE_MODEL_THRESHOLDS, Setting, Settings
from engine.values import FloatArray, ModelInfo


class LabelThresholds(QObject):
    """One threshold for all categories, or the model's own for each.

    Scores of a softmax model add up to 1 over all its categories, so that one of two things in a
    photo rarely reaches what counts as sure elsewhere: such models have a setting of their own.

    Signals:
        changed: labels have to be worked out anew.
    """

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._settings = settings
        self._model: ModelInfo | None = None
        self._values: float | FloatArray = self.common
        settings.setting_changed.connect(self._on_settings_changed)

    def set_model(self, model: ModelInfo) -> None:
        """Go by another model from now on; whoever shows labels is told by the session."""
        self._model = model
        self._values = self._worked_out()

    @property
    def is_shared(self) -> bool:
        """Whether the scores of a photo add up to 1."""
        return self._model is not None and self._model.activation == "softmax"

    @property
    def setting(self) -> Setting:
        """Where the common threshold is remembered."""
        return SHARE_THRESHOLD if self.is_shared else THRESHOLD

    @property
    def common(self) -> float:
        """The threshold for all categories, in [0, 1]."""
        return float(self._settings.value(self.setting))

    def set_common(self, threshold: float) -> None:
        """Choose another; the model is not asked again."""
        self._settings.set_value(self.setting, threshold)

    @property
    def has_own(self) -> bool:
        """Whether the model brings a threshold for each category."""
        return self._model is not None and self._model.thresholds is not None

    @property
    def uses_own(self) -> bool:
        """Whether the model's own thresholds count."""
        return self.has_own and bool(self._settings.value(USE_MODEL_THRESHOLDS))

    @property
    def values(self) -> float | FloatArray:
        """What scores are compared with: one number, or (C,)."""
        return self._values

    def of(self, category: int) -> float:
        """The threshold of one category."""
        values = self.values
        return values if isinstance(values, float) else float(values[category])

    def _worked_out(self) -> float | FloatArray:
        if self._model is None or self._model.thresholds is None or not self.uses_own:
            return self.common
        return np.asarray(self._model.thresholds, dtype=np.float32)

    @Slot(str, object)
    def _on_settings_changed(self, key: str, _value: object) -> None:
        if key in (self.setting.key, USE_MODEL_THRESHOLDS.key):
            self._values = self._worked_out()
            self.changed.emit()
