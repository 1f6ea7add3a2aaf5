"""Above the photo: which colour is which label, while several are drawn together."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from csra_gui.maps.comparison import Comparison, Together
from csra_gui.maps.layers import category_color
from csra_gui.session.session import Session
from csra_gui.widgets.legend import Legend
from engine.texts import display_text


class LegendBar(Legend):
    """The legend of the labels that are drawn together; hidden otherwise."""

    def __init__(
        self, session: Session, comparison: Comparison, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._comparison = comparison
        comparison.changed.connect(self._update)
        session.model_changed.connect(self._update)
        self._update()

    @Slot()
    def _update(self) -> None:
        model, comparison = self._session.model, self._comparison
        names = [] if model is None else [model.categories[c] for c in comparison.categories]
        wins = comparison.together is Together.WINNER
        self.set_entries(
            "Strongest label at each place:" if wins else "Labels together:",
            [(category_color(at), display_text(name)) for at, name in enumerate(names)],
        )
        self.setVisible(comparison.is_on)
