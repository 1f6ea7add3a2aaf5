"""Which category a plot is of; all plots of a window follow one another."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QWidget

from csra_gui.evaluation.result_state import ResultState
from csra_gui.session.typed_labels import FEW_LABELS
from engine.api.label_names import shown_label
from engine.texts import fold


class CategoryChooser(QComboBox):
    """The categories of the run.

    Args:
        state: whose category it shows and sets.
        all_text: an entry for all categories together, before the others; empty for none.
        parent: of the widget.

    Signals:
        choice_changed: ``choice`` is another one.
    """

    choice_changed = Signal()

    def __init__(
        self, state: ResultState, all_text: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._all_text = all_text
        self.setAccessibleName("Category")
        self.setMinimumContentsLength(14)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        state.analysis_changed.connect(self._fill)
        state.category_changed.connect(self._follow)
        self.activated.connect(self._on_self_activated)

    @property
    def choice(self) -> int | None:
        """The category's index; ``None`` for all of them, or while there is none."""
        value = self.currentData()
        return None if value is None or value < 0 else int(value)

    @Slot()
    def _fill(self) -> None:
        before = self.currentData()
        self.clear()
        analysis = self._state.analysis
        if analysis is None:
            return
        if self._all_text:
            self.addItem(self._all_text, -1)
        named = [(shown_label(name), place) for place, name in enumerate(analysis.run.categories)]
        if len(named) > FEW_LABELS:  # one is looked for by its name
            named.sort(key=lambda pair: fold(pair[0]))
        for name, place in named:
            self.addItem(name, place)
        keeps_all = bool(self._all_text) and (before is None or before < 0)
        self.setCurrentIndex(self.findData(-1 if keeps_all else self._state.category))

    @Slot(int)
    def _follow(self, category: int) -> None:
        if self.choice is not None or not self._all_text:
            self.setCurrentIndex(self.findData(category))
            self.choice_changed.emit()

    @Slot()
    def _on_self_activated(self) -> None:
        if self.choice is not None:
            self._state.set_category(self.choice)
        self.choice_changed.emit()
