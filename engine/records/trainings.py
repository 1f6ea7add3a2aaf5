"""Trainings: what was asked, and how far each came.

Each is a folder, those of the window in the person's data: ``run.json`` says what was asked, so
that a run that was interrupted goes on with exactly that, and with which program it was started
each time; the rest is written by the training itself.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typing_extensions import override

from engine.api.categories import Categories
from engine.api.config import HeadTrainConfig, LossSettings
from engine.api.errors import DataError
from engine.api.training import DatasetSource, LabelSource, ModelStart, TrainRequest
from engine.api.training_config import AugmentConfig, TrainConfig
from engine.api.training_reports import Ending, EpochReport
from engine.records.evaluations import now
from engine.records.folders import Record, RecordStore, open_arrays
from engine.records.models import check_model_name
from engine.records.training_lock import TrainingGoesOnError, goes_on_text, is_running
from engine.texts import display_path

_LABELS, _LOG = "labels.npz", "log.jsonl"


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """One training on the disk.

    Attributes:
        folder: its own.
        request: what was asked; ``resume`` is set.
        created: seconds since 1970.
        ending: how it ended, ``STOPPED`` if the person stopped it; ``None`` if it was interrupted
            or still goes on.
        note: of the person.
        epochs: that were finished, in order.
        has_state: whether it can go on from where it stopped.
        is_running: whether some program runs it now.
        title: as it was kept, with a mark of what speaks against its numbers; empty takes that of
            the request.
    """

    folder: Path
    request: TrainRequest
    created: float
    ending: Ending | None = None
    note: str = ""
    epochs: tuple[EpochReport, ...] = ()
    has_state: bool = False
    is_running: bool = False
    title: str = ""

    @property
    def name(self) -> str:
        """For people."""
        return self.title or self.request.title

    @property
    def best_map(self) -> float:
        """The best mean average precision so far, 0 to 1; NaN without any that says anything."""
        values = [e.val_map for e in self.epochs if e.is_judged]
        return max(values, default=math.nan)

    @property
    def best_file(self) -> Path | None:
        """The best model so far, if there is one."""
        file = self.request.best_file
        return file if file.is_file() else None

    @property
    def has_begun(self) -> bool:
        """Whether anything of it would be lost with its folder."""
        return bool(self.epochs) or self.has_state or self.best_file is not None

    @property
    def can_resume(self) -> bool:
        """Whether going on makes sense: it was stopped or interrupted, and nobody runs it."""
        is_heads = isinstance(self.request.config, HeadTrainConfig)
        over = self.ending in (Ending.DONE, Ending.NO_GAIN)
        return not (over or self.is_running) and (self.has_state or is_heads or not self.epochs)


class TrainingStore(RecordStore[TrainingRun]):
    """The trainings, each in a folder that the training itself writes to."""

    noun = "training"
    place = "trainings"
    version = ("version", 1)
    note_file = RecordStore.description

    def new_folder(self, name: str) -> Path:
        """A folder for a new run, not there yet.

        Raises:
            ModelError: the name cannot be used.
        """
        stem = f"{time.strftime('%Y-%m-%d')} {check_model_name(name)}"
        names = (stem, *(f"{stem} ({i})" for i in range(2, 10_000)))
        return next(self.root / n for n in names if not (self.root / n).exists())

    def keep(self, request: TrainRequest) -> TrainingRun:
        """Write down what is asked, before it starts.

        Raises:
            DataError: the disk does not take it.
        """
        if request.output.exists():
            raise DataError(f"There is a training in {display_path(request.output)} already.")
        return self._kept(request)

    def note_start(
        self, request: TrainRequest, made_with: Mapping[str, str], seen_images: int = 0
    ) -> None:
        """Write down that a training begins or goes on, and with what.

        What begins anew replaces what was kept of another one in that folder.

        Args:
            request: what is asked.
            made_with: program, commit, backend and so on, caption and text.
            seen_images: how many of those to judge by are learned from, too.

        Raises:
            DataError: the disk does not take it.
        """
        folder = request.output
        if not (request.resume and (folder / self.description).is_file()):
            self._kept(request)
        before = self._beside(folder, self.description).get("starts")
        command = {name: text for name, text in request.provenance if name == "command"}
        start = {"date": now(), **made_with, "decode": request.config.decode, **command}
        starts = [*(before if isinstance(before, list) else ()), start]
        seen = {"validation images learned from": seen_images} if seen_images else {}
        title = request.title_when(seen_images)
        self._change(folder, self.description, starts=starts, title=title, **seen)

    def _kept(self, request: TrainRequest) -> TrainingRun:
        folder, created, source = request.output, time.time(), request.source
        arrays = {}
        if isinstance(source, LabelSource):
            arrays = {"targets": source.targets, "ignored": source.ignored}
        values = {"created": created, "ending": None, "note": "", **_description(request)}
        self._keep(folder, values, _LABELS, arrays)
        return TrainingRun(folder, dataclasses.replace(request, resume=True), created)

    def records(self) -> list[Record[TrainingRun]]:
        """All records, newest first, those that cannot be read last."""
        return sorted(super().records(), key=lambda r: -r.value.created if r.value else math.inf)

    @override
    def delete(self, path: Path) -> None:
        if is_running(path):
            raise TrainingGoesOnError(goes_on_text(path.name))
        super().delete(path)

    def set_ending(self, path: Path, ending: Ending | None) -> None:
        """Note how a run ended; ``None`` when it goes on.

        Raises:
            DataError: the disk does not take it.
        """
        self._change(path, self.description, ending=ending)

    def _parse(self, path: Path) -> TrainingRun:
        values = self._described(path)
        return TrainingRun(
            path,
            _request(values, path),
            float(values["created"]),
            None if values.get("ending") is None else Ending(values["ending"]),
            str(values.get("note", "")),
            _epochs(path),
            any(path.glob("state-*.pt")),
            is_running(path),
            str(values.get("title", "")),
        )


def _epochs(folder: Path) -> tuple[EpochReport, ...]:
    """The finished epochs by a run's log; a damaged line is passed over."""
    try:
        lines = (folder / _LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    names = {field.name for field in dataclasses.fields(EpochReport)}
    found = {}
    for line in lines:
        try:
            values = json.loads(line)
            if values.get("kind") == "epoch":
                report = EpochReport(**{k: _number(v) for k, v in values.items() if k in names})
                found[report.epoch] = report
        except (ValueError, TypeError, AttributeError):
            continue  # the last line may be half written
    return tuple(found[epoch] for epoch in sorted(found))


def _number(value: Any) -> Any:
    """JSON has no NaN; it is written as null."""
    if isinstance(value, list):
        return tuple(_number(part) for part in value)
    return math.nan if value is None else value


def _description(request: TrainRequest) -> dict[str, object]:
    source: dict[str, Any]
    if isinstance(request.source, DatasetSource):
        source = {"kind": "dataset", **dataclasses.asdict(request.source)}
        source = {**source, "dataset": request.source.kind, "kind": "dataset"}
        source["root"] = str(request.source.root)
    else:
        labels = request.source
        source = {
            "kind": "labels",
            "name": labels.name,
            "categories": list(labels.categories),
            "paths": [str(path) for path in labels.paths],
            "ids": list(labels.ids),
            "val_fraction": labels.val_fraction,
        }
    is_heads = isinstance(request.config, HeadTrainConfig)
    return {
        "name": request.name,
        "title": request.title,
        "source": source,
        "chosen on the test split": request.is_chosen_on_test,
        "trains": "heads" if is_heads else "network",
        "config": dataclasses.asdict(request.config),
        "start": _finite(dataclasses.asdict(request.start)),
        "device": request.device,
        "cache": str(request.cache),
        "samples": request.samples,
        "provenance": [list(pair) for pair in request.provenance],
    }


def _finite(start: dict[str, Any]) -> dict[str, Any]:
    if start["temperatures"] is not None:
        start["temperatures"] = ["max" if math.isinf(t) else t for t in start["temperatures"]]
    return start


def _request(values: dict[str, Any], folder: Path) -> TrainRequest:
    start = dict(values["start"])
    if start["temperatures"] is not None:
        start["temperatures"] = tuple(
            math.inf if t == "max" else float(t) for t in start["temperatures"]
        )
    return TrainRequest(
        source=_source(values["source"], folder),
        output=folder,
        config=_config(values["trains"], values["config"]),
        start=ModelStart(**start),
        name=values["name"],
        device=values["device"],
        cache=Path(values["cache"]),
        resume=True,
        samples=int(values["samples"]),
        provenance=tuple((str(name), str(text)) for name, text in values["provenance"]),
    )


def _config(trains: str, values: dict[str, Any]) -> TrainConfig | HeadTrainConfig:
    # Programs that kept no such setting left out detail; what goes on goes on as it began.
    plain = {"decode": "fast", **_with_tuples(values)}
    if "loss_settings" in plain:
        plain["loss_settings"] = LossSettings(**plain["loss_settings"])
    if trains == "heads":
        return HeadTrainConfig(**plain)
    augment = AugmentConfig(**_with_tuples(plain["augment"]))
    return TrainConfig(**{**plain, "augment": augment})


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has lists alone."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}


def _source(values: dict[str, Any], folder: Path) -> DatasetSource | LabelSource:
    if values["kind"] == "dataset":
        return DatasetSource(
            values["dataset"],
            Path(values["root"]),
            values["split"],
            values["val_split"],
            values["val_fraction"],
        )
    with open_arrays(folder / _LABELS) as labels:
        targets, ignored = labels["targets"].astype(bool), labels["ignored"].astype(bool)
    return LabelSource(
        values["name"],
        Categories(tuple(values["categories"])),
        tuple(Path(path) for path in values["paths"]),
        targets,
        ignored,
        values["val_fraction"],
        tuple(values["ids"]),
    )
