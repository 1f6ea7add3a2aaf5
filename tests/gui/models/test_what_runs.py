"""What runs a model: seen and chosen in the Models dialog, and said when something goes wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from csra_gui.models.entries import read_entries
from engine.inference.graphs import graph_key
from engine.records.backend_kinds import BACKENDS
from engine.records.int8_networks import Int8Figures, Int8Networks
from engine.records.measured_backends import BackendMeasurement, MeasuredBackends
from engine.records.model_record import from_metadata, model_id
from engine.records.models import default_store, shipped_models
from engine.records.safetensors_header import read_header
from tests.fakes import SHIPPED, FakeEngine
from tests.gui.driver import Start, open_dialog, own_model, wait_for_model, wait_until_tagged

ASIDE = "ONNX Runtime was put aside, since a batch failed (no memory). PyTorch goes on."


def network_of(name: str) -> str:
    return graph_key(from_metadata(read_header(shipped_models()[name]).metadata).config)


def test_what_was_measured_is_shown_and_another_one_can_be_chosen(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    kept, network = MeasuredBackends(), network_of(SHIPPED)
    onnx, torch = BACKENDS["onnx"].runtime, BACKENDS["torch"].runtime
    fast = BackendMeasurement("onnx", onnx, "cpu", 40.0, 2, 0.05, 1e-6, "2026-01-02T00:00:00")
    kept.keep(network, [fast, replace(fast, backend="torch", runtime=torch, rate=12.0)])
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, SHIPPED)
    assert f"{onnx}: 40 photos per second" in dialog.sheet.toPlainText()
    assert dialog.run_with._actions[""].isChecked()

    with qtbot.waitSignal(application.session.models.switched):  # it is opened anew
        dialog.run_with._actions["torch"].trigger()
    qtbot.waitUntil(lambda: "chosen by hand" in dialog.sheet.toPlainText())
    assert dialog.run_with._actions["torch"].isChecked()
    assert kept.find(network).wish == "torch"

    dialog.run_with._actions[""].trigger()
    qtbot.waitUntil(lambda: "chosen by hand" not in dialog.sheet.toPlainText())
    assert kept.find(network).wish == ""


def test_what_runs_another_model_is_kept_without_opening_it(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    own_model(engine, "mine")
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, "mine")
    used = application.session.models.model
    dialog.run_with._actions["torch"].trigger()
    qtbot.waitUntil(lambda: dialog.current is not None and dialog.current.runs_with == "torch")
    assert application.session.models.model is used


def test_a_file_that_cannot_be_written_is_said(
    qtbot: QtBot, start: Start, engine: FakeEngine, tmp_path: Path, monkeypatch
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, SHIPPED)

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(MeasuredBackends, "set_wish", full)
    dialog.run_with._actions["torch"].trigger()
    qtbot.waitUntil(lambda: "no space left" in "".join(dialog.message_bar.texts()))
    qtbot.waitUntil(dialog.run_with._actions[""].isChecked)  # what counts, not what was wished


def test_what_was_put_aside_is_said_when_a_model_is_opened(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    mine = own_model(engine, "mine")
    engine.models["mine"] = replace(engine.models["mine"], note=ASIDE)
    application = start()
    wait_for_model(qtbot, application)
    application.session.models.use("mine")
    wait_for_model(qtbot, application, mine.id)
    assert ASIDE in application.window.message_bar.texts()


def test_what_was_put_aside_is_said_while_photos_are_tagged(
    qtbot: QtBot, start: Start, engine: FakeEngine, photos: Path
) -> None:
    noted: list[Path] = []

    def note_first(prediction):
        first = not noted
        noted.append(prediction.path)
        return replace(prediction, note=ASIDE) if first else prediction

    engine.revise = note_first
    application = start([photos])
    wait_until_tagged(qtbot, application)
    assert application.window.message_bar.texts().count(ASIDE) == 1


@pytest.mark.parametrize(("after", "begins"), [(0.899, "-0.10 mAP"), (0.8, "not offered")])
def test_what_int8_was_measured_to_cost_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: float, begins: str
) -> None:
    monkeypatch.setenv("CSRA_GUI_DATA", str(tmp_path))
    shipped = next(iter(shipped_models().values()))
    known = model_id(read_header(shipped).metadata)
    figures = Int8Figures("val", "train", "2026-01-01", 0.9, after, 0.995, 5, 9, "a", "onnx", "b")
    Int8Networks().keep(known, figures, b"network")
    entry = read_entries(default_store()).models[0]
    assert dict(entry.details)["Faster (int8)"].startswith(begins)


FIGURES = Int8Figures(
    "VOC2007 val", "train", "2026-01-01", 0.9, 0.8997, 0.995, 4, 10, "a", "onnx", "b"
)


def id_of(name: str) -> str:
    return model_id(read_header(shipped_models()[name]).metadata)


def test_int8_can_be_chosen_where_it_was_made_and_is_offered(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    kept, known = Int8Networks(), id_of(SHIPPED)
    kept.keep(known, FIGURES, b"network")
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, SHIPPED)
    full, int8 = dialog.run_with._full, dialog.run_with._int8
    assert full.isChecked()
    assert int8.isEnabled()
    assert "−0.03 mAP, 2.5 times as fast, measured on VOC2007 val" in int8.text()
    assert "Labels may differ a little" in int8.toolTip()

    with qtbot.waitSignal(application.session.models.switched):  # it is opened anew
        int8.trigger()
    qtbot.waitUntil(lambda: "int8, chosen by hand: 10.0 photos" in dialog.sheet.toPlainText())
    assert int8.isChecked()
    assert kept.is_chosen(known)

    with qtbot.waitSignal(application.session.models.switched):
        full.trigger()
    qtbot.waitUntil(lambda: "int8, chosen by hand" not in dialog.sheet.toPlainText())
    assert full.isChecked()
    assert not kept.is_chosen(known)


@pytest.mark.parametrize("why", ["never made", "not good enough", "no longer there", "damaged"])
def test_int8_cannot_be_chosen_where_it_is_not_offered_but_left(
    qtbot: QtBot, start: Start, engine: FakeEngine, why: str
) -> None:
    kept, known = Int8Networks(), id_of(SHIPPED)
    kept.choose(known, int8=True)
    if why == "not good enough":
        kept.keep(known, replace(FIGURES, map_int8=0.8), b"network")
    elif why == "no longer there":
        kept.keep(known, FIGURES, b"network")
        kept._network(known).unlink()
    elif why == "damaged":
        kept.keep(known, FIGURES, b"network")
        kept._network(known).write_bytes(b"netw0rk")
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, SHIPPED)
    int8, tip = dialog.run_with._int8, " ".join(dialog.run_with._int8.toolTip().split())
    assert not int8.isEnabled()
    assert ("not good enough" if why == "not good enough" else "csra models quantize") in tip
    assert int8.isChecked()
    assert "int8 was chosen, but there is no" in dialog.sheet.toPlainText()
    dialog.run_with._full.trigger()
    qtbot.waitUntil(lambda: not kept.is_chosen(known))


def test_in_int8_only_what_runs_it_can_be_chosen(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    kept, known = Int8Networks(), id_of(SHIPPED)
    kept.keep(known, FIGURES, b"network")
    MeasuredBackends().set_wish(network_of(SHIPPED), "torch")
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, SHIPPED)
    run_with = dialog.run_with
    torch, onnx = run_with._actions["torch"], run_with._actions["onnx"]
    assert torch.isChecked()
    assert torch.isEnabled()
    run_with._int8.trigger()
    qtbot.waitUntil(lambda: not torch.isEnabled())
    assert "not in int8" in torch.text()
    assert "Choose Full precision" in torch.toolTip()
    assert onnx.isEnabled()
    assert run_with._actions[""].isChecked()  # as it is run
    run_with._full.trigger()
    qtbot.waitUntil(torch.isEnabled)
    assert torch.text() == BACKENDS["torch"].title
    assert torch.isChecked()


def test_an_open_dialog_sees_a_network_made_by_the_command_line(
    qtbot: QtBot, start: Start, engine: FakeEngine
) -> None:
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, SHIPPED)
    assert not dialog.run_with._int8.isEnabled()
    application.window.activateWindow()
    qtbot.waitUntil(lambda: not dialog.isActiveWindow())
    Int8Networks().keep(id_of(SHIPPED), FIGURES, b"network")
    dialog.activateWindow()
    qtbot.waitUntil(dialog.run_with._int8.isEnabled)


def test_a_choice_of_int8_that_cannot_be_kept_is_said(
    qtbot: QtBot, start: Start, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    Int8Networks().keep(id_of(SHIPPED), FIGURES, b"network")
    application = start()
    wait_for_model(qtbot, application)
    dialog = open_dialog(qtbot, application, SHIPPED)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Int8Networks, "choose", full)
    dialog.run_with._int8.trigger()
    qtbot.waitUntil(lambda: "no space left" in "".join(dialog.message_bar.texts()))
    qtbot.waitUntil(dialog.run_with._full.isChecked)  # what counts, not what was wished
