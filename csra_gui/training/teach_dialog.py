"""Learning from a person in three steps: what is learned from, learning, and what came of it."""

from __future__ import annotations

import time

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from csra_gui.base.activity import MovingRate
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.session.typed_labels import one_label_problem, unquoted
from csra_gui.training.teach_result import ResultPage
from csra_gui.widgets.labels import heading, muted_label, plain_label
from csra_gui.widgets.windows import button_row, fit_to_screen
from engine.api.teaching import TeachProgress, TeachReport
from engine.api.validation import FEWEST_TO_VALIDATE
from engine.texts import remaining_text

_SIZE = QSize(800, 560)
_STEPS = ("1  What it learns from", "2  Learning", "3  What came of it")
_STAGES = {
    "looking": "Looking at the photos",
    "learning": "Learning from most of them in turns, to see what it brings",
    "learning from all": "Learning from all of them",
    "saving": "Saving",
}


class LearningDialog(QDialog):
    """Not modal: photos can be looked at meanwhile. Subclasses fill the first step.

    Signals:
        start_requested: the person wants to begin.
        cancel_requested: learning shall end.
        look_requested: see what would change in the open photos.
        use_requested: use the new model without looking.
        discard_requested: forget the new model.
        photos_requested: paths of photos to show, and what they are.
    """

    start_requested = Signal()
    cancel_requested = Signal()
    look_requested = Signal()
    use_requested = Signal()
    discard_requested = Signal()
    photos_requested = Signal(object, str)

    def __init__(self, title: str, look: str, decoder: ImageDecoder, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.steps = [plain_label(text, self) for text in _STEPS]
        self.intro = QWidget(self)
        self.problem = plain_label("", self)
        self.progress = QProgressBar(self)
        self.progress_text = plain_label("", self)
        self.result_page = ResultPage(decoder, self)
        self.start = QPushButton("&Learn from these", self)
        self.cancel = QPushButton("&Stop", self)
        self.look = QPushButton(look, self)
        self.use = QPushButton("&Use it now", self)
        self.discard = QPushButton("&Discard the new model", self)
        self.close_button = QPushButton("Close", self)
        self._stack = QStackedWidget(self)
        self._rate, self._stage = MovingRate(), ""
        self._lay_out()
        self._connect()
        self._show_step(0)
        fit_to_screen(self, _SIZE)

    def _lay_out(self) -> None:
        steps = QHBoxLayout()
        steps.setSpacing(18)
        for label in self.steps:
            label.setWordWrap(False)
            steps.addWidget(label)
        steps.addStretch(1)
        self._stack.addWidget(self.intro)
        self._stack.addWidget(self._learning_page())
        self._stack.addWidget(self.result_page)
        buttons = button_row(
            self.start, self.cancel, self.look, self.use, self.discard, close=self.close_button
        )
        layout = QVBoxLayout(self)
        layout.addLayout(steps)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.problem)
        layout.addLayout(buttons)

    def _learning_page(self) -> QWidget:
        page = QWidget(self)
        layout = QVBoxLayout(page)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of learning")
        layout.addWidget(self.progress_text)
        layout.addWidget(self.progress)
        layout.addWidget(
            muted_label(
                "What a photo looks like to the model is kept, so learning from the same photos "
                "again takes seconds. Tagging and browsing go on meanwhile.",
                page,
            )
        )
        layout.addStretch(1)
        return page

    def _connect(self) -> None:
        for button, wish in (
            (self.start, self.start_requested),
            (self.cancel, self.cancel_requested),
            (self.look, self.look_requested),
            (self.use, self.use_requested),
            (self.discard, self.discard_requested),
        ):
            button.clicked.connect(wish)
        self.result_page.photos_requested.connect(self.photos_requested)

    # What is shown.

    def show_intro(self, problem: str = "") -> None:
        """Back to the first step, saying why if it was not the person's wish."""
        self._show_step(0)
        self.problem.setText(problem)

    def show_progress(self, progress: TeachProgress | None) -> None:
        """Learning; ``None`` while nothing is known yet."""
        self._show_step(1)
        if progress is None:
            self._stage = ""
            self.progress.setRange(0, 0)
            self.progress_text.setText("Getting ready")
            return
        self.progress.setRange(0, progress.total)
        self.progress.setValue(progress.done)
        if progress.stage != self._stage:
            self._rate, self._stage = MovingRate(), progress.stage
        rate = self._rate.add(time.monotonic(), progress.done)
        self.progress_text.setText(progress_text(progress, rate))

    def show_report(self, report: TeachReport) -> None:
        """What came of it."""
        self._show_step(2)
        self.result_page.set_report(report)

    def show_saved(self, text: str, *, can_use: bool) -> None:
        """The model is saved; whether it is used may still be open."""
        self.result_page.set_text(text)
        for button in (self.look, self.discard):
            button.hide()
        self.use.setVisible(can_use)

    def _show_step(self, step: int) -> None:
        self._stack.setCurrentIndex(step)
        for place, label in enumerate(self.steps):
            label.setEnabled(place == step)
            font = label.font()
            font.setBold(place == step)
            label.setFont(font)
        self.problem.clear()
        self.start.setVisible(step == 0)
        self.cancel.setVisible(step == 1)
        for button in (self.look, self.use, self.discard):
            button.setVisible(step == 2)
        (self.start, self.cancel, self.look)[step].setDefault(step != 1)  # what Return does


