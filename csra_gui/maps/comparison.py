"""Which labels are looked at together, and what lies beside the photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from PySide6.QtCore import QObject, Signal, Slot

from csra_gui.session.session import Session
from engine.explain.category_colors import CATEGORY_COLORS, colors_of

#: Further colours could not be told apart with any colour vision.
MAX_COMPARED = len(CATEGORY_COLORS)


class Together(StrEnum):
    """How several labels are drawn in one picture."""

    OFF = "off"
    COLORS = "colors"
    WINNER = "winner"


class Beside(StrEnum):
    """What a second view beside the photo shows."""

    NOTHING = "nothing"
    CATEGORY = "category"
    MODEL = "model"
    NO_ATTENTION = "no_attention"
    STORED = "stored"


class Comparison(QObject):
    """Up to eight labels in one picture, and a second view; forgotten with the model.

    Signals:
        changed: the labels, how they are drawn, or what the second view shows.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._model_id = ""
        self._categories: tuple[int, ...] = ()
        self._colors: dict[int, int] = {}
        self._together = Together.OFF
        self._beside = Beside.NOTHING
        self._other: int | None = None
        session.models.state_changed.connect(self._on_models_state_changed)

    @property
    def categories(self) -> tuple[int, ...]:
        """The labels that are drawn together, in the order in which they were chosen."""
        return self._categories

    @property
    def colors(self) -> Mapping[int, int]:
        """The same with the places of their colours (``engine.explain.category_colors``)."""
        return MappingProxyType(self._colors)

    @property
    def together(self) -> Together:
        """How they are drawn."""
        return self._together

    @property
    def beside(self) -> Beside:
        """What the second view shows."""
        return self._beside

    @property
    def other(self) -> int | None:
        """The label of the second view, where it shows another label."""
        return self._other

    @property
    def is_on(self) -> bool:
        """Whether labels are drawn together."""
        return self._together is not Together.OFF and bool(self._categories)

    def set_categories(self, categories: Sequence[int]) -> None:
        """Choose labels; those beyond the eighth are left out."""
        chosen = tuple(dict.fromkeys(categories))[:MAX_COMPARED]
        names = dict(enumerate(self._session.photos.categories))
        called = {category: names.get(category, str(category)) for category in chosen}
        kept = {called[one]: color for one, color in self._colors.items() if one in called}
        self._colors = dict(zip(chosen, colors_of(tuple(called.values()), kept), strict=True))
        self._set(categories=chosen)

    def set_together(self, together: Together) -> None:
        """Choose how they are drawn."""
        self._set(together=together)

    def set_beside(self, beside: Beside, other: int | None = None) -> None:
        """Choose what the second view shows; ``other`` is its label, if it is about one."""
        self._set(beside=beside, other=other)

    def _set(self, **values: object) -> None:
        before = self._categories, self._together, self._beside, self._other
        for name, value in values.items():
            setattr(self, f"_{name}", value)
        if before != (self._categories, self._together, self._beside, self._other):
            self.changed.emit()

    @Slot(object)
    def _on_models_state_changed(self, _state: object) -> None:
        model = self._session.models.model
        if model is not None and model.id != self._model_id:
            self._model_id = model.id
            self._colors = {}
            self._set(categories=(), beside=Beside.NOTHING, other=None)
