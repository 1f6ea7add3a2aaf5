import csv
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from engine.api.config import HeadConfig
from engine.api.errors import CheckpointError, ConfigError
from engine.checkpoints.half import HALVED_FROM, halved
from engine.checkpoints.safetensors_model import load_checkpoint, save_checkpoint
from engine.explain.evidence import activate
from engine.pytorch.torch_backend import TorchBackend
from engine.records.model_record import CheckpointRecord
from engine.records.models import shipped_models
from engine.records.safetensors_header import read_header
from engine.resources import resource_path
from tests.engine.tiny_models import (
    rewrite,
    save_tiny_model,
    tiny_classifier,
    tiny_config,
    tiny_record,
)
from tests.paths import needs

PWNED = Path("/tmp/PWNED")


def sample_photos():
    return sorted(resource_path("samples").glob("*.jpg"))


def sample_pixels(path, side):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((side, side)))


@pytest.fixture
def model_file(tmp_path):
    return save_tiny_model(tmp_path / "tiny.safetensors")


def test_a_saved_model_comes_back_with_the_same_scores_and_record(model_file):
    loaded = load_checkpoint(model_file)
    images = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(
        loaded.classifier(images).logits, tiny_classifier()(images).logits, rtol=0, atol=0
    )
    assert loaded.record == tiny_record()


@pytest.mark.skipif(os.name == "nt", reason="permission bits are POSIX")
def test_a_saved_model_has_the_permissions_of_any_new_file(model_file, tmp_path):
    (tmp_path / "plain").touch()
    assert model_file.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_max_pooling_survives_the_file(tmp_path):
    config = tiny_config(HeadConfig((1.0, 2.0, 4.0, math.inf), 0.5))
    path = save_tiny_model(tmp_path / "four.safetensors", config)
    assert load_checkpoint(path).record.config == config


@pytest.mark.slow
def test_half_precision_keeps_the_scores_of_photos_to_a_thousandth(tmp_path):
    """Of a real network whose weights are no multiples of what float16 can say."""
    whole = load_checkpoint(shipped_models()["csra-lite0-voc"])
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in whole.classifier.parameters():
            weight.mul_(1.0 + 2.0**-11 * (torch.rand(weight.shape, generator=generator) - 0.5))
    path = tmp_path / "half.safetensors"
    save_checkpoint(path, whole.classifier, whole.record, half=True)
    smaller = load_checkpoint(path)
    types = read_header(path).dtypes
    assert types["heads.weight"] == types["backbone.network.conv_stem.weight"] == "F32"
    assert types["backbone.network.conv_head.weight"] == "F16"
    assert path.stat().st_size < 0.6 * 4 * sum(p.numel() for p in whole.classifier.parameters())
    pixels = np.stack([sample_pixels(photo, 448) for photo in sample_photos()[:2]])
    scores = [
        activate(TorchBackend(model.classifier, torch.device("cpu")).run(pixels).logits, "sigmoid")
        for model in (whole, smaller)
    ]
    assert 0 < np.abs(scores[0] - scores[1]).max() < 1e-3


