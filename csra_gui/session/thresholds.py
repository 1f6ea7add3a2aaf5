"""From which score on a category is a label of a photo: the model's, and the person's."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.base.settings import (
    MOST_LABELS,
    SHARE_THRESHOLD,
    THRESHOLD,
    USE_MODEL_THRESHOLDS,
    Setting,
    Settings,
)
from csra_gui.session.library_client import LibraryClient
from csra_gui.session.photo_table import PhotoTable
from engine.api.label_measures import least_scores
from engine.api.values import FloatArray, ModelInfo
from engine.library.store import Library
from engine.library.values import LibraryModel

#: No score is as high.
OUT_OF_REACH = 2.0


class LabelThresholds(QObject):
    """One threshold for all categories, or the model's own for each; the person's before both.

    Scores of a softmax model add up to 1 over all its categories, so that one of two things in a
    photo rarely reaches what counts as sure elsewhere: such models have a setting of their own.

    Labels that the person does not want to see have one that no score reaches. Suggestions have
    the usual one where the common one is lower (``engine.api.label_measures.least_scores``),
    unless the person chose one for the very label.

    Signals:
        changed: labels have to be worked out anew.
    """

    changed = Signal()

    def __init__(
        self, settings: Settings, library: LibraryClient, photos: PhotoTable, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._library = library
        self._photos = photos
        self._model: ModelInfo | None = None
        self._values: float | FloatArray = self.common
        self._mine: dict[int, float] = {}
        settings.setting_changed.connect(self._on_settings_changed)
        library.opened.connect(self._load_mine)

    def set_model(self, model: ModelInfo) -> None:
        """Go by another model from now on; whoever shows labels is told by the session."""
        self._model = model
        self._mine = {}
        self._values = self._worked_out(model)
        self._load_mine()

    @Slot()
    def refresh(self) -> None:
        """Labels are called otherwise, or those of another model are shown."""
        values = self._worked_out(self._model)
        if not np.array_equal(values, self._values):
            self._values = values
            self.changed.emit()

    @property
    def is_shared(self) -> bool:
        """Whether the scores of a photo add up to 1."""
        return self._model is not None and self._model.activation == "softmax"

    @property
    def setting(self) -> Setting:
        """Where the common threshold is remembered."""
        return _setting_of(self._model)

    @property
    def common(self) -> float:
        """The threshold for all categories, in [0, 1]."""
        return float(self._settings.value(self.setting))

    def set_common(self, threshold: float) -> None:
        """Choose another; the model is not asked again."""
        self._settings.set_value(self.setting, threshold)

    @property
    def holds_suggestions_back(self) -> bool:
        """Whether suggestions need more than the common threshold now."""
        measures = None if self._model is None else self._model.measures
        return not isinstance(
            least_scores(measures, self.common, float(self.setting.default)), float
        )

    @property
    def most_labels(self) -> int:
        """How many labels that the machine alone found are listed of a photo; 0 is all."""
        return int(self._settings.value(MOST_LABELS))

    @property
    def has_own(self) -> bool:
        """Whether the model brings a threshold for each category."""
        return self._model is not None and self._model.thresholds is not None

    @property
    def uses_own(self) -> bool:
        """Whether the model's own thresholds count."""
        return self.has_own and bool(self._settings.value(USE_MODEL_THRESHOLDS))

    @property
    def mine(self) -> dict[int, float]:
        """The person's own thresholds of single categories of this model, by index."""
        return dict(self._mine)

    def set_mine(self, category: int, threshold: float | None) -> None:
        """Choose the threshold of one category; ``None`` lets it follow the others again."""
        model, changed = self._model, {**self._mine, category: threshold}
        mine = {i: value for i, value in changed.items() if value is not None}
        self._take_mine(mine)
        if model is None:
            return

        def work(library: Library) -> None:
            kept_by = LibraryModel.of(model).thresholds_of
            library.add_model(kept_by)
            library.set_own_thresholds(kept_by.fingerprint, mine)

        self._library.submit(work, None, self._library.report)

    @Slot()
    def _load_mine(self) -> None:
        """Go by what the person chose for this model before."""
        model = self._model
        if model is None or self._library.library is None:
            return

        def done(mine: dict[int, float]) -> None:
            if model is self._model:
                self._take_mine(mine)

        kept_by = LibraryModel.of(model).thresholds_of.fingerprint
        self._library.submit(lambda library: library.own_thresholds(kept_by), done)

    def _take_mine(self, mine: dict[int, float]) -> None:
        if mine != self._mine:
            self._mine = mine
            self._values = self._worked_out(self._model)
            self.changed.emit()

    def of_model(self, model: ModelInfo) -> FloatArray:
        """(C,): what scores of any model are compared with."""
        is_in_use = self._model is not None and self._model.id == model.id
        values = self._values if is_in_use else self._worked_out(model)
        return np.broadcast_to(np.asarray(values, dtype=np.float32), (len(model.categories),))

    @property
    def values(self) -> float | FloatArray:
        """What scores are compared with: one number, or (C,)."""
        return self._values

    def of(self, category: int) -> float:
        """The threshold of one category."""
        values = self.values
        return values if isinstance(values, float) else float(values[category])

    def _worked_out(self, model: ModelInfo | None) -> float | FloatArray:
        if model is None:
            return self._of_stored()
        setting = _setting_of(model)
        common = float(self._settings.value(setting))
        least = least_scores(model.measures, common, float(setting.default))
        own = model.thresholds if self._settings.value(USE_MODEL_THRESHOLDS) else None
        mine = self._mine if model is self._model else {}
        hidden = self._photos.names.hidden(model.categories)
        if own is None and not mine and not hidden and isinstance(least, float):
            return least
        values = np.empty(len(model.categories), dtype=np.float32)
        values[:] = least
        if own is not None:
            values[:] = own
        for category, threshold in mine.items():
            values[category] = threshold
        values[list(hidden)] = OUT_OF_REACH
        return values

    def _of_stored(self) -> float | FloatArray:
        """For the scores of a model that is not loaded yet."""
        if not self._photos.hidden:
            return self.common
        values = np.full(len(self._photos.categories), self.common, dtype=np.float32)
        values[list(self._photos.hidden)] = OUT_OF_REACH
        return values

    @Slot(str, object)
    def _on_settings_changed(self, key: str, _value: object) -> None:
        if key in (self.setting.key, USE_MODEL_THRESHOLDS.key):
            self._values = self._worked_out(self._model)
            self.changed.emit()
        elif key == MOST_LABELS.key:
            self.changed.emit()


def _setting_of(model: ModelInfo | None) -> Setting:
    is_shared = model is not None and model.activation == "softmax"
    return SHARE_THRESHOLD if is_shared else THRESHOLD
