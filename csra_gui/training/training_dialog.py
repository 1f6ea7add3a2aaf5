"""One training: what it needs, how it goes, what came of it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.training.progress_view import ProgressView
from csra_gui.training.runner import Phase, TrainingEnd, TrainingRunner
from csra_gui.widgets.fact_sheet import FactSheet
from csra_gui.widgets.message_bar import MessageBar, MessageLevel
from csra_gui.widgets.windows import button_row, fit_to_screen
from engine.api.label_names import shown_label
from engine.api.training_reports import FEW_IMAGES, Preflight, TrainReport
from engine.api.validation import FEWEST_TO_VALIDATE
from engine.records.trainings import TrainingRun
from engine.texts import about, display_text, gib

_SIZE = QSize(920, 660)


class TrainingDialog(QDialog):
    """Follows the runner; closing it stops nothing.

    Signals:
        use_requested: the person wants the run's best model; carries the ``TrainingRun``.
        runs_requested: the person wants to see all trainings.
    """

    use_requested = Signal(object)
    runs_requested = Signal()

    def __init__(
        self, runner: TrainingRunner, decoder: ImageDecoder, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._run: TrainingRun | None = None
        self.setWindowTitle("Training")
        self.message_bar = MessageBar(self)
        self.preflight = FactSheet(self)
        self.view = ProgressView(decoder, self)
        self.begin = QPushButton("&Start training", self)
        self.pause = QPushButton("&Pause", self)
        self.after_epoch = QPushButton("Stop after this &epoch and keep", self)
        self.stop = QPushButton("S&top now", self)
        self.use = QPushButton("&Use this model now", self)
        self.runs = QPushButton("All t&rainings…", self)
        self.close_button = QPushButton("Close", self)
        self._stack = QStackedWidget(self)
        self._set_up_layout()
        self._connect()
        self.show_runner()
        fit_to_screen(self, _SIZE)

    def _set_up_layout(self) -> None:
        self._stack.addWidget(self.view)
        self._stack.addWidget(self.preflight)
        buttons = button_row(
            self.begin,
            self.pause,
            self.after_epoch,
            self.stop,
            self.use,
            self.runs,
            close=self.close_button,
        )
        self.after_epoch.setToolTip("The epoch is finished and validated; the best model is kept.")
        self.stop.setToolTip("The state is saved, so that the training can be gone on with.")
        layout = QVBoxLayout(self)
        layout.addWidget(self.message_bar)
        layout.addWidget(self._stack, 1)
        layout.addLayout(buttons)

    def _connect(self) -> None:
        runner = self._runner
        runner.phase_changed.connect(self._on_runner_phase_changed)
        runner.reported.connect(self._on_runner_reported)
        runner.ended.connect(self._on_runner_ended)
        self.begin.clicked.connect(runner.go_on)
        self.pause.clicked.connect(self._on_pause_clicked)
        self.after_epoch.clicked.connect(runner.stop_after_epoch)
        self.stop.clicked.connect(runner.stop_now)
        self.use.clicked.connect(self._on_use_clicked)
        self.runs.clicked.connect(self.runs_requested)

    @Slot()
    def show_runner(self) -> None:
        """Show the training that goes on, or the last one."""
        runner = self._runner
        self._run = runner.run
        name = "" if runner.run is None else display_text(runner.run.name)
        self.setWindowTitle(f"Training — {name}" if name else "Training")
        self.view.set_record(runner.record)
        self._on_runner_phase_changed()

    @Slot()
    def _on_runner_phase_changed(self) -> None:
        runner = self._runner
        if runner.run is not self._run:
            self.message_bar.clear()
            self.show_runner()
            return
        phase, record = runner.phase, runner.record
        asks = phase is Phase.ASKING and record.preflight is not None
        if record.preflight is not None:
            self.preflight.set_facts("Before it starts", preflight_facts(record.preflight))
        self._stack.setCurrentWidget(self.preflight if asks else self.view)
        self.view.set_phase(phase)
        runs = phase in (Phase.RUNNING, Phase.PAUSING, Phase.PAUSED)
        waits = phase in (Phase.PAUSING, Phase.PAUSED)
        self.begin.setVisible(asks)
        self.pause.setText("&Continue" if waits else "&Pause")
        self.pause.setVisible(runs)
        self.after_epoch.setVisible(runs)
        self.stop.setVisible(phase is not Phase.ENDED)
        self.stop.setEnabled(phase is not Phase.STOPPING)
        self._show_use()

    @Slot(object)
    def _on_runner_reported(self, reports: tuple[TrainReport, ...]) -> None:
        self.view.add(reports)
        self._show_use()

    @Slot(object)
    def _on_runner_ended(self, end: TrainingEnd) -> None:
        if end.error is not None:
            self.message_bar.show_message(str(end.error), MessageLevel.ERROR, None, "training")
        self._show_use()

    def _show_use(self) -> None:
        record = self._runner.record
        self.use.setVisible(record.best is not None and self._runner.phase is Phase.ENDED)

    @Slot()
    def _on_pause_clicked(self) -> None:
        if self._runner.phase is Phase.RUNNING:
            self._runner.pause()
        else:
            self._runner.go_on()

    @Slot()
    def _on_use_clicked(self) -> None:
        if self._run is not None:
            self.use_requested.emit(self._run)


def preflight_facts(report: Preflight) -> list[tuple[str, str]]:
    """What a run will need, for people."""
    counts = ", ".join(f"{shown_label(n)} {c:,}" for n, c in report.images_per_category)
    facts = [("Warning", text) for text in report.warnings()]
    if report.rare:
        rare = ", ".join(shown_label(name) for name in report.rare)
        facts.append((f"Fewer than {FEW_IMAGES} images: little can be learned of these", rare))
    if report.without_negatives:
        names = ", ".join(shown_label(name) for name in report.without_negatives)
        facts.append(("No image certainly lacks these: reject them on some photos", names))
    if report.unjudged:
        names = ", ".join(shown_label(name) for name in report.unjudged)
        few = f"fewer than {FEWEST_TO_VALIDATE} photos with or without these to validate on"
        facts.append((f"Cannot be judged: {few}", names))
    facts += [
        *((name, display_text(text)) for name, text in report.plan),
        ("Images", f"{report.train_images:,} to learn from, {report.val_images:,} to validate on"),
        ("Images per label", counts),
        ("Time", f"{about(report.seconds)}, beside looking at the images once"),
        ("Memory", f"about {gib(report.memory_bytes)}{_free(report.free_memory_bytes)}"),
        ("Disk", f"about {gib(report.disk_bytes)}{_free(report.free_bytes)}"),
    ]
    facts += [("Left out or odd", display_text(text)) for text in report.problems]
    return facts


def _free(count: int) -> str:
    return f"; {gib(count)} free" if count else ""
