"""Thresholds and calibration that a model's file carries."""

import math

import numpy as np
import pytest

from engine import cli
from engine.api.calibration import LogitScaling
from engine.api.categories import shipped_categories
from engine.api.config import ModelConfig
from engine.api.errors import CheckpointError, ConfigError
from engine.api.values import ModelImport
from engine.checkpoints.exchange import export_model, import_file
from engine.checkpoints.safetensors_model import load_checkpoint, save_checkpoint
from engine.cli.models_fit import told
from engine.evaluation.calibrate import fit
from engine.explain.explanation import explanation
from engine.metrics.scaling import fit_calibration
from engine.records.model_record import CheckpointRecord, from_metadata, to_metadata
from engine.records.models import default_store, shipped_models
from engine.records.safetensors_header import read_header
from engine.service.local import LocalEngine
from tests.engine.data.datasets.devkits import write_devkit, write_picture
from tests.engine.some_scores import some_scores
from tests.engine.tiny_models import (
    rewrite,
    save_tiny_model,
    tiny_classifier,
    tiny_config,
    tiny_record,
)

SCALING = LogitScaling((0.5, 1.0, 2.0, 1.5, 0.25), (0.0, -1.0, 1.0, 0.5, 0.0))


def calibrated_record():
    return CheckpointRecord(tiny_config(), "calibrated", calibration=SCALING)


def made_up(num_images, seed=0, slope=0.6, offset=-0.5):
    """Logits (N, 3) that are right as often as sigmoid(slope · logit + offset) says."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1.0, 2.5, (num_images, 3)).astype(np.float32)
    chance = 1.0 / (1.0 + np.exp(-(slope * logits + offset)))
    return logits, rng.random(logits.shape) < chance


def test_a_calibration_survives_the_file_its_import_and_its_export(tmp_path):
    file = tmp_path / "calibrated.safetensors"
    save_checkpoint(file, tiny_classifier(), calibrated_record())
    assert load_checkpoint(file).record.calibration == SCALING
    assert import_file(default_store(), ModelImport(file, "Mine")) == "Mine"
    export_model(default_store().models()["Mine"], tmp_path / "out.safetensors")
    assert load_checkpoint(tmp_path / "out.safetensors").record.calibration == SCALING
    engine = LocalEngine("cpu", num_workers=1)
    try:
        assert engine.open_model("Mine").calibration == SCALING
    finally:
        engine.close()


def test_a_file_without_a_calibration_keeps_the_text_that_its_id_is_made_of():
    text = to_metadata(tiny_record(), "0")["model"]
    assert "calibration" not in text
    assert from_metadata(to_metadata(tiny_record(), "0")).calibration is None


@pytest.mark.parametrize(
    "calibration",
    [
        {"slopes": [1.0] * 5, "offsets": [0.0] * 4},
        {"slopes": [1.0] * 4, "offsets": [0.0] * 4},
        {"slopes": [1.0, 1.0, 0.0, 1.0, 1.0], "offsets": [0.0] * 5},
        {"slopes": [1.0, 1.0, math.inf, 1.0, 1.0], "offsets": [0.0] * 5},
        {"slopes": [1.0] * 5, "offsets": [0.0, math.nan, 0.0, 0.0, 0.0]},
        {"slopes": "11111", "offsets": [0.0] * 5},
        {"slopes": [1.0] * 5},
        [1.0, 0.0],
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused(tmp_path, calibration):
    file = save_tiny_model(tmp_path / "tiny.safetensors")
    rewrite(file, model={"calibration": calibration})
    with pytest.raises(CheckpointError, match="description is damaged"):
        load_checkpoint(file)


def test_a_record_refuses_a_calibration_of_another_number_of_categories():
    with pytest.raises(ConfigError, match="does not fit 5"):
        CheckpointRecord(tiny_config(), "x", calibration=LogitScaling((1.0,), (0.0,)))


def test_scores_calibrate_as_their_logits_do_and_the_ends_stay_finite():
    logits = np.linspace(-9.0, 9.0, 30, dtype=np.float32).reshape(-1, 1) * np.ones(5, "f4")
    scores = 1.0 / (1.0 + np.exp(-logits.astype("f8")))
    np.testing.assert_allclose(SCALING.of_scores(scores), SCALING.scores(logits), atol=1e-6)
    ends = SCALING.of_scores(np.array([[0.0] * 5, [1.0] * 5], dtype=np.float32))
    assert np.isfinite(ends).all() and (ends[0] < ends[1]).all()
    assert SCALING.of_score(0.5, 2) == pytest.approx(1.0 / (1.0 + math.exp(-1.0)))


def test_a_category_with_few_images_stays_near_what_all_have_in_common():
    logits, targets = made_up(3000)
    ignored = np.zeros_like(targets)
    ignored[4:, 1] = True
    ignored[:, 2] = True
    logits[:4, 1], targets[:4, 1] = (-2.0, 0.0, 0.5, 3.0), True
    fitted = fit_calibration(logits, targets, ignored)
    common = fitted.slopes[2], fitted.offsets[2]
    assert common == pytest.approx((0.6, -0.5), abs=0.1)
    assert fitted.slopes[1] == pytest.approx(common[0], abs=0.3)
    assert common[1] < fitted.offsets[1] < common[1] + 0.6


def test_what_was_learned_lowers_the_error_on_images_it_was_not_learned_from():
    learned = fit(*made_up(1500))
    assert learned.error_after < 0.5 * learned.error_before
    assert learned.images == 1500
    few = fit(*made_up(9))
    assert math.isnan(few.error_after)
    assert "nan" not in told(few, "x") and "takes 10 images or more to say" in told(few, "x")
    assert "% on held-out fifths." in told(learned, "x")


@pytest.fixture
def labelled(tmp_path):
    """Twelve photos of three of VOC's categories, and a model of all twenty."""
    names = [f"{i:06}" for i in range(12)]
    folder = write_devkit(
        tmp_path / "data", {n: [(("dog", "cat", "person")[int(n) % 3], False)] for n in names}
    )
    for name in names:
        write_picture(folder / "JPEGImages" / f"{name}.jpg", (60, 50))
    base = tiny_config()
    config = ModelConfig(base.backbone, shipped_categories("voc"), base.head, base.preprocess)
    model = tmp_path / "model.safetensors"
    save_checkpoint(model, tiny_classifier(config), CheckpointRecord(config, "tiny voc"), half=True)
    return model, ["--dataset", "voc2007", "--data", str(tmp_path / "data"), "--split", "train"]


