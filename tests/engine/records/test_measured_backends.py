from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.records.measured_backends import BackendMeasurement, MeasuredBackends, NetworkRecord


def measured(backend: str, rate: float, **changes: object) -> BackendMeasurement:
    values: dict[str, object] = {
        "runtime": f"{backend} 1.0",
        "device": "cpu",
        "batch": 2,
        "batch_seconds": 2 / rate,
        "difference": 1e-6,
        "date": "2026-01-01T00:00:00+00:00",
    }
    # Values of several types cannot be told apart in one mapping.
    return BackendMeasurement(backend, rate=rate, **{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def kept(tmp_path: Path) -> MeasuredBackends:
    return MeasuredBackends(tmp_path / "deep" / "backends.json")


def test_what_was_measured_is_found_again_fastest_first(kept: MeasuredBackends) -> None:
    kept.keep("a", [measured("torch", 3.0), measured("onnx", 9.0)])
    kept.keep("b", [measured("torch", 4.0)])
    assert [m.backend for m in kept.find("a").measurements] == ["onnx", "torch"]
    assert kept.find("a").of("onnx") == measured("onnx", 9.0)
    assert [m.rate for m in kept.find("b").measurements] == [4.0]
    assert kept.find("c") == NetworkRecord()


def test_what_was_put_aside_stays_so_until_its_version_changes(kept: MeasuredBackends) -> None:
    kept.put_aside("a", "onnx", "ONNX Runtime 1.0", "it failed")
    assert kept.find("a").reason_against("onnx", "ONNX Runtime 1.0") == "it failed"
    assert kept.find("a").reason_against("onnx", "ONNX Runtime 1.1") == ""
    assert kept.find("a").reason_against("torch", "PyTorch 2") == ""
    kept.keep("a", [measured("torch", 3.0)])
    assert kept.find("a").reason_against("onnx", "ONNX Runtime 1.0") == "it failed"
    kept.keep("a", [measured("onnx", 3.0)])
    assert kept.find("a").reason_against("onnx", "ONNX Runtime 1.0") == ""


def test_a_choice_by_hand_is_kept_beside_what_was_measured(kept: MeasuredBackends) -> None:
    kept.keep("a", [measured("onnx", 9.0)])
    kept.put_aside("a", "openvino", "OpenVINO 1", "it failed")
    kept.set_wish("a", "torch")
    assert (kept.find("a").wish, len(kept.find("a").measurements)) == ("torch", 1)
    assert kept.find("a").reason_against("openvino", "OpenVINO 1") == ""
    kept.set_wish("a", "")
    assert kept.find("a").wish == ""


def damaged(text: str) -> str:
    body = json.loads(text)
    [machine] = body["machines"].values()
    machine["a"] = {"measurements": [{"backend": "onnx"}], "aside": {"x": 3}}
    return json.dumps(body)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-20],
        lambda text: "[1, 2]",
        lambda text: text.replace('"version": 1', '"version": 7'),
        lambda text: '{"version": 1, "machines": {"x": 3}}',
        damaged,
    ],
)
def test_a_damaged_file_says_nothing_and_is_written_anew(
    tmp_path: Path, damage: Callable[[str], str]
) -> None:
    file = tmp_path / "backends.json"
    kept = MeasuredBackends(file)
    kept.keep("a", [measured("onnx", 9.0)])
    file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")
    assert kept.find("a") == NetworkRecord()
    kept.keep("a", [measured("onnx", 8.0)])
    assert kept.find("a").measurements == (measured("onnx", 8.0),)


def test_machines_that_share_a_folder_do_not_share_figures(
    kept: MeasuredBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.keep("a", [measured("onnx", 9.0)])
    monkeypatch.setattr("engine.records.measured_backends.machine_key", lambda: "another")
    assert kept.find("a") == NetworkRecord()
    kept.keep("a", [measured("onnx", 1.0)])
    monkeypatch.undo()
    assert kept.find("a").measurements == (measured("onnx", 9.0),)
