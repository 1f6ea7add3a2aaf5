"""A job in its folder: begun, found again, and not mixed with another."""

from dataclasses import replace

import pytest

from engine.api.errors import DataError
from engine.cluster.job import JobFacts, begin, check_same, find, rows_per_part
from engine.cluster.listing import InputList
from engine.cluster.places import names_in, opened, write_whole

pytest.importorskip("pyarrow.parquet")

FACTS = JobFacts("abc", "Everyday", "float", 0.5, False)
PATHS = [f"/photos/{i}.jpg" for i in range(50)]


def test_a_job_is_found_again_as_it_was_begun(tmp_path):
    output = str(tmp_path / "out")
    assert find(output) is None
    job = begin(output, FACTS, iter(PATHS))
    assert find(output) == job
    assert (job.photos, job.rows_per_part, job.parts) == (50, 16, 4)
    assert [job.rows_of(part) for part in range(4)] == [16, 16, 16, 2]
    kept = InputList(job.list_file)
    assert [path for part in range(4) for path in kept.part(part)] == PATHS


def test_parts_are_found_by_their_names_alone(tmp_path):
    job = begin(str(tmp_path), FACTS, PATHS, 10)
    for part in (0, 3):
        write_whole(job.part_file(part), lambda file: file.write_bytes(b"x"))
    (tmp_path / ".csra-tmp-part-000001.parquet").write_bytes(b"half")
    assert job.done() == {0, 3}


def test_a_killed_beginning_leaves_no_job(tmp_path):
    def torn():
        yield "/a.jpg"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin(str(tmp_path), FACTS, torn(), 10)
    assert find(str(tmp_path)) is None
    assert begin(str(tmp_path), FACTS, PATHS, 10) == find(str(tmp_path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_id": "xyz", "model": "Other"}, "the model Everyday, not Other"),
        ({"model_id": "xyz"}, "another of this name"),
        ({"threshold": 0.4}, "the threshold 0.5, not 0.4"),
        ({"hashes": True}, "hashes"),
        ({"precision": "int8"}, "the precision float, not int8"),
    ],
)
def test_a_job_is_not_gone_on_with_in_another_way(tmp_path, change, said):
    job = begin(str(tmp_path), FACTS, PATHS)
    check_same(job, FACTS)
    with pytest.raises(DataError, match=said):
        check_same(job, replace(FACTS, **change))


def test_no_photos_are_no_job(tmp_path):
    with pytest.raises(DataError, match="No photos found"):
        begin(str(tmp_path), FACTS, [])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "facts": 3}', '{"format": 2}'])
def test_a_job_that_cannot_be_read_is_told(tmp_path, text):
    begin(str(tmp_path), FACTS, PATHS)
    (tmp_path / "_job" / "job.json").write_text(text)
    with pytest.raises(DataError):
        find(str(tmp_path))


def test_parts_without_a_job_are_not_taken_for_parts_of_a_new_one(tmp_path):
    (tmp_path / "part-000000.parquet").write_bytes(b"x")
    with pytest.raises(DataError, match="Name another folder"):
        find(str(tmp_path))


def test_a_job_can_lie_on_a_storage():
    memory = pytest.importorskip("fsspec").filesystem("memory")
    try:
        job = begin("memory://jobs/one", FACTS, PATHS, 10)
        write_whole(job.part_file(2), lambda file: file.write_bytes(b"whole"))
        assert find("memory://jobs/one") == job
        assert job.done() == {2}
        with opened(job.part_file(2)) as file:
            assert file.read() == b"whole"
        assert names_in("memory://jobs/one") == {"_job", "part-000002.parquet"}
    finally:
        memory.rm("/jobs", recursive=True)


@pytest.mark.parametrize(
    ("photos", "rows"), [(1, 16), (16_384, 16), (100_000, 98), (10**6, 977), (10**9, 4096)]
)
def test_parts_are_about_a_thousand_and_never_huge(photos, rows):
    assert rows_per_part(photos) == rows
