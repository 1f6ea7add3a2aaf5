"""A whole job over a fake cluster: begun, stopped, gone on with, reported."""

import contextlib
import json
from dataclasses import replace

import pytest

from engine.api.errors import DataError, ModelError
from engine.cluster.listing import Wanted
from engine.cluster.model_copy import ModelCopy
from engine.cluster.running import Workers
from engine.cluster.tagging import TagReport, TagRequest, tag
from tests.engine.cluster.photos import rows_in, write_photos
from tests.engine.tiny_models import save_tiny_model

pytest.importorskip("pyarrow.parquet")


class FakeCluster:
    """Does tasks in this process, up to a number, and notes which."""

    def __init__(self, refuses=False):
        self.tasks, self.refuses = [], refuses

    def fitting(self, workers):
        return Workers(1, 99.0)

    def put(self, content):
        return content

    def run(self, worker, arguments, tasks, workers):
        with contextlib.closing(worker(*arguments)) as actor:
            for task in tasks:
                self.tasks.append(task)
                told = {name: values[0] for name, values in actor({"task": [task]}).items()}
                yield {**told, "refused": "No room." if self.refuses else ""}


@pytest.fixture
def request_(tmp_path):
    write_photos(tmp_path / "photos", 20)
    model = save_tiny_model(tmp_path / "tiny.safetensors")
    wanted = Wanted((str(tmp_path / "photos"),))
    return TagRequest(wanted, str(tmp_path / "out"), str(model), "torch", rows_per_part=8)


def finished(request, cluster):
    newest = None
    with contextlib.closing(tag(request, cluster, Workers())) as reports:
        for report in reports:
            newest = report
    return newest.as_dict()


def test_a_stopped_job_goes_on_with_what_is_missing(request_, tmp_path):
    first = FakeCluster()
    with contextlib.closing(tag(request_, first, Workers())) as reports:
        for report in reports:
            if report.done:
                break
    kept = json.loads((tmp_path / "out" / "_job" / "report.json").read_text())
    assert kept["interrupted"] and not kept["complete"] and kept["photos_now"] == 8

    second = FakeCluster()
    report = finished(request_, second)
    assert first.tasks == [0] and second.tasks == [1, 2]
    assert (report["photos_before"], report["photos_now"], report["photos"]) == (8, 12, 20)
    assert report["complete"] and report["failed_now"] == 1 and not report["change"]
    assert sum(report["failures"].values()) == 1
    assert [worker["photos"] for worker in report["workers"]] == [12]
    assert len(rows_in(tmp_path / "out")) == 20

    third = FakeCluster()
    assert finished(request_, third)["photos_now"] == 0 and third.tasks == []


def test_a_folder_that_has_changed_is_told_and_the_job_keeps_to_its_photos(request_, tmp_path):
    with contextlib.closing(tag(request_, FakeCluster(), Workers())) as reports:
        next(reports)
    (tmp_path / "photos" / "00003.jpg").unlink()
    report = finished(request_, FakeCluster())
    assert "19 photos now, 20 then" in report["change"] and "--output" in report["change"]
    rows = rows_in(tmp_path / "out")
    assert len(rows) == 20 and rows[3]["error"] and report["complete"]


def test_two_programs_do_not_work_on_one_job(request_):
    with contextlib.closing(tag(request_, FakeCluster(), Workers())) as reports:
        next(reports)
        with pytest.raises(DataError, match="Another program works"):
            finished(request_, FakeCluster())
    assert finished(request_, FakeCluster())["complete"]


def test_another_threshold_in_the_same_folder_is_refused(request_):
    finished(request_, FakeCluster())
    with pytest.raises(DataError, match="threshold"):
        finished(replace(request_, threshold=0.25), FakeCluster())


def test_what_a_worker_refuses_ends_the_job_with_its_sentence(request_):
    with pytest.raises(ModelError, match=r"No room\..*worker"):
        finished(request_, FakeCluster(refuses=True))


def test_causes_that_name_each_file_do_not_fill_the_memory():
    report = TagReport("out", "model", "id", 5000, 5)
    for part in range(5):
        causes = {f"no file {part}-{i}": 1 for i in range(500)}
        told = {"refused": "", "worker": "a:1", "photos": 1000, "seconds": 1.0}
        report.add({**told, "causes": json.dumps(causes)})
    assert len(report.failures) == 1001 and report.failures.total() == 2500
    assert report.failures["other causes"] == 1500


def test_a_machine_without_the_file_gets_a_copy(request_, tmp_path, monkeypatch):
    import sys
    from types import SimpleNamespace

    from engine.service.local import LocalEngine

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get=lambda content: content))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    content = (tmp_path / "tiny.safetensors").read_bytes()
    with LocalEngine("cpu", 1, "torch") as engine:
        wanted = engine.open_model(tmp_path / "tiny.safetensors").id
    copy = ModelCopy("/nowhere/tiny.safetensors", wanted, content)
    with LocalEngine("cpu", 1, "torch") as engine:
        assert copy.open_in(engine).id == wanted
        assert copy.copy().is_relative_to(tmp_path / "elsewhere")
        with pytest.raises(ModelError, match=r"0\.0\.1 asks"):
            replace(copy, program="0.0.1").open_in(engine)
