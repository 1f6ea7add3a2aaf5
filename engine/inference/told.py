"""What runs a model here, in a sentence for people."""

from __future__ import annotations

from engine.api.config import ModelConfig
from engine.inference.graphs import graph_key
from engine.records.backend_kinds import BACKENDS
from engine.records.measured_backends import BackendMeasurement, MeasuredBackends, NetworkRecord
from engine.texts import number


def what_runs(config: ModelConfig, kept: MeasuredBackends | None = None) -> str:
    """What was measured of a model's form on this machine; empty if nothing was.

    Args:
        config: of the model.
        kept: where it was kept; ``None`` is the program's own file.
    """
    record = (kept or MeasuredBackends()).find(graph_key(config))
    parts = [_measured(record), *(_put_aside(record))]
    return "; ".join(part for part in parts if part)


def _measured(record: NetworkRecord) -> str:
    if not record.measurements:
        chosen = BACKENDS.get(record.wish)
        return "" if chosen is None else f"{chosen.title}, chosen by hand, not measured yet"
    wanted = record.of(record.wish)
    first = record.measurements[0] if wanted is None else wanted
    others = [_rate(one) for one in record.measurements if one is not first]
    beside = f" ({', '.join(others)})" if others else ""
    how = "chosen by hand, " if wanted is not None else ""
    return f"{_rate(first)}{beside}, {how}measured on this computer on {first.date[:10]}"


def _rate(one: BackendMeasurement) -> str:
    digits = 0 if one.rate >= 10 else 1
    return f"{one.runtime}: {number(one.rate, digits)} photos per second"


def _put_aside(record: NetworkRecord) -> list[str]:
    return [
        f"{runtime} was put aside: {reason.rstrip('.')}"
        for name, (reason, runtime) in record.aside.items()
        if name in BACKENDS and BACKENDS[name].runtime == runtime
    ]
