import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine import cli
from engine.api.config import PredictConfig, ThumbnailWish
from engine.api.errors import (
    CheckpointError,
    ConfigError,
    EngineStoppedError,
    ImageError,
    ModelError,
)
from engine.api.facts import Fact
from engine.api.geometry import Box
from engine.api.values import Prediction
from engine.checkpoints.safetensors_model import load_checkpoint
from engine.cli.output import CsvWriter
from engine.data.decoding.decode import decode
from engine.explain import evidence
from engine.records.thumbnail_cache import ThumbnailCache, ThumbnailKey
from engine.service.local import LocalEngine
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model, tiny_config


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture(scope="module")
def engine():
    engine = LocalEngine("cpu", num_workers=1)
    yield engine
    engine.close()


@pytest.fixture
def photos(tmp_path):
    """Eight photos; the fourth is broken."""
    rng = np.random.default_rng(0)
    for i in range(8):
        pixels = rng.integers(0, 256, (40 + 7 * i, 90, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    (tmp_path / "3.png").write_bytes(b"not a picture")
    return sorted(tmp_path.glob("*.png"))


@pytest.mark.parametrize("batch_size", [0, 1, 3, 100])
def test_each_photo_has_its_own_row_in_order_whatever_the_batch(
    engine, model_file, photos, batch_size
):
    info = engine.open_model(str(model_file))
    predictions = list(engine.predict(info.id, photos, PredictConfig(batch_size)))
    assert [p.path for p in predictions] == photos
    assert [p.path.name for p in predictions if p.error] == ["3.png"]
    single = next(engine.predict(info.id, photos[5:6]))
    np.testing.assert_allclose(predictions[5].scores, single.scores, atol=1e-5)
    assert (predictions[5].width, predictions[5].height) == (90, 75)


def test_scores_are_the_sigmoid_of_the_networks_logits(engine, model_file, photos):
    info = engine.open_model(str(model_file))
    scores = next(engine.predict(info.id, photos)).scores
    pixels = torch.from_numpy(decode(photos[0], 64, "squash").pixels).float() / 255
    images = ((pixels - 0.5) / 0.5).permute(2, 0, 1)[None]
    expected = torch.sigmoid(load_checkpoint(model_file).classifier(images).logits)[0]
    np.testing.assert_allclose(scores, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("resize", ["squash", "letterbox"])
def test_maps_come_from_the_same_scores_and_know_where_the_photo_lies(
    engine, photos, tmp_path, resize
):
    path = save_tiny_model(tmp_path / f"{resize}.safetensors", tiny_config(resize=resize))
    info = engine.open_model(str(path))
    explained = engine.explain(info.id, photos[0])
    predicted = next(engine.predict(info.id, photos)).scores
    np.testing.assert_allclose(evidence.sigmoid(evidence.logits(explained)), predicted, atol=1e-5)
    assert (explained.width, explained.height) == (90, 40)
    assert (explained.content.top > 0) == (resize == "letterbox")


def test_a_broken_photo_cannot_be_explained_and_the_message_says_why(engine, model_file, photos):
    info = engine.open_model(str(model_file))
    with pytest.raises(ImageError, match="not a picture"):
        engine.explain(info.id, photos[3])


def test_the_same_model_twice_is_loaded_once_and_a_changed_file_anew(engine, tmp_path):
    path = save_tiny_model(tmp_path / "m.safetensors")
    first = engine.open_model(str(path))
    assert engine.open_model(str(path)) is first
    save_tiny_model(path, tiny_config(resize="letterbox"))
    assert engine.open_model(str(path)).id != first.id


def test_unknown_models_are_refused_in_plain_words(engine, tmp_path):
    with pytest.raises(ModelError, match="no model 'nothing'"):
        engine.open_model("nothing")
    with pytest.raises(ModelError, match="not open"):
        next(engine.predict("0000", []))
    (tmp_path / "evil.pth").write_bytes(b"\x80\x04cposix\nsystem\n.")
    with pytest.raises(CheckpointError):
        engine.open_model(str(tmp_path / "evil.pth"))


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ModelError, match="not a device"):
        LocalEngine("abacus")
    with pytest.raises(ModelError, match="no device 'cuda:99'"):
        LocalEngine("cuda:99")


def test_a_closed_engine_refuses_work(model_file):
    engine = LocalEngine("cpu")
    engine.close()
    with pytest.raises(EngineStoppedError):
        engine.open_model(str(model_file))


def test_a_batch_too_large_for_the_memory_is_halved(engine, model_file, photos, monkeypatch):
    info = engine.open_model(str(model_file))
    backend = engine._models[info.id].backend.inner
    forward = backend._forward
    sizes = []

    def small_memory(pixels, **options):
        sizes.append(len(pixels))
        if len(pixels) > 2:
            raise torch.OutOfMemoryError("too small")
        return forward(pixels, **options)

    expected = [p.scores for p in engine.predict(info.id, photos)]
    monkeypatch.setattr(backend, "_forward", small_memory)
    halved = [p.scores for p in engine.predict(info.id, photos, PredictConfig(8))]
    assert max(sizes) == 7
    for one, other in zip(expected, halved, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_thumbnails_along_the_way_change_no_score(engine, model_file, tmp_path):
    path = tmp_path / "large.jpg"
    rng = np.random.default_rng(1)
    small = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    small.resize((1600, 1300), Image.Resampling.BICUBIC).save(path)
    info = engine.open_model(str(model_file))
    (plain,) = engine.predict(info.id, [path])
    for features in (None, tmp_path / "features"):
        wish = ThumbnailWish(tmp_path / f"cache of {features and 'kept'}", 128, 10**7)
        config = PredictConfig(features=features, thumbnails=wish, facts=True)
        (found,) = engine.predict(info.id, [path], config)
        np.testing.assert_array_equal(found.scores, plain.scores)
        assert found.facts is not None and found.facts & Fact.LANDSCAPE_FORMAT
        assert plain.facts is None
        key = ThumbnailKey.of(path, 128)
        assert ThumbnailCache(wish.folder, wish.limit).find(key) is not None


def tag(*arguments):
    return cli.run(["tag", "--device", "cpu", *map(str, arguments)])


def test_tag_writes_one_json_line_per_photo_in_a_stable_order(model_file, photos, capsys):
    folder = photos[0].parent
    assert tag(folder, "--model", model_file, "--all-scores") == 0
    captured = capsys.readouterr()
    rows = [json.loads(line) for line in captured.out.splitlines()]
    assert [row["path"] for row in rows] == [str(p) for p in photos]
    usual = {"path", "model", "labels", "error", "model_id", "mtime", "size"}
    more = {"measured"}
    assert [set(row) - usual for row in rows] == [more] * 3 + [set()] + [more] * 4
    assert all("format" in " ".join(row["measured"]) for row in rows if not row["error"])
    assert {label["category"] for label in rows[0]["labels"]} == set(TINY_CATEGORIES)
    scores = [label["score"] for label in rows[0]["labels"]]
    assert scores == sorted(scores, reverse=True)
    assert rows[3]["labels"] == [] and "not a picture" in rows[3]["error"]
    assert "7 of 8 photos tagged, 1 could not be read" in captured.err


def test_nothing_is_measured_if_that_is_not_wanted(model_file, photos, capsys):
    assert tag(photos[0], "--model", model_file, "--no-facts") == 0
    assert "measured" not in json.loads(capsys.readouterr().out)
    assert tag(photos[0], "--model", model_file, "--no-facts", "--format", "table") == 0
    assert "[" not in capsys.readouterr().out


def test_the_threshold_decides_which_labels_are_written(model_file, photos, capsys):
    assert tag(photos[0], "--model", model_file, "--all-scores") == 0
    every = json.loads(capsys.readouterr().out)["labels"]
    middle = every[1]["score"]
    assert tag(photos[0], "--model", model_file, "--threshold", middle - 1e-4) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == every[:2]


def test_tag_goes_into_folders_only_when_asked(model_file, photos, capsys):
    inner = photos[0].parent / "inner"
    inner.mkdir()
    photos[0].rename(inner / "0.png")
    assert tag(photos[0].parent, "--model", model_file) == 0
    assert len(capsys.readouterr().out.splitlines()) == 7
    assert tag(photos[0].parent, "--model", model_file, "--recursive") == 0
    assert len(capsys.readouterr().out.splitlines()) == 8


def test_tag_into_a_file_and_as_csv(model_file, photos, tmp_path, capsys):
    result = tmp_path / "result.csv"
    assert tag(*photos, "--model", model_file, "--format", "csv", "--output", result) == 0
    assert capsys.readouterr().out == ""
    with result.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["path"] for row in rows} == {str(p) for p in photos}
    assert [row["error"] for row in rows if row["path"].endswith("3.png")] != [""]
    assert all(("format" in row["measured"]) is not bool(row["error"]) for row in rows)


def test_the_table_shows_a_line_per_photo(model_file, photos, capsys):
    assert tag(*photos, "--model", model_file, "--format", "table", "--threshold", "0") == 0
    out = capsys.readouterr().out
    assert out.count("%") == 7 * len(TINY_CATEGORIES)
    assert "not read: " in out
    assert out.count(" format") == 7


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-folder"],
        [".", "--threshold", "2"],
        [".", "--format", "xml"],
        [],
    ],
)
def test_wrong_usage_has_status_two(arguments, capsys):
    assert tag(*arguments) == 2
    assert capsys.readouterr().err


