"""The settings of a training as a file for people."""

import dataclasses
import math
import tomllib
from pathlib import Path

import pytest

from engine.api.config import HeadTrainConfig
from engine.api.errors import ConfigError, DataError
from engine.api.training import DatasetSource, ModelStart, TrainRequest
from engine.api.training_config import PRESETS, AugmentConfig, TrainConfig
from engine.records.training_files import (
    TrainingSettings,
    read_training_file,
    setting,
    toml_of,
)

NETWORK = TrainConfig(
    epochs=7,
    learning_rate=1e-5,
    frozen=("layer1", 'odd "name"'),
    augment=AugmentConfig(crop_scale=(1, 1), mixing="mixup"),
)


def request_for(folder, config=NETWORK, **changes):
    request = TrainRequest(
        DatasetSource("coco", folder / "Größe\x7f", "all", val_fraction=0.25, follow_links=True),
        folder / "run",
        config,
        ModelStart("csra-lite0-voc", form="paper-coco", temperatures=(1.0, math.inf), lam=0.4),
        name='My "model"',
        device="cpu",
        cache=folder / "cache",
        tensorboard=True,
    )
    return dataclasses.replace(request, **changes)


def write(folder, text):
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("config", [NETWORK, HeadTrainConfig(epochs=3, flip=False)])
def test_what_is_written_is_the_same_training_when_it_is_read(tmp_path, config):
    request = request_for(tmp_path, config)
    read = read_training_file(write(tmp_path, toml_of(request)))
    again = read.overruled_by(TrainingSettings({"output": request.output})).request()
    for part in dataclasses.fields(TrainRequest):
        assert getattr(again, part.name) == getattr(request, part.name), part.name


@pytest.mark.parametrize("preset", PRESETS)
def test_every_setting_of_every_preset_is_written(tmp_path, preset):
    table = tomllib.loads(toml_of(request_for(tmp_path, PRESETS[preset])))
    names = {entry.name for entry in dataclasses.fields(TrainConfig)}
    assert table["training"].keys() == names
    assert table["training"]["augment"].keys() == {
        entry.name for entry in dataclasses.fields(AugmentConfig)
    }


def test_what_a_file_does_not_say_is_as_its_preset_says(tmp_path):
    file = write(
        tmp_path,
        'preset = "paper-wider"\noutput = "run"\n[data]\nkind = "wider"\nroot = "WIDER"\n'
        "[training]\nbatch_size = 8\n[training.augment]\ncutout = 0.1\n",
    )
    request = read_training_file(file).request()
    wanted = PRESETS["paper-wider"]
    augment = dataclasses.replace(wanted.augment, cutout=0.1)
    assert request.config == dataclasses.replace(wanted, batch_size=8, augment=augment)
    assert request.start == ModelStart(backbone="vit_b16", form="paper-wider")
    assert (request.source.root, request.output) == (tmp_path / "WIDER", tmp_path / "run")


def test_a_model_beside_the_file_is_taken_before_a_name(tmp_path):
    file = write(tmp_path, '[start]\nmodel = "w"\nbackbone = "resnet18"\n')
    assert read_training_file(file).start["model"] == "w"
    (tmp_path / "w").touch()
    assert read_training_file(file).start["model"] == str(tmp_path / "w")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", r"no setting 'epoch'\. "),
        ("[training]\nepoch = 3", r"no setting 'epoch' in \[training\]\. Did you mean 'epochs'\?"),
        ("[trainin]\nepochs = 3", r"no setting 'trainin'\. Did you mean 'training'\?"),
        (
            'preset = "paper"\n[training.augment]\ncut = 0.1',
            r"no setting 'cut' in \[training.augment\]\. Did you mean 'cutout'\?",
        ),
        ("[training]\noptimizer = 'sgd'", "no setting 'optimizer'"),  # quick has none
        ('preset = "papers"', "no preset 'papers'. Did you mean 'paper'"),
        ("[training]\nepochs = 'ten'", 'epochs .*must be a whole number, not "ten"'),
        ("[training]\nepochs = true", "whole number, not true"),
        ("[training]\nflip = 1", "true or false, not 1"),
        ("[training]\nloss = 'mse'", 'loss .*must be .*bce.*, not "mse"'),
        ("preset = 'paper'\n[training.augment]\ncrop_scale = [1]", "list of 2 numbers"),
        ("training = 3", r"must be a section: \[training\]"),
        ("preset = 'paper'\n[training]\naugment = 3", r"section: \[training.augment\]"),
        ("[start]\nlam = 'much'", "lam .*must be a number"),
        ("[data]\nval_split = 'val'\nval_fraction = 0.2", "both val_split and val_fraction"),
        ("name = 3", "name must be a text, not 3"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_the_file_and_what_is_meant(tmp_path, text, message):
    file = write(tmp_path, text)
    with pytest.raises(ConfigError, match=message) as told:
        read_training_file(file)
    assert str(told.value).startswith(str(file)) and "\n" not in str(told.value)


def test_a_file_that_is_none_is_told(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_training_file(tmp_path / "none.toml")
    with pytest.raises(DataError, match="not a TOML file"):
        read_training_file(write(tmp_path, "epochs 3"))


def test_a_training_without_data_or_output_says_how_to_give_them(tmp_path):
    with pytest.raises(ConfigError, match="--data DIR"):
        TrainingSettings().request()
    with pytest.raises(ConfigError, match="--output DIR"):
        TrainingSettings(data={"root": tmp_path}).request()


def test_single_settings_are_known_by_their_dotted_names():
    assert setting(TrainConfig, "augment.cutout", 1) == {"augment": {"cutout": 1.0}}
    assert setting(TrainConfig, "frozen", "layer1, layer2") == {"frozen": ("layer1", "layer2")}
    assert setting(TrainConfig, "augment.crop_scale", (1, 1)) == {
        "augment": {"crop_scale": (1.0, 1.0)}
    }
    with pytest.raises(ConfigError, match=r"'augment.cut'. Did you mean 'augment.cutout'"):
        setting(TrainConfig, "augment.cut", 1)
    with pytest.raises(ConfigError, match="ema_decay must be a number"):
        setting(HeadTrainConfig, "ema_decay", "fast")


def test_folders_with_names_that_are_not_utf_8_do_not_end_a_training(tmp_path):
    from engine.records.training_files import write_training_file

    (tmp_path / "run").mkdir()
    source = DatasetSource("coco", Path("/data/\udcff"))
    write_training_file(request_for(tmp_path, source=source))
    assert read_training_file(tmp_path / "run" / "train.toml").data["kind"] == "coco"