def test_halved_numbers_are_neighbours_and_the_errors_of_a_channel_cancel():
    whole = torch.randn(8, HALVED_FROM // 8, generator=torch.Generator().manual_seed(1))
    stored = halved(whole).float()
    assert halved(whole[:4]).dtype == torch.float32  # a small one stays whole
    assert (stored - whole).abs().max() <= (whole.abs().max() * 2.0**-10)
    nearest = (whole.half().float() - whole).double().sum(1).abs()
    assert ((stored - whole).double().sum(1).abs() < 1e-3).all() and nearest.max() > 5e-3


@pytest.mark.slow
def test_a_model_stored_in_half_precision_is_not_rounded_again(tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    shipped = load_checkpoint(next(iter(shipped_models().values())))
    save_checkpoint(first, shipped.classifier, shipped.record, half=True)
    save_checkpoint(second, load_checkpoint(first).classifier, shipped.record, half=True)
    assert load_checkpoint(first).id == load_checkpoint(second).id


def test_the_id_follows_weights_and_form_alone(tmp_path, model_file):
    again = save_tiny_model(tmp_path / "other-name.safetensors")
    first = load_checkpoint(model_file).id
    assert load_checkpoint(again).id == first
    rewrite(again, model={"name": "renamed", "results": {"val mAP": 0.1}, "thresholds": None})
    assert load_checkpoint(again).id == first
    preprocess = json.loads(read_header(again).metadata["model"])["preprocess"]
    rewrite(again, model={"preprocess": {**preprocess, "resize": "letterbox"}})
    assert load_checkpoint(again).id != first


def test_every_single_bit_flip_in_the_weights_is_noticed(model_file):
    data = bytearray(model_file.read_bytes())
    for position in np.random.default_rng(0).integers(len(data) - 100_000, len(data), size=5):
        flipped = bytearray(data)
        flipped[position] ^= 1
        model_file.write_bytes(flipped)
        with pytest.raises(CheckpointError, match="checksum"):
            load_checkpoint(model_file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metadata": {"format": "other"}}, "not saved by this program"),
        ({"metadata": {"version": "99"}}, "Update the program"),
        ({"metadata": {"model": "{"}}, "description is damaged"),
        ({"metadata": {"model": "[" * 100_000}}, "description is damaged"),
        ({"model": {"categories": ["a", "b"]}}, "does not fit"),
        ({"model": {"categories": ["a", "a", "b", "c", "d"]}}, "listed twice"),
        ({"model": {"categories": ["a", "", "b", "c", "d"]}}, "not a category name"),
        ({"model": {"categories": ["a", "\u202eb", "c", "d", "e"]}}, "control characters"),
        ({"model": {"categories": ["a", "x" * 100_000, "c", "d", "e"]}}, "at most"),
        ({"model": {"categories": "abcde"}}, "description is damaged"),
        ({"model": {"backbone": "timm:hf_hub:evil/model"}}, "no backbone"),
        ({"model": {"backbone": "../../etc/passwd"}}, "no backbone"),
        ({"model": {"thresholds": [0.5]}}, "thresholds do not fit"),
        ({"tensors": {"heads.weight": torch.zeros(1, 2, 3)}}, "should be"),
        ({"tensors": {"surplus": torch.zeros(1)}}, "1 are unknown"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_reason(model_file, change, message):
    rewrite(model_file, **change)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(model_file)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("heads.weight", math.nan, "not numbers"),
        ("heads.weight", math.inf, "not numbers"),
        ("heads.standardization.running_var", -1.0, "negative variance"),
    ],
)
def test_weights_that_cannot_work_are_refused(tmp_path, name, value, message):
    classifier = tiny_classifier()
    classifier.state_dict()[name].fill_(value)
    path = tmp_path / "broken.safetensors"
    save_checkpoint(path, classifier, tiny_record())
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)


def test_a_file_cut_anywhere_is_refused(model_file):
    data = model_file.read_bytes()
    for length in (0, 1, 7, 8, 9, 100, 5_000, len(data) // 2, len(data) - 1):
        model_file.write_bytes(data[:length])
        with pytest.raises(CheckpointError):
            load_checkpoint(model_file)


def test_a_missing_file_is_an_error_in_plain_words(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot be opened: No such file"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_saving_into_a_folder_that_is_not_there_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="could not be saved"):
        save_checkpoint(tmp_path / "no" / "x.safetensors", tiny_classifier(), tiny_record())


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(model_file, monkeypatch):
    before = model_file.read_bytes()

    def full_disk(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full_disk)
    with pytest.raises(CheckpointError, match="No space left"):
        save_checkpoint(model_file, tiny_classifier(), tiny_record())
    assert model_file.read_bytes() == before
    assert list(model_file.parent.iterdir()) == [model_file]


def test_a_record_refuses_thresholds_out_of_range():
    with pytest.raises(ConfigError, match="between 0 and 1"):
        CheckpointRecord(tiny_config(), "x", thresholds=(0.5, 0.5, 2.0, 0.5, 0.5))


def test_no_hostile_model_file_runs_code_or_opens():
    folder = needs("data", "badmodels")
    PWNED.unlink(missing_ok=True)
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    assert len(names) > 60
    for name in names:
        with pytest.raises(CheckpointError):
            load_checkpoint(folder / name)
    assert not PWNED.exists()
