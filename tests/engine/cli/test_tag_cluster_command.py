"""``tag --ray`` on the command line: what it refuses, and what it says."""

import contextlib
import json

import pytest

from engine import cli
from engine.cluster.running import Workers
from tests.engine.cluster.photos import rows_in, write_photos
from tests.engine.tiny_models import save_tiny_model


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ray", "local", "x"], "Add --output DIR"),
        (["--ray", "local", "--output", "out"], "--list FILE"),
        (["--ray", "local", "--output", "out", "--list", "a.txt", "x"], "--list FILE"),
        (["--ray", "local", "--output", "out", "x", "--device", "cpu"], "--gpus-per-worker"),
        (["--ray", "local", "--output", "out", "x", "--shard", "0/2"], "--shard"),
        (["--ray", "local", "--output", "out", "x", "--format", "csv"], "Parquet only"),
        (["--ray", "local", "--output", "out", "x", "--rows-per-part", "-1"], "--rows-per-part"),
        (["--ray", "local", "--output", "out", "x", "--cpus-per-worker", "0"], "needs cores"),
        (["--list", "a.txt"], "--list is for --ray"),
        (["s3://bucket/photos"], "only be reached with --ray"),
        (["x", "--output", "s3://bucket/out.jsonl"], "only be reached with --ray"),
        ([], "no photos are named"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_done(arguments, said, capsys):
    assert cli.run(["tag", *arguments]) == 2
    assert said in capsys.readouterr().err


class FakeCluster:
    """Does all tasks in this process; after some it is told to stop."""

    def __init__(self, stops_after=99):
        self.stops_after = stops_after

    def fitting(self, workers):
        return Workers(1, 99.0)

    def put(self, content):
        return content

    def run(self, worker, arguments, tasks, workers):
        with contextlib.closing(worker(*arguments)) as actor:
            for task in tasks[: self.stops_after]:
                yield {name: values[0] for name, values in actor({"task": [task]}).items()}
            if self.stops_after < len(tasks):
                raise KeyboardInterrupt


@pytest.fixture
def tagged(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pyarrow.parquet")
    model = save_tiny_model(tmp_path / "tiny.safetensors")
    write_photos(tmp_path / "photos", 20)
    (tmp_path / "photos" / "film.mov").write_bytes(b"x")

    def run(cluster, *more):
        monkeypatch.setattr(
            "engine.cli.tag_cluster.connected", lambda address: contextlib.nullcontext(cluster)
        )
        command = ["tag", "--ray", "local", tmp_path / "photos", "--output", tmp_path / "out"]
        command += ["--model", model, "--backend", "torch", "--rows-per-part", 8, *more]
        status = cli.run(list(map(str, command)))
        return status, *capsys.readouterr()

    return run


def test_the_report_is_one_json_object_and_the_rest_is_told_beside_it(tagged, tmp_path):
    status, out, said = tagged(FakeCluster(), "--sha256")
    report = json.loads(out)
    assert status == 0 and report["complete"] and report["photos_now"] == 20
    assert report["tagged_now"] == 18 and report["failed_now"] == 2
    assert "20 of 20 photos looked at now" in said and "could not be read:" in said
    assert "Left out: 1 " in said
    assert report == json.loads((tmp_path / "out" / "_job" / "report.json").read_text())
    assert all(row["sha256"] for row in rows_in(tmp_path / "out"))


def test_ctrl_c_leaves_a_report_and_says_how_to_go_on(tagged, tmp_path):
    status, out, said = tagged(FakeCluster(stops_after=1))
    report = json.loads(out)
    assert status == 130 and report["interrupted"] and report["photos_now"] == 8
    assert "Give the same command again" in said

    status, out, said = tagged(FakeCluster())
    assert status == 0 and json.loads(out)["photos_before"] == 8
    assert "8 of 20 photos are done already" in said
    assert len(rows_in(tmp_path / "out")) == 20
