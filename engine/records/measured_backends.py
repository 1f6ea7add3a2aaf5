"""What runs each form of network fastest on this machine: measured once, and kept.

One small file holds it for all machines that share the folder. What it says counts as long as the
versions of the backends are those that were measured; a damaged file says nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from engine.atomic import write_text
from engine.records.folders import DAMAGE
from engine.resources import data_folder

_FILE = "backends.json"
_VERSION = 1
_MOST_BYTES = 4 << 20
_PROCESSORS = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class BackendMeasurement:
    """How one backend runs a network here.

    Attributes:
        backend: its name.
        runtime: with its version, for people.
        device: where it runs: "cpu", "cuda" or "mps".
        rate: photos per second in batches of ``batch``; decoding not counted.
        batch: photos at once that suit it.
        batch_seconds: that one batch takes.
        difference: largest from PyTorch, relative where values are above 1.
        date: ISO 8601, in UTC.
    """

    backend: str
    runtime: str
    device: str
    rate: float
    batch: int
    batch_seconds: float
    difference: float
    date: str


@dataclass(frozen=True, slots=True)
class NetworkRecord:
    """What is known of one form of network on this machine.

    Attributes:
        measurements: fastest first.
        aside: name of a backend → why it is not used, and the runtime that this is true of.
        wish: the backend that a person chose; empty for none.
    """

    measurements: tuple[BackendMeasurement, ...] = ()
    aside: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    wish: str = ""

    def of(self, backend: str) -> BackendMeasurement | None:
        """How one backend ran, if it was measured."""
        return next((m for m in self.measurements if m.backend == backend), None)

    def reason_against(self, backend: str, runtime: str) -> str:
        """Why a backend of this version was put aside; empty if it was not."""
        reason, version = self.aside.get(backend, ("", ""))
        return reason if version == runtime else ""


class MeasuredBackends:
    """The file.

    Args:
        file: ``None`` is that of the program.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = data_folder() / _FILE if file is None else file

    @property
    def changed_at(self) -> int:
        """When the file was written last, in nanoseconds; 0 if there is none."""
        with contextlib.suppress(OSError):
            return self._file.stat().st_mtime_ns
        return 0

    def find(self, network: str) -> NetworkRecord:
        """What is known of a network, by the key of its graph; empty if nothing."""
        try:
            return _record(self._read().get(machine_key(), {}).get(network, {}))
        except DAMAGE:
            return NetworkRecord()

    def keep(self, network: str, measurements: Sequence[BackendMeasurement]) -> None:
        """Keep what was measured, instead of what was before; who ran is no longer put aside.

        Raises:
            OSError: it cannot be written.
        """
        ranked = sorted(measurements, key=lambda one: -one.rate)
        ran = {one.backend for one in measurements}
        aside = {name: list(why) for name, why in self._aside(network).items() if name not in ran}
        self._change(network, {"measurements": [asdict(m) for m in ranked], "aside": aside})

    def put_aside(self, network: str, backend: str, runtime: str, reason: str) -> None:
        """Remember not to use a backend of this version for a network.

        Raises:
            OSError: it cannot be written.
        """
        aside = {name: list(why) for name, why in self._aside(network).items()}
        self._change(network, {"aside": {**aside, backend: [reason, runtime]}})

    def set_wish(self, network: str, backend: str) -> None:
        """Keep what a person chose; empty for nothing. What was put aside gets another chance.

        Raises:
            OSError: it cannot be written.
        """
        self._change(network, {"wish": backend, "aside": {}})

    def _aside(self, network: str) -> Mapping[str, tuple[str, str]]:
        return self.find(network).aside

    def _change(self, network: str, values: Mapping[str, Any]) -> None:
        machines = self._read()
        mine = machines.setdefault(machine_key(), {})
        mine[network] = {**mine.get(network, {}), **values}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        body = {"version": _VERSION, "machines": machines}
        write_text(self._file, json.dumps(body, indent=1) + "\n")

    def _read(self) -> dict[str, dict[str, Any]]:
        with contextlib.suppress(OSError, *DAMAGE):
            with self._file.open(encoding="utf-8") as stream:
                body = json.loads(stream.read(_MOST_BYTES))
            machines = dict(body["machines"])
            if body["version"] == _VERSION and all(isinstance(m, dict) for m in machines.values()):
                return machines
        return {}


@cache
def machine_key() -> str:
    """What tells machines apart that differ in speed."""
    facts = (platform.system(), platform.machine(), _processor(), os.cpu_count(), _cores())
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in _PROCESSORS.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _record(body: Mapping[str, Any]) -> NetworkRecord:
    measurements = tuple(BackendMeasurement(**one) for one in body.get("measurements", ()))
    aside = {str(name): (str(a), str(b)) for name, (a, b) in body.get("aside", {}).items()}
    return NetworkRecord(measurements, aside, str(body.get("wish", "")))