class ImproveDialog(LearningDialog):
    """The person's corrections are what is learned from."""

    def __init__(self, decoder: ImageDecoder, parent: QWidget) -> None:
        super().__init__(
            "Improve the model with my corrections", "Save and see what &changes…", decoder, parent
        )
        self.counts: QLabel = heading("", self.intro)
        self.labels = plain_label("", self.intro)
        layout = QVBoxLayout(self.intro)
        layout.addWidget(self.counts)
        layout.addWidget(self.labels)
        for text in (
            "Labels that you accepted or added are there, rejected ones certainly are not. What "
            "you have not looked at does not count. What a label was taught with counts again.",
            "Only the last layer of the model learns, starting from what it knows. Labels that you "
            "have said nothing of stay exactly as they are, and so do those with fewer than "
            f"{FEWEST_TO_VALIDATE} photos that you said yes on and {FEWEST_TO_VALIDATE} that you "
            "said no on since the model last learned: nobody could tell whether they get better.",
            "Correct what is right as well as what is wrong: a model that hears of its mistakes "
            "alone gets worse on other photos.",
        ):
            layout.addWidget(plain_label(text, self.intro))
        layout.addStretch(1)

    def set_counts(self, text: str, labels: str, *, can_start: bool) -> None:
        """Say how many corrections there are, and which labels can learn from them."""
        self.counts.setText(text)
        self.labels.setText(labels)
        self.start.setEnabled(can_start)


class TeachDialog(LearningDialog):
    """Photos that show something new, and some that do not."""

    def __init__(self, decoder: ImageDecoder, parent: QWidget) -> None:
        super().__init__("Teach a new label", "Save and &rank my photos by it", decoder, parent)
        self.name = QLineEdit(self.intro)
        self.name.setAccessibleName("Name of the new label")
        self.name.setPlaceholderText("for example: lighthouse")
        self.showing = heading("", self.intro)
        self.others = QSpinBox(self.intro)
        self.others.setAccessibleName("Photos taken as without it")
        self.others_text = muted_label("", self.intro)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("&New label", self.name)
        form.addRow("Photos taken as with&out it", self.others)
        layout = QVBoxLayout(self.intro)
        layout.addWidget(self.showing)
        layout.addLayout(form)
        layout.addWidget(self.others_text)
        layout.addStretch(1)
        self.name.textChanged.connect(self._on_name_text_changed)
        self.name.returnPressed.connect(self._on_name_return_pressed)
        self._can_start = False
        self._check()

    @property
    def label_name(self) -> str:
        """What is typed."""
        return unquoted(self.name.text())

    def set_counts(self, showing: str, others: int, rejected: int, *, can_start: bool) -> None:
        """Say which photos there are.

        Args:
            showing: how many are selected, for people.
            others: photos that could be drawn.
            rejected: of those chosen, how many the person has said of that they do not show it.
            can_start: whether enough are selected.
        """
        self.showing.setText(showing)
        self.others.setRange(min(5, others), max(1, min(others, 1000)))
        self.others.setValue(min(others, 100))
        text = "They are drawn at random from the other open photos"
        if rejected:
            text = f"{rejected:,} that you rejected this label on; the others are drawn at random"
        text += ", and a few may show it all the same. Select all that do."
        self.others_text.setText(text)
        self._can_start = can_start
        self._check()

    @Slot()
    def _check(self) -> None:
        is_name = bool(self.label_name) and not self._name_problem()
        self.start.setEnabled(self._can_start and is_name)

    def _name_problem(self) -> str:
        return one_label_problem(self.name.text(), ()) if self.label_name else ""

    @Slot()
    def _on_name_text_changed(self) -> None:
        self.problem.setText(self._name_problem())
        self._check()

    @Slot()
    def _on_name_return_pressed(self) -> None:
        if not self.label_name:
            self.problem.setText("Name the label first.")

    @override
    def show_intro(self, problem: str = "") -> None:
        super().show_intro(problem)
        self.name.setFocus()

    @override
    def _show_step(self, step: int) -> None:
        super()._show_step(step)
        self.use.hide()


def progress_text(progress: TeachProgress, rate_per_s: float | None = None) -> str:
    """How far it is, and how long this stage takes yet; ``rate_per_s`` is ``None`` if unknown."""
    text = f"{_STAGES[progress.stage]}: {progress.done:,} of {progress.total:,}"
    missing = progress.total - progress.done
    left = remaining_text(missing / rate_per_s) if rate_per_s and missing else ""
    return " · ".join(part for part in (text, left) if part)
