"""``models measure``: what runs a model fastest on this machine, and who shall run it."""

from __future__ import annotations

import argparse
import sys

from engine.api.errors import ModelError
from engine.cli.common import EXIT_DONE, say, with_bar
from engine.inference.graphs import graph_key
from engine.inference.weights import read_weights
from engine.records.backend_kinds import AUTO, BACKENDS, INT8_BACKENDS
from engine.records.catalogue import find_model
from engine.records.int8_networks import Int8Networks
from engine.records.measured_backends import MeasuredBackends, NetworkRecord
from engine.records.model_record import is_ours
from engine.resources import data_folder
from engine.service.measuring import measure
from engine.texts import reason_text


def measure_model(options: argparse.Namespace) -> int:
    """Measure, or keep a choice; then say how it stands."""
    path = find_model(options.model)
    if not is_ours(path):
        raise ModelError(f"{path.name!r} is not a model of this program. Import it first.")
    weights = read_weights(path)
    network, kept = graph_key(weights.record.config), MeasuredBackends()
    try:
        if options.use is not None:
            kept.set_wish(network, "" if options.use == AUTO else options.use)
        else:
            with_bar(measure(path, options.device), "measuring")
    except OSError as error:
        reason = reason_text(error)
        raise ModelError(f"This cannot be kept in {data_folder()}: {reason}.") from error
    for line in _table(kept.find(network)):
        sys.stdout.write(line + "\n")
    wish = kept.find(network).wish
    if wish and wish not in INT8_BACKENDS and Int8Networks().is_kept(weights.id):
        say(f"{BACKENDS[wish].title} does not run int8; in int8 it is passed over.")
    return EXIT_DONE


def _table(record: NetworkRecord) -> list[str]:
    lines = [
        f"{one.runtime:<24}  {one.device:<5} {one.rate:8.1f} photos/s  in batches of {one.batch}"
        f" ({1000 * one.batch_seconds:.0f} ms)"
        for one in record.measurements
    ]
    if not lines and not record.wish:
        say("Nothing was measured yet.")
    for name, (reason, runtime) in record.aside.items():
        title = BACKENDS[name].title if name in BACKENDS else name
        lines.append(f"{runtime or title:<24}  put aside: {reason}")
    if record.wish:
        lines.append(f"Chosen by hand: {BACKENDS[record.wish].title} (--use auto takes that back)")
    return lines
