"""The reports of a training as lines and progress bars on the terminal."""

from __future__ import annotations

from tqdm import tqdm

from engine.api.training_reports import (
    Ending,
    EpochReport,
    Preflight,
    PreparationReport,
    StepReport,
    TrainingEnded,
    TrainingStarted,
    TrainReport,
)
from engine.cli.common import say
from engine.texts import display_path, percent, rate_text, remaining_text

_STEPS_PER_LINE = 10


class Teller:
    """Says what a training reports; close it at the end."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._name = ""
        self._epochs = 0
        self._is_judged = True
        self._chosen_on = ""

    def tell(self, report: TrainReport) -> None:
        """Say one report."""
        if isinstance(report, PreparationReport):
            self._show_progress(report)
            return
        self.close()
        if isinstance(report, Preflight):
            seen = "images that it learned from" if report.seen_images else ""
            self._chosen_on = report.chosen_on or seen
            for line in report.lines():
                say(line)
        elif isinstance(report, TrainingStarted):
            self._epochs = report.epochs
            say(f"trains on: {report.device}")
            if report.step:
                say(f"Going on after step {report.step}.")
        elif isinstance(report, StepReport) and report.step % _STEPS_PER_LINE == 0:
            say(_step_line(report))
        elif isinstance(report, EpochReport):
            self._is_judged = report.is_judged
            say(
                f"epoch {report.epoch} of {self._epochs}: "
                f"loss {report.loss:.4f}, {_quality(report)}"
            )
        elif isinstance(report, TrainingEnded):
            _say_end(report, is_judged=self._is_judged)
            if self._chosen_on and report.best is not None:
                say(f"It was chosen on {self._chosen_on}; the model's name says so.")

    def close(self) -> None:
        """End a progress bar that is shown."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _show_progress(self, report: PreparationReport) -> None:
        if self._bar is None or self._name != report.name:
            self.close()
            self._name = report.name
            self._bar = tqdm(total=report.total, desc=report.name, unit="image", disable=None)
        self._bar.update(report.done - self._bar.n)


def _step_line(report: StepReport) -> str:
    parts = (
        f"step {report.step} of {report.total}: loss {report.loss:.4f}",
        f"rate {report.lr:.2g}",
        rate_text(report.images_per_second),
        remaining_text(report.remaining_seconds),
    )
    return ", ".join(part for part in parts if part)


def _quality(report: EpochReport) -> str:
    if not report.is_judged:
        return "quality cannot be judged: too few validation images"
    ends = report.interval
    sure = "" if ends is None else f" ({percent(ends[0])} to {percent(ends[1])})"
    counts = len(report.judged), len(report.category_ap)
    of = f", of {counts[0]} of {counts[1]} categories" if counts[0] < counts[1] else ""
    return f"val mAP {percent(report.val_map, ' %')}{sure}{of}"


def _say_end(report: TrainingEnded, *, is_judged: bool) -> None:
    if report.ending is Ending.NO_GAIN:
        say("Ended early: no epoch of late was better.")
    if report.ending is Ending.STOPPED:
        say("Stopped; --resume goes on from here." if report.can_resume else "Stopped.")
    if report.best is not None:
        best = f"best: val mAP {percent(report.val_map, ' %')}" if is_judged else "the latest"
        say(f"{best}, saved to {display_path(report.best)}")
