"""What came of learning: first where it would go wrong, then how often it is right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from csra_gui.base.theme import Tone
from csra_gui.base.tool_tips import tool_tip
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.image_loader import ImageLoader
from csra_gui.widgets.labels import heading, muted_label, plain_label
from csra_gui.widgets.table import Cell, Table
from engine.api.label_names import shown_label
from engine.api.teaching import Spread, TaughtCategory, TeachReport
from engine.api.validation import FEWEST_TO_VALIDATE, Comparison, share_interval
from engine.texts import NOTHING, display_name, duration, photos_text, whole_percent

_HEADER = (
    "Label",
    "New on others",
    "Yes",
    "No",
    "Taken as without",
    "Found",
    "Wrong",
    "Comparison",
)
_TIPS = {
    1: "Photos that you have said nothing of and that would newly get the label.",
    2: "Photos that you said have it.",
    3: "Photos that you said do not have it.",
    4: "Photos drawn at random. Nobody has said that they do not have it.",
    5: "Of the photos that have it and that it had not learned from: how many got the label.",
    6: "Of those without it: how many got the label all the same.",
}
_EXAMPLES = 7
_SIDE = 92
_BYTES = 8 * 2**20
_COMPARISONS = {
    Comparison.BETTER: ("better", Tone.SUCCESS),
    Comparison.WORSE: ("worse", Tone.DANGER),
    Comparison.OPEN: ("no difference that can be told", None),
}


class ResultPage(QWidget):
    """Shows a ``TeachReport``; one label after the other with examples.

    Signals:
        photos_requested: paths of photos that would newly get a label, and what they are.
    """

    photos_requested = Signal(object, str)

    def __init__(self, decoder: ImageDecoder, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loader = ImageLoader(decoder, self, side=2 * _SIDE, byte_limit=_BYTES)
        self._loader.image_loaded.connect(self._on_loader_image_loaded)
        self._report: TeachReport | None = None
        self._categories: list[TaughtCategory] = []
        self._shown: list[Path] = []
        self.spread = heading("", self)
        self.spread.setWordWrap(True)
        self.advice = muted_label("", self)
        self.examples = [QLabel(self) for _ in range(_EXAMPLES)]
        self.show_all = QPushButton(self)
        self.table = Table(_HEADER, "What came of each label", self, tips=_TIPS)
        self.summary = plain_label("", self)
        self._lay_out()
        self.show_all.clicked.connect(self._on_show_all_clicked)
        self.table.currentCellChanged.connect(self._on_table_current_cell_changed)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(4)
        for label in self.examples:
            label.setFixedSize(QSize(_SIDE, _SIDE))
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            row.addWidget(label)
        row.addStretch(1)
        button = QHBoxLayout()
        button.addWidget(self.show_all)
        button.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.spread)
        layout.addLayout(row)
        layout.addLayout(button)
        layout.addWidget(self.advice)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.summary)

    def close_loader(self) -> None:
        """Load nothing any more."""
        self._loader.close()

    def set_report(self, report: TeachReport) -> None:
        """Show it; the label that spreads most comes first."""
        self._report = report
        self._categories = sorted(
            report.categories, key=lambda one: (one.after is None, -len(one.spread.gained))
        )
        self.table.set_rows([_cells(category) for category in self._categories])
        self.table.setVisible(True)
        self.summary.setText(f"{summary(report)} It took {duration(report.seconds)}.")
        self.table.setCurrentCell(0, 0)
        self._show_category(0)

    def set_text(self, text: str) -> None:
        """Say something instead."""
        self.spread.setText(text)
        for widget in (self.advice, self.show_all, self.table, self.summary, *self.examples):
            widget.hide()

    @Slot(int)
    def _on_table_current_cell_changed(self, row: int) -> None:
        self._show_category(row)

    def _show_category(self, row: int) -> None:
        if self._report is None or not 0 <= row < len(self._categories):
            return
        category = self._categories[row]
        gained = category.spread.gained
        self.spread.setText(spread_text(category, self._report.others))
        self.advice.setText(_advice(category))
        self.advice.setVisible(bool(self.advice.text()))
        step = max(1, len(gained) / _EXAMPLES)  # from the surest to the least sure
        places = [int(place * step) for place in range(min(_EXAMPLES, len(gained)))]
        self._shown = [gained[place] for place in places]
        for place, label in enumerate(self.examples):
            label.setVisible(place < len(self._shown))
            if place < len(self._shown):
                label.setToolTip(tool_tip(display_name(self._shown[place])))
                label.setAccessibleName(display_name(self._shown[place]))
                self._paint(place)
        self._loader.want(self._shown)
        self.show_all.setText(f"&Show {photos_text(len(gained))} in the window")
        self.show_all.setVisible(bool(gained))

    def _paint(self, place: int) -> None:
        image, label = self._loader.image(self._shown[place]), self.examples[place]
        if image is None:
            label.clear()
            return
        ratio = self.devicePixelRatioF()
        side = round(_SIDE * ratio)
        pixmap = QPixmap.fromImage(image).scaled(
            side,
            side,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        pixmap.setDevicePixelRatio(ratio)
        label.setPixmap(pixmap)

    @Slot(object)
    def _on_loader_image_loaded(self, path: Path) -> None:
        for place, shown in enumerate(self._shown):
            if shown == path:
                self._paint(place)

    @Slot()
    def _on_show_all_clicked(self) -> None:
        row = self.table.currentRow()
        if 0 <= row < len(self._categories):
            category = self._categories[row]
            caption = f"“{shown_label(category.name)}” would be new"
            self.photos_requested.emit(category.spread.gained, caption)


def spread_text(category: TaughtCategory, others: int) -> str:
    """How many photos would get a label that nobody has said anything of.

    Args:
        category: what came of it.
        others: photos that nobody has said anything of.
    """
    name, spread = shown_label(category.name), category.spread
    if category.after is None:
        return f"{name} stays as it was: {_too_few(category)}"
    if not spread.looked_at:
        return f"There is no other photo to see where {name} would be wrong."
    count = len(spread.gained)
    if spread.looked_at == others:
        text = f"{name} would newly be on {count:,} of {others:,} photos that you said nothing of"
    else:
        low, high = _range(count, spread.looked_at)
        text = (
            f"{name} would newly be on {count:,} of {spread.looked_at:,} photos looked at, that is "
            f"on {low} to {high} of all {others:,} that you said nothing of"
        )
    lost = f", and go from {spread.lost:,}" if spread.lost else ""
    return f"{text}{lost}."


def _advice(category: TaughtCategory) -> str:
    if category.after is None or not category.spread.gained:
        return ""
    if category.before is None:
        return (
            "If it does not belong on most of these, discard the new model, select more photos "
            "that show it, or take more as without it, and learn again."
        )
    return (
        "If it does not belong on most of these, discard the new model: reject the label on some "
        "of them, accept it where it is right, and learn again."
    )


def summary(report: TeachReport) -> str:
    """What can be said of all labels, in one sentence or two."""
    learned = [category for category in report.categories if category.after is not None]
    left = len(report.categories) - len(learned)
    judged = [category for category in learned if category.is_judged]
    parts = []
    if judged:
        parts.append(
            "Found and wrong were counted on photos that it had not learned from; the new model "
            "has learned from all of them."
        )
    if len(judged) < len(learned):
        parts.append(
            f"How good it is cannot be judged with fewer than {FEWEST_TO_VALIDATE} photos that "
            f"have the label and {FEWEST_TO_VALIDATE} that do not."
        )
    if left:
        parts.append(f"{left:,} {'label stays' if left == 1 else 'labels stay'} as before.")
    return " ".join(parts)


def _cells(category: TaughtCategory) -> Sequence[Cell]:
    after, before = category.after, category.before
    counts = (category.positives, category.negatives, category.drawn)
    name, found = Cell(shown_label(category.name)), [Cell(f"{n:,}", n) for n in counts]
    if after is None:
        nothing = Cell(NOTHING)
        text = Cell("stays as it was", tip=_too_few(category))
        return (name, nothing, *found, nothing, nothing, text)
    found_before, wrong_before = (None, None) if before is None else (before.found, before.wrong)
    return (
        name,
        _spread_cell(category.spread),
        *found,
        _hits_cell(after.found, found_before, category.judged_positives),
        _hits_cell(after.wrong, wrong_before, category.judged_negatives),
        _comparison_cell(category),
    )


def _spread_cell(spread: Spread) -> Cell:
    count = len(spread.gained)
    text = f"{count:,} of {spread.looked_at:,}" if spread.looked_at else NOTHING
    return Cell(text, count, is_bold=bool(count))


def _hits_cell(after: int, before: int | None, total: int) -> Cell:
    if not total:
        return Cell(NOTHING)
    low, high = _range(after, total)
    text = f"{after:,} of {total:,}" + ("" if before is None else f" (before {before:,})")
    return Cell(text, after, tip=f"On other photos of this kind probably {low} to {high}.")


def _comparison_cell(category: TaughtCategory) -> Cell:
    if not category.is_judged:
        return Cell("cannot be judged", tip=_too_few(category))
    if category.before is None:
        return Cell("new")
    text, tone = _COMPARISONS[category.comparison]
    return Cell(text, tone=tone)


def _too_few(category: TaughtCategory) -> str:
    yes, no = category.judged_positives, category.judged_negatives
    return (
        f"there are {yes:,} photos with it and {no:,} without it to judge by, and "
        f"{FEWEST_TO_VALIDATE} of each are needed."
    )


def _range(count: int, total: int) -> tuple[str, str]:
    low, high = share_interval(count, total)
    return whole_percent(low), whole_percent(high)
