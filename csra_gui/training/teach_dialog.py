"""Learning from a person in three steps: what is learned from, learning, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

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

from csra_gui.session.typed_labels import one_label_problem, unquoted
from csra_gui.widgets.labels import heading, muted_label, plain_label
from csra_gui.widgets.table import Cell, Table
from csra_gui.widgets.windows import button_row, fit_to_screen
from engine.api.label_names import shown_label
from engine.api.teaching import TaughtCategory, TeachProgress, TeachReport
from engine.texts import duration

_HEADER = ("Label", "You said yes", "You said no", "Right before", "Right after")
_SIZE = QSize(640, 460)
_STEPS = ("1  What it learns from", "2  Learning", "3  What came of it")
_STAGES = {
    "looking": "Looking at the photos",
    "learning": "Learning from most of them, to see what it brings",
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
    """

    start_requested = Signal()
    cancel_requested = Signal()
    look_requested = Signal()
    use_requested = Signal()
    discard_requested = Signal()

    def __init__(self, title: str, look: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.steps = [plain_label(text, self) for text in _STEPS]
        self.intro = QWidget(self)
        self.problem = plain_label("", self)
        self.progress = QProgressBar(self)
        self.progress_text = plain_label("", self)
        self.summary = plain_label("", self)
        self.table = Table(_HEADER, "Before and after", self)
        self.start = QPushButton("&Learn from these", self)
        self.cancel = QPushButton("&Stop", self)
        self.look = QPushButton(look, self)
        self.use = QPushButton("&Use it now", self)
        self.discard = QPushButton("&Discard the new model", self)
        self.close_button = QPushButton("Close", self)
        self._stack = QStackedWidget(self)
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
        self._stack.addWidget(self._result_page())
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

    def _result_page(self) -> QWidget:
        page = QWidget(self)
        layout = QVBoxLayout(page)
        layout.addWidget(self.summary)
        layout.addWidget(self.table, 1)
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

    # What is shown.

    def show_intro(self, problem: str = "") -> None:
        """Back to the first step, saying why if it was not the person's wish."""
        self._show_step(0)
        self.problem.setText(problem)

    def show_progress(self, progress: TeachProgress | None) -> None:
        """Learning; ``None`` while nothing is known yet."""
        self._show_step(1)
        if progress is None:
            self.progress.setRange(0, 0)
            self.progress_text.setText("Getting ready")
            return
        self.progress.setRange(0, progress.total)
        self.progress.setValue(progress.done)
        self.progress_text.setText(progress_text(progress))

    def show_report(self, report: TeachReport) -> None:
        """Before and after."""
        self._show_step(2)
        self.summary.setText(f"{summary(report)} It took {duration(report.seconds)}.")
        self.table.set_rows(table_rows(report.categories))

    def show_saved(self, text: str, *, can_use: bool) -> None:
        """The model is saved; whether it is used may still be open."""
        self.summary.setText(text)
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


class ImproveDialog(LearningDialog):
    """The person's corrections are what is learned from."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "Improve the model with my corrections", "Save and see what &changes…", parent
        )
        self.counts: QLabel = heading("", self.intro)
        layout = QVBoxLayout(self.intro)
        layout.addWidget(self.counts)
        for text in (
            "Labels that you accepted or added are there, rejected ones certainly are not. What "
            "you have not looked at does not count.",
            "Only the last layer of the model learns, starting from what it knows. Labels that you "
            "have said nothing of stay exactly as they are. A quarter of the photos is kept apart "
            "to see what it brings.",
            "Correct what is right as well as what is wrong: a model that hears of its mistakes "
            "alone gets worse on other photos.",
        ):
            layout.addWidget(plain_label(text, self.intro))
        layout.addStretch(1)

    def set_counts(self, text: str, *, can_start: bool) -> None:
        """Say how many corrections there are."""
        self.counts.setText(text)
        self.start.setEnabled(can_start)


class TeachDialog(LearningDialog):
    """Photos that show something new, and some that do not."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Teach a new label", "Save and &rank my photos by it", parent)
        self.name = QLineEdit(self.intro)
        self.name.setAccessibleName("Name of the new label")
        self.name.setPlaceholderText("for example: lighthouse")
        self.showing = heading("", self.intro)
        self.others = QSpinBox(self.intro)
        self.others.setAccessibleName("Photos that do not show it")
        self.others_text = muted_label("", self.intro)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("&New label", self.name)
        form.addRow("Photos that do &not show it", self.others)
        layout = QVBoxLayout(self.intro)
        layout.addWidget(self.showing)
        layout.addLayout(form)
        layout.addWidget(self.others_text)
        layout.addStretch(1)
        self.name.textChanged.connect(self._on_name_text_changed)
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
        text = "They are drawn at random from the other open photos."
        if rejected:
            text = f"{rejected:,} that you rejected this label on, the others at random."
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

    @override
    def _show_step(self, step: int) -> None:
        super()._show_step(step)
        self.use.hide()


def progress_text(progress: TeachProgress) -> str:
    """How far it is."""
    return f"{_STAGES[progress.stage]}: {progress.done:,} of {progress.total:,}"


def summary(report: TeachReport) -> str:
    """Before and after on photos kept apart, in one sentence or two."""
    judged = sum(category.judged for category in report.categories)
    if not judged:
        return (
            "There are too few corrections to keep some apart and check with them. Look at what "
            "changes below."
        )
    after = sum(category.right_after for category in report.categories)
    text = f"Of {judged:,} labels kept apart, {after:,} are right after learning from the others"
    befores = [category.right_before for category in report.categories]
    if any(before is None for before in befores):
        return f"{text}. The new model has learned from all of them."
    before = sum(before for before in befores if before is not None)
    text += f"; {before:,} were right before. The new model has learned from all of them."
    if after <= before:
        text += (
            " These corrections brought nothing for other photos. More of them help, of what is "
            "right as well as of what is wrong."
        )
    return text


def table_rows(categories: Sequence[TaughtCategory]) -> list[tuple[Cell, ...]]:
    """Label, yes, no, right before, right after; those that changed most first."""
    ranked = sorted(categories, key=lambda c: -abs(c.right_after - (c.right_before or 0)))
    return [
        (
            Cell(shown_label(category.name)),
            Cell(f"{category.positives:,}", category.positives),
            Cell(f"{category.negatives:,}", category.negatives),
            Cell(_share(category.right_before, category.judged), category.right_before),
            Cell(_share(category.right_after, category.judged), category.right_after),
        )
        for category in ranked
    ]


def _share(right: int | None, judged: int) -> str:
    if right is None:
        return "not known"
    return f"{right:,} of {judged:,}" if judged else "–"
