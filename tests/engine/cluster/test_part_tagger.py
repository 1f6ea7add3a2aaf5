"""What a worker writes, without a cluster around it."""

import hashlib
import json
from contextlib import ExitStack

import numpy as np
import pytest

from engine import cli
from engine.cluster.job import JobFacts, begin
from engine.cluster.model_copy import ModelCopy
from engine.cluster.part_tagger import PartTagger, TagOrder
from engine.records.tag_rows import TaggedBy
from engine.service.local import LocalEngine
from tests.engine.cluster.photos import rows_in, write_photos
from tests.engine.tiny_models import TINY_CATEGORIES, save_tiny_model

pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture(scope="module")
def model_id(model):
    with LocalEngine("cpu", 1, "torch") as engine:
        return engine.open_model(model).id


@pytest.fixture
def worker(model, model_id, tmp_path):
    """Makes what a worker of a job over some paths has, and ends it."""
    with ExitStack() as held:

        def make(paths, output=tmp_path / "out", *, id_=model_id, hashes=False):
            facts = JobFacts(model_id, "tiny", "float", 0.5, hashes)
            job = begin(str(output), facts, map(str, paths), 8)
            by = TaggedBy("tiny", model_id, TINY_CATEGORIES)
            copy = ModelCopy(str(model), id_, None)
            tagger = PartTagger(TagOrder(job, copy, by, (0.5,) * 5, "cpu", "torch", 99.0))
            held.callback(tagger.close)
            return tagger

        yield make


def batch(*parts):
    return {"task": np.array(parts)}


def test_rows_are_those_of_tag_without_a_cluster(worker, model, tmp_path, capsys):
    photos = write_photos(tmp_path / "photos", 12)
    told = worker(photos)(batch(0, 1))
    assert told["task"] == [0, 1] and told["photos"] == [8, 4] and told["refused"] == ["", ""]
    assert [sum(json.loads(text).values()) for text in told["causes"]] == [1, 0]

    command = ["tag", str(tmp_path / "photos"), "--model", str(model), "--backend", "torch"]
    assert cli.run([*command, "--device", "cpu", "--all-scores"]) == 0
    single = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rows = rows_in(tmp_path / "out")
    assert [row["path"] for row in rows] == [str(path) for path in photos]
    for row, alone in zip(rows, single, strict=True):
        assert row["path"] == alone["path"] and row["error"] == alone["error"]
        if row["error"] is None:
            scores = {label["category"]: label["score"] for label in alone["labels"]}
            assert dict(zip(TINY_CATEGORIES, row["scores"], strict=True)) == pytest.approx(
                scores, abs=6e-4
            )
            assert row["labels"] == [name for name, score in scores.items() if score >= 0.5]
            assert (row["width"], row["height"]) == (60, 40)
            assert row["size"] > 0 and row["mtime"] is not None and row["sha256"] is None


def test_a_part_that_is_there_is_not_done_again_but_told_of(worker, tmp_path):
    photos = write_photos(tmp_path / "photos", 8)
    tagger = worker(photos)
    first = tagger(batch(0))
    before = (tmp_path / "out" / "part-000000.parquet").stat()
    again = tagger(batch(0))
    assert (tmp_path / "out" / "part-000000.parquet").stat().st_ino == before.st_ino
    assert again["causes"] == first["causes"] and json.loads(first["causes"][0])


def test_the_same_input_gives_the_same_bytes(worker, tmp_path):
    photos = write_photos(tmp_path / "photos", 8)
    written = []
    for name in ("one", "two"):
        worker(photos, tmp_path / name)(batch(0))
        written.append((tmp_path / name / "part-000000.parquet").read_bytes())
    assert written[0] == written[1]


def test_hashes_are_those_of_the_files(worker, tmp_path):
    photos = write_photos(tmp_path / "photos", 2)
    worker([*photos, tmp_path / "gone.jpg"], hashes=True)(batch(0))
    rows = rows_in(tmp_path / "out")
    wanted = [hashlib.sha256(path.read_bytes()).hexdigest() for path in photos]
    assert [row["sha256"] for row in rows] == [*wanted, None]
    assert rows[2]["error"] and rows[2]["size"] is None and rows[2]["scores"] is None


def test_photos_of_a_storage_are_fetched_and_tagged_like_others(worker, tmp_path):
    memory = pytest.importorskip("fsspec").filesystem("memory")
    photos = write_photos(tmp_path / "photos", 7)
    for path in photos:
        memory.pipe(f"/fetch/{path.name}", path.read_bytes())
    try:
        remote = [f"memory:///fetch/{path.name}" for path in photos]
        told = worker([*remote, "memory:///fetch/gone.jpg"])(batch(0))
        assert json.loads(told["causes"][0])["There is no such file."] == 1
        worker(photos, tmp_path / "local")(batch(0))
    finally:
        memory.rm("/fetch", recursive=True)
    far, near = rows_in(tmp_path / "out"), rows_in(tmp_path / "local")
    assert [row["path"] for row in far[:7]] == remote
    assert [row["scores"] for row in far[:7]] == [row["scores"] for row in near]
    assert [row["size"] for row in far[:7]] == [row["size"] for row in near]
    assert all(row["mtime"] is not None for row in far[:7])


def test_another_model_than_the_one_that_was_asked_for_is_refused(worker, tmp_path, monkeypatch):
    monkeypatch.setattr(ModelCopy, "copy", lambda self: self.file)
    told = worker(write_photos(tmp_path / "photos", 1), id_="another")(batch(0))
    assert "otherwise" in told["refused"][0]
    assert not list((tmp_path / "out").glob("part-*"))


def test_a_folder_that_takes_no_part_is_told(worker, tmp_path, monkeypatch):
    tagger = worker(write_photos(tmp_path / "photos", 1))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.cluster.part_tagger.write_tag_rows", full)
    assert "No space left on device" in tagger(batch(0))["refused"][0]
    assert not list((tmp_path / "out").glob("*part*"))