def test_the_command_puts_both_into_the_file_and_leaves_the_weights_alone(labelled, capsys):
    model, data = labelled
    before = read_header(model).metadata["weights_sha256"]
    assert cli.run(["models", "fit", str(model), *data, "--device", "cpu"]) == 0
    assert "held-out" in capsys.readouterr().err
    record = load_checkpoint(model).record
    assert record.thresholds is not None and record.calibration is not None
    assert len(record.thresholds) == len(record.calibration.slopes) == 20
    assert "12 images" in record.provenance["thresholds and calibration"]
    assert read_header(model).metadata["weights_sha256"] == before
    assert cli.run(["models", "show", str(model)]) == 0
    assert "calibration" in capsys.readouterr().out


def test_a_model_that_ships_is_only_fitted_into_another_file(labelled, capsys):
    _, data = labelled
    name, path = next(iter(shipped_models().items()))
    before = path.read_bytes()
    assert cli.run(["models", "fit", name, *data]) == 1
    assert "--output" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_an_explanation_says_how_many_of_a_hundred_such_scores_are_right():
    scores = some_scores()
    count = scores.values.shape[1]
    calibration = LogitScaling(tuple(1.0 + c for c in range(count)), (0.3,) * count)
    why = explanation(scores, 1, 0.5, calibration)
    assert why.calibrated == pytest.approx(1.0 / (1.0 + math.exp(-2.0 * why.logit - 0.3)), abs=1e-5)
    assert why.right_of_100 == round(100 * why.calibrated)
    assert why.score == explanation(scores, 1).score
    assert explanation(scores, 1).right_of_100 is None
