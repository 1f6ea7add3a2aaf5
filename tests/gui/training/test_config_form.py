"""The form of all settings is made from the configs themselves."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtWidgets import QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from csra_gui.training.config_form import ConfigForm
from csra_gui.training.fields import FieldKind, field_specs, with_values
from csra_gui.training.record import TrainingRecord
from engine.api.config import HeadTrainConfig
from engine.api.errors import ConfigError
from engine.api.training_config import PRESETS, TrainConfig
from engine.api.training_reports import EpochReport, SampleReport


@pytest.fixture
def form(qtbot: QtBot) -> ConfigForm:
    form = ConfigForm()
    qtbot.addWidget(form)
    return form


@pytest.mark.parametrize("config", [TrainConfig, HeadTrainConfig])
def test_every_setting_has_a_row_with_a_caption_and_a_help(config: type) -> None:
    specs = field_specs(config)
    own = {field.name for field in dataclasses.fields(config)} - {"augment", "loss_settings"}
    assert own <= {spec.name for spec in specs}
    assert [spec.name for spec in specs if not spec.help or not spec.caption] == []
    assert all(spec.choices for spec in specs if spec.kind is FieldKind.CHOICE)


@pytest.mark.parametrize("config", [*PRESETS.values(), HeadTrainConfig()])
def test_what_nobody_touched_stays_to_the_bit(form: ConfigForm, config: object) -> None:
    form.set_config(config)
    assert form.config() == config


def test_edited_values_are_taken_over_also_those_of_inner_configs(form: ConfigForm) -> None:
    form.set_config(TrainConfig())
    epochs, crops = form.editor("epochs"), form.editor("augment.crop_scale")
    assert isinstance(epochs, QSpinBox)
    assert isinstance(crops, QLineEdit)
    epochs.setValue(3)
    crops.setText("0.6, 0.9")
    wanted = with_values(TrainConfig(), {"epochs": 3, "augment.crop_scale": (0.6, 0.9)})
    assert form.config() == wanted
    assert (wanted.epochs, wanted.augment.crop_scale) == (3, (0.6, 0.9))


@pytest.mark.parametrize(
    ("name", "text"),
    [("learning_rate", "fast"), ("learning_rate", "-1"), ("augment.crop_scale", "0.5")],
)
def test_nonsense_is_refused_in_words(form: ConfigForm, name: str, text: str) -> None:
    form.set_config(TrainConfig())
    editor = form.editor(name)
    assert isinstance(editor, QLineEdit)
    editor.setText(text)
    with pytest.raises(ConfigError):
        form.config()


def test_another_kind_of_config_gets_other_rows(form: ConfigForm) -> None:
    form.set_config(TrainConfig())
    form.set_config(HeadTrainConfig(epochs=7))
    assert form.config() == HeadTrainConfig(epochs=7)
    with pytest.raises(KeyError):
        form.editor("checkpoint_minutes")


def test_a_record_knows_the_best_epoch_and_keeps_the_first_samples() -> None:
    record = TrainingRecord()
    for epoch, value in enumerate((0.9, 0.5, 0.7, 0.6)):
        record.add(EpochReport(epoch, 1.0, value, category_ap=(value,)))
    for epoch in range(100):
        record.add(SampleReport(epoch, (), ()))
    assert record.best is not None
    assert record.best.epoch == 2  # what it started from is no epoch
    assert min(record.samples) == 0
    assert max(record.samples) == 99
    assert len(record.samples) < 100
