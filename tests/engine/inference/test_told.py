from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.inference.graphs import graph_key
from engine.inference.told import what_runs
from engine.records.backend_kinds import BACKENDS
from engine.records.measured_backends import BackendMeasurement, MeasuredBackends
from tests.engine.tiny_models import tiny_config

NETWORK = graph_key(tiny_config())
ONNX = BackendMeasurement("onnx", "O 1", "cpu", 41.3, 1, 0.02, 0.0, "2026-01-02T03:04:05+00:00")
TORCH = replace(ONNX, backend="torch", runtime="P 2", rate=4.26)


def test_nothing_is_said_of_what_was_not_measured(tmp_path: Path) -> None:
    assert what_runs(tiny_config(), MeasuredBackends(tmp_path / "x.json")) == ""


def test_the_fastest_comes_first_and_the_one_chosen_by_hand_before_it(tmp_path: Path) -> None:
    kept = MeasuredBackends(tmp_path / "x.json")
    kept.keep(NETWORK, [TORCH, ONNX])
    assert what_runs(tiny_config(), kept) == (
        "O 1: 41 photos per second (P 2: 4.3 photos per second), "
        "measured on this computer on 2026-01-02"
    )
    kept.set_wish(NETWORK, "torch")
    assert what_runs(tiny_config(), kept).startswith("P 2: 4.3 photos per second (O 1: 41")
    assert "chosen by hand" in what_runs(tiny_config(), kept)


def test_what_was_chosen_by_hand_is_said_before_anything_is_measured(tmp_path: Path) -> None:
    kept = MeasuredBackends(tmp_path / "x.json")
    kept.set_wish(NETWORK, "torch")
    assert what_runs(tiny_config(), kept) == "PyTorch, chosen by hand, not measured yet"


def test_what_was_put_aside_is_said_as_long_as_its_version_is_here(tmp_path: Path) -> None:
    kept = MeasuredBackends(tmp_path / "x.json")
    kept.put_aside(NETWORK, "onnx", BACKENDS["onnx"].runtime, "it failed.")
    kept.put_aside(NETWORK, "torch", "PyTorch 0.1", "too old")
    assert what_runs(tiny_config(), kept) == f"{BACKENDS['onnx'].runtime} was put aside: it failed"
