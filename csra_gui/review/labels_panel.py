"""What the model says of the current photo, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget
from shiboken6 import isValid

from csra_gui.base.settings import (
    FOLD_CAMERA,
    FOLD_MAPS,
    FOLD_RATING,
    FOLD_THRESHOLDS,
    MAP_KIND,
    OVERLAY_OPACITY,
    SHOW_ALL_LABELS,
    USE_MODEL_THRESHOLDS,
    Setting,
    Settings,
)
from csra_gui.base.tool_tips import tool_tip
from csra_gui.browse.camera_panel import CameraPanel
from csra_gui.browse.photo_texts import measured_text
from csra_gui.maps.display import MapDisplay
from csra_gui.maps.map_chooser import MapChooser
from csra_gui.review.controller import ReviewController
from csra_gui.review.file_keywords import FileKeywords
from csra_gui.review.label_entry import LabelEntry
from csra_gui.review.label_list import LabelList
from csra_gui.review.label_list_model import LabelRow
from csra_gui.review.label_search import LabelSearch, found_rows
from csra_gui.review.progress_bar import ReviewProgressBar
from csra_gui.review.rating_panel import RatingPanel
from csra_gui.review.typed_unknown import EntryHint
from csra_gui.session.active_model import ModelState
from csra_gui.session.session import Session
from csra_gui.session.typed_labels import FEW_LABELS
from csra_gui.widgets.fold import Fold, ScrollColumn
from csra_gui.widgets.labelled_slider import LabelledSlider
from csra_gui.widgets.labels import muted_label
from engine.api.facts import Fact
from engine.texts import display_text, whole_percent

#: Around a tool button's text: icon, gap and edges, in pixels.
_BUTTON_ROOM = 38
#: What is said in place of a label's map.
_WHERE = {
    ModelState.LOADING: "Where it is can be shown once the model is loaded.",
    ModelState.READY: "Working out where it is…",
    ModelState.FAILED: "There is no model, so nothing can show where it is.",
}
_OWN_IN_USE = "Each label has its own: the tick on its bar."
_BOTH = "What you say goes for both photos."
_HELD_BACK = (
    "Suggestions (?) still need {}: nobody has measured what lower scores of theirs mean. The tick "
    "for labels below the threshold lists them, too."
)
_SHARED = "This model was made to name one thing per photo: all its scores together are 100 %."


class LabelsPanel(QWidget):
    """The list of labels; pointing at one shows its map, a click decides on it."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        display: MapDisplay,
        review: ReviewController,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._review = review
        self._rows: list[LabelRow] = []
        self.search = LabelSearch(self)
        self.labels = LabelList(self)
        self.in_file = FileKeywords(session, self)
        self._state = QLabel(self)
        self.measured = muted_label("", self)
        self.progress = ReviewProgressBar(session, review, self)
        self.entry = LabelEntry(lambda: review.known_labels, lambda: session.photos.names, self)
        self.hint = EntryHint(self.entry, review, self)
        self.rating = RatingPanel(session, review, self)
        self.reviewed = QToolButton(self)
        self.favourites = QToolButton(self)
        self.why = QToolButton(self)
        self._show_all = QCheckBox("Also list labels below the threshold", self)
        self.own_thresholds = QCheckBox("Use the model's own thresholds", self)
        self._own_hint = QLabel(_OWN_IN_USE, self)
        self.threshold = LabelledSlider("Th&reshold", 0.0, 1.0, 0.01, percent=True, parent=self)
        self.opacity = LabelledSlider(
            "&Overlay opacity", 0.05, 1.0, 0.05, percent=True, parent=self
        )
        self.camera = CameraPanel(session, self)
        self.maps = MapChooser(session, settings, display, self)
        below = (self._show_all, self.own_thresholds, self._own_hint, self.threshold)
        self.rating_group = self._group("Rating", (self.rating,), FOLD_RATING)
        self.threshold_group = self._group("Threshold", below, FOLD_THRESHOLDS)
        self.map_group = self._group("Map", (self.opacity, self.maps), FOLD_MAPS)
        self.camera_group = self._group("Photo", (self.camera,), FOLD_CAMERA)
        self._set_up_layout()
        self._connect()
        self._apply_settings()
        self._update_rows()

    def _group(self, caption: str, widgets: Sequence[QWidget], setting: Setting) -> Fold:
        content = QWidget(self)
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(6)
        for widget in widgets:
            column.addWidget(widget)
        return Fold(caption, content, self._settings, setting, self)

    def _set_up_layout(self) -> None:
        for label in (self._state, self._own_hint):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self._set_up_buttons()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.setSpacing(6)
        top = QHBoxLayout()
        top.addWidget(self.reviewed)
        top.addStretch(1)
        top.addWidget(self.why)
        entry = QHBoxLayout()
        entry.addWidget(self.entry, 1)
        entry.addWidget(self.favourites)
        layout.addWidget(self.progress)
        layout.addLayout(top)
        layout.addWidget(self._state)
        layout.addWidget(self.search)
        layout.addWidget(self.labels, 1)
        layout.addWidget(self.measured)
        layout.addWidget(self.hint)
        layout.addLayout(entry)
        groups = QWidget(self)
        column = QVBoxLayout(groups)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.rating_group)
        column.addWidget(self.threshold_group)
        column.addWidget(self.map_group)
        column.addWidget(self.camera_group)
        column.addStretch(1)
        layout.addWidget(ScrollColumn(groups, self))

    def _set_up_buttons(self) -> None:
        for button in (self.why, self.reviewed, self.favourites):
            button.setAutoRaise(True)
        self.why.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.favourites.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.reviewed.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # As wide for each of its texts, so that nothing moves when the photo changes.
        widest = self.reviewed.fontMetrics().horizontalAdvance("Not reviewed")
        self.reviewed.setMinimumWidth(widest + _BUTTON_ROOM)

    def _connect(self) -> None:
        session = self._session
        session.focus.current_changed.connect(self._update_rows)
        session.selection_changed.connect(self._update_rows)
        self.in_file.changed.connect(self._update_rows)
        self._review.targets_changed.connect(self._update_rows)
        session.decisions.changed.connect(self._on_pipeline_predictions_changed)
        session.pipeline.predictions_changed.connect(self._on_pipeline_predictions_changed)
        session.thresholds.changed.connect(self._on_thresholds_changed)
        session.models.state_changed.connect(self._on_models_state_changed)
        session.focus.evidence_changed.connect(self._update_state)
        session.focus.category_changed.connect(self._update_state)
        session.focus.pinned_changed.connect(self._on_focus_pinned_changed)
        self.camera.summary_changed.connect(self.camera_group.set_summary)
        self._settings.setting_changed.connect(self._on_settings_changed)
        self.labels.category_hovered.connect(self._on_labels_category_hovered)
        self.labels.category_pinned.connect(self._on_labels_category_pinned)
        self.labels.accept_requested.connect(self._review.accept)
        self.labels.reject_requested.connect(self._review.reject)
        self.search.changed.connect(self._update_rows)
        self.search.entered.connect(self._on_search_entered)
        self.search.add_requested.connect(self._review.add)
        self.search.teach_requested.connect(self._review.teach_requested)
        self.hint.teach_requested.connect(self._review.teach_requested)
        self.entry.label_entered.connect(self._review.add)
        self.entry.left.connect(self.labels.setFocus)
        self.rating.summary_changed.connect(self.rating_group.set_summary)
        self.threshold.value_changed.connect(session.thresholds.set_common)
        self.own_thresholds.toggled.connect(self._on_own_thresholds_toggled)
        self.opacity.value_changed.connect(self._on_opacity_value_changed)
        self._show_all.toggled.connect(self._on_show_all_toggled)

    def _apply_settings(self) -> None:
        self._update_threshold()
        self._update_map_summary()
        self.opacity.set_value(float(self._settings.value(OVERLAY_OPACITY)))
        self.opacity.set_default(float(OVERLAY_OPACITY.default))
        self._show_all.setChecked(bool(self._settings.value(SHOW_ALL_LABELS)))

    def _update_threshold(self) -> None:
        thresholds = self._session.thresholds
        self.threshold.set_value(thresholds.common)
        self.threshold.set_default(float(thresholds.setting.default))
        self.threshold.setEnabled(not thresholds.uses_own)
        held = thresholds.holds_suggestions_back
        usual = whole_percent(float(thresholds.setting.default))
        shared = _SHARED if thresholds.is_shared else ""
        told = [_OWN_IN_USE] if thresholds.uses_own else [shared]
        if held and not thresholds.uses_own:
            told.append(_HELD_BACK.format(usual))
        self.threshold.setToolTip(tool_tip(*filter(None, told)))
        self._own_hint.setVisible(thresholds.uses_own)
        self.own_thresholds.setVisible(thresholds.has_own)
        self.own_thresholds.setChecked(bool(self._settings.value(USE_MODEL_THRESHOLDS)))
        common = whole_percent(thresholds.common)
        self.threshold_group.set_summary("of each label" if thresholds.uses_own else common)

    def _update_map_summary(self) -> None:
        self.map_group.set_summary(dict(MAP_KIND.choices)[self._settings.value(MAP_KIND)])

    def start_typing(self) -> None:
        """Let the person type a label."""
        self.entry.setFocus()

    @property
    def can_search(self) -> bool:
        """Whether there are so many labels that one is looked for."""
        return len(self._session.photos.known_labels) > FEW_LABELS

    def start_search(self) -> None:
        """Let the person type what they look for in the list."""
        self.search.line.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.line.selectAll()

    @Slot(str)
    def type_text(self, text: str) -> None:
        """Go on with a label that was begun where nothing takes text."""
        if self._review.targets:
            self.entry.setFocus()
            self.entry.type_text(text)

    # The list.

    @Slot()
    def _update_rows(self) -> None:
        targets, show_all = self._review.targets, self._show_all.isChecked()
        in_file = self.in_file.of(targets[0]) if len(targets) == 1 else ()
        self._rows = (
            self._review.rows_of(targets, show_all=show_all, in_file=in_file) if targets else []
        )
        listed = self._found(targets, in_file)
        self.labels.set_rows(listed)
        self._review.set_rows(self._rows, listed)
        self._update_measured(targets)
        self._update_state()

    def _update_measured(self, targets: Sequence[int]) -> None:
        """Below the labels, as nobody need decide on it; upright or wide is seen without a word."""
        facts = self._session.photos.facts(targets[0]) if len(targets) == 1 else None
        notable = (facts or Fact(0)) & ~(Fact.PORTRAIT_FORMAT | Fact.LANDSCAPE_FORMAT)
        self.measured.setText(f"Measured: {measured_text(notable)}" if notable else "")
        self.measured.setVisible(bool(notable))

    def _found(self, targets: Sequence[int], in_file: Sequence[str]) -> list[LabelRow]:
        """The labels of the photos; while one is looked for, those with such a name."""
        can_search = self.can_search
        self.search.setVisible(can_search)
        if not can_search:
            self.search.clear()
        wanted = self.search.wanted if targets else ""
        if not wanted:
            self.search.tell("")
            return self._rows
        every = self._review.rows_of(targets, show_all=True, in_file=in_file)
        names = self._session.photos.names
        found = found_rows(every, self._review.known_labels, wanted, names)
        if self._review.is_lacking(wanted, bool(found)):
            text, can_teach = self._review.tell_unknown(wanted)
            self.search.tell(text, can_teach=can_teach)
        else:
            self.search.tell("")
        return found

    @Slot()
    def _update_state(self) -> None:
        text = self._state_text()
        self._state.setText(display_text(text))
        self._state.setVisible(bool(text))

    def _state_text(self) -> str:
        """What a person should know when the list alone does not say it."""
        session = self._session
        if session.focus.current is None:
            return "No photo is shown."
        several = len(self._review.targets)
        if several > 1:
            selected = f"{several:,} photos are selected: what you say goes for all of them."
            return _BOTH if self._review.is_for_both else selected
        error = session.photos.error(session.focus.current)
        if error is not None:
            return error
        if not session.photos.is_tagged(session.focus.current):
            return {
                ModelState.LOADING: "Not tagged yet; the model is being loaded.",
                ModelState.READY: "Not tagged yet.",
                ModelState.FAILED: "There is no model, so photos cannot be tagged.",
            }[session.models.state]
        if session.focus.category is not None and session.focus.evidence is None:
            return session.focus.evidence_error or _WHERE[session.models.state]
        return "" if any(row.counts for row in self._rows) else self._why_no_label()

    def _why_no_label(self) -> str:
        thresholds = self._session.thresholds
        common = "" if thresholds.uses_own else f" of {whole_percent(thresholds.common)}"
        if any(row.above for row in self._rows):
            return f"You rejected every label that reaches the threshold{common}."
        return f"No label reaches the threshold{common}."

    # Slots.

    @Slot()
    def _on_search_entered(self) -> None:
        first = self.labels.model().index(0, 0)
        self.labels.setCurrentIndex(first)
        self.labels.setFocus(Qt.FocusReason.TabFocusReason)

    @Slot(object)
    def _on_pipeline_predictions_changed(self, rows: tuple[int, ...]) -> None:
        if not rows or not set(self._review.targets).isdisjoint(rows):
            self._update_rows()

    @Slot()
    def _on_models_state_changed(self) -> None:
        self._update_threshold()
        self._update_rows()

    @Slot()
    def _on_thresholds_changed(self) -> None:
        self._update_threshold()
        self._update_rows()

    @Slot(object)
    def _on_focus_pinned_changed(self, category: int | None) -> None:
        self.labels.set_pinned(-1 if category is None else category)
        self._update_state()

    @Slot(int)
    def _on_labels_category_hovered(self, category: int) -> None:
        # Closing the window takes the focus from the list when the session may be gone already.
        if isValid(self._session.focus):
            self._session.focus.set_hovered(None if category < 0 else category)

    @Slot(int)
    def _on_labels_category_pinned(self, category: int) -> None:
        self._session.focus.set_pinned(None if category < 0 else category)

    @Slot(float)
    def _on_opacity_value_changed(self, opacity: float) -> None:
        self._settings.set_value(OVERLAY_OPACITY, opacity)

    @Slot(bool)
    def _on_own_thresholds_toggled(self, checked: bool) -> None:
        self._settings.set_value(USE_MODEL_THRESHOLDS, checked)

    @Slot(bool)
    def _on_show_all_toggled(self, checked: bool) -> None:
        self._settings.set_value(SHOW_ALL_LABELS, checked)
        self._update_rows()

    @Slot(str, object)
    def _on_settings_changed(self, key: str, value: object) -> None:
        if key == OVERLAY_OPACITY.key and isinstance(value, float):
            self.opacity.set_value(value)
        elif key == MAP_KIND.key:
            self._update_map_summary()
        elif key == SHOW_ALL_LABELS.key:
            self._show_all.setChecked(bool(value))