def test_an_engine_error_has_status_one_and_one_line(photos, tmp_path, capsys):
    (tmp_path / "x.safetensors").write_bytes(b"broken")
    assert tag(photos[0], "--model", tmp_path / "x.safetensors") == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert tag(photos[0], "--output", tmp_path / "no" / "x.csv") == 1
    assert "could not be written" in capsys.readouterr().err


def test_an_empty_folder_is_no_error(model_file, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert tag(tmp_path / "empty", "--model", model_file) == 0
    assert "No photos found" in capsys.readouterr().err


def test_what_is_left_out_is_said_by_kind_and_named_when_asked(model_file, tmp_path, capsys):
    for name in ("a.MOV", "b.mov", "c.psd", "notes.txt", "c.xmp"):
        (tmp_path / name).touch()
    assert tag(tmp_path, "--model", model_file) == 0
    said = capsys.readouterr().err
    assert "No photos found that can be opened." in said
    assert "Left out: 2 MOV, 1 PSD (--list-left-out names them)\n" in said
    assert "c.psd" not in said
    assert tag(tmp_path, "--model", model_file, "--list-left-out") == 0
    said = capsys.readouterr().err
    assert "Left out: 2 MOV, 1 PSD\n" in said
    assert f"{tmp_path / 'c.psd'}: PSD is not opened.\n" in said


def test_ctrl_c_keeps_what_is_done(model_file, photos, tmp_path, monkeypatch, capsys):
    from engine.cli.output import JsonLinesWriter

    write = JsonLinesWriter.write

    def interrupted(self, prediction):
        if prediction.path == photos[4]:
            raise KeyboardInterrupt
        write(self, prediction)

    monkeypatch.setattr(JsonLinesWriter, "write", interrupted)
    result = tmp_path / "result.jsonl"
    assert tag(*photos, "--model", model_file, "--output", result) == 130
    assert len(result.read_text().splitlines()) == 4


@pytest.mark.skipif(os.name == "nt", reason="names that are not UTF-8 exist on POSIX alone")
def test_names_that_are_not_utf8_survive_every_format(model_file, photos, capsys):
    odd = photos[0].parent / os.fsdecode(b"bad\xff\n.png")
    photos[0].rename(odd)
    assert tag(odd, "--model", model_file) == 0
    assert json.loads(capsys.readouterr().out)["path"] == str(odd)
    for form in ("csv", "table"):
        assert tag(odd, "--model", model_file, "--format", form) == 0
        assert "bad" in capsys.readouterr().out


def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless():
    file = io.StringIO()
    writer = CsvWriter(file, "@model", TINY_CATEGORIES, 0.5)
    scores = np.array([0.9, 0, 0, 0, 0], np.float32)
    writer.write(Prediction(Path("=1+1.jpg"), "id", scores))
    row = list(csv.reader(io.StringIO(file.getvalue())))[1]
    assert row == ["'=1+1.jpg", "'@model", "cat", "0.900000", "", "cat", ""]


def test_another_input_size_has_another_grid_and_leaves_the_models_own_alone(
    engine, model_file, photos
):
    info = engine.open_model(str(model_file))
    own = engine.explain(info.id, photos[0])
    larger = engine.explain(info.id, photos[0], input_size=128)
    again = engine.explain(info.id, photos[0], input_size=128)
    assert larger.values.shape[2] == 2 * own.values.shape[2]
    np.testing.assert_array_equal(larger.values, again.values)
    np.testing.assert_allclose(engine.explain(info.id, photos[0]).values, own.values, atol=1e-5)
    with pytest.raises(ConfigError):
        engine.explain(info.id, photos[0], input_size=7)


def test_a_hidden_part_changes_what_the_model_says(engine, model_file, photos):
    info = engine.open_model(str(model_file))
    seen = engine.explain(info.id, photos[0])
    blind = engine.explain(info.id, photos[0], Box(0.0, 0.0, 0.5, 1.0))
    assert not np.allclose(seen.values, blind.values, atol=1e-3)
    nothing = engine.explain(info.id, photos[0], Box(0.2, 0.2, 0.2, 0.2))
    np.testing.assert_allclose(nothing.values, seen.values, atol=1e-5)
